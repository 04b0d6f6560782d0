/**
 * Owns the judgement of what vouches for a quote: the PCK chain, the QE report under the PCK, the attestation key under the QE
 * report, the quote under the attestation key. The same for quotes of versions 3, 4 and 5.
 */
import type { Crypto } from '@phalanx/primitives/crypto'
import { bytesEqual, concatBytes, parseUtf8, toHexPlain } from '@phalanx/primitives/bytes'
import { isAppError } from '@phalanx/primitives/errors'
import { attestationError } from '../../errors.ts'
import type { AttestationPolicy } from '../../policy.ts'
import type { ByteRange, CheckRecorder } from '../../verdict.ts'
import type { Certificate } from '../../x509/certificate.ts'
import { checkChain, type VerifiedChain } from '../../x509/chain.ts'
import { checkNotRevoked } from '../../x509/revocation.ts'
import { isOnCurve, publicKeysEqual } from '../../x509/signature.ts'
import { ROLE, parseChain, type PreparedCollateral } from './collateral.ts'
import type { QuoteAuthentication, QuotePart } from './quote.ts'

const API = 'Intel SGX DCAP Quoting Library API, appendix A.4'
const PROFILE = 'Intel SGX PCK Certificate and CRL Profile Specification'

/** Certification data type 5: PEM chain PCK certificate, its authority, root. */
const PEM_CHAIN = 5

/** The parts of a quote of any version that are judged here. */
export interface QuotingEvidence {
  readonly signed: Uint8Array
  readonly authentication: QuoteAuthentication
  readonly at: Readonly<Record<QuotePart, ByteRange>>
}

/** Certification data is unsigned bytes of the submitter: text only if it is UTF-8. */
const chainText = (data: Uint8Array): string => {
  try {
    return parseUtf8(data)
  } catch (error) {
    if (isAppError(error, 'CODEC_INVALID_UTF8')) throw attestationError('ATTESTATION_PEM_MALFORMED', 'the chain is no text', { cause: error })
    throw error
  }
}

/**
 * A revocation list says nothing about certificates of another authority. Without this check a revoked Platform certificate passes
 * beside the (empty) list of the Processor authority. Equal name and key suffice: authorities are re-issued under the same key.
 */
const checkAuthorityMatch = (checks: CheckRecorder, chain: VerifiedChain, collateral: PreparedCollateral): void => {
  const { pckAuthority, root } = collateral
  const spec = { name: 'one authority', rule: 'The revocation list in the collateral is of the authority that issued the PCK certificate', seen: chain.issuer.commonName }
  if (pckAuthority === undefined || root === undefined) return checks.skip(spec, 'the collateral\'s authority did not stand')
  const same = bytesEqual(pckAuthority.subject, chain.issuer.subject) && publicKeysEqual(pckAuthority.publicKey, chain.issuer.publicKey) && bytesEqual(root.fingerprint, chain.root.fingerprint)
  checks.check({ ...spec, expected: pckAuthority.commonName }, { pass: same, code: 'ATTESTATION_CHAIN_MIXED', detail: `"${chain.issuer.commonName}", collateral of "${pckAuthority.commonName}"` })
}

/** The leaf against its authority's list, the authority against the root's: the collateral's authority may be a re-issue of this one. */
const checkRevoked = (checks: CheckRecorder, chain: VerifiedChain, collateral: PreparedCollateral): void => {
  const spec = { name: 'not revoked', rule: 'RFC 5280 section 6.3.3' }
  if (collateral.pckCrl === undefined) checks.skip(spec, 'the PCK CRL did not stand')
  else checkNotRevoked(checks, chain.leaf, collateral.pckCrl)
  if (collateral.rootCrl === undefined) checks.skip(spec, 'the root CRL did not stand')
  else checkNotRevoked(checks, chain.issuer, collateral.rootCrl)
}

/** Judges the PCK chain in the certification data, against the collateral's authority and lists. */
export const checkPckChain = (
  checks: CheckRecorder,
  quote: QuotingEvidence,
  collateral: PreparedCollateral,
  input: { readonly policy: AttestationPolicy; readonly crypto: Crypto },
): VerifiedChain | undefined =>
  checks.group({ name: 'PCK chain', rule: PROFILE, at: quote.at.certificationData }, (inner) => {
    const { certificationType, certificationData } = quote.authentication
    const typed = inner.check(
      { name: 'certification data type', rule: `${API}: 5 is the PEM chain of the PCK certificate`, seen: certificationType, expected: PEM_CHAIN },
      { pass: certificationType === PEM_CHAIN, code: 'ATTESTATION_CERTIFICATION_DATA', detail: `type ${certificationType}` },
    )
    if (!typed) return undefined
    const { pckAuthority, root } = collateral
    const certificates = inner.attempt({ name: 'form', rule: 'RFC 7468, RFC 5280 in DER' }, () => parseChain(chainText(certificationData), [pckAuthority, root?.certificate]))
    if (certificates === undefined) return undefined
    const shape = { certificates, length: 3, rootPresented: true, leafIsAuthority: false, leafRole: ROLE.pck }
    const roots = collateral.roots.filter(({ certificate }) => input.policy.roots.some((der) => bytesEqual(der, certificate.der)))
    const verified = pckAuthority === undefined || root === undefined ? {} : { verified: { authority: pckAuthority, root } }
    const chain = checkChain(inner, shape, { roots, simulated: input.policy.simulated, ...verified }, input.crypto)
    if (chain === undefined) return undefined
    checkAuthorityMatch(inner, chain, collateral)
    checkRevoked(inner, chain, collateral)
    return chain
  })

/** The platform key vouches for the quoting enclave: this is where a stolen PCK key would forge everything below it. */
const checkQeReport = (checks: CheckRecorder, quote: QuotingEvidence, pck: Certificate | undefined, crypto: Crypto): void => {
  const { qeReport, qeReportSignature } = quote.authentication
  const spec = { name: 'QE report signature', rule: `${API}: ECDSA P-256 by the PCK key over the 384 bytes of the QE report`, seen: qeReportSignature, at: quote.at.qeReportSignature }
  if (pck === undefined) return checks.skip(spec, 'the PCK certificate did not stand')
  const key = pck.publicKey
  const valid = key.kind === 'p256' && crypto.p256.verify(qeReportSignature, qeReport.bytes, key.value)
  const offCurve = !valid && key.kind === 'p256' && !isOnCurve('p256', key.value)
  checks.check(spec, {
    pass: valid,
    code: offCurve ? 'ATTESTATION_POINT_INVALID' : 'ATTESTATION_QE_REPORT_SIGNATURE_INVALID',
    detail: `by "${pck.commonName}" (serial ${toHexPlain(pck.serial)})`,
  })
}

const ZEROS = new Uint8Array(32)

/**
 * The quoting enclave vouches for the attestation key by hashing it into its own report. The upper half must be zero: it is what the
 * vendor's quoting enclave writes, and leaves no room for a second meaning of the report.
 */
const checkBinding = (checks: CheckRecorder, quote: QuotingEvidence, crypto: Crypto): void => {
  const { attestationKey, qeAuthData, qeReport } = quote.authentication
  const hash = crypto.sha256(concatBytes(attestationKey, qeAuthData))
  checks.check(
    {
      name: 'attestation key binding', at: quote.at.attestationKey,
      rule: `${API}: the QE's report data is SHA-256(attestation key ‖ authentication data) and 32 zero bytes`,
      seen: qeReport.reportData, expected: hash,
    },
    { pass: bytesEqual(qeReport.reportData, concatBytes(hash, ZEROS)), code: 'ATTESTATION_QE_BINDING', detail: toHexPlain(qeReport.reportData.subarray(0, 32)) },
  )
}

/** Judges QE report, key binding and quote signature. */
export const checkQuotingEvidence = (checks: CheckRecorder, quote: QuotingEvidence, pck: Certificate | undefined, crypto: Crypto): void =>
  checks.group({ name: 'signatures', rule: API }, (inner) => {
    const { signature, attestationKey } = quote.authentication
    checkQeReport(inner, quote, pck, crypto)
    checkBinding(inner, quote, crypto)
    const valid = crypto.p256.verify(signature, quote.signed, attestationKey)
    const offCurve = !valid && !isOnCurve('p256', attestationKey)
    inner.check(
      { name: 'quote signature', rule: `${API}: ECDSA P-256 by the attestation key over header and report`, seen: signature, at: quote.at.signature },
      {
        pass: valid,
        code: offCurve ? 'ATTESTATION_POINT_INVALID' : 'ATTESTATION_QUOTE_SIGNATURE_INVALID',
        detail: offCurve ? `attestation key ${toHexPlain(attestationKey.subarray(0, 8))}…` : `over ${quote.signed.length} bytes`,
      },
    )
  })
