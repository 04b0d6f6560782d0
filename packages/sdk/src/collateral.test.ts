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
