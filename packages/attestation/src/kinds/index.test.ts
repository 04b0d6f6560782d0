/** The table of kinds and its wire forms (registry.md section 2). */
import { describe, expect, test } from 'vitest'
import { toHexPlain, utf8 } from '@phalanx/primitives/bytes'
import type { Crypto } from '@phalanx/primitives/crypto'
import { loadCrypto as loadBrowser } from '@phalanx/primitives/crypto/browser'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { parseCertificate } from '../x509/certificate.ts'
import { verifySignature } from '../x509/signature.ts'
import { Attestation, AttestationProvider, AttestationReport, OptionalAttestationReport, joinCollateral, referencePolicy, separateCollateral, teeKinds, verifyEvidence, vendorRoots } from './index.ts'
import { createSimulatedVendor } from './simulated-vendor.ts'
import { ROOT_FINGERPRINTS, dcapRoot, iasRoot } from './dcap/roots.ts'
import { NITRO_ROOT_FINGERPRINT, nitroRoot } from './nitro/roots.ts'
import { NVIDIA_ROOT_FINGERPRINTS, nvidiaDeviceRoot, nvidiaRimRoot } from './nvidia/roots.ts'
import { SNP_ROOT_FINGERPRINTS, genoaRoot, milanRoot, turinRoot } from './snp/roots.ts'

const crypto = await loadCrypto()

const bytes = (text: string): Uint8Array => utf8(text)

describe('wire forms', () => {
  const report: AttestationReport = { kind: 'SgxIas', value: { raReport: bytes('r'), signature: bytes('s'), rawSigningCert: bytes('c') } }

  test('evidence has the reference\'s indices and field order', () => {
    expect(toHexPlain(AttestationReport.encode(report))).toBe('00047204730463')
    expect(toHexPlain(AttestationReport.encode({ kind: 'SgxDcap', value: { quote: bytes('q'), collateral: undefined } }))).toBe('01047100')
    const value = {
      pckCrlIssuerChain: '1', rootCaCrl: '2', pckCrl: '3', tcbInfoIssuerChain: '4', tcbInfo: '5', tcbInfoSignature: bytes('6'),
      qeIdentityIssuerChain: '7', qeIdentity: '8', qeIdentitySignature: bytes('9'),
    }
    const full: AttestationReport = { kind: 'SgxDcap', value: { quote: bytes('q'), collateral: { kind: 'SgxV30', value } } }
    expect(toHexPlain(AttestationReport.encode(full))).toBe('0104710100043104320433043404350436043704380439')
    expect(AttestationReport.decode(AttestationReport.encode(full))).toEqual(full)
    expect(toHexPlain(OptionalAttestationReport.encode(undefined))).toBe('00')
    expect(toHexPlain(OptionalAttestationReport.encode(report))).toBe('0100047204730463')
  })

  test('the first call\'s evidence is a report', () => {
    const legacy = Attestation.decode(AttestationReport.encode(report))
    expect(legacy).toEqual(report)
  })

  test('providers are Root 0, Ias 1, Dcap 2, then ours', () => {
    expect((['Root', 'Ias', 'Dcap', 'Tdx'] as const).map((kind) => AttestationProvider.encode({ kind })[0])).toEqual([0, 1, 2, 3])
  })

  test('type info names fields as metadata does', () => {
    const { def, path } = AttestationReport.info()
    expect(path.at(-1)).toBe('AttestationReport')
    expect(def.kind === 'variant' && def.variants.slice(0, 3).map(({ name, index, fields }) => [name, index, fields.map((field) => field.name)])).toEqual([
      ['SgxIas', 0, ['ra_report', 'signature', 'raw_signing_cert']],
      ['SgxDcap', 1, ['quote', 'collateral']],
      ['Tdx', 2, ['quote', 'collateral']],
    ])
  })

  test('no two kinds share an index or a provider', () => {
    const kinds = Object.values(teeKinds)
    expect(new Set(kinds.map(({ index }) => index)).size).toBe(kinds.length)
    expect(new Set(kinds.map(({ provider }) => provider.index)).size).toBe(kinds.length)
    for (const [name, kind] of Object.entries(teeKinds)) expect(kind.name).toBe(name)
  })
})

describe('vendor roots', () => {
  test('are the certificates of the documented fingerprints, signed by themselves', () => {
    expect(toHexPlain(crypto.sha256(dcapRoot))).toBe(ROOT_FINGERPRINTS.dcap)
    expect(toHexPlain(crypto.sha256(iasRoot))).toBe(ROOT_FINGERPRINTS.ias)
    expect([milanRoot, genoaRoot, turinRoot].map((der) => toHexPlain(crypto.sha256(der)))).toEqual(Object.values(SNP_ROOT_FINGERPRINTS))
    expect(toHexPlain(crypto.sha256(nitroRoot))).toBe(NITRO_ROOT_FINGERPRINT)
    expect([nvidiaDeviceRoot, nvidiaRimRoot].map((der) => toHexPlain(crypto.sha256(der)))).toEqual(Object.values(NVIDIA_ROOT_FINGERPRINTS))
    const certificates = vendorRoots.map(parseCertificate)
    expect(certificates.map(({ commonName }) => commonName)).toEqual([
      'Intel SGX Root CA', 'Intel SGX Attestation Report Signing CA', 'ARK-Milan', 'ARK-Genoa', 'ARK-Turin', 'aws.nitro-enclaves', 'NVIDIA Device Identity CA', 'NVIDIA CoRIM signing Root CA',
    ])
    for (const { algorithm, signature, tbs: message, publicKey: key, commonName } of certificates)
      expect(verifySignature({ algorithm, signature, message, key }, crypto), commonName).toBe(true)
  })
})

describe('two backends', () => {
  test('make the same vendor and reach the same verdicts', { timeout: 120_000 }, async () => {
    const browser = await loadBrowser()
    const now = 1_790_000_000
    const build = (backend: Crypto) => {
      const vendor = createSimulatedVendor({ seed: new Uint8Array(32).fill(5), crypto: backend })
      const platform = vendor.platform({ id: 'same' })
      const quote = { report: { mrEnclave: new Uint8Array(32).fill(1), mrSigner: new Uint8Array(32).fill(2) }, reportData: bytes('data') }
      return { root: vendor.rootCertificate, good: vendor.evidence({ platform, quote, nowSeconds: now }), bad: vendor.evidence({ platform, quote: { ...quote, fault: 'quoteSignature' }, nowSeconds: now }) }
    }
    const ours = build(crypto)
    expect(build(browser)).toEqual(ours)
    const policy = referencePolicy({ simulated: true, roots: [ours.root] })
    for (const evidence of [ours.good, ours.bad]) {
      const [one, other] = [crypto, browser].map((backend) => verifyEvidence({ evidence, policy, nowSeconds: now, crypto: backend }))
      expect(other).toEqual(one)
    }
    expect(verifyEvidence({ evidence: ours.good, policy, nowSeconds: now, crypto: browser }).ok).toBe(true)
  })
})

describe('separateCollateral', () => {
  const vendor = createSimulatedVendor({ seed: new Uint8Array(32).fill(5), crypto })
  const evidence = vendor.evidence({
    platform: vendor.platform({ id: 'm' }), quote: { report: { mrEnclave: new Uint8Array(32), mrSigner: new Uint8Array(32) }, reportData: new Uint8Array(64) }, nowSeconds: 1_760_000_000,
  })

  test('takes the collateral out and puts it back', () => {
    const separated = separateCollateral(evidence)
    expect(separated.collateral?.length).toBeGreaterThan(1000)
    expect(AttestationReport.encode(separated.report).length + (separated.collateral?.length ?? 0)).toBe(AttestationReport.encode(evidence).length)
    expect(joinCollateral(separated)).toEqual(evidence)
  })

  test('leaves evidence without collateral as it is', () => {
    const { report } = separateCollateral(evidence)
    expect(separateCollateral(report)).toEqual({ report, collateral: undefined })
    expect(joinCollateral({ report, collateral: undefined })).toEqual(report)
  })
})
