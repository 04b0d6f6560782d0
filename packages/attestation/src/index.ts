/** Public face of the package: kinds and evidence, policy, verdicts, registration, prepared collateral, error codes. */
export { attestationErrors, type AttestationErrorCode } from './errors.ts'
export * from './kinds/index.ts'
export type { CollateralAnswer, CollateralPlan, TeeKind, VerifyInput } from './kinds/kind.ts'
export { prepareSgxCollateral as prepareCollateral, type CollateralTrust, type PreparedCollateral } from './kinds/sgx/collateral.ts'
export { ROOT_FINGERPRINTS, dcapRoot, iasRoot } from './kinds/sgx/roots.ts'
export { Collateral, SgxV30QuoteCollateral, type DcapEvidence, type IasEvidence } from './kinds/sgx/wire.ts'
export { APPENDED_PALLET_ERRORS, palletErrorOf, type RegistrationPalletError } from './pallet-errors.ts'
export { AttestationPolicy, REFERENCE_STATUSES, createPolicy } from './policy.ts'
export { evaluateRegistration, type RegistrationInput, type RegistrationOutcome } from './registration.ts'
export { TCB_STATUSES, confidenceOf, mergeStatus, type TcbStatus } from './status.ts'
export {
  allFailures, firstFailure, firstFailurePath, formatVerdict, verdictError,
  type ByteRange, type Check, type CheckResult, type CheckValue, type Facts, type Verdict,
} from './verdict.ts'
