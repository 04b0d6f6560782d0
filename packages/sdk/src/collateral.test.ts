import { beforeAll, expect, test } from 'vitest'
import { OptionalAttestationReport, type AttestationReport } from '@phalanx/attestation'
import { createSimulatedVendor } from '@phalanx/attestation/simulated'
import { toHexPlain, utf8 } from '@phalanx/primitives/bytes'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import type { Crypto } from '@phalanx/primitives/crypto'
import { createCollateralFiller } from './collateral.ts'
import type { HttpAnswer, HttpRequest } from './http.ts'

let crypto: Crypto
beforeAll(async () => void (crypto = await loadCrypto()))

const NOW = 1_800_000_000

/** Evidence with its collateral, the same without, and a service that has the documents. */
const setUp = (authority: 'processor' | 'platform') => {
  const vendor = createSimulatedVendor({ seed: new Uint8Array(32).fill(7), crypto })
  const platform = vendor.platform({ id: 'machine', authority })
  const whole = vendor.evidence({ platform, quote: { report: { mrEnclave: new Uint8Array(32), mrSigner: new Uint8Array(32) }, reportData: new Uint8Array(64) }, nowSeconds: NOW })
  if (whole.kind !== 'SgxDcap' || whole.value.collateral === undefined) throw new Error('the vendor makes complete evidence')
  const documents = whole.value.collateral.value
  const bare = { kind: whole.kind, value: { ...whole.value, collateral: undefined } } as AttestationReport
  const page = (body: string, headers: Record<string, string> = {}): HttpAnswer => ({ status: 200, headers, body: utf8(body) })
  const asked: string[] = []
  const pages: Record<string, HttpAnswer> = {
    [`pckcrl?ca=${authority}`]: page(`${documents.pckCrl}\n`, { 'sgx-pck-crl-issuer-chain': encodeURIComponent(documents.pckCrlIssuerChain) }),
    rootcacrl: page(documents.rootCaCrl),
    [`tcb?fmspc=${toHexPlain(vendor.fmspc).toUpperCase()}`]: page(`{"tcbInfo":${documents.tcbInfo},"signature":"${toHexPlain(documents.tcbInfoSignature)}"}`, { 'tcb-info-issuer-chain': encodeURIComponent(documents.tcbInfoIssuerChain) }),
    'qe/identity': page(`{"signature":"${toHexPlain(documents.qeIdentitySignature)}", "enclaveIdentity" : ${documents.qeIdentity}}`, { 'sgx-enclave-identity-issuer-chain': encodeURIComponent(documents.qeIdentityIssuerChain) }),
  }
  const http = async ({ url }: HttpRequest): Promise<HttpAnswer> => {
    const path = url.replace('https://pccs/v4/', '')
    asked.push(path)
    return pages[path] ?? { status: 404, headers: {}, body: new Uint8Array(0) }
  }
  return { whole: OptionalAttestationReport.encode(whole), bare: OptionalAttestationReport.encode(bare), pages, asked, fill: createCollateralFiller({ url: 'https://pccs/v4/' }, { http }), http }
}

test.each(['processor', 'platform'] as const)('completes evidence of a %s machine to the very bytes that were signed', async (authority) => {
  const { fill, bare, whole } = setUp(authority)
  expect(await fill(bare)).toEqual(whole)
})

test('asks for nothing when nothing is lacking', async () => {
  const { fill, whole, asked } = setUp('processor')
  expect(await fill(whole)).toBe(whole)
  expect(asked).toEqual([])
})

test.each([
  ['a missing document', (pages: Record<string, HttpAnswer>): void => void delete pages['rootcacrl']],
  ['a missing header', (pages: Record<string, HttpAnswer>): void => void Object.assign(pages, { 'qe/identity': { ...pages['qe/identity'], headers: {} } })],
  ['a document that is cut', (pages: Record<string, HttpAnswer>): void => void Object.assign(pages, { 'qe/identity': { ...pages['qe/identity'], body: utf8('{"enclaveIdentity":{"a":"}"') } })],
] as const)('refuses %s', async (_name, spoil) => {
  const { fill, bare, pages } = setUp('processor')
  spoil(pages)
  await expect(fill(bare)).rejects.toMatchObject({ code: 'SDK_COLLATERAL_FAILED' })
})

test('says that no address is configured', async () => {
  const { bare, http } = setUp('processor')
  await expect(createCollateralFiller({ url: undefined }, { http })(bare)).rejects.toMatchObject({ code: 'SDK_COLLATERAL_FAILED' })
})

const toPem = (der: Uint8Array): string => `-----BEGIN CERTIFICATE-----\n${(Buffer.from(der).toString('base64').match(/.{1,64}/g) ?? []).join('\n')}\n-----END CERTIFICATE-----\n`

test('asks the vendor itself for what no caching service keeps', async () => {
  const vendor = createSimulatedVendor({ seed: new Uint8Array(32).fill(7), crypto })
  const value = vendor.snp('Genoa').machine({ id: 'machine' }).evidence({ measurement: new Uint8Array(48), reportData: new Uint8Array(64), nowSeconds: NOW })
  const whole: AttestationReport = { kind: 'SevSnp', value }
  const given = value.collateral?.value
  if (given === undefined) throw new Error('the vendor makes complete evidence')
  const bare: AttestationReport = { kind: 'SevSnp', value: { ...value, endorsement: new Uint8Array(0), collateral: undefined } }
  const asked: string[] = []
  const http = async ({ url }: HttpRequest): Promise<HttpAnswer> => {
    asked.push(url)
    const body = url.endsWith('/cert_chain') ? utf8([given.authority, given.root].map(toPem).join('')) : url.endsWith('/crl') ? (given.revocationList ?? new Uint8Array(0)) : value.endorsement
    return { status: 200, headers: {}, body }
  }
  for (const url of [undefined, 'https://pccs/v4/']) {
    asked.length = 0
    expect(await createCollateralFiller({ url }, { http })(OptionalAttestationReport.encode(bare))).toEqual(OptionalAttestationReport.encode(whole))
    expect(asked.map((one) => new URL(one).pathname.split('/').at(-1))).toEqual([toHexPlain(value.report.slice(0x1a0, 0x1e0)), 'cert_chain', 'crl'])
    expect(asked[0]).toMatch(/^https:\/\/[^/]+\/vcek\/v1\/Genoa\/[0-9a-f]{128}\?blSPL=4&teeSPL=1&snpSPL=24&ucodeSPL=219$/)
  }
})
