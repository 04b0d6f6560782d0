/**
 * Owns how verification failures are named on chain: the reference's names (registry.md §2, §5) where it has one, and the names
 * appended after its last index where it lumps causes together. Does not own indices 0 to 39.
 */
import type { AttestationErrorCode } from './errors.ts'

/** Errors to append to the registry pallet after index 39, with their docs. Each family of kinds has a range of its own: 80 for guests. */
export const APPENDED_PALLET_ERRORS = [
  { name: 'DebugEnclave', index: 40, doc: 'The enclave runs in debug mode; its memory is open to its host.' },
  { name: 'CertificateExpired', index: 41, doc: 'A certificate in the evidence or its collateral is outside its validity.' },
  { name: 'CertificateRevoked', index: 42, doc: 'A certificate in the evidence or its collateral is revoked.' },
  { name: 'CollateralExpired', index: 43, doc: 'TCB info, quoting enclave identity or a revocation list is outside its dates.' },
  { name: 'CollateralInvalid', index: 44, doc: 'Collateral is unreadable, wrongly signed, or of another platform.' },
  { name: 'CollateralOutdated', index: 45, doc: 'Collateral is of an older or mixed TCB evaluation than the policy requires.' },
  { name: 'UntrustedRoot', index: 46, doc: 'The evidence does not end at a pinned vendor root.' },
  { name: 'SimulatedEvidenceRefused', index: 47, doc: 'The evidence comes from a simulated vendor and the genesis does not admit it.' },
  { name: 'AttestationKindRefused', index: 48, doc: 'The policy does not admit this kind of evidence.' },
  { name: 'PlatformFamilyRefused', index: 49, doc: 'The policy does not admit this platform family.' },
  { name: 'AdvisoryRefused', index: 50, doc: 'A security advisory that the policy refuses is open on the platform.' },
  { name: 'ConfidenceTooLow', index: 51, doc: 'The confidence level is worse than the policy admits.' },
  { name: 'GuestAttributesRefused', index: 80, doc: 'The guest was started with attributes that leave it open to its host or to another guest.' },
  { name: 'PlatformModuleRefused', index: 81, doc: 'The firmware module that runs guests is not one the vendor published.' },
  { name: 'EvidenceInvalid', index: 90, doc: 'Evidence that is no quote of the reference\'s kinds is unreadable, contradicts itself or is wrongly signed.' },
  { name: 'PlatformOutdated', index: 91, doc: 'The platform\'s security versions are below the policy\'s minimum for its family.' },
] as const

/** Name of a pallet error that a failed verification maps to. */
export type RegistrationPalletError =
  | (typeof APPENDED_PALLET_ERRORS)[number]['name']
  | 'InvalidIASSigningCert' | 'InvalidReport' | 'InvalidQuoteStatus' | 'BadIASReport' | 'OutdatedIASReport' | 'UnknownQuoteBodyFormat'
  | 'InvalidDCAPQuote' | 'InvalidRuntimeInfoHash' | 'NoneAttestationDisabled' | 'PRuntimeRejected' | 'UnsupportedAttestationType'

/** Codes with one name whatever the kind. */
const COMMON: Readonly<Partial<Record<AttestationErrorCode, RegistrationPalletError>>> = {
  ATTESTATION_EVIDENCE_ABSENT: 'NoneAttestationDisabled',
  ATTESTATION_COLLATERAL_ABSENT: 'UnsupportedAttestationType',
  ATTESTATION_KIND_REFUSED: 'AttestationKindRefused',
  ATTESTATION_DEVICE_ONLY: 'AttestationKindRefused',
  ATTESTATION_TCB_BELOW_MINIMUM: 'PlatformOutdated',
  ATTESTATION_GUEST_POLICY: 'GuestAttributesRefused',
  ATTESTATION_PRIVILEGE_LEVEL: 'GuestAttributesRefused',
  ATTESTATION_MEASUREMENT_REFUSED: 'PRuntimeRejected',
  ATTESTATION_REPORT_DATA_MISMATCH: 'InvalidRuntimeInfoHash',
  ATTESTATION_STATUS_REFUSED: 'InvalidQuoteStatus',
  ATTESTATION_STATUS_UNKNOWN: 'InvalidQuoteStatus',
  ATTESTATION_TCB_LEVEL_NOT_FOUND: 'InvalidQuoteStatus',
  ATTESTATION_ADVISORY_REFUSED: 'AdvisoryRefused',
  ATTESTATION_CONFIDENCE_TOO_LOW: 'ConfidenceTooLow',
  ATTESTATION_FMSPC_REFUSED: 'PlatformFamilyRefused',
  ATTESTATION_DEBUG_ENCLAVE: 'DebugEnclave',
  ATTESTATION_TD_ATTRIBUTES_RESERVED: 'GuestAttributesRefused',
  ATTESTATION_TD_SEPT_VE_ENABLED: 'GuestAttributesRefused',
  ATTESTATION_TD_MIGRATABLE: 'GuestAttributesRefused',
  ATTESTATION_TD_SERVICE_BOUND: 'GuestAttributesRefused',
  ATTESTATION_TD_XFAM: 'GuestAttributesRefused',
  ATTESTATION_TD_MODULE_MISMATCH: 'PlatformModuleRefused',
  ATTESTATION_TD_MODULE_LEVEL_NOT_FOUND: 'InvalidQuoteStatus',
  ATTESTATION_SIMULATED_REFUSED: 'SimulatedEvidenceRefused',
  ATTESTATION_REPORT_EXPIRED: 'OutdatedIASReport',
  ATTESTATION_REPORT_TIMESTAMP: 'BadIASReport',
  ATTESTATION_REPORT_MALFORMED: 'InvalidReport',
  ATTESTATION_REPORT_SIGNATURE_INVALID: 'InvalidIASSigningCert',
  ATTESTATION_QUOTE_BODY_MALFORMED: 'UnknownQuoteBodyFormat',
}

/** Codes named by the chain's additions for quotes with collateral. */
const QUOTE: Readonly<Partial<Record<AttestationErrorCode, RegistrationPalletError>>> = {
  ATTESTATION_CERTIFICATE_NOT_YET_VALID: 'CertificateExpired',
  ATTESTATION_CERTIFICATE_EXPIRED: 'CertificateExpired',
  ATTESTATION_CERTIFICATE_REVOKED: 'CertificateRevoked',
  ATTESTATION_ROOT_UNKNOWN: 'UntrustedRoot',
  ATTESTATION_CRL_NOT_YET_VALID: 'CollateralExpired',
  ATTESTATION_CRL_EXPIRED: 'CollateralExpired',
  ATTESTATION_TCB_INFO_NOT_YET_VALID: 'CollateralExpired',
  ATTESTATION_TCB_INFO_EXPIRED: 'CollateralExpired',
  ATTESTATION_QE_IDENTITY_NOT_YET_VALID: 'CollateralExpired',
  ATTESTATION_QE_IDENTITY_EXPIRED: 'CollateralExpired',
  ATTESTATION_EVALUATION_NUMBER_LOW: 'CollateralOutdated',
  ATTESTATION_EVALUATION_NUMBER_MISMATCH: 'CollateralOutdated',
  ATTESTATION_FMSPC_MISMATCH: 'CollateralInvalid',
  ATTESTATION_PCE_ID_MISMATCH: 'CollateralInvalid',
  ATTESTATION_CHAIN_MIXED: 'CollateralInvalid',
}

/** Where the first failure was found: the part of the tree below the root. */
export interface FailurePlace {
  readonly code: AttestationErrorCode
  /** Names from the tree's root to the failing check. */
  readonly path: readonly string[]
  /** Whether the evidence is a dated report with one signing certificate, not a quote with collateral. */
  readonly isReport: boolean
  /** The kind's name for faults without one of their own. */
  readonly invalidError?: RegistrationPalletError | undefined
}

/** The pallet error of a failure. */
export const palletErrorOf = ({ code, path, isReport, invalidError }: FailurePlace): RegistrationPalletError => {
  const common = COMMON[code]
  if (common !== undefined) return common
  if (isReport) return path[0] === 'report' ? 'InvalidReport' : 'InvalidIASSigningCert'
  const quote = QUOTE[code]
  if (quote !== undefined) return quote
  if (path[0] === 'collateral' || /^ATTESTATION_(CRL|TCB_INFO|QE_IDENTITY)_/.test(code)) return 'CollateralInvalid'
  return invalidError ?? 'InvalidDCAPQuote'
}
