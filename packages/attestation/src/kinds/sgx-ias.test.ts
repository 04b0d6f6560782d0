/** EPID reports under a root made here: the vendor's service has ended, so faults are made with keys of our own. */
import { generateKeyPairSync, sign as signRsa, type KeyObject } from 'node:crypto'
import { beforeAll, describe, expect, test } from 'vitest'
import { concatBytes, toHexPlain, utf8 } from '@phalanx/primitives/bytes'
import type { Crypto } from '@phalanx/primitives/crypto'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { toBase64 } from '../base64.ts'
import type { AttestationErrorCode } from '../errors.ts'
import type { AttestationPolicy } from '../policy.ts'
import { evaluateRegistration } from '../registration.ts'
import { EXTENSION_OID } from '../x509/certificate.ts'
import { contextTag } from '../x509/der.ts'
import { der, derBits, derInteger, derOid, derSequence, derText, derTime, derTrue, derUnsigned } from '../x509/der-writer.ts'
import { referencePolicy, verifyEvidence, type AttestationReport } from './index.ts'
import { extension } from './simulated/certificates.ts'

const NOW = 1_700_000_000

interface RsaPair {
  readonly name: string
  readonly privateKey: KeyObject
  readonly modulus: Uint8Array
}

const makePair = (name: string): RsaPair => {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const { n = '' } = publicKey.export({ format: 'jwk' })
  return { name, privateKey, modulus: new Uint8Array(Buffer.from(n, 'base64url')) }
}

const rsaSign = (pair: RsaPair, message: Uint8Array): Uint8Array => new Uint8Array(signRsa('sha256', message, pair.privateKey))

const sha256WithRsa = derSequence(derOid('1.2.840.113549.1.1.11'), Uint8Array.of(5, 0))
const nameOf = (text: string): Uint8Array => derSequence(der(0x31, derSequence(derOid('2.5.4.3'), derText(text))))

const writeRsaCertificate = (subject: RsaPair, issuer: RsaPair, isAuthority: boolean, notAfter = 1_900_000_000): Uint8Array => {
  const key = derSequence(derUnsigned(subject.modulus), derInteger(65537))
  const tbs = derSequence(
    der(contextTag(0), derInteger(2)), derInteger(isAuthority ? 1 : 2), sha256WithRsa, nameOf(issuer.name),
    derSequence(derTime(1_500_000_000), derTime(notAfter)), nameOf(subject.name),
    derSequence(derSequence(derOid('1.2.840.113549.1.1.1'), Uint8Array.of(5, 0)), derBits(key)),
    der(contextTag(3), derSequence(
      extension(EXTENSION_OID.keyUsage, isAuthority ? Uint8Array.of(3, 2, 1, 6) : Uint8Array.of(3, 2, 6, 0xc0), true),
      extension(EXTENSION_OID.basicConstraints, isAuthority ? derSequence(derTrue, derInteger(0)) : derSequence(), true),
    )),
  )
  return derSequence(tbs, sha256WithRsa, derBits(rsaSign(issuer, tbs)))
}

let crypto: Crypto
let root: RsaPair
let signer: RsaPair
beforeAll(async () => {
  crypto = await loadCrypto()
  root = makePair('Test Attestation Report Signing CA')
  signer = makePair('Test Attestation Report Signing')
})

const commit = new Uint8Array(32).fill(9)

const body = (attributes = 5): Uint8Array => {
  const out = new Uint8Array(432)
  out[96] = attributes
  out.fill(0x11, 112, 144)
  out.fill(0x22, 176, 208)
  out.set([1, 2, 3, 4], 304)
  out.set(commit, 368)
  return out
}

interface Setup {
  readonly fields?: Readonly<Record<string, unknown>>
  readonly omit?: string
  readonly text?: string
  readonly editSignature?: (signature: Uint8Array) => Uint8Array
  readonly certificate?: () => Uint8Array
  readonly signWith?: () => RsaPair
  readonly policy?: Partial<AttestationPolicy>
  readonly now?: number
  readonly commit?: Uint8Array
}

const evidenceOf = (setup: Setup): AttestationReport => {
  const fields: Record<string, unknown> = {
    id: '1', timestamp: '2023-11-14T22:13:20.123456', version: 4, epidPseudonym: 'x', isvEnclaveQuoteStatus: 'SW_HARDENING_NEEDED', advisoryIDs: ['INTEL-SA-00334'],
    isvEnclaveQuoteBody: toBase64(body()), ...setup.fields,
  }
  if (setup.omit !== undefined) delete fields[setup.omit]
  const raReport = utf8(setup.text ?? JSON.stringify(fields))
  const signature = rsaSign(setup.signWith?.() ?? signer, raReport)
  return { kind: 'SgxIas', value: { raReport, signature: setup.editSignature?.(signature) ?? signature, rawSigningCert: setup.certificate?.() ?? writeRsaCertificate(signer, root, false) } }
}

const policyOf = (setup: Setup): AttestationPolicy => referencePolicy({ roots: [writeRsaCertificate(root, root, true)], ...setup.policy })

describe('sgxIas', () => {
  test('accepts a right report and states what it proves', () => {
    const verdict = verifyEvidence({ evidence: evidenceOf({}), policy: policyOf({}), nowSeconds: NOW, crypto, expectedReportData: commit })
    if (!verdict.ok) throw new Error(`${verdict.errorCode} ${verdict.detail}`)
    expect(verdict.facts).toMatchObject({ kind: 'SgxIas', tcbStatus: 'SWHardeningNeeded', confidenceLevel: 2, advisoryIds: ['INTEL-SA-00334'], simulated: false, notAfter: NOW + 7199 })
    expect(toHexPlain(verdict.facts.measurement)).toBe(`${'11'.repeat(32)}01020304${'22'.repeat(32)}`)
  })

  test('reports of the future pass, as in the reference', () => {
    expect(verifyEvidence({ evidence: evidenceOf({}), policy: policyOf({}), nowSeconds: NOW - 100_000, crypto }).ok).toBe(true)
  })

  test.each<[string, AttestationErrorCode, string, Setup]>([
    ['a certificate that is none', 'ATTESTATION_DER_TAG', 'InvalidIASSigningCert', { certificate: () => utf8('no') }],
    ['a bad signature', 'ATTESTATION_REPORT_SIGNATURE_INVALID', 'InvalidIASSigningCert', { editSignature: (signature) => signature.map((byte, i) => (i === 9 ? byte ^ 1 : byte)) }],
    ['a signature of another length', 'ATTESTATION_REPORT_SIGNATURE_INVALID', 'InvalidIASSigningCert', { editSignature: (signature) => concatBytes(signature, new Uint8Array(1)) }],
    ['a report signed by the root', 'ATTESTATION_REPORT_SIGNATURE_INVALID', 'InvalidIASSigningCert', { signWith: () => root }],
    ['the root as signer', 'ATTESTATION_CERTIFICATE_IS_CA', 'InvalidIASSigningCert', { signWith: () => root, certificate: () => writeRsaCertificate(root, root, true) }],
    ['a signer under another root', 'ATTESTATION_CERTIFICATE_SIGNATURE_INVALID', 'InvalidIASSigningCert', { certificate: () => writeRsaCertificate(signer, { ...signer, name: root.name }, false) }],
    ['a signer that nobody pinned', 'ATTESTATION_ROOT_UNKNOWN', 'InvalidIASSigningCert', { certificate: () => writeRsaCertificate(signer, signer, false) }],
    ['an expired signer', 'ATTESTATION_CERTIFICATE_EXPIRED', 'InvalidIASSigningCert', { certificate: () => writeRsaCertificate(signer, root, false, NOW - 1) }],
    ['text that is no JSON', 'ATTESTATION_JSON_MALFORMED', 'InvalidReport', { text: '{' }],
    ['a report that is no object', 'ATTESTATION_JSON_FIELD', 'InvalidReport', { text: '[]' }],
    ['a key given twice', 'ATTESTATION_JSON_DUPLICATE_KEY', 'InvalidReport', { text: '{"id":"1","id":"2"}' }],
    ['a missing body', 'ATTESTATION_JSON_FIELD', 'InvalidReport', { omit: 'isvEnclaveQuoteBody' }],
    ['a missing id', 'ATTESTATION_JSON_FIELD', 'InvalidReport', { omit: 'id' }],
    ['a timestamp in another form', 'ATTESTATION_REPORT_TIMESTAMP', 'BadIASReport', { fields: { timestamp: 'yesterday' } }],
    ['an unknown status', 'ATTESTATION_STATUS_UNKNOWN', 'InvalidQuoteStatus', { fields: { isvEnclaveQuoteStatus: 'GROUP_REVOKED' } }],
    ['a status named like a property', 'ATTESTATION_STATUS_UNKNOWN', 'InvalidQuoteStatus', { fields: { isvEnclaveQuoteStatus: 'constructor' } }],
    ['a body that is no base64', 'ATTESTATION_QUOTE_BODY_MALFORMED', 'UnknownQuoteBodyFormat', { fields: { isvEnclaveQuoteBody: '!' } }],
    ['a body of another length', 'ATTESTATION_QUOTE_BODY_MALFORMED', 'UnknownQuoteBodyFormat', { fields: { isvEnclaveQuoteBody: toBase64(body().subarray(1)) } }],
    ['a debug enclave', 'ATTESTATION_DEBUG_ENCLAVE', 'DebugEnclave', { fields: { isvEnclaveQuoteBody: toBase64(body(7)) } }],
    ['a measurement not listed', 'ATTESTATION_MEASUREMENT_REFUSED', 'PRuntimeRejected', { policy: { enforceMeasurements: true } }],
    ['a report of exactly two hours', 'ATTESTATION_REPORT_EXPIRED', 'OutdatedIASReport', { now: NOW + 7200 }],
    ['other data', 'ATTESTATION_REPORT_DATA_MISMATCH', 'InvalidRuntimeInfoHash', { commit: new Uint8Array(32) }],
    ['a family list, which reports cannot meet', 'ATTESTATION_FMSPC_REFUSED', 'PlatformFamilyRefused', { policy: { allowedFamilies: [new Uint8Array(6)] } }],
    ['a policy with an unreadable root', 'ATTESTATION_DER_TAG', 'InvalidIASSigningCert', { policy: { roots: [new Uint8Array(4)] } }],
  ])('refuses %s: %s', (_name, code, palletError, setup) => {
    const outcome = evaluateRegistration({ report: evidenceOf(setup), commit: setup.commit ?? commit, policy: policyOf(setup), nowSeconds: setup.now ?? NOW, crypto })
    expect(outcome.ok ? 'accepted' : [outcome.code, outcome.palletError]).toEqual([code, palletError])
  })

  test('bytes that are no UTF-8 are no report', () => {
    const raReport = Uint8Array.of(0xff, 0xfe)
    const evidence: AttestationReport = { kind: 'SgxIas', value: { raReport, signature: rsaSign(signer, raReport), rawSigningCert: writeRsaCertificate(signer, root, false) } }
    const outcome = evaluateRegistration({ report: evidence, commit, policy: policyOf({}), nowSeconds: NOW, crypto })
    expect(outcome.ok ? '' : outcome.code).toBe('ATTESTATION_REPORT_MALFORMED')
  })

  test.each<[string, readonly string[], number]>([
    ['OK', ['INTEL-SA-00001'], 1],
    ['CONFIGURATION_NEEDED', [], 3],
    ['CONFIGURATION_AND_SW_HARDENING_NEEDED', ['INTEL-SA-00219', 'INTEL-SA-00381', 'INTEL-SA-00389', 'INTEL-SA-00334'], 3],
    ['CONFIGURATION_NEEDED', ['INTEL-SA-00219', 'INTEL-SA-00615'], 4],
    ['GROUP_OUT_OF_DATE', [], 5],
  ])('%s with %j has confidence %i', (isvEnclaveQuoteStatus, advisoryIDs, confidence) => {
    const outcome = evaluateRegistration({ report: evidenceOf({ fields: { isvEnclaveQuoteStatus, advisoryIDs } }), commit, policy: policyOf({}), nowSeconds: NOW, crypto })
    expect(outcome.ok && outcome.confidenceLevel).toBe(confidence)
  })
})
