/** Evidence is recognised in every form that a file may have, and nothing else is. */
import { describe, expect, test } from 'vitest'
import { concatBytes, toHex, toHexPlain, utf8 } from '@phalanx/primitives/bytes'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { codeOf } from '@phalanx/primitives/testing'
import { toBase64 } from '../base64.ts'
import { Collateral, SgxV30QuoteCollateral } from './dcap/wire.ts'
import { parseCollateral } from './dcap/detect.ts'
import { attachCollateral, detectEvidence } from './detect.ts'
import { AttestationReport, OptionalAttestationReport } from './index.ts'
import { createSimulatedVendor } from './simulated-vendor.ts'
import type { SnpCollateral } from './snp/wire.ts'

const crypto = await loadCrypto()
const vendor = createSimulatedVendor({ seed: new Uint8Array(32).fill(9), crypto })
const quote = vendor.platform({ id: 'one' }).quote({ report: { mrEnclave: new Uint8Array(32), mrSigner: new Uint8Array(32) }, reportData: new Uint8Array(4) })
const collateral = vendor.collateral({ nowSeconds: 1_790_000_000 })
const bare: AttestationReport = { kind: 'SgxDcap', value: { quote, collateral: undefined } }
const full: AttestationReport = { kind: 'SgxDcap', value: { quote, collateral } }

const snakeCase = {
  pck_crl_issuer_chain: collateral.value.pckCrlIssuerChain, root_ca_crl: collateral.value.rootCaCrl, pck_crl: collateral.value.pckCrl,
  tcb_info_issuer_chain: collateral.value.tcbInfoIssuerChain, tcb_info: collateral.value.tcbInfo, tcb_info_signature: toHexPlain(collateral.value.tcbInfoSignature),
  qe_identity_issuer_chain: collateral.value.qeIdentityIssuerChain, qe_identity: collateral.value.qeIdentity, qe_identity_signature: toHexPlain(collateral.value.qeIdentitySignature),
}
const camelCase = { ...collateral.value, tcbInfoSignature: toHex(collateral.value.tcbInfoSignature), qeIdentitySignature: toHex(collateral.value.qeIdentitySignature) }

const json = (value: unknown): Uint8Array => utf8(JSON.stringify(value))

describe('detectEvidence', () => {
  test('recognises a quote as bytes, hex and base64', () => {
    expect(detectEvidence(quote)).toEqual({ kind: 'SgxDcap', evidence: bare, form: 'binary' })
    for (const text of [toHex(quote), `${toHexPlain(quote)}\n`, toBase64(quote), (toBase64(quote).match(/.{1,64}/g) ?? []).join('\r\n')])
      expect(detectEvidence(utf8(text))).toEqual({ kind: 'SgxDcap', evidence: bare, form: 'text' })
  })

  test('cuts a quote at the length it states, as tools hand out fixed buffers', () => {
    expect(detectEvidence(concatBytes(quote, new Uint8Array(70))).evidence).toEqual(bare)
    expect(detectEvidence(json({ quote: toHex(concatBytes(quote, Uint8Array.of(1, 2))) })).evidence).toEqual(bare)
  })

  test('recognises the project\'s own form, with and without its option', () => {
    for (const bytes of [AttestationReport.encode(full), OptionalAttestationReport.encode(full)]) expect(detectEvidence(bytes)).toEqual({ kind: 'SgxDcap', evidence: full, form: 'scale' })
    expect(detectEvidence(utf8(toHex(AttestationReport.encode(bare))))).toEqual({ kind: 'SgxDcap', evidence: bare, form: 'text' })
  })

  test('recognises JSON with a quote, wrapped or not, with or without collateral', () => {
    for (const value of [{ quoteHex: toHexPlain(quote), collateral: snakeCase }, { quote: toHex(quote), quote_collateral: camelCase }, { quote: [...quote], collateral: snakeCase }])
      expect(detectEvidence(json(value))).toEqual({ kind: 'SgxDcap', evidence: full, form: 'json' })
    for (const value of [{ intel_quote: toBase64(quote) }, { event_log: '[]', evidence: { quote: toHexPlain(quote) } }]) expect(detectEvidence(json(value)).evidence).toEqual(bare)
  })

  test('recognises an EPID report in JSON and keeps its text as it is', () => {
    const report = '{"id":"1" }'
    const value = { raReport: utf8(report), signature: Uint8Array.of(1, 2), rawSigningCert: Uint8Array.of(3) }
    for (const file of [{ report, signatureBase64: 'AQI=', signingCertDerBase64: 'Aw==' }, { ra_report: toHex(utf8(report)), signature: '0x0102', raw_signing_cert: [3] }])
      expect(detectEvidence(json(file))).toEqual({ kind: 'SgxIas', evidence: { kind: 'SgxIas', value }, form: 'json' })
  })

  test('refuses what is no evidence', () => {
    const files = [new Uint8Array(), utf8('hello'), utf8('{}'), json({ quote: '00' }), json(snakeCase), new Uint8Array(600).fill(7), json({ quote: toHex(quote.map((byte, i) => (i === 4 ? 0x77 : byte))) })]
    for (const file of files) expect(codeOf(() => detectEvidence(file))).toBe('ATTESTATION_EVIDENCE_UNKNOWN')
    expect(codeOf(() => detectEvidence(utf8('{"quote":"00","quote":"01"}')))).toBe('ATTESTATION_JSON_DUPLICATE_KEY')
    expect(codeOf(() => detectEvidence(json({ quote: toHex(quote), collateral: { ...snakeCase, pck_crl: 5 } })))).toBe('ATTESTATION_JSON_FIELD')
    expect(codeOf(() => detectEvidence(new Uint8Array(5 * 1024 * 1024)))).toBe('ATTESTATION_INPUT_TOO_LARGE')
  })
})

describe('collateral files', () => {
  test('are read as JSON of either case and as SCALE', () => {
    const files = [json(snakeCase), json(camelCase), json({ collateral: snakeCase }), Collateral.encode(collateral), SgxV30QuoteCollateral.encode(collateral.value)]
    for (const file of files) {
      expect(parseCollateral(file)).toEqual(collateral)
      expect(attachCollateral(bare, file)).toEqual(full)
    }
  })

  test('of PEM certificates may come in any order and with others among them', () => {
    const report = vendor.snp('Milan').machine({ id: 'one' }).evidence({ measurement: new Uint8Array(48).fill(1), reportData: new Uint8Array(64), nowSeconds: 1_772_707_803 })
    const { authority, root } = (report.collateral as SnpCollateral).value
    const other = vendor.snp('Genoa').machine({ id: 'one' }).evidence({ measurement: new Uint8Array(48), reportData: new Uint8Array(64), nowSeconds: 1_772_707_803 })
    const stranger = (other.collateral as SnpCollateral).value.authority
    const pem = (...ders: readonly Uint8Array[]): Uint8Array => utf8(ders.map((der) => `-----BEGIN CERTIFICATE-----\n${(toBase64(der).match(/.{1,64}/g) ?? []).join('\n')}\n-----END CERTIFICATE-----\n`).join(''))
    const expected = { authority, root, revocationList: undefined }
    const raw: AttestationReport = { kind: 'SevSnp', value: { ...report, endorsement: new Uint8Array(0), collateral: undefined } }
    for (const file of [pem(report.endorsement, authority, root), pem(root, authority, report.endorsement)])
      expect(attachCollateral(raw, file)).toMatchObject({ value: { endorsement: report.endorsement, collateral: { value: expected } } })
    const keyed: AttestationReport = { kind: 'SevSnp', value: { ...report, collateral: undefined } }
    for (const file of [pem(authority, root), pem(root, authority), pem(stranger, root, authority)])
      expect(attachCollateral(keyed, file)).toMatchObject({ value: { endorsement: report.endorsement, collateral: { value: expected } } })
    for (const file of [pem(authority), pem(root), pem(stranger, root)]) expect(codeOf(() => attachCollateral(keyed, file))).toBe('ATTESTATION_COLLATERAL_UNKNOWN')
  })

  test('that are none are refused, and so is collateral for evidence that takes none', () => {
    for (const file of [utf8('{}'), utf8('x'), quote]) expect(codeOf(() => parseCollateral(file))).toBe('ATTESTATION_COLLATERAL_UNKNOWN')
    const report: AttestationReport = { kind: 'SgxIas', value: { raReport: quote, signature: quote, rawSigningCert: quote } }
    expect(codeOf(() => attachCollateral(report, json(snakeCase)))).toBe('ATTESTATION_COLLATERAL_UNKNOWN')
  })
})
