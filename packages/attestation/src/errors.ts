/**
 * Owns the stable codes of everything that can be wrong with evidence, one line each, with its sentence and its remedy.
 * Every code carries one context field, `detail`: what was seen. Does not own the pallet's names for them (pallet-errors.ts).
 */
import { AppError, defineErrors, describe, type ErrorsOf } from '@phalanx/primitives/errors'

/** Context of every code of this package. */
export interface Detail {
  readonly detail: string
}

const code = (text: string, fix: string) => describe<Detail>(text, fix)

const REFETCH = 'Fetch the document again from the vendor and pass it on byte for byte.'
const REQUOTE = 'Have the worker produce fresh evidence and pass it on byte for byte.'
const CHAIN = 'Send the certificates the vendor issued, leaf first, each signed by the next, unaltered.'
const REFRESH = 'Fetch fresh collateral; if it is fresh, set the clock.'

/** Codes of `@phalanx/attestation`. */
export const attestationErrors = defineErrors({
  // Text and binary containers
  ATTESTATION_DER_TRUNCATED: code('A DER element ends beyond its container: {detail}.', CHAIN),
  ATTESTATION_DER_LENGTH: code('A DER length is indefinite, oversized or not in its shortest form: {detail}.', 'Encode as DER (ITU-T X.690 section 10), not BER.'),
  ATTESTATION_DER_TAG: code('A DER element has another tag than its place allows: {detail}.', CHAIN),
  ATTESTATION_DER_VALUE: code('A DER value is not in its one canonical form: {detail}.', 'Encode as DER (ITU-T X.690 sections 8 and 11), not BER.'),
  ATTESTATION_DER_TRAILING_BYTES: code('Bytes follow a complete DER value: {detail}.', 'Send exactly one value; nothing may follow it.'),
  ATTESTATION_DER_DEPTH_EXCEEDED: code('DER is nested too deeply: {detail}.', 'Send a certificate or CRL as the vendor issued it.'),
  ATTESTATION_PEM_MALFORMED: code('A PEM chain cannot be read: {detail}.', 'Send whole -----BEGIN/END----- blocks of base64, nothing between them.'),
  ATTESTATION_BASE64_MALFORMED: code('Text is not canonical base64: {detail}.', 'Encode with the standard alphabet and padding (RFC 4648 section 4).'),
  ATTESTATION_JSON_MALFORMED: code('A signed document is not JSON: {detail}.', REFETCH),
  ATTESTATION_JSON_DUPLICATE_KEY: code('A signed document names one key twice: {detail}.', REFETCH),
  ATTESTATION_JSON_FIELD: code('A signed document lacks a field or has it in another form: {detail}.', REFETCH),
  ATTESTATION_INPUT_TOO_LARGE: code('An input exceeds its size limit: {detail}.', 'Send the document alone, without padding or unrelated data.'),
  ATTESTATION_DATE_MALFORMED: code('A date is not in its required form: {detail}.', REFETCH),

  // Certificates
  ATTESTATION_CERTIFICATE_MALFORMED: code('A certificate violates its profile: {detail}.', CHAIN),
  ATTESTATION_CERTIFICATE_DUPLICATE_EXTENSION: code('A certificate or CRL carries one extension twice: {detail}.', CHAIN),
  ATTESTATION_CERTIFICATE_UNKNOWN_CRITICAL: code('A critical extension is not understood: {detail}.', 'Use a verifier that knows the extension, or another certificate.'),
  ATTESTATION_CERTIFICATE_ALGORITHM: code('An algorithm or curve is not admitted: {detail}.', 'Use certificates of the vendor; no other algorithm is accepted.'),
  ATTESTATION_POINT_INVALID: code('A public key is not a point of its curve: {detail}.', REQUOTE),
  ATTESTATION_CERTIFICATE_SIGNATURE_INVALID: code('A certificate is not signed by its issuer: {detail}.', CHAIN),
  ATTESTATION_CERTIFICATE_NOT_YET_VALID: code('A certificate is not valid yet: {detail}.', 'Set the clock, or wait until the certificate begins.'),
  ATTESTATION_CERTIFICATE_EXPIRED: code('A certificate has expired: {detail}.', 'Obtain a renewed certificate from the vendor.'),
  ATTESTATION_CERTIFICATE_REVOKED: code('A certificate is on its issuer\'s revocation list: {detail}.', 'Update the platform\'s firmware and obtain a new certificate; a revoked key stays refused.'),
  ATTESTATION_CERTIFICATE_NOT_CA: code('A certificate that issued another is no certificate authority: {detail}.', CHAIN),
  ATTESTATION_CERTIFICATE_IS_CA: code('A certificate authority signs as an end entity: {detail}.', CHAIN),
  ATTESTATION_CERTIFICATE_KEY_USAGE: code('A key is used for something its certificate does not allow: {detail}.', CHAIN),
  ATTESTATION_CERTIFICATE_ISSUER_MISMATCH: code('A certificate names another issuer than the next in its chain: {detail}.', CHAIN),
  ATTESTATION_CERTIFICATE_KEY_ID_MISMATCH: code('A certificate or CRL names another issuer key than the one in its chain: {detail}.', CHAIN),
  ATTESTATION_CERTIFICATE_PATH_TOO_LONG: code('More authorities stand below a certificate than it allows: {detail}.', CHAIN),
  ATTESTATION_CERTIFICATE_ROLE: code('A certificate was issued for another role: {detail}.', CHAIN),
  ATTESTATION_CHAIN_LENGTH: code('A chain has another number of certificates than its role requires: {detail}.', CHAIN),
  ATTESTATION_CHAIN_ORDER: code('A chain is not ordered leaf first: {detail}.', 'Order the PEM blocks leaf, intermediate, root.'),
  ATTESTATION_CHAIN_MIXED: code('Parts that must share one authority come from two: {detail}.', 'Use collateral made for this platform\'s authority.'),
  ATTESTATION_ROOT_UNKNOWN: code('A chain does not end at a pinned root: {detail}.', 'Use genuine hardware of an admitted vendor, or have governance decide about the root at genesis.'),
  ATTESTATION_SIMULATED_REFUSED: code('The evidence comes from a simulated vendor: {detail}.', 'Use real hardware here; simulated evidence belongs on a chain whose genesis admits it.'),

  // Revocation lists
  ATTESTATION_CRL_MALFORMED: code('A revocation list cannot be read: {detail}.', REFETCH),
  ATTESTATION_CRL_ISSUER_MISMATCH: code('A revocation list was issued by another authority: {detail}.', 'Send the list of the authority that issued the certificate.'),
  ATTESTATION_CRL_SIGNATURE_INVALID: code('A revocation list is not signed by its issuer: {detail}.', REFETCH),
  ATTESTATION_CRL_NOT_YET_VALID: code('A revocation list is dated in the future: {detail}.', REFRESH),
  ATTESTATION_CRL_EXPIRED: code('A revocation list is past its next update: {detail}.', REFRESH),

  // Signed collateral
  ATTESTATION_COLLATERAL_ABSENT: code('The evidence needs collateral and none is given: {detail}.', 'Submit the evidence together with its collateral.'),
  ATTESTATION_TCB_INFO_SIGNATURE_INVALID: code('The TCB info is not signed by its issuer: {detail}.', REFETCH),
  ATTESTATION_TCB_INFO_UNSUPPORTED: code('The TCB info is of another kind or version: {detail}.', 'Fetch the TCB info that belongs to this kind of evidence.'),
  ATTESTATION_TCB_INFO_NOT_YET_VALID: code('The TCB info is dated in the future: {detail}.', REFRESH),
  ATTESTATION_TCB_INFO_EXPIRED: code('The TCB info is past its next update: {detail}.', REFRESH),
  ATTESTATION_QE_IDENTITY_SIGNATURE_INVALID: code('The quoting enclave\'s identity is not signed by its issuer: {detail}.', REFETCH),
  ATTESTATION_QE_IDENTITY_UNSUPPORTED: code('The quoting enclave\'s identity is of another kind or version: {detail}.', 'Fetch the identity that belongs to this kind of evidence.'),
  ATTESTATION_QE_IDENTITY_NOT_YET_VALID: code('The quoting enclave\'s identity is dated in the future: {detail}.', REFRESH),
  ATTESTATION_QE_IDENTITY_EXPIRED: code('The quoting enclave\'s identity is past its next update: {detail}.', REFRESH),
  ATTESTATION_EVALUATION_NUMBER_LOW: code('The collateral is of an older evaluation than the policy requires: {detail}.', 'Fetch collateral of the newest TCB evaluation.'),
  ATTESTATION_EVALUATION_NUMBER_MISMATCH: code('TCB info and quoting enclave identity are of different evaluations: {detail}.', 'Fetch both of one TCB evaluation data number.'),

  // Evidence
  ATTESTATION_EVIDENCE_UNKNOWN: code('The file holds no evidence of a known kind: {detail}.', 'Give a raw quote, report or document, JSON that carries one, or the SCALE of an AttestationReport; hex and base64 of these will do.'),
  ATTESTATION_COLLATERAL_UNKNOWN: code('The file holds no collateral of this kind: {detail}.', 'Give the collateral as JSON (QuoteCollateralV3) or as SCALE.'),
  ATTESTATION_QUOTE_MALFORMED: code('The quote cannot be read: {detail}.', REQUOTE),
  ATTESTATION_QUOTE_TRAILING_BYTES: code('Bytes follow the quote: {detail}.', 'Cut the quote at the length it states.'),
  ATTESTATION_QUOTE_VERSION: code('The quote is of an unsupported version: {detail}.', 'Use a quoting library that produces a supported version.'),
  ATTESTATION_QUOTE_KEY_TYPE: code('The quote is signed with an unsupported kind of key: {detail}.', 'Configure the quoting library for ECDSA P-256.'),
  ATTESTATION_TEE_TYPE: code('The quote is of another kind of TEE: {detail}.', 'Submit it as evidence of its own kind.'),
  ATTESTATION_QE_VENDOR: code('The quoting enclave is of another vendor: {detail}.', 'Use the quoting enclave of the platform\'s vendor.'),
  ATTESTATION_CERTIFICATION_DATA: code('The quote carries unsupported certification data: {detail}.', 'Configure the platform so that quotes carry the PCK certificate chain (type 5).'),
  ATTESTATION_PLATFORM_EXTENSION: code('The platform certificate\'s vendor extension cannot be used: {detail}.', CHAIN),
  ATTESTATION_QUOTE_SIGNATURE_INVALID: code('The quote is not signed by its attestation key: {detail}.', REQUOTE),
  ATTESTATION_QE_REPORT_SIGNATURE_INVALID: code('The quoting enclave\'s report is not signed by the platform key: {detail}.', REQUOTE),
  ATTESTATION_QE_BINDING: code('The quoting enclave does not vouch for the attestation key: {detail}.', REQUOTE),
  ATTESTATION_QE_MISMATCH: code('The quoting enclave is not the one the vendor published: {detail}.', 'Install the vendor\'s current quoting enclave on the platform.'),
  ATTESTATION_QE_LEVEL_NOT_FOUND: code('No published level covers the quoting enclave\'s version: {detail}.', 'Install the vendor\'s current quoting enclave on the platform.'),
  ATTESTATION_FMSPC_MISMATCH: code('The TCB info belongs to another platform family: {detail}.', 'Fetch the TCB info of the family named by the platform certificate.'),
  ATTESTATION_PCE_ID_MISMATCH: code('The TCB info belongs to another provisioning enclave: {detail}.', 'Fetch the TCB info of the platform certificate\'s PCE-ID.'),
  ATTESTATION_TCB_LEVEL_NOT_FOUND: code('No TCB level covers the platform: {detail}.', 'Update BIOS and microcode, then have the platform certificate renewed.'),
  ATTESTATION_DEBUG_ENCLAVE: code('The enclave or guest is in debug mode, its memory open to the host: {detail}.', 'Build, sign and start it for production (debug off).'),
  ATTESTATION_TD_ATTRIBUTES_RESERVED: code('The guest has attributes set that nobody has defined: {detail}.', 'Start the guest with defined attributes only, or use a verifier that knows these.'),
  ATTESTATION_TD_SEPT_VE_ENABLED: code('The host can raise exceptions on the guest\'s private pages: {detail}.', 'Start the guest with SEPT_VE_DISABLE set, and its kernel with support for it.'),
  ATTESTATION_TD_MIGRATABLE: code('The guest can be migrated to another host: {detail}.', 'Start the guest without the migratable attribute.'),
  ATTESTATION_TD_SERVICE_BOUND: code('A service guest with access to this one is bound to it: {detail}.', 'Start the guest without service guests (migration service).'),
  ATTESTATION_TD_XFAM: code('The guest\'s extended features are not in their allowed form: {detail}.', 'Start the guest with a supported set of extended features.'),
  ATTESTATION_TD_MODULE_MISMATCH: code('The module that runs guests is not one the vendor published: {detail}.', 'Install the vendor\'s current module on the platform.'),
  ATTESTATION_TD_MODULE_LEVEL_NOT_FOUND: code('No published level covers the version of the module that runs guests: {detail}.', 'Install the vendor\'s current module on the platform.'),
  ATTESTATION_REPORT_SIGNATURE_INVALID: code('The report is not signed by its certificate: {detail}.', REQUOTE),
  ATTESTATION_REPORT_MALFORMED: code('The report cannot be read: {detail}.', REQUOTE),
  ATTESTATION_REPORT_TIMESTAMP: code('The report\'s time cannot be read: {detail}.', REQUOTE),
  ATTESTATION_REPORT_EXPIRED: code('The report is too old: {detail}.', 'Have the worker fetch a new report and submit it at once.'),
  ATTESTATION_QUOTE_BODY_MALFORMED: code('The quote body inside the report cannot be read: {detail}.', REQUOTE),
  ATTESTATION_STATUS_UNKNOWN: code('The report\'s status is not one that can be trusted: {detail}.', 'Update the platform until the vendor reports a known, trusted status.'),

  // Other platforms' evidence
  ATTESTATION_CBOR_MALFORMED: code('CBOR cannot be read: {detail}.', REQUOTE),
  ATTESTATION_CBOR_NOT_CANONICAL: code('A CBOR length is indefinite or not in its shortest form: {detail}.', 'Encode with definite lengths and shortest heads (RFC 8949 section 4.2.1).'),
  ATTESTATION_CBOR_DUPLICATE_KEY: code('A CBOR map names one key twice: {detail}.', REQUOTE),
  ATTESTATION_CBOR_DEPTH_EXCEEDED: code('CBOR is nested too deeply: {detail}.', REQUOTE),
  ATTESTATION_CBOR_TRAILING_BYTES: code('Bytes follow a complete CBOR value: {detail}.', 'Send exactly one document; nothing may follow it.'),
  ATTESTATION_COSE_MALFORMED: code('A signed document is not in the form of COSE_Sign1: {detail}.', REQUOTE),
  ATTESTATION_DOCUMENT_FIELD: code('A field of the attestation document is missing or not in its form: {detail}.', REQUOTE),
  ATTESTATION_DOCUMENT_SIGNATURE_INVALID: code('The attestation document is not signed by its certificate: {detail}.', REQUOTE),
  ATTESTATION_SPDM_MALFORMED: code('A device report cannot be read: {detail}.', REQUOTE),
  ATTESTATION_XML_MALFORMED: code('A manifest is not XML of the admitted form: {detail}.', REFETCH),
  ATTESTATION_MANIFEST_FIELD: code('A manifest lacks a part or has it in another form: {detail}.', REFETCH),
  ATTESTATION_MANIFEST_SIGNATURE_INVALID: code('A manifest is not signed by its certificate: {detail}.', REFETCH),
  ATTESTATION_REFERENCE_MISMATCH: code('The device does not run what the vendor\'s manifest describes: {detail}.', 'Fetch the manifests of exactly this driver and firmware; if they are, install both anew.'),
  ATTESTATION_DEVICE_ONLY: code('Evidence of a device does not stand for the machine it is in: {detail}.', 'Register with evidence of the CPU\'s TEE; device evidence is verified beside it.'),
  ATTESTATION_PRODUCT_MISMATCH: code('Parts of the evidence are of different processor products: {detail}.', 'Use the certificates that the vendor issued for this processor.'),
  ATTESTATION_SIGNING_KEY: code('The report was signed with another key than its chain endorses, or with none: {detail}.', 'Fetch the certificate of the key that the report names; have the host leave the chip\'s key in use.'),
  ATTESTATION_CHIP_ID_MISMATCH: code('The endorsement certificate belongs to another chip: {detail}.', 'Fetch the certificate of this chip; have the host leave the chip\'s id visible.'),
  ATTESTATION_TCB_MISMATCH: code('The endorsement certificate belongs to other security versions than the report: {detail}.', 'Fetch the certificate again for the TCB version that the report names.'),
  ATTESTATION_TCB_INCONSISTENT: code('The report\'s security versions contradict each other: {detail}.', REQUOTE),
  ATTESTATION_TCB_BELOW_MINIMUM: code('The platform\'s security versions are below what the policy requires: {detail}.', 'Update the platform\'s firmware and microcode, start the guest again, then attest again.'),
  ATTESTATION_GUEST_POLICY: code('The guest was launched with a policy that is not admitted: {detail}.', 'Launch the guest without migration agent and with a well-formed policy.'),
  ATTESTATION_PRIVILEGE_LEVEL: code('The report was asked for from a less privileged level of the guest: {detail}.', 'Have the measured code itself ask for the report, at level 0.'),

  // Policy
  ATTESTATION_POLICY_MALFORMED: code('The policy cannot be read: {detail}.', 'Write JSON with the fields of AttestationPolicy (docs/verify.md lists them), or give the SCALE that a chain keeps.'),
  ATTESTATION_EVIDENCE_ABSENT: code('No evidence is given: {detail}.', 'Run the worker on a platform that produces evidence.'),
  ATTESTATION_KIND_REFUSED: code('The policy does not admit this kind of evidence: {detail}.', 'Use a kind the policy lists, or have governance admit it.'),
  ATTESTATION_MEASUREMENT_REFUSED: code('The code is not on the list of allowed measurements: {detail}.', 'Run an allow-listed build, or have governance list this one.'),
  ATTESTATION_REPORT_DATA_MISMATCH: code('The evidence was made for other data: {detail}.', 'Submit evidence together with the exact data it commits to.'),
  ATTESTATION_STATUS_REFUSED: code('The platform\'s status is not accepted: {detail}.', 'Update BIOS, microcode and configuration as the advisories say, then attest again.'),
  ATTESTATION_ADVISORY_REFUSED: code('An open advisory is not accepted: {detail}.', 'Apply the advisory\'s mitigation, then attest again.'),
  ATTESTATION_CONFIDENCE_TOO_LOW: code('The confidence level is below what the policy requires: {detail}.', 'Update the platform; a lower number is more confidence.'),
  ATTESTATION_FMSPC_REFUSED: code('The policy does not admit this platform family: {detail}.', 'Use hardware of an admitted family, or have governance admit it.'),
})

declare module '@phalanx/primitives/errors' {
  interface ErrorContexts extends ErrorsOf<typeof attestationErrors> {}
}

/** A code of this package. */
export type AttestationErrorCode = keyof typeof attestationErrors

/** The error of a code; its path is where in the input it was found. */
export const attestationError = (errorCode: AttestationErrorCode, detail: string, options: { readonly cause?: unknown; readonly path?: string } = {}): AppError =>
  new AppError(errorCode, { detail }, options) as AppError

/** Whether a thrown value is one of this package's errors. */
export const isAttestationError = (error: unknown): error is AppError<AttestationErrorCode> =>
  error instanceof AppError && Object.hasOwn(attestationErrors, error.code)

/** The remedy of a code. */
export const fixOf = (errorCode: AttestationErrorCode): string => attestationErrors[errorCode].fix
