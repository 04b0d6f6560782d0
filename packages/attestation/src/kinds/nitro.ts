/**
 * Owns the verification of AWS Nitro Enclaves attestation documents ("Verifying the root of trust", AWS Nitro Enclaves user guide):
 * COSE_Sign1 form, document fields, certificate chain to the pinned root, signature, age, registers. Report data is the user data.
 */
import { bytesEqual, concatBytes, toHexPlain, utf8 } from '@phalanx/primitives/bytes'
import { bytesUpTo } from '@phalanx/primitives/codec'
import { bytesOfJson, memberOf, type DetectionInput } from '../detection.ts'
import { isAttestationError } from '../errors.ts'
import { checkDebug, checkPolicy, checkReportData, type FactsDraft } from '../policy-checks.ts'
import { certificateWindow, checkWindows, sortLapses } from '../validity.ts'
import { createCheckRecorder, verdictOf, type CheckRecorder, type Verdict } from '../verdict.ts'
import { parseCertificate, type Certificate } from '../x509/certificate.ts'
import { checkChain, parseRoots, type VerifiedChain } from '../x509/chain.ts'
import { isOnCurve } from '../x509/signature.ts'
import { formatIsoSeconds } from '../x509/time.ts'
import type { TeeKind, VerifyInput } from './kind.ts'
import { cutCoseSign1, parseCoseSign1, parseNitroDocument, signedBytes, type CoseMessage, type NitroDocument } from './nitro/document.ts'

const GUIDE = 'AWS Nitro Enclaves, verifying the root of trust'

/** Evidence of a Nitro enclave: the document as the Nitro Security Module returned it. */
export interface NitroEvidence {
  readonly document: Uint8Array
}

/** Registers that identify code: image, kernel and boot, application, signing certificate. Others name role, instance or run-time data. */
const MEASURED: readonly number[] = [0, 1, 2, 8]
/** Registers that are zero in debug mode. */
const NEVER_ZERO: readonly number[] = [0, 1, 2]
const ZERO = new Uint8Array(48)

const REPORT_DATA_LENGTH = 64

const pcr = (document: NitroDocument, index: number): Uint8Array => document.pcrs.get(index) ?? ZERO

/** Report data as every kind states it: the user data, padded with zeros to 64 bytes where it is shorter. */
const reportDataOf = (document: NitroDocument): Uint8Array => {
  const data = document.userData ?? new Uint8Array(0)
  return data.length >= REPORT_DATA_LENGTH ? data : concatBytes(data, new Uint8Array(REPORT_DATA_LENGTH - data.length))
}

const describeDocument = (draft: FactsDraft, document: NitroDocument): void => {
  draft.measurement = concatBytes(...MEASURED.map((index) => pcr(document, index)))
  draft.reportData = reportDataOf(document)
  draft.debug = NEVER_ZERO.every((index) => bytesEqual(pcr(document, index), ZERO))
  draft.family = utf8('nitro')
  // The vendor runs hypervisor and firmware itself and publishes no versions of them.
  draft.tcbStatus = 'UpToDate'
  draft.advisoryIds = []
  const optional = { ...(document.userData && { userData: document.userData }), ...(document.nonce && { nonce: document.nonce }), ...(document.publicKey && { publicKey: document.publicKey }) }
  const registers = Object.fromEntries([...document.pcrs].map(([index, value]) => [`pcr${index}`, value]))
  draft.fields = { moduleId: document.moduleId, timestampMs: document.timestampMs, ...optional, ...registers }
}

/** The bundle stands root first; chains here stand leaf first. Its length is the vendor's business, each link is judged. */
const checkDocumentChain = (checks: CheckRecorder, document: NitroDocument, input: VerifyInput<NitroEvidence>): VerifiedChain | undefined =>
  checks.group({ name: 'certificate chain', rule: `${GUIDE}: certificate and cabundle up to the pinned root` }, (inner) => {
    const certificates = inner.attempt({ name: 'form', rule: 'RFC 5280 in DER' }, () => [document.certificate, ...[...document.cabundle].reverse()].map(parseCertificate))
    if (certificates === undefined) return undefined
    const root = certificates[certificates.length - 1] as Certificate
    const pinned = inner.attempt({ name: 'pinned roots', rule: 'Policy: every pinned root is a certificate' }, () => parseRoots(input.policy.roots.filter((der) => bytesEqual(der, root.der)), input.crypto))
    if (pinned === undefined) return undefined
    const shape = { certificates, length: certificates.length, rootPresented: true, leafIsAuthority: false, leafRole: document.moduleId }
    return checkChain(inner, shape, { roots: pinned, simulated: input.policy.simulated }, input.crypto)
  })

const checkSignature = (checks: CheckRecorder, message: CoseMessage, leaf: Certificate | undefined, input: VerifyInput<NitroEvidence>): void => {
  const spec = { name: 'document signature', rule: 'RFC 9052 section 4.4: ES384 over Sig_structure with context "Signature1"', seen: message.signature }
  if (leaf === undefined) return checks.skip(spec, 'the certificate did not stand')
  const key = leaf.publicKey
  const valid = key.kind === 'p384' && input.crypto.p384.verify(message.signature, signedBytes(message), key.value)
  const offCurve = !valid && key.kind === 'p384' && !isOnCurve('p384', key.value)
  checks.check(spec, { pass: valid, code: offCurve ? 'ATTESTATION_POINT_INVALID' : 'ATTESTATION_DOCUMENT_SIGNATURE_INVALID', detail: `by "${leaf.commonName}"` })
}

/** A document carries its time; without this limit an old one would count until its certificate ends. */
const checkAge = (checks: CheckRecorder, draft: FactsDraft, document: NitroDocument, input: VerifyInput<NitroEvidence>): void => {
  const made = Math.floor(document.timestampMs / 1000)
  const limit = input.policy.reportAgeSecondsMax
  const age = input.nowSeconds - made
  checks.check(
    { name: 'age', rule: 'Policy: a dated report counts for a limited time', seen: age, expected: `below ${limit}` },
    { pass: age < limit, code: 'ATTESTATION_REPORT_EXPIRED', detail: `${age} s after ${formatIsoSeconds(made)}, limit ${limit} s` },
  )
  const at = made + limit - 1
  draft.notAfter = Math.min(draft.notAfter ?? Number.MAX_SAFE_INTEGER, at)
  draft.lapses = sortLapses([...(draft.lapses ?? []), { name: 'the document\'s age limit', at }])
}

/** Registers 0 to 2 must be there and measured; a document of a worker carries all 64 bytes of report data. */
const checkRegisters = (checks: CheckRecorder, document: NitroDocument, input: VerifyInput<NitroEvidence>): void => {
  const missing = NEVER_ZERO.filter((index) => !document.pcrs.has(index))
  checks.check(
    { name: 'registers', rule: `${GUIDE}: PCR0 image, PCR1 kernel and boot, PCR2 application`, seen: [...document.pcrs.keys()].join(', ') },
    { pass: missing.length === 0, code: 'ATTESTATION_DOCUMENT_FIELD', detail: `no PCR${missing.join(', PCR')}` },
  )
  const zeros = NEVER_ZERO.filter((index) => bytesEqual(pcr(document, index), ZERO))
  checkDebug(checks, { debug: zeros.length > 0, seen: toHexPlain(pcr(document, 0)), rule: `${GUIDE}: enclaves in debug mode have registers of zeros` }, input.policy)
  const length = document.userData?.length ?? 0
  const spec = { name: 'user data form', rule: 'A worker\'s user data is its 64 bytes of report data', seen: length, expected: REPORT_DATA_LENGTH }
  if (input.expectedReportData === undefined) checks.skip(spec, 'the caller states no data')
  else checks.check(spec, { pass: length === REPORT_DATA_LENGTH, code: 'ATTESTATION_REPORT_DATA_MISMATCH', detail: `${length} bytes of user data` })
}

/** The order is the order of the verdict. */
const judge = (checks: CheckRecorder, draft: FactsDraft, input: VerifyInput<NitroEvidence>): void => {
  const message = checks.attempt({ name: 'COSE form', rule: 'RFC 9052 section 4.2: COSE_Sign1 with ES384' }, () => parseCoseSign1(input.evidence.document))
  if (message === undefined) return
  const document = checks.attempt({ name: 'document fields', rule: `${GUIDE}: fields and limits` }, () => parseNitroDocument(message.payload))
  if (document === undefined) return
  describeDocument(draft, document)
  const chain = checkDocumentChain(checks, document, input)
  if (chain !== undefined) {
    const windows = chain.certificates.slice(0, -1).map(certificateWindow)
    Object.assign(draft, checks.group({ name: 'validity', rule: 'Every certificate at the time of verification' }, (inner) => checkWindows(inner, windows, input.policy, input.nowSeconds)))
    Object.assign(draft, { simulated: chain.root.simulated, rootFingerprint: chain.root.fingerprint })
  }
  checkSignature(checks, message, chain?.leaf, input)
  checkAge(checks, draft, document, input)
  checks.group({ name: 'policy', rule: 'Policy' }, (inner) => {
    checkRegisters(inner, document, input)
    checkPolicy(inner, draft, input.policy, [])
    checkReportData(inner, draft.reportData as Uint8Array, input.expectedReportData)
  })
}

/** Signature and tag aside: what the enclave had signed. Of a document that cannot be read, all of it. */
const signedContent = ({ document }: NitroEvidence): Uint8Array => {
  try {
    return signedBytes(parseCoseSign1(document))
  } catch (error) {
    if (isAttestationError(error)) return document
    throw error
  }
}

const DOCUMENT_NAMES = ['documentHex', 'document', 'attestation_document', 'attestationDocument', 'attestation_doc']

/** The document that bytes begin with; tools hand it out with the rest of its container behind it. Evidence itself must end there. */
const cutDocument = (bytes: Uint8Array): Uint8Array | undefined => {
  try {
    const document = cutCoseSign1(bytes)
    parseCoseSign1(document)
    return document
  } catch (error) {
    if (isAttestationError(error)) return undefined
    throw error
  }
}

const detectNitro = ({ bytes, json }: DetectionInput): NitroEvidence | undefined => {
  const given = json === undefined ? bytes : bytesOfJson(memberOf(json, DOCUMENT_NAMES))
  const document = given === undefined ? undefined : cutDocument(given)
  return document === undefined ? undefined : { document }
}

/** Attestation documents of AWS Nitro Enclaves. */
export const nitro = {
  name: 'Nitro',
  index: 4,
  provider: { name: 'Nitro', index: 5 },
  isReport: false,
  invalidError: 'EvidenceInvalid',
  fields: { document: bytesUpTo(16 * 1024) },
  signedContent,
  detect: detectNitro,
  verify(input: VerifyInput<NitroEvidence>): Verdict {
    const checks = createCheckRecorder()
    const draft: FactsDraft = { kind: 'Nitro' }
    judge(checks, draft, input)
    return verdictOf(checks.finish({ name: 'Nitro attestation document', rule: GUIDE }), draft)
  },
} as const satisfies TeeKind<'Nitro', NitroEvidence>
