/**
 * Owns the verification of EPID attestation reports (registry.md §2.2; Intel Attestation Service API specification, revision 7.1,
 * section 4). The order is the reference's; added is the debug bit. There is no revocation list for this authority.
 */
import { concatBytes, parseUtf8 } from '@phalanx/primitives/bytes'
import { bytesUpTo } from '@phalanx/primitives/codec'
import { isAppError } from '@phalanx/primitives/errors'
import { parseBase64 } from '../base64.ts'
import { attestationError, isAttestationError } from '../errors.ts'
import { asInteger, asObject, asText, asTexts, parseJson } from '../json.ts'
import { checkDebug, checkPolicy, checkReportData, type FactsDraft } from '../policy-checks.ts'
import type { TcbStatus } from '../status.ts'
import { certificateWindow, checkWindows, sortLapses } from '../validity.ts'
import { createCheckRecorder, verdictOf, type CheckRecorder, type Verdict } from '../verdict.ts'
import { parseCertificate } from '../x509/certificate.ts'
import { checkChain, parseRoots, type VerifiedChain } from '../x509/chain.ts'
import { verifySignature } from '../x509/signature.ts'
import { formatIsoSeconds, parseIsoSeconds } from '../x509/time.ts'
import type { TeeKind, VerifyInput } from './kind.ts'
import { HARMLESS_ADVISORIES } from './dcap/advisories.ts'
import { isDebug } from './dcap/quote.ts'
import { detectIas } from './ias/detect.ts'

/** Fields of EPID evidence: the exact report text, its signature and the signing certificate's DER. */
export const iasEvidenceFields = {
  raReport: bytesUpTo(64 * 1024),
  signature: bytesUpTo(1024),
  rawSigningCert: bytesUpTo(16 * 1024),
} as const

/** EPID evidence. */
export interface IasEvidence {
  readonly raReport: Uint8Array
  readonly signature: Uint8Array
  readonly rawSigningCert: Uint8Array
}

/** Quote statuses that earn a confidence level (registry.md §2.5), in the words of TCB info. */
const STATUS: Readonly<Record<string, TcbStatus>> = {
  OK: 'UpToDate',
  SW_HARDENING_NEEDED: 'SWHardeningNeeded',
  CONFIGURATION_NEEDED: 'ConfigurationNeeded',
  CONFIGURATION_AND_SW_HARDENING_NEEDED: 'ConfigurationAndSWHardeningNeeded',
  GROUP_OUT_OF_DATE: 'OutOfDate',
}

/** Length of an EPID quote body without its signature. */
const BODY_LENGTH = 432

/** The fields of a report that are judged; others may stand beside them. */
interface Report {
  readonly timestamp: string
  readonly status: string
  readonly advisoryIds: readonly string[]
  readonly body: string
  readonly version: number
}

const decodeText = (bytes: Uint8Array): string => {
  try {
    return parseUtf8(bytes)
  } catch (error) {
    if (isAppError(error, 'CODEC_INVALID_UTF8')) throw attestationError('ATTESTATION_REPORT_MALFORMED', 'not UTF-8', { cause: error })
    throw error
  }
}

const parseReport = (text: string): Report => {
  const root = asObject(parseJson(text), 'report')
  asText(root.get('id'), 'report.id')
  return {
    timestamp: asText(root.get('timestamp'), 'report.timestamp'),
    version: root.has('version') ? asInteger(root.get('version'), 'report.version') : 0,
    status: asText(root.get('isvEnclaveQuoteStatus'), 'report.isvEnclaveQuoteStatus'),
    advisoryIds: asTexts(root.get('advisoryIDs'), 'report.advisoryIDs'),
    body: asText(root.get('isvEnclaveQuoteBody'), 'report.isvEnclaveQuoteBody'),
  }
}

/** Any fault of form inside the signed report is one fault to the reference: the report is not usable. */
const asReportError = (error: unknown): unknown =>
  isAttestationError(error) && error.code.startsWith('ATTESTATION_BASE64')
    ? attestationError('ATTESTATION_QUOTE_BODY_MALFORMED', error.context.detail, { cause: error })
    : error

/** Fixed layout of registry.md §2.2.5. */
const parseBody = (text: string) => {
  let body: Uint8Array
  try {
    body = parseBase64(text)
  } catch (error) {
    throw asReportError(error)
  }
  if (body.length !== BODY_LENGTH) throw attestationError('ATTESTATION_QUOTE_BODY_MALFORMED', `${body.length} bytes, ${BODY_LENGTH} expected`)
  return {
    epidGroupId: body.slice(4, 8),
    cpuSvn: body.slice(48, 64),
    attributes: body.slice(96, 112),
    mrEnclave: body.slice(112, 144),
    mrSigner: body.slice(176, 208),
    /** Product id and SVN as they stand, little endian: the runtime hash takes the raw bytes. */
    ids: body.slice(304, 308),
    reportData: body.slice(368, 432),
  }
}

/**
 * The signature is over the exact bytes of the report, before anything in it is read. The certificate must hang directly from the
 * pinned root: the vendor never used an intermediate, and accepting one would only lengthen what must be trusted.
 */
const checkSigner = (checks: CheckRecorder, input: VerifyInput<IasEvidence>): VerifiedChain | undefined => {
  const { evidence, policy, crypto } = input
  const leaf = checks.attempt({ name: 'form', rule: 'RFC 5280 in DER' }, () => parseCertificate(evidence.rawSigningCert))
  if (leaf === undefined) return undefined
  const key = leaf.publicKey
  const valid = key.kind === 'rsa' && verifySignature({ algorithm: 'rsa-sha256', signature: evidence.signature, message: evidence.raReport, key }, crypto)
  checks.check(
    { name: 'report signature', rule: 'registry.md §2.2.1: RSA PKCS#1 v1.5 with SHA-256, 2048 to 8192 bits, over the exact report', seen: evidence.signature },
    { pass: valid, code: 'ATTESTATION_REPORT_SIGNATURE_INVALID', detail: `over ${evidence.raReport.length} bytes` },
  )
  const shape = { certificates: [leaf], length: 1, rootPresented: false, leafIsAuthority: false, leafRole: 'Attestation Report Signing' }
  const roots = checks.attempt({ name: 'pinned roots', rule: 'Policy: every pinned root is a certificate' }, () => parseRoots(policy.roots, crypto))
  if (roots === undefined) return undefined
  const trust = { roots, simulated: policy.simulated }
  return checks.group({ name: 'chain', rule: 'registry.md §2.2.1: directly under the pinned root' }, (inner) => checkChain(inner, shape, trust, crypto))
}

/** Freshness by age: a report has no nonce, so two hours bound how long a stolen one is of use. */
const checkAge = (checks: CheckRecorder, reportTime: number, input: VerifyInput<IasEvidence>): void => {
  const age = input.nowSeconds - reportTime
  const limit = input.policy.reportAgeSecondsMax
  checks.check(
    { name: 'age', rule: 'registry.md §2.2.7: now − report time < 7200 s; reports from the future pass', seen: age, expected: `below ${limit}` },
    { pass: age < limit, code: 'ATTESTATION_REPORT_EXPIRED', detail: `${age} s after ${formatIsoSeconds(reportTime)}, limit ${limit} s` },
  )
}

/** What the body claims; the runtime hash takes product id and SVN as they stand, unlike the hash of a DCAP quote. */
const describeBody = (draft: FactsDraft, body: ReturnType<typeof parseBody>): void => {
  draft.measurement = concatBytes(body.mrEnclave, body.ids, body.mrSigner)
  draft.reportData = body.reportData
  draft.debug = isDebug(body.attributes)
  draft.fields = { mrEnclave: body.mrEnclave, mrSigner: body.mrSigner, attributes: body.attributes, cpuSvn: body.cpuSvn, epidGroupId: body.epidGroupId }
}

/** Everything inside the signed text, in the reference's order. */
const checkReport = (checks: CheckRecorder, draft: FactsDraft, input: VerifyInput<IasEvidence>): void => {
  const report = checks.attempt({ name: 'form', rule: 'registry.md §2.2.2: JSON with the named fields' }, () => parseReport(decodeText(input.evidence.raReport)))
  if (report === undefined) return
  const reportTime = checks.attempt({ name: 'timestamp', rule: 'registry.md §2.2.3: RFC 3339 after a "Z" is added', seen: report.timestamp }, () => {
    try {
      return parseIsoSeconds(`${report.timestamp}Z`)
    } catch (error) {
      throw isAttestationError(error) ? attestationError('ATTESTATION_REPORT_TIMESTAMP', error.context.detail, { cause: error }) : error
    }
  })
  const status = Object.hasOwn(STATUS, report.status) ? STATUS[report.status] : undefined
  const known = checks.check(
    { name: 'quote status', rule: 'registry.md §2.2.4, §2.5: a status that earns a confidence level', seen: report.status, expected: Object.keys(STATUS).join(', ') },
    { pass: status !== undefined, code: 'ATTESTATION_STATUS_UNKNOWN', detail: report.status.slice(0, 60) },
  )
  if (known && status !== undefined) Object.assign(draft, { tcbStatus: status, advisoryIds: report.advisoryIds })
  const body = checks.attempt({ name: 'quote body', rule: 'registry.md §2.2.5: base64 of 432 bytes' }, () => parseBody(report.body))
  if (body === undefined) return
  describeBody(draft, body)
  checkDebug(checks, { debug: isDebug(body.attributes), seen: body.attributes, rule: 'Intel SDM vol. 3D, ATTRIBUTES.DEBUG is bit 1' }, input.policy)
  checkPolicy(checks, draft, input.policy, HARMLESS_ADVISORIES)
  if (reportTime !== undefined) {
    checkAge(checks, reportTime, input)
    const at = reportTime + input.policy.reportAgeSecondsMax - 1
    draft.notAfter = Math.min(draft.notAfter ?? Number.MAX_SAFE_INTEGER, at)
    draft.lapses = sortLapses([...(draft.lapses ?? []), { name: 'the report\'s age limit', at }])
  }
  checkReportData(checks, body.reportData, input.expectedReportData)
}

/** Signer, dates, content: a report that nobody signed is not worth reading, but its faults are still named. */
const judge = (checks: CheckRecorder, draft: FactsDraft, input: VerifyInput<IasEvidence>): void => {
  const chain = checks.group({ name: 'signing certificate', rule: 'registry.md §2.2.1' }, (inner) => checkSigner(inner, input))
  if (chain !== undefined) {
    const windows = chain.certificates.map(certificateWindow)
    Object.assign(draft, checks.group({ name: 'validity', rule: 'registry.md §2.2.1: at chain time' }, (inner) => checkWindows(inner, windows, input.policy, input.nowSeconds)))
    Object.assign(draft, { simulated: chain.root.simulated, rootFingerprint: chain.root.fingerprint })
  }
  checks.group({ name: 'report', rule: 'registry.md §2.2.2 to §2.2.8' }, (inner) => checkReport(inner, draft, input))
}

/** EPID reports of Intel's attestation service. */
export const sgxIas = {
  name: 'SgxIas',
  index: 0,
  provider: { name: 'Ias', index: 1 },
  isReport: true,
  fields: iasEvidenceFields,
  signedContent: (evidence: IasEvidence) => evidence.raReport,
  detect: detectIas,
  verify(input: VerifyInput<IasEvidence>): Verdict {
    const checks = createCheckRecorder()
    const draft: FactsDraft = { kind: 'SgxIas' }
    judge(checks, draft, input)
    return verdictOf(checks.finish({ name: 'SGX EPID report', rule: 'registry.md §2.2' }), draft)
  },
} as const satisfies TeeKind<'SgxIas', IasEvidence>
