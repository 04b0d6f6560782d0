/**
 * Owns the verification of SGX DCAP quotes, version 3 (registry.md §2.3, completed by what it does not check: revocation, QE identity,
 * debug bit, vendor, TEE type). Order of checks: structure, collateral, validity, signatures, platform, policy.
 */
import { bytesEqual, concatBytes, parseHex, toHexPlain } from '@phalanx/primitives/bytes'
import { bytesUpTo, option } from '@phalanx/primitives/codec'
import type { AttestationPolicy } from '../policy.ts'
import { checkDebug, checkPolicy, checkReportData } from '../policy-checks.ts'
import { mergeStatus } from '../status.ts'
import { certificateWindow, checkWindows } from '../validity.ts'
import { createCheckRecorder, verdictOf, type CheckRecorder, type Facts, type Verdict } from '../verdict.ts'
import type { Certificate } from '../x509/certificate.ts'
import type { TeeKind, VerifyInput } from './kind.ts'
import { HARMLESS_ADVISORIES } from './dcap/advisories.ts'
import { dcapKeyOf } from './dcap/canonical.ts'
import { prepareSgxCollateral, type PreparedCollateral } from './dcap/collateral.ts'
import { planDcapCollateral } from './dcap/collateral-plan.ts'
import { attachDcapCollateral, detectQuote } from './dcap/detect.ts'
import { checkPckChain, checkQuotingEvidence } from './dcap/quoting.ts'
import { parsePlatformExtension, type PlatformExtension } from './dcap/platform.ts'
import { checkQeIdentity, type QeLevel } from './dcap/qe-identity.ts'
import { SIGNED_LENGTH, isDebug, parseQuoteHeader, parseQuoteV3, type QuoteHeader, type QuoteV3 } from './dcap/quote.ts'
import { findTcbLevel, missingFor, type TcbLevel } from './dcap/tcb-info.ts'
import { Collateral, type DcapEvidence } from './dcap/wire.ts'

const API = 'Intel SGX DCAP Quoting Library API, appendix A.4'

/** TEE type of SGX in quote headers. */
const TEE_TYPE = 0

/** Vendor ID of the vendor's quoting enclaves. */
const QE_VENDOR = parseHex('939a7233f79c4ca9940a0db3957f0607')

/**
 * Version and key type decide how the rest is read, so a wrong one ends the reading. TEE type and vendor are judged beside them: a
 * TDX quote must not pass as SGX, nor another vendor's quoting enclave that happens to chain to a pinned root.
 */
const checkHeader = (checks: CheckRecorder, header: QuoteHeader): boolean => {
  const version = checks.check(
    { name: 'version', rule: `${API}: SGX quotes are version 3`, seen: header.version, expected: 3, at: { offset: 0, length: 2 } },
    { pass: header.version === 3, code: 'ATTESTATION_QUOTE_VERSION', detail: `version ${header.version}` },
  )
  const keyType = checks.check(
    { name: 'attestation key type', rule: `${API}: 2 is ECDSA-256-with-P-256`, seen: header.keyType, expected: 2, at: { offset: 2, length: 2 } },
    { pass: header.keyType === 2, code: 'ATTESTATION_QUOTE_KEY_TYPE', detail: `type ${header.keyType}` },
  )
  checks.check(
    { name: 'TEE type', rule: `${API}: 0 is SGX`, seen: header.teeType, expected: 0, at: { offset: 4, length: 4 } },
    { pass: header.teeType === 0, code: 'ATTESTATION_TEE_TYPE', detail: `type 0x${header.teeType.toString(16)}` },
  )
  checks.check(
    { name: 'QE vendor', rule: `${API}: the vendor ID is Intel's`, seen: header.qeVendorId, expected: QE_VENDOR, at: { offset: 12, length: 16 } },
    { pass: bytesEqual(header.qeVendorId, QE_VENDOR), code: 'ATTESTATION_QE_VENDOR', detail: toHexPlain(header.qeVendorId) },
  )
  return version && keyType
}

/** Header first, by itself: later versions share it, and its faults deserve their own words rather than "cannot be read". */
const readQuote = (checks: CheckRecorder, bytes: Uint8Array): QuoteV3 | undefined =>
  checks.group({ name: 'quote structure', rule: API }, (inner) => {
    const header = inner.attempt({ name: 'header', rule: `${API}: 48 bytes` }, () => parseQuoteHeader(bytes))
    if (header === undefined || !checkHeader(inner, header)) return undefined
    return inner.attempt({ name: 'body', rule: `${API}: report, authentication data, nothing after it` }, () => parseQuoteV3(bytes))
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
const checkEvaluation = (checks: CheckRecorder, collateral: PreparedCollateral, policy: AttestationPolicy): number | undefined => {
  const { tcbInfo, qeIdentity } = collateral
  if (tcbInfo === undefined || qeIdentity === undefined) return undefined
  checks.check(
    { name: 'TCB info kind', rule: 'Intel PCS API: id SGX', seen: tcbInfo.id, expected: 'SGX' },
    { pass: tcbInfo.id === 'SGX', code: 'ATTESTATION_TCB_INFO_UNSUPPORTED', detail: `id "${tcbInfo.id}"` },
  )
  checks.check(
    { name: 'QE identity kind', rule: 'Intel PCS API: id QE', seen: qeIdentity.id, expected: 'QE' },
    { pass: qeIdentity.id === 'QE', code: 'ATTESTATION_QE_IDENTITY_UNSUPPORTED', detail: `id "${qeIdentity.id}"` },
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
const checkPlatform = (checks: CheckRecorder, platform: PlatformExtension, collateral: PreparedCollateral): TcbLevel | undefined => {
  const { tcbInfo } = collateral
  if (tcbInfo === undefined) return void checks.skip({ name: 'TCB level', rule: 'Intel PCS API' }, 'the TCB info did not stand')
  checks.check(
    { name: 'FMSPC', rule: 'registry.md §2.3.9: the certificate\'s FMSPC is the TCB info\'s', seen: platform.fmspc, expected: tcbInfo.fmspc },
    { pass: bytesEqual(platform.fmspc, tcbInfo.fmspc), code: 'ATTESTATION_FMSPC_MISMATCH', detail: `${toHexPlain(platform.fmspc)}, TCB info ${toHexPlain(tcbInfo.fmspc)}` },
  )
  checks.check(
    { name: 'PCE-ID', rule: 'Intel PCS API: the certificate\'s PCE-ID is the TCB info\'s', seen: platform.pceId, expected: tcbInfo.pceId },
    { pass: bytesEqual(platform.pceId, tcbInfo.pceId), code: 'ATTESTATION_PCE_ID_MISMATCH', detail: `${toHexPlain(platform.pceId)}, TCB info ${toHexPlain(tcbInfo.pceId)}` },
  )
  const found = findTcbLevel(tcbInfo, platform)
  const lowest = tcbInfo.levels[tcbInfo.levels.length - 1] as TcbLevel
  checks.check(
    {
      name: 'TCB level',
      rule: 'registry.md §2.3.10: first level with PCESVN and all 16 SVNs at or below the platform\'s',
      seen: `${platform.components.join('.')} / PCESVN ${platform.pceSvn}`,
      expected: found === undefined ? 'a level' : `level ${found.index + 1} of ${tcbInfo.levels.length}: ${found.level.status} (${found.level.date})`,
    },
    { pass: found !== undefined, code: 'ATTESTATION_TCB_LEVEL_NOT_FOUND', detail: found === undefined ? missingFor(lowest, platform) : '' },
  )
  return found?.level
}

/** Runtime hash (registry.md §2.3.11): product id and SVN big endian here, unlike in EPID reports. */
const runtimeHash = ({ report }: QuoteV3): Uint8Array => {
  const ids = Uint8Array.of(report.isvProdId >> 8, report.isvProdId & 0xff, report.isvSvn >> 8, report.isvSvn & 0xff)
  return concatBytes(report.mrEnclave, ids, report.mrSigner)
}

type Draft = { -readonly [K in keyof Facts]?: Facts[K] }

/** What the quote claims; becomes fact only if every check passes. */
const describeQuote = (draft: Draft, quote: QuoteV3): void => {
  const { report } = quote
  draft.measurement = runtimeHash(quote)
  draft.reportData = report.reportData
  draft.debug = isDebug(report.attributes)
  draft.fields = {
    mrEnclave: report.mrEnclave, mrSigner: report.mrSigner, isvProdId: report.isvProdId, isvSvn: report.isvSvn,
    attributes: report.attributes, cpuSvn: report.cpuSvn,
  }
}

/** Status of the whole: platform and quoting enclave converge, and the advisories of both stay open. */
const describeStatus = (draft: Draft, platform: TcbLevel, qe: QeLevel): void => {
  draft.tcbStatus = mergeStatus(platform.status, qe.status)
  draft.advisoryIds = [...new Set([...platform.advisoryIds, ...qe.advisoryIds])]
}

/** The two levels are judged even where signatures failed, so that one run names every cause; the first failure still decides. */
const checkPlatformAndStatus = (checks: CheckRecorder, draft: Draft, options: { pck: Certificate | undefined; quote: QuoteV3; collateral: PreparedCollateral }): void => {
  const { pck, quote, collateral } = options
  const qeLevel = checks.group({ name: 'QE identity match', rule: 'Intel PCS API, QE identity' }, (inner) =>
    collateral.qeIdentity === undefined
      ? void inner.skip({ name: 'identity', rule: 'Intel PCS API' }, 'the QE identity did not stand')
      : checkQeIdentity(inner, collateral.qeIdentity, quote.authentication.qeReport))
  const level = checks.group({ name: 'platform TCB', rule: 'Intel PCS API, TCB info' }, (inner) => {
    if (pck === undefined) return void inner.skip({ name: 'platform', rule: 'Intel SGX PCK profile' }, 'the PCK certificate did not stand')
    const platform = inner.attempt({ name: 'SGX extension', rule: 'Intel SGX PCK profile section 1.3.5' }, () => parsePlatformExtension(pck))
    if (platform === undefined) return undefined
    draft.fmspc = platform.fmspc
    return checkPlatform(inner, platform, collateral)
  })
  if (level !== undefined && qeLevel !== undefined) describeStatus(draft, level, qeLevel)
}

/** The order is the order of the verdict: the first failure in it is the code that a submitter gets. */
const judge = (checks: CheckRecorder, draft: Draft, input: VerifyInput<DcapEvidence>): void => {
  if (input.prepared === undefined && input.evidence.collateral === undefined) {
    // Before any parsing, as in the reference; the quote is still read below, for its reader's sake.
    const spec = { name: 'collateral given', rule: 'registry.md §2.3.1: a quote is judged together with its collateral' }
    checks.check(spec, { pass: false, code: 'ATTESTATION_COLLATERAL_ABSENT', detail: 'no collateral' })
  }
  const quote = readQuote(checks, input.evidence.quote)
  if (quote !== undefined) describeQuote(draft, quote)
  const collateral = usePrepared(checks, input)
  if (collateral === undefined || quote === undefined) return
  const evaluation = checks.group({ name: 'collateral policy', rule: 'Policy' }, (inner) => checkEvaluation(inner, collateral, input.policy))
  if (evaluation !== undefined) draft.evaluationNumber = evaluation
  const chain = checkPckChain(checks, quote, collateral, input)
  const windows = [...collateral.windows, ...(chain === undefined ? [] : [certificateWindow(chain.leaf)])]
  const span = checks.group({ name: 'validity', rule: 'Every document at the time of verification' }, (inner) => checkWindows(inner, windows, input.policy, input.nowSeconds))
  Object.assign(draft, span)
  if (chain !== undefined) Object.assign(draft, { simulated: chain.root.simulated, rootFingerprint: chain.root.fingerprint })
  checkQuotingEvidence(checks, quote, chain?.leaf, input.crypto)
  checkPlatformAndStatus(checks, draft, { pck: chain?.leaf, quote, collateral })
  checks.group({ name: 'policy', rule: 'Policy' }, (inner) => {
    checkDebug(inner, { debug: isDebug(quote.report.attributes), seen: quote.report.attributes, rule: 'Intel SDM vol. 3D, ATTRIBUTES.DEBUG is bit 1' }, input.policy)
    checkPolicy(inner, draft, input.policy, HARMLESS_ADVISORIES)
    checkReportData(inner, quote.report.reportData, input.expectedReportData, quote.at.report.offset + 320)
  })
}

/** SGX quotes of the data center attestation primitives. */
export const sgxDcap = {
  name: 'SgxDcap',
  index: 1,
  provider: { name: 'Dcap', index: 2 },
  isReport: false,
  fields: { quote: bytesUpTo(64 * 1024), collateral: option(Collateral) },
  signedContent: (evidence: DcapEvidence) => evidence.quote.subarray(0, SIGNED_LENGTH),
  collateral: planDcapCollateral,
  collateralKey: (evidence: DcapEvidence) => dcapKeyOf('SGX', parseQuoteV3(evidence.quote).authentication.certificationData),
  detect: (input) => detectQuote(input, TEE_TYPE),
  attachCollateral: attachDcapCollateral,
  verify(input: VerifyInput<DcapEvidence>): Verdict {
    const checks = createCheckRecorder()
    const draft: Draft = { kind: 'SgxDcap' }
    judge(checks, draft, input)
    return verdictOf(checks.finish({ name: 'SGX DCAP evidence', rule: 'registry.md §2.3 and Intel SGX DCAP' }), draft)
  },
} as const satisfies TeeKind<'SgxDcap', DcapEvidence>
