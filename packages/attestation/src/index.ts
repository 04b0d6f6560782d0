/** Public face of the package: kinds and evidence, policy, verdicts, registration, prepared collateral, error codes. */
export { attestationErrors, type AttestationErrorCode } from './errors.ts'
export type { DetectionInput } from './detection.ts'
export * from './kinds/index.ts'
export { attachCollateral, detectEvidence, type DetectedEvidence, type EvidenceForm } from './kinds/detect.ts'
export { parseCollateral } from './kinds/dcap/detect.ts'
export type { CollateralAnswer, CollateralPlan, TeeKind, VerifyInput } from './kinds/kind.ts'
export { prepareSgxCollateral as prepareCollateral, type CollateralTrust, type PreparedCollateral } from './kinds/dcap/collateral.ts'
export { ROOT_FINGERPRINTS, dcapRoot, iasRoot } from './kinds/dcap/roots.ts'
export { Collateral, SgxV30QuoteCollateral, type DcapEvidence } from './kinds/dcap/wire.ts'
export type { IasEvidence } from './kinds/sgx-ias.ts'
export { APPENDED_PALLET_ERRORS, palletErrorOf, type RegistrationPalletError } from './pallet-errors.ts'
export { AnyCollateral, collateralKeyOf, isNewerSet, judgeCollateral, type SetVerdict, type StandingSet } from './canonical.ts'
export { AttestationPolicy, PlatformFamily, REFERENCE_STATUSES, createPolicy } from './policy.ts'
export { AttestationRecord, CanonicalSet, CollateralKey, EvidenceRecord } from './records.ts'
export { evaluateRegistration, type RegistrationInput, type RegistrationOutcome } from './registration.ts'
export { TCB_STATUSES, confidenceOf, mergeStatus, type TcbStatus } from './status.ts'
export {
  allFailures, firstFailure, firstFailurePath, firstLapse, formatVerdict, remediesOf, verdictError,
  type ByteRange, type Check, type CheckResult, type CheckValue, type Facts, type Lapse, type Remedy, type Verdict,
} from './verdict.ts'
export { verdictToJson, type PlainJson } from './verdict-json.ts'
export { formatVerifiedFile, verifiedFileToJson, verifyFile, verifyReport, type VerdictStyle, type VerifiedFile, type VerifyFileInput } from './verify-file.ts'
export { parsePolicy, policyToJson } from './policy-json.ts'
