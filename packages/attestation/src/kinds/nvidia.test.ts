/** GPU reports of a simulated vendor: accepted when right, each fault refused with its own code, and never a worker's only evidence. */
import { beforeAll, describe, expect, test } from 'vitest'
import { concatBytes, utf8 } from '@phalanx/primitives/bytes'
import type { Crypto } from '@phalanx/primitives/crypto'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import type { AttestationErrorCode } from '../errors.ts'
import type { AttestationPolicy } from '../policy.ts'
import { evaluateRegistration } from '../registration.ts'
import { formatVerdict, type Verdict } from '../verdict.ts'
import { AttestationReport, joinCollateral, referencePolicy, separateCollateral, verifyEvidence } from './index.ts'
import type { GpuEvidence } from './nvidia.ts'
import type { ManifestOptions } from './simulated/gpu.ts'
import { createSimulatedVendor, type SimulatedVendor } from './simulated-vendor.ts'

const NOW = 1_790_000_000
const nonce = new Uint8Array(32).fill(3)

let crypto: Crypto
let vendor: SimulatedVendor
beforeAll(async () => {
  crypto = await loadCrypto()
  vendor = createSimulatedVendor({ seed: new Uint8Array(32).fill(7), crypto })
})

interface Setup {
  readonly firmwareId?: Uint8Array | null
  readonly edit?: (signed: Uint8Array) => Uint8Array
  readonly after?: (value: GpuEvidence) => Partial<GpuEvidence>
  readonly policy?: Partial<AttestationPolicy>
  readonly expected?: Uint8Array
  readonly manifests?: readonly ManifestOptions[]
}

const evidenceOf = ({ after, firmwareId, edit, manifests }: Setup = {}): AttestationReport => {
  const value = vendor.gpu().report({ nonce, ...(firmwareId !== undefined && { firmwareId }), ...(edit && { edit }) })
  const collateral = manifests === undefined ? undefined : ({ kind: 'Nvidia', value: { manifests: manifests.map((one) => vendor.gpu().manifest(one)) } } as const)
  return { kind: 'Nvidia', value: { ...value, collateral, ...after?.(value) } }
}

const policyOf = (changes: Partial<AttestationPolicy> = {}): AttestationPolicy => referencePolicy({ simulated: true, roots: [vendor.rootCertificate], ...changes })

const verify = (setup: Setup = {}): Verdict =>
  verifyEvidence({ evidence: evidenceOf(setup), policy: policyOf(setup.policy), nowSeconds: NOW, crypto, expectedReportData: setup.expected ?? nonce })

const setAt = (at: number, value: number) => (bytes: Uint8Array): Uint8Array => bytes.map((byte, i) => (i === at ? value : byte))

/** Where the response begins, and in it the record. */
const RESPONSE = 37
const RECORD = RESPONSE + 8

describe('nvidia', () => {
  test('accepts a right report and states what it proves', () => {
    const verdict = verify()
    if (!verdict.ok) throw new Error(formatVerdict(verdict))
    const measurement = crypto.sha384(concatBytes(new Uint8Array(48).fill(1), new Uint8Array(48).fill(2)))
    expect(verdict.facts).toMatchObject({ measurement, reportData: nonce, simulated: true, tcbStatus: 'SWHardeningNeeded', confidenceLevel: 2, family: utf8('nvidia:gx100') })
    expect(verdict.facts.fields).toMatchObject({ driverVersion: '1.0', measurements: 2 })
    expect(verify({ policy: { enforceMeasurements: true, measurements: [measurement] } })).toMatchObject({ ok: true, facts: { tcbStatus: 'UpToDate', confidenceLevel: 1 } })
    expect(verify({ firmwareId: null }).ok).toBe(true)
  })

  test.each<readonly [string, Setup, AttestationErrorCode]>([
    ['another nonce', { expected: new Uint8Array(32) }, 'ATTESTATION_REPORT_DATA_MISMATCH'],
    ['an expectation longer than a nonce', { expected: concatBytes(nonce, nonce) }, 'ATTESTATION_REPORT_DATA_MISMATCH'],
    ['other firmware than the certified', { firmwareId: new Uint8Array(48) }, 'ATTESTATION_PLATFORM_EXTENSION'],
    ['another SPDM version', { edit: setAt(RESPONSE, 0x12) }, 'ATTESTATION_SPDM_MALFORMED'],
    ['another response', { edit: setAt(RESPONSE + 1, 0x61) }, 'ATTESTATION_SPDM_MALFORMED'],
    ['a request without signature', { edit: setAt(2, 0) }, 'ATTESTATION_SPDM_MALFORMED'],
    ['a request for one measurement', { edit: setAt(3, 1) }, 'ATTESTATION_SPDM_MALFORMED'],
    ['another slot', { edit: setAt(36, 1) }, 'ATTESTATION_SPDM_MALFORMED'],
    ['fewer measurements than announced', { edit: setAt(RESPONSE + 4, 3) }, 'ATTESTATION_SPDM_MALFORMED'],
    ['a record longer than the report', { edit: setAt(RESPONSE + 7, 0xff) }, 'ATTESTATION_SPDM_MALFORMED'],
    ['two measurements of one number', { edit: setAt(RECORD + 55, 1) }, 'ATTESTATION_SPDM_MALFORMED'],
    ['measurement number zero', { edit: setAt(RECORD, 0) }, 'ATTESTATION_SPDM_MALFORMED'],
    ['another specification', { edit: setAt(RECORD + 1, 2) }, 'ATTESTATION_SPDM_MALFORMED'],
    ['a value longer than its block', { edit: setAt(RECORD + 5, 49) }, 'ATTESTATION_SPDM_MALFORMED'],
    ['bytes after it', { after: ({ report }) => ({ report: concatBytes(report, Uint8Array.of(0)) }) }, 'ATTESTATION_QUOTE_TRAILING_BYTES'],
    ['a signature of other content', { after: ({ report }) => ({ report: setAt(report.length - 1, 0)(setAt(5, 9)(report)) }) }, 'ATTESTATION_QUOTE_SIGNATURE_INVALID'],
    ['no certificates', { after: () => ({ certificates: [] }) }, 'ATTESTATION_CHAIN_LENGTH'],
    ['certificates in another order', { after: ({ certificates }) => ({ certificates: [certificates[1], certificates[0], certificates[2]] as Uint8Array[] }) }, 'ATTESTATION_CHAIN_ORDER'],
    ['a chain without its middle', { after: ({ certificates }) => ({ certificates: [certificates[0], certificates[2]] as Uint8Array[] }) }, 'ATTESTATION_CERTIFICATE_ISSUER_MISMATCH'],
    ['a certificate that is none', { after: ({ certificates }) => ({ certificates: [...certificates.slice(0, 2), new Uint8Array(3)] }) }, 'ATTESTATION_DER_TAG'],
    ['a device as signer', { after: ({ certificates }) => ({ certificates: certificates.slice(1) }) }, 'ATTESTATION_CERTIFICATE_ROLE'],
    ['a simulated GPU without the flag', { policy: { simulated: false } }, 'ATTESTATION_SIMULATED_REFUSED'],
    ['an unpinned root', { policy: { roots: [] } }, 'ATTESTATION_ROOT_UNKNOWN'],
    ['a blocked architecture', { policy: { blockedFamilies: [utf8('nvidia:gx100')] } }, 'ATTESTATION_FMSPC_REFUSED'],
  ])('refuses %s', (_name, setup, code) => {
    expect(verify(setup)).toMatchObject({ ok: false, errorCode: code })
  })

  test('judges its measurements by the vendor\'s manifest', () => {
    expect(verify({ manifests: [{}] })).toMatchObject({ ok: true, facts: { tcbStatus: 'SWHardeningNeeded' } })
    expect(verify({ manifests: [{ edit: (text) => text.replace('<Meta ', '<Meta\n ').replace('></Meta>', '/>') }] }).ok).toBe(true)
  })

  test.each<readonly [string, ManifestOptions, AttestationErrorCode]>([
    ['of another driver', { version: '2.0' }, 'ATTESTATION_REFERENCE_MISMATCH'],
    ['of another product', { product: 'GY100' }, 'ATTESTATION_REFERENCE_MISMATCH'],
    ['with another value', { measurements: [new Uint8Array(48).fill(1), new Uint8Array(48).fill(9)] }, 'ATTESTATION_REFERENCE_MISMATCH'],
    ['with a measurement that the report lacks', { measurements: [1, 2, 3].map((fill) => new Uint8Array(48).fill(fill)) }, 'ATTESTATION_REFERENCE_MISMATCH'],
    ['altered after signing', { edit: (text) => text.replace('active="True"', 'active="False"') }, 'ATTESTATION_MANIFEST_SIGNATURE_INVALID'],
    ['with text added', { edit: (text) => text.replace('<Payload>', '<Payload> ') }, 'ATTESTATION_MANIFEST_SIGNATURE_INVALID'],
    ['with another algorithm', { edit: (text) => text.replace('ecdsa-sha384', 'ecdsa-sha256') }, 'ATTESTATION_MANIFEST_FIELD'],
    ['signed in part', { edit: (text) => text.replace('URI=""', 'URI="#a"') }, 'ATTESTATION_MANIFEST_FIELD'],
    ['with fewer transforms', { edit: (text) => text.replace(/<ds:Transform Algorithm="[^"]*c14n11"><\/ds:Transform>/, '') }, 'ATTESTATION_MANIFEST_FIELD'],
    ['with two signatures', { edit: (text) => text.replace(/(<ds:Signature .*<\/ds:Signature>)/, '$1$1') }, 'ATTESTATION_XML_MALFORMED'],
    ['without signature', { edit: (text) => text.replace(/<ds:Signature .*<\/ds:Signature>/, '') }, 'ATTESTATION_XML_MALFORMED'],
    ['with a document type', { edit: (text) => `<!DOCTYPE a [<!ENTITY b "c">]>${text}` }, 'ATTESTATION_XML_MALFORMED'],
    ['with a comment', { edit: (text) => text.replace('<Payload>', '<Payload><!-- -->') }, 'ATTESTATION_XML_MALFORMED'],
    ['with an unknown entity', { edit: (text) => text.replace('name="simulated"', 'name="&b;"') }, 'ATTESTATION_XML_MALFORMED'],
    ['with one measurement twice', { edit: (text) => text.replace('index="1"', 'index="0"') }, 'ATTESTATION_MANIFEST_FIELD'],
    ['with a carriage return', { edit: (text) => text.replace('<Payload>', '<Payload>\r') }, 'ATTESTATION_XML_MALFORMED'],
    ['that ends early', { edit: (text) => text.slice(0, -3) }, 'ATTESTATION_XML_MALFORMED'],
    ['with text after it', { edit: (text) => `${text}x` }, 'ATTESTATION_XML_MALFORMED'],
  ])('refuses a manifest %s', (_name, manifest, code) => {
    expect(verify({ manifests: [manifest] })).toMatchObject({ ok: false, errorCode: code })
  })

  test('refuses two manifests of one measurement', () => {
    expect(verify({ manifests: [{}, {}] })).toMatchObject({ errorCode: 'ATTESTATION_MANIFEST_FIELD' })
  })

  test('never registers a worker, however good it is', () => {
    const outcome = evaluateRegistration({ report: evidenceOf(), commit: nonce, policy: policyOf(), nowSeconds: NOW, crypto })
    expect(outcome).toMatchObject({ ok: false, code: 'ATTESTATION_DEVICE_ONLY', palletError: 'AttestationKindRefused' })
  })

  test('has index 5 on the wire', () => {
    const bytes = AttestationReport.encode(evidenceOf())
    expect(bytes[0]).toBe(5)
    expect(AttestationReport.decode(bytes)).toEqual(evidenceOf())
    const whole = evidenceOf({ manifests: [{}] })
    expect(joinCollateral(separateCollateral(whole))).toEqual(whole)
    expect(joinCollateral(separateCollateral(evidenceOf()))).toEqual(evidenceOf())
  })
})
