/**
 * Owns the judgement of DCAP evidence of any kind: structure, collateral, validity, signatures, platform, policy, in this order. What
 * differs between kinds (versions, documents, body, TCB rules) is handed in as a `DcapFlavour`.
 */
import type { Crypto } from '@phalanx/primitives/crypto'
import { bytesEqual, parseHex, toHexPlain } from '@phalanx/primitives/bytes'
import type { AttestationPolicy } from '../../policy.ts'
import { checkPolicy, checkReportData, type FactsDraft } from '../../policy-checks.ts'
import { mergeStatus, type TcbStatus } from '../../status.ts'
import { certificateWindow, checkWindows } from '../../validity.ts'
import { createCheckRecorder, verdictOf, type CheckRecorder, type CheckValue, type Verdict } from '../../verdict.ts'
import type { Certificate } from '../../x509/certificate.ts'
import type { VerifyInput } from '../kind.ts'
import { HARMLESS_ADVISORIES } from './advisories.ts'
import { prepareSgxCollateral, type PreparedCollateral } from './collateral.ts'
import { checkPckChain, checkQuotingEvidence } from './quoting.ts'
import { parsePlatformExtension, type PlatformExtension } from './platform.ts'
import { checkQeIdentity, type QeLevel } from './qe-identity.ts'
import { parseQuote, parseQuoteHeader, type Quote, type QuoteHeader } from './quote.ts'
import type { TcbInfo } from './tcb-info.ts'
import type { DcapEvidence } from './wire.ts'

const API = 'Intel DCAP quote format (SGX DCAP Quoting Library API, appendix A.4; TDX DCAP Quoting Library API, appendix A.3)'

/** Vendor ID of the vendor's quoting enclaves. */
const QE_VENDOR = parseHex('939a7233f79c4ca9940a0db3957f0607')

/** What a quote says about the code it speaks for. */
export interface QuoteClaims {
  readonly measurement: Uint8Array
  /** The measurement without what the code added to it while running, where the kind has both. */
  readonly bootMeasurement?: Uint8Array
  readonly reportData: Uint8Array
  /** Where in the quote the report data lies. */
  readonly reportDataOffset: number
  readonly debug: boolean
  readonly fields: Readonly<Record<string, CheckValue>>
}

/** Status of a part with the advisories that stay open on it. */
export interface PartStatus {
  readonly status: TcbStatus
  readonly advisoryIds: readonly string[]
  /** Open on a module of the platform that has levels of its own; kept apart, as the vendor's tools list the platform's alone. */
  readonly moduleAdvisoryIds?: readonly string[]
}

/** What the TCB of a platform is judged from. */
export interface TcbQuestion {
  readonly tcbInfo: TcbInfo
  readonly platform: PlatformExtension
  readonly quote: Quote
  /** Level of the quoting enclave; undefined when none was found. */
  readonly qe: QeLevel | undefined
}

/** What differs from kind to kind. */
export interface DcapFlavour {
  /** Name of the kind, and of the tree's root. */
  readonly kind: string
  readonly title: string
  readonly teeType: number
  readonly versions: readonly number[]
  /** `id` of the documents that belong to this kind. */
  readonly tcbInfoId: string
  readonly qeIdentityId: string
  claims(quote: Quote, crypto: Crypto): QuoteClaims
  /** Finds and records the level that covers the platform; undefined when none does. */
  checkTcb(checks: CheckRecorder, question: TcbQuestion): PartStatus | undefined
  /** Checks the body's own flags: debug, attributes. */
  checkBody(checks: CheckRecorder, quote: Quote, policy: AttestationPolicy): void
}

/**
 * Version and key type decide how the rest is read, so a wrong one ends the reading. TEE type and vendor are judged beside them: a
 * quote of one kind must not pass as another, nor another vendor's quoting enclave that happens to chain to a pinned root.
 */
const checkHeader = (checks: CheckRecorder, header: QuoteHeader, flavour: DcapFlavour): boolean => {
  const { versions, teeType } = flavour
  const version = checks.check(
    { name: 'version', rule: `${API}: versions of this kind`, seen: header.version, expected: versions.join(' or '), at: { offset: 0, length: 2 } },
    { pass: versions.includes(header.version), code: 'ATTESTATION_QUOTE_VERSION', detail: `version ${header.version}` },
  )
  const keyType = checks.check(
    { name: 'attestation key type', rule: `${API}: 2 is ECDSA-256-with-P-256`, seen: header.keyType, expected: 2, at: { offset: 2, length: 2 } },
    { pass: header.keyType === 2, code: 'ATTESTATION_QUOTE_KEY_TYPE', detail: `type ${header.keyType}` },
  )
  const type = checks.check(
    { name: 'TEE type', rule: `${API}: 0 is SGX, 0x81 is TDX`, seen: header.teeType, expected: teeType, at: { offset: 4, length: 4 } },
    { pass: header.teeType === teeType, code: 'ATTESTATION_TEE_TYPE', detail: `type 0x${header.teeType.toString(16)}` },
  )
  checks.check(
    { name: 'QE vendor', rule: `${API}: the vendor ID is Intel's`, seen: header.qeVendorId, expected: QE_VENDOR, at: { offset: 12, length: 16 } },
    { pass: bytesEqual(header.qeVendorId, QE_VENDOR), code: 'ATTESTATION_QE_VENDOR', detail: toHexPlain(header.qeVendorId) },
  )
  return version && keyType && type
}

/** Header first, by itself: all versions share it, and its faults deserve their own words rather than "cannot be read". */
const readQuote = (checks: CheckRecorder, bytes: Uint8Array, flavour: DcapFlavour): Quote | undefined =>
  checks.group({ name: 'quote structure', rule: API }, (inner) => {
    const header = inner.attempt({ name: 'header', rule: `${API}: 48 bytes` }, () => parseQuoteHeader(bytes))
    if (header === undefined || !checkHeader(inner, header, flavour)) return undefined
    return inner.attempt({ name: 'body', rule: `${API}: body, authentication data, nothing after it` }, () => parseQuote(bytes))
  })

/**
 * Collateral from the caller (the chain's canonical set) beats collateral in the evidence: two workers with one firmware must get one
 * verdict, and a submitter must not choose the documents it is judged by. A set judged under an older policy is held to today's
 * roots and flag, since governance may have removed a root after it was prepared.
 */
const usePrepared = (checks: CheckRecorder, input: VerifyInput<DcapEvidence>): PreparedCollateral | undefined => {
  const { policy, evidence, crypto } = input
  const { roots, simulated } = policy
  const given = evidence.collateral
  const prepared = input.prepared ?? (given === undefined ? undefined : prepareSgxCollateral(given.value, { roots, simulated }, crypto))
  if (prepared === undefined) return undefined
  checks.adopt(prepared.check)
  const { root } = prepared
  if (root === undefined) return prepared
  const spec = { name: 'collateral root admitted', rule: 'Policy: the root under which the collateral was judged is pinned now', seen: root.fingerprint }
  const pinned = roots.some((der) => bytesEqual(der, root.certificate.der))
  checks.check(spec, root.simulated && !simulated
    ? { pass: false, code: 'ATTESTATION_SIMULATED_REFUSED', detail: root.certificate.commonName }
    : { pass: pinned, code: 'ATTESTATION_ROOT_UNKNOWN', detail: `"${root.certificate.commonName}"` })
  return prepared
}

/**
 * Kind and age of the documents. An old but unexpired TCB info still calls a platform up to date that a newer evaluation calls out of
 * date; the evaluation number is the only defence against picking the kinder one.
 */
const checkEvaluation = (checks: CheckRecorder, collateral: PreparedCollateral, policy: AttestationPolicy, flavour: DcapFlavour): number | undefined => {
  const { tcbInfo, qeIdentity } = collateral
  if (tcbInfo === undefined || qeIdentity === undefined) return undefined
  checks.check(
    { name: 'TCB info kind', rule: `Intel PCS API: id ${flavour.tcbInfoId}`, seen: tcbInfo.id, expected: flavour.tcbInfoId },
    { pass: tcbInfo.id === flavour.tcbInfoId, code: 'ATTESTATION_TCB_INFO_UNSUPPORTED', detail: `id "${tcbInfo.id}"` },
  )
  checks.check(
    { name: 'QE identity kind', rule: `Intel PCS API: id ${flavour.qeIdentityId}`, seen: qeIdentity.id, expected: flavour.qeIdentityId },
    { pass: qeIdentity.id === flavour.qeIdentityId, code: 'ATTESTATION_QE_IDENTITY_UNSUPPORTED', detail: `id "${qeIdentity.id}"` },
  )
  const lower = Math.min(tcbInfo.evaluationNumber, qeIdentity.evaluationNumber)
  checks.check(
    { name: 'evaluation number', rule: 'Policy: lowest admitted TCB evaluation data number', seen: lower, expected: policy.evaluationNumberMin },
    { pass: lower >= policy.evaluationNumberMin, code: 'ATTESTATION_EVALUATION_NUMBER_LOW', detail: `${lower} < ${policy.evaluationNumberMin}` },
  )
  const spec = { name: 'one evaluation', rule: 'Policy: TCB info and QE identity of one evaluation', seen: tcbInfo.evaluationNumber, expected: qeIdentity.evaluationNumber }
  if (!policy.sameEvaluationNumber) checks.skip(spec, 'not required by the policy')
  else
    checks.check(spec, {
      pass: tcbInfo.evaluationNumber === qeIdentity.evaluationNumber,
      code: 'ATTESTATION_EVALUATION_NUMBER_MISMATCH',
      detail: `${tcbInfo.evaluationNumber} and ${qeIdentity.evaluationNumber}`,
    })
  return lower
}

/**
 * FMSPC and PCE-ID tie the TCB info to this platform: without them the levels of a better maintained family could be borrowed. The
 * SVNs are those of the PCK certificate, which the vendor derived from the CPUSVN; the quote's own CPUSVN is not comparable.
 */
const checkPlatform = (checks: CheckRecorder, flavour: DcapFlavour, question: Omit<TcbQuestion, 'tcbInfo'>, tcbInfo: TcbInfo | undefined): PartStatus | undefined => {
  const { platform } = question
  if (tcbInfo === undefined) return void checks.skip({ name: 'TCB level', rule: 'Intel PCS API' }, 'the TCB info did not stand')
  checks.check(
    { name: 'FMSPC', rule: 'registry.md §2.3.9: the certificate\'s FMSPC is the TCB info\'s', seen: platform.fmspc, expected: tcbInfo.fmspc },
    { pass: bytesEqual(platform.fmspc, tcbInfo.fmspc), code: 'ATTESTATION_FMSPC_MISMATCH', detail: `${toHexPlain(platform.fmspc)}, TCB info ${toHexPlain(tcbInfo.fmspc)}` },
  )
  checks.check(
    { name: 'PCE-ID', rule: 'Intel PCS API: the certificate\'s PCE-ID is the TCB info\'s', seen: platform.pceId, expected: tcbInfo.pceId },
    { pass: bytesEqual(platform.pceId, tcbInfo.pceId), code: 'ATTESTATION_PCE_ID_MISMATCH', detail: `${toHexPlain(platform.pceId)}, TCB info ${toHexPlain(tcbInfo.pceId)}` },
  )
  return flavour.checkTcb(checks, { ...question, tcbInfo })
}

/** The levels are judged even where signatures failed, so that one run names every cause; the first failure still decides. */
const checkPlatformAndStatus = (
  checks: CheckRecorder,
  draft: FactsDraft,
  options: { readonly pck: Certificate | undefined; readonly quote: Quote; readonly collateral: PreparedCollateral; readonly flavour: DcapFlavour },
): void => {
  const { pck, quote, collateral, flavour } = options
  const qe = checks.group({ name: 'QE identity match', rule: 'Intel PCS API, QE identity' }, (inner) =>
    collateral.qeIdentity === undefined
      ? void inner.skip({ name: 'identity', rule: 'Intel PCS API' }, 'the QE identity did not stand')
      : checkQeIdentity(inner, collateral.qeIdentity, quote.authentication.qeReport))
  const part = checks.group({ name: 'platform TCB', rule: 'Intel PCS API, TCB info' }, (inner) => {
    if (pck === undefined) return void inner.skip({ name: 'platform', rule: 'Intel SGX PCK profile' }, 'the PCK certificate did not stand')
    const platform = inner.attempt({ name: 'SGX extension', rule: 'Intel SGX PCK profile section 1.3.5' }, () => parsePlatformExtension(pck))
    if (platform === undefined) return undefined
    draft.fmspc = platform.fmspc
    return checkPlatform(inner, flavour, { platform, quote, qe }, collateral.tcbInfo)
  })
  if (part === undefined || qe === undefined) return
  // Platform and quoting enclave converge, and the advisories of both stay open.
  draft.tcbStatus = mergeStatus(part.status, qe.status)
  draft.advisoryIds = [...new Set([...part.advisoryIds, ...qe.advisoryIds])]
  if (part.moduleAdvisoryIds !== undefined) draft.moduleAdvisoryIds = part.moduleAdvisoryIds
}

/** What the quote claims; becomes fact only if every check passes. */
const describeQuote = (draft: FactsDraft, claims: QuoteClaims): void => {
  const { measurement, bootMeasurement, reportData, debug, fields } = claims
  Object.assign(draft, { measurement, reportData, debug, fields }, bootMeasurement === undefined ? {} : { bootMeasurement })
}

/** The order is the order of the verdict: the first failure in it is the code that a submitter gets. */
const judge = (checks: CheckRecorder, draft: FactsDraft, input: VerifyInput<DcapEvidence>, flavour: DcapFlavour): void => {
  if (input.prepared === undefined && input.evidence.collateral === undefined) {
    // Before any parsing, as in the reference; the quote is still read below, for its reader's sake.
    const spec = { name: 'collateral given', rule: 'registry.md §2.3.1: a quote is judged together with its collateral' }
    checks.check(spec, { pass: false, code: 'ATTESTATION_COLLATERAL_ABSENT', detail: 'no collateral' })
  }
  const quote = readQuote(checks, input.evidence.quote, flavour)
  const claims = quote === undefined ? undefined : flavour.claims(quote, input.crypto)
  if (claims !== undefined) describeQuote(draft, claims)
  const collateral = usePrepared(checks, input)
  if (collateral === undefined || quote === undefined || claims === undefined) return
  const evaluation = checks.group({ name: 'collateral policy', rule: 'Policy' }, (inner) => checkEvaluation(inner, collateral, input.policy, flavour))
  if (evaluation !== undefined) draft.evaluationNumber = evaluation
  const chain = checkPckChain(checks, quote, collateral, input)
  const windows = [...collateral.windows, ...(chain === undefined ? [] : [certificateWindow(chain.leaf)])]
  const span = checks.group({ name: 'validity', rule: 'Every document at the time of verification' }, (inner) => checkWindows(inner, windows, input.policy, input.nowSeconds))
  Object.assign(draft, span)
  if (chain !== undefined) Object.assign(draft, { simulated: chain.root.simulated, rootFingerprint: chain.root.fingerprint })
  checkQuotingEvidence(checks, quote, chain?.leaf, input.crypto)
  checkPlatformAndStatus(checks, draft, { pck: chain?.leaf, quote, collateral, flavour })
  checks.group({ name: 'policy', rule: 'Policy' }, (inner) => {
    flavour.checkBody(inner, quote, input.policy)
    checkPolicy(inner, draft, input.policy, HARMLESS_ADVISORIES)
    checkReportData(inner, claims.reportData, input.expectedReportData, claims.reportDataOffset)
  })
}

/** Verifies DCAP evidence of one kind. Total. */
export const verifyDcap = (input: VerifyInput<DcapEvidence>, flavour: DcapFlavour): Verdict => {
  const checks = createCheckRecorder()
  const draft: FactsDraft = { kind: flavour.kind }
  judge(checks, draft, input, flavour)
  return verdictOf(checks.finish({ name: flavour.title, rule: API }), draft)
}
