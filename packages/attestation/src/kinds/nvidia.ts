/**
 * Owns the verification of NVIDIA GPU evidence: the SPDM report signed by the GPU's attestation key, the chain to the pinned device root,
 * the nonce. A GPU is a device beside a CPU TEE: its evidence adds to a worker's and never stands for it (`device`).
 */
import { bytesEqual, concatBytes, toHexPlain, utf8 } from '@phalanx/primitives/bytes'
import { bytesUpTo, named, option, struct, textUpTo, variant, vecUpTo, type TypeOf } from '@phalanx/primitives/codec'
import { bytesOfJson, bytesOfText, memberOf, type DetectionInput } from '../detection.ts'
import { attestationError, isAttestationError } from '../errors.ts'
import { parseJson, type JsonObject, type JsonValue } from '../json.ts'
import { checkPolicy, checkReportData, type FactsDraft } from '../policy-checks.ts'
import { certificateWindow, checkWindows } from '../validity.ts'
import { createCheckRecorder, verdictOf, type CheckRecorder, type Verdict } from '../verdict.ts'
import { parseCertificate, type Certificate } from '../x509/certificate.ts'
import { checkChain, parseRoots, type VerifiedChain } from '../x509/chain.ts'
import { TAG, contentOf, oidText, readDer } from '../x509/der.ts'
import { parsePem } from '../x509/pem.ts'
import { isOnCurve } from '../x509/signature.ts'
import type { TeeKind, VerifyInput } from './kind.ts'
import { checkManifest, checkMeasurements } from './nvidia/manifest.ts'
import { GPU_FIELD, isGpuReport, parseGpuReport, type GpuReport } from './nvidia/spdm.ts'

const SPDM = 'DMTF DSP0274 section 10.11'

const CHAIN_MAX = 8

/** Collateral of GPU evidence: the vendor's manifests of driver and firmware, exact texts. The index continues those of other kinds' collateral. */
export const GpuCollateral = named(
  'phalanx_attestation::gpu::Collateral',
  variant('Collateral', { Nvidia: { index: 5, value: struct({ manifests: vecUpTo(textUpTo(256 * 1024), 2) }) } }),
)
export type GpuCollateral = TypeOf<typeof GpuCollateral>

/** Evidence of a GPU: request and response as exchanged, and the certificates above its attestation key, leaf first, DER. */
export interface GpuEvidence {
  readonly report: Uint8Array
  readonly certificates: readonly Uint8Array[]
  readonly collateral: GpuCollateral | undefined
}

/** Firmware identity that a device certificate states (TCG DICE, 2.23.133.5.4.1). */
const DICE_FIRMWARE_OID = '2.23.133.5.4.1'

const ascii = (bytes: Uint8Array | undefined): string => String.fromCharCode(...(bytes ?? []).filter((byte) => byte >= 0x20 && byte < 0x7f).slice(0, 40))

/** One digest over all measurements, in their order: what an allow list names. */
const describeReport = (draft: FactsDraft, report: GpuReport, input: VerifyInput<GpuEvidence>): void => {
  draft.measurement = input.crypto.sha384(concatBytes(...report.measurements.map(({ value }) => value)))
  draft.reportData = report.requestNonce
  draft.debug = false
  const field = (number: number): string => ascii(report.fields.get(number))
  draft.fields = {
    driverVersion: field(GPU_FIELD.driverVersion), vbiosVersion: report.fields.get(GPU_FIELD.vbiosVersion) ?? new Uint8Array(0), project: field(GPU_FIELD.project),
    projectSku: field(GPU_FIELD.projectSku), chipSku: field(GPU_FIELD.chipSku), measurements: report.measurements.length, requestNonce: report.requestNonce,
  }
  // No vendor statement of what is current is judged here, so the best status is reserved to measurements that policy lists.
  const listed = input.policy.measurements.some((allowed) => bytesEqual(allowed, draft.measurement as Uint8Array))
  draft.tcbStatus = listed ? 'UpToDate' : 'SWHardeningNeeded'
  draft.advisoryIds = []
}

/** The architecture stands first in the leaf's common name: `GH100 A01 GSP FMC LF`. */
const familyOf = (leaf: Certificate): Uint8Array => utf8(`nvidia:${(leaf.commonName.split(' ')[0] ?? '').toLowerCase().replace(/[^a-z0-9]/g, '').slice(0, 16)}`)

const checkDeviceChain = (checks: CheckRecorder, input: VerifyInput<GpuEvidence>): VerifiedChain | undefined =>
  checks.group({ name: 'device chain', rule: 'NVIDIA device identity: attestation key, device, provisioner, product, root' }, (inner) => {
    const { certificates: ders } = input.evidence
    const parsed = inner.attempt({ name: 'form', rule: 'RFC 5280 in DER' }, () => {
      if (ders.length < 2 || ders.length > CHAIN_MAX) throw attestationError('ATTESTATION_CHAIN_LENGTH', `${ders.length} certificates, 2 to ${CHAIN_MAX} expected`)
      return ders.map(parseCertificate)
    })
    if (parsed === undefined) return undefined
    const root = parsed[parsed.length - 1] as Certificate
    const pinned = inner.attempt({ name: 'pinned roots', rule: 'Policy: every pinned root is a certificate' }, () => parseRoots(input.policy.roots.filter((der) => bytesEqual(der, root.der)), input.crypto))
    if (pinned === undefined) return undefined
    const shape = { certificates: parsed, length: parsed.length, rootPresented: true, leafIsAuthority: false, leafRole: 'FMC LF' }
    return checkChain(inner, shape, { roots: pinned, simulated: input.policy.simulated }, input.crypto)
  })

const readFirmwareId = (leaf: Certificate): Uint8Array | undefined => {
  const extension = leaf.extensions.get(DICE_FIRMWARE_OID)
  if (extension === undefined) return undefined
  return readDer(extension.value, TAG.sequence, (content) => {
    content.next(TAG.integer)
    content.next(TAG.sequence)
    const identity = content.enter()
    oidText(identity.next(TAG.oid))
    const digest = contentOf(identity.next(TAG.octetString)).slice()
    identity.finish()
    return digest
  })
}

/** The firmware that made the attestation key is the firmware that answers. */
const checkFirmware = (checks: CheckRecorder, report: GpuReport, leaf: Certificate): void => {
  const stated = report.fields.get(GPU_FIELD.firmwareId)
  const spec = { name: 'firmware identity', rule: 'TCG DICE: the certificate\'s firmware identity is the report\'s' }
  if (stated === undefined) return checks.skip(spec, 'the report states none')
  const certified = checks.attempt({ ...spec, name: 'firmware identity form' }, () => readFirmwareId(leaf))
  checks.check(
    { ...spec, seen: stated, ...(certified === undefined ? {} : { expected: certified }) },
    { pass: certified !== undefined && bytesEqual(certified, stated), code: 'ATTESTATION_PLATFORM_EXTENSION', detail: `firmware ${toHexPlain(stated.subarray(0, 8))}… is not the certified one` },
  )
}

const checkSignature = (checks: CheckRecorder, report: GpuReport, leaf: Certificate | undefined, input: VerifyInput<GpuEvidence>): void => {
  const spec = { name: 'report signature', rule: `${SPDM}: ECDSA P-384 with SHA-384 over request and response`, seen: report.signature, at: report.at.signature }
  if (leaf === undefined) return checks.skip(spec, 'the attestation key\'s certificate did not stand')
  const key = leaf.publicKey
  const valid = key.kind === 'p384' && input.crypto.p384.verify(report.signature, report.signed, key.value)
  const offCurve = !valid && key.kind === 'p384' && !isOnCurve('p384', key.value)
  checks.check(spec, { pass: valid, code: offCurve ? 'ATTESTATION_POINT_INVALID' : 'ATTESTATION_QUOTE_SIGNATURE_INVALID', detail: `over ${report.signed.length} bytes, by "${leaf.commonName}"` })
}

/** `0x9600a500 01` is 96.00.A5.00.01: four bytes little endian, then one. */
const firmwareVersion = (bytes: Uint8Array | undefined): string => (bytes === undefined || bytes.length < 5 ? '' : [3, 2, 1, 0, 4].map((i) => toHexPlain(bytes.subarray(i, i + 1))).join('.').toUpperCase())

/** Manifests say what the vendor published. Without any, the measurements are shown, signed and nonced, and compared by policy alone. */
const checkManifests = (checks: CheckRecorder, report: GpuReport, chain: VerifiedChain, input: VerifyInput<GpuEvidence>): readonly Certificate[] => {
  const texts = input.evidence.collateral?.value.manifests ?? []
  const { roots, simulated } = input.policy
  const trust = { roots: (der: Uint8Array) => parseRoots(roots.filter((one) => bytesEqual(one, der)), input.crypto), simulated }
  if (texts.length === 0) checks.skip({ name: 'reference manifests', rule: 'Vendor\'s reference integrity manifests' }, 'the evidence carries none')
  const standing = texts.map((text, i) => checks.group({ name: `reference manifest ${i + 1}`, rule: 'Vendor\'s reference integrity manifests' }, (inner) => checkManifest(inner, text, trust, input.crypto)))
  const verified = standing.filter((one) => one !== undefined)
  const reported = { product: chain.leaf.commonName.split(' ')[0] ?? '', driver: ascii(report.fields.get(GPU_FIELD.driverVersion)), firmware: firmwareVersion(report.fields.get(GPU_FIELD.vbiosVersion)) }
  if (verified.length > 0) checks.group({ name: 'reference measurements', rule: 'Vendor\'s reference integrity manifests' }, (inner) => checkMeasurements(inner, verified.map(({ manifest }) => manifest), reported, report.measurements))
  return verified.flatMap(({ certificates }) => certificates)
}

/** The order is the order of the verdict. */
const judge = (checks: CheckRecorder, draft: FactsDraft, input: VerifyInput<GpuEvidence>): void => {
  const report = checks.attempt({ name: 'report structure', rule: `${SPDM}: GET_MEASUREMENTS and MEASUREMENTS, version 1.1` }, () => parseGpuReport(input.evidence.report))
  if (report !== undefined) describeReport(draft, report, input)
  const chain = checkDeviceChain(checks, input)
  if (chain !== undefined) {
    draft.family = familyOf(chain.leaf)
    const manifests = report === undefined ? [] : checkManifests(checks, report, chain, input)
    const windows = [...chain.certificates.slice(0, -1), ...manifests].map(certificateWindow)
    Object.assign(draft, checks.group({ name: 'validity', rule: 'Every certificate at the time of verification' }, (inner) => checkWindows(inner, windows, input.policy, input.nowSeconds)))
    Object.assign(draft, { simulated: chain.root.simulated, rootFingerprint: chain.root.fingerprint })
  }
  if (report === undefined) return
  checkSignature(checks, report, chain?.leaf, input)
  if (chain !== undefined) checkFirmware(checks, report, chain.leaf)
  checks.group({ name: 'policy', rule: 'Policy' }, (inner) => {
    checkPolicy(inner, draft, input.policy, [])
    checkReportData(inner, report.requestNonce, input.expectedReportData, report.at.requestNonce.offset)
  })
}

const signedContent = ({ report }: GpuEvidence): Uint8Array => {
  try {
    return parseGpuReport(report).signed
  } catch (error) {
    if (isAttestationError(error)) return report
    throw error
  }
}

const pemOf = (value: JsonValue | undefined): readonly Uint8Array[] => {
  if (typeof value !== 'string') return []
  const decoded = value.includes('-----BEGIN') ? value : String.fromCharCode(...(bytesOfText(value) ?? []))
  return decoded.includes('-----BEGIN') ? parsePem(decoded.trim()) : []
}

const detectMember = (json: JsonObject): GpuEvidence | undefined => {
  const report = bytesOfJson(memberOf(json, ['evidence', 'attestationReport', 'attestation_report', 'report']))
  if (report === undefined || !isGpuReport(report)) return undefined
  return { report, certificates: pemOf(memberOf(json, ['certificate', 'certificates', 'cert_chain', 'gpuAkCertChain'])), collateral: undefined }
}

/** The vendor's tools write a list with an object for each device; of several, the first is meant. */
const firstOfList = (text: string): GpuEvidence | undefined => {
  const value = parseJson(text)
  const first = Array.isArray(value) ? (value as readonly JsonValue[])[0] : undefined
  return first instanceof Map ? detectMember(first as JsonObject) : undefined
}

/** GPU evidence in a file: a raw exchange, which lacks its certificates, or JSON with both. */
const detectGpu = ({ bytes, text, json }: DetectionInput): GpuEvidence | undefined => {
  if (json !== undefined) return detectMember(json)
  if (text?.startsWith('[{') === true || text?.startsWith('[\n') === true) return firstOfList(text)
  return isGpuReport(bytes) ? { report: bytes, certificates: [], collateral: undefined } : undefined
}

/** Adds one manifest, or the certificates that a raw exchange lacks. */
const attachManifest = (evidence: GpuEvidence, { text, json }: DetectionInput): GpuEvidence | undefined => {
  if (text?.startsWith('-----BEGIN') === true) return { ...evidence, certificates: parsePem(text) }
  if (json !== undefined || text?.startsWith('<') !== true) return undefined
  return { ...evidence, collateral: { kind: 'Nvidia', value: { manifests: [...(evidence.collateral?.value.manifests ?? []), text] } } }
}

/** Attestation reports of NVIDIA GPUs. */
export const nvidia = {
  name: 'Nvidia',
  index: 5,
  provider: { name: 'Nvidia', index: 6 },
  isReport: false,
  invalidError: 'EvidenceInvalid',
  isDevice: true,
  fields: { report: bytesUpTo(16 * 1024), certificates: vecUpTo(bytesUpTo(4096), CHAIN_MAX), collateral: option(GpuCollateral) },
  signedContent,
  detect: detectGpu,
  attachCollateral: attachManifest,
  verify(input: VerifyInput<GpuEvidence>): Verdict {
    const checks = createCheckRecorder()
    const draft: FactsDraft = { kind: 'Nvidia' }
    judge(checks, draft, input)
    return verdictOf(checks.finish({ name: 'NVIDIA GPU report', rule: SPDM }), draft)
  },
} as const satisfies TeeKind<'Nvidia', GpuEvidence>
