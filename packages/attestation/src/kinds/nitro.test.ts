/** Nitro documents of a simulated vendor: accepted when right, and each fault refused with its own code. */
import { beforeAll, describe, expect, test } from 'vitest'
import { concatBytes, parseHex, utf8 } from '@phalanx/primitives/bytes'
import type { Crypto } from '@phalanx/primitives/crypto'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import type { AttestationErrorCode } from '../errors.ts'
import type { AttestationPolicy } from '../policy.ts'
import { evaluateRegistration } from '../registration.ts'
import { formatVerdict, type Verdict } from '../verdict.ts'
import { AttestationReport, referencePolicy, verifyEvidence } from './index.ts'
import type { CborValue } from './nitro/cbor.ts'
import { createSimulatedVendor, type SimulatedVendor } from './simulated-vendor.ts'

const NOW = 1_790_000_000
const commit = new Uint8Array(32).fill(3)
const userData = concatBytes(commit, new Uint8Array(32).fill(4))

let crypto: Crypto
let vendor: SimulatedVendor
beforeAll(async () => {
  crypto = await loadCrypto()
  vendor = createSimulatedVendor({ seed: new Uint8Array(32).fill(7), crypto })
})

interface Setup {
  readonly pcrs?: Readonly<Record<number, Uint8Array>>
  readonly userData?: Uint8Array
  readonly fields?: Readonly<Record<string, CborValue | undefined>>
  readonly cose?: (parts: readonly CborValue[]) => readonly CborValue[]
  readonly edit?: (document: Uint8Array) => Uint8Array
  readonly policy?: Partial<AttestationPolicy>
  readonly now?: number
}

const evidenceOf = ({ edit, policy: _policy, now: _now, ...options }: Setup = {}): AttestationReport => {
  const { document } = vendor.nitro({ userData, nowSeconds: NOW, ...options })
  return { kind: 'Nitro', value: { document: edit?.(document) ?? document } }
}

const policyOf = (changes: Partial<AttestationPolicy> = {}): AttestationPolicy => referencePolicy({ simulated: true, roots: [vendor.rootCertificate], ...changes })

const verify = (setup: Setup = {}): Verdict =>
  verifyEvidence({ evidence: evidenceOf(setup), policy: policyOf(setup.policy), nowSeconds: setup.now ?? NOW, crypto, expectedReportData: commit })

const zeros = new Uint8Array(48)

describe('nitro', () => {
  test('accepts a right document and states what it proves', () => {
    const verdict = verify()
    if (!verdict.ok) throw new Error(formatVerdict(verdict))
    const { facts } = verdict
    expect(facts.measurement).toEqual(concatBytes(...[1, 2, 3, 9].map((fill) => new Uint8Array(48).fill(fill))))
    expect(facts).toMatchObject({ reportData: userData, debug: false, simulated: true, tcbStatus: 'UpToDate', confidenceLevel: 1, family: utf8('nitro') })
    expect([facts.notBefore, facts.notAfter]).toEqual([NOW - 60, NOW + 7199])
    expect(evaluateRegistration({ report: evidenceOf(), commit, policy: policyOf(), nowSeconds: NOW, crypto })).toMatchObject({ ok: true, provider: { kind: 'Nitro' } })
  })

  test.each<readonly [string, Setup, AttestationErrorCode]>([
    ['a debug enclave', { pcrs: { 0: zeros, 1: zeros, 2: zeros } }, 'ATTESTATION_DEBUG_ENCLAVE'],
    ['one register of zeros', { pcrs: { 2: zeros } }, 'ATTESTATION_DEBUG_ENCLAVE'],
    ['other user data', { userData: new Uint8Array(64) }, 'ATTESTATION_REPORT_DATA_MISMATCH'],
    ['user data of the commitment alone', { userData: commit }, 'ATTESTATION_REPORT_DATA_MISMATCH'],
    ['more user data than a worker writes', { userData: concatBytes(userData, Uint8Array.of(0)) }, 'ATTESTATION_REPORT_DATA_MISMATCH'],
    ['user data beyond the limit', { userData: new Uint8Array(513) }, 'ATTESTATION_DOCUMENT_FIELD'],
    ['a nonce beyond the limit', { fields: { nonce: new Uint8Array(513) } }, 'ATTESTATION_DOCUMENT_FIELD'],
    ['a public key beyond the limit', { fields: { public_key: new Uint8Array(1025) } }, 'ATTESTATION_DOCUMENT_FIELD'],
    ['a field of no name', { fields: { surprise: 1 } }, 'ATTESTATION_DOCUMENT_FIELD'],
    ['no registers', { fields: { pcrs: new Map() } }, 'ATTESTATION_DOCUMENT_FIELD'],
    ['a register of 32 bytes', { fields: { pcrs: new Map([[0, new Uint8Array(32)]]) } }, 'ATTESTATION_DOCUMENT_FIELD'],
    ['a register beyond 31', { fields: { pcrs: new Map([[32, new Uint8Array(48)]]) } }, 'ATTESTATION_DOCUMENT_FIELD'],
    ['registers without the application\'s', { fields: { pcrs: new Map([[0, new Uint8Array(48).fill(1)]]) } }, 'ATTESTATION_DOCUMENT_FIELD'],
    ['another digest', { fields: { digest: 'SHA256' } }, 'ATTESTATION_DOCUMENT_FIELD'],
    ['no time', { fields: { timestamp: undefined } }, 'ATTESTATION_DOCUMENT_FIELD'],
    ['a time that is text', { fields: { timestamp: '0' } }, 'ATTESTATION_DOCUMENT_FIELD'],
    ['an identifier with a line break', { fields: { module_id: 'i-0\n' } }, 'ATTESTATION_DOCUMENT_FIELD'],
    ['another enclave\'s certificate', { fields: { module_id: 'i-0other' } }, 'ATTESTATION_CERTIFICATE_ROLE'],
    ['no certificates above its own', { fields: { cabundle: [] } }, 'ATTESTATION_DOCUMENT_FIELD'],
    ['a certificate that is none', { fields: { certificate: new Uint8Array(5) } }, 'ATTESTATION_DER_TAG'],
    ['a signature of other content', { cose: (parts) => [...parts.slice(0, 3), new Uint8Array(96).fill(1)] }, 'ATTESTATION_DOCUMENT_SIGNATURE_INVALID'],
    ['a short signature', { cose: (parts) => [...parts.slice(0, 3), new Uint8Array(64)] }, 'ATTESTATION_COSE_MALFORMED'],
    ['an unprotected header', { cose: ([head, , ...rest]) => [head as CborValue, new Map([[4, Uint8Array.of(1)]]), ...rest] }, 'ATTESTATION_COSE_MALFORMED'],
    ['another algorithm', { cose: ([, ...rest]) => [parseHex('a10126'), ...rest] }, 'ATTESTATION_COSE_MALFORMED'],
    ['a detached payload', { cose: ([head, free, , signature]) => [head as CborValue, free as CborValue, null, signature as CborValue] }, 'ATTESTATION_COSE_MALFORMED'],
    ['five parts', { cose: (parts) => [...parts, 0] }, 'ATTESTATION_COSE_MALFORMED'],
    ['bytes after it', { edit: (document) => concatBytes(document, Uint8Array.of(0)) }, 'ATTESTATION_CBOR_TRAILING_BYTES'],
    ['a document of tomorrow', { now: NOW - 61 }, 'ATTESTATION_CERTIFICATE_NOT_YET_VALID'],
    ['a document two hours old', { now: NOW + 7200 }, 'ATTESTATION_REPORT_EXPIRED'],
    ['a document beyond its certificate', { now: NOW + 10_801, policy: { reportAgeSecondsMax: 20_000 } }, 'ATTESTATION_CERTIFICATE_EXPIRED'],
    ['a simulated enclave without the flag', { policy: { simulated: false } }, 'ATTESTATION_SIMULATED_REFUSED'],
    ['an unpinned root', { policy: { roots: [] } }, 'ATTESTATION_ROOT_UNKNOWN'],
    ['a blocked family', { policy: { blockedFamilies: [utf8('nitro')] } }, 'ATTESTATION_FMSPC_REFUSED'],
    ['a measurement that is not listed', { policy: { enforceMeasurements: true } }, 'ATTESTATION_MEASUREMENT_REFUSED'],
    ['a kind that is not admitted', { policy: { kinds: ['SgxDcap'] } }, 'ATTESTATION_KIND_REFUSED'],
  ])('refuses %s', (_name, setup, code) => {
    expect(verify(setup)).toMatchObject({ ok: false, errorCode: code })
  })

  test('takes the tag of a COSE message or none, and means the same', () => {
    expect(verify({ edit: (document) => concatBytes(Uint8Array.of(0xd2), document) }).ok).toBe(true)
    expect(verify({ edit: (document) => concatBytes(Uint8Array.of(0xd1), document) })).toMatchObject({ errorCode: 'ATTESTATION_CBOR_MALFORMED' })
  })

  test('has index 4 on the wire', () => {
    const bytes = AttestationReport.encode(evidenceOf())
    expect(bytes[0]).toBe(4)
    expect(AttestationReport.decode(bytes)).toEqual(evidenceOf())
  })
})
