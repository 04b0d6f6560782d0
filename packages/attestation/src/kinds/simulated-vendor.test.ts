/** The simulated vendor: deterministic, stable over a day, marked in every certificate. */
import { beforeAll, describe, expect, test } from 'vitest'
import { parseUtf8, toHexPlain } from '@phalanx/primitives/bytes'
import type { Crypto } from '@phalanx/primitives/crypto'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { parseCertificate } from '../x509/certificate.ts'
import { SIMULATED_OID } from '../x509/chain.ts'
import { parsePem } from '../x509/pem.ts'
import { parseQuote } from './dcap/quote.ts'
import { createSimulatedVendor } from './simulated-vendor.ts'

const NOW = 1_790_000_000
const DAY = 86_400
const seed = new Uint8Array(32).fill(3)
const report = { mrEnclave: new Uint8Array(32).fill(1), mrSigner: new Uint8Array(32).fill(2) }

let crypto: Crypto
beforeAll(async () => {
  crypto = await loadCrypto()
})

describe('createSimulatedVendor', () => {
  test('gives the same bytes for the same seed, and others for another', () => {
    const [one, two, other] = [seed, seed, new Uint8Array(32)].map((each) => createSimulatedVendor({ seed: each, crypto }))
    const quote = (vendor: typeof one): Uint8Array | undefined => vendor?.platform({ id: 'a' }).quote({ report, reportData: new Uint8Array(3) })
    expect(two?.rootCertificate).toEqual(one?.rootCertificate)
    expect(quote(two)).toEqual(quote(one))
    expect(other?.rootCertificate).not.toEqual(one?.rootCertificate)
  })

  test('has one root for all families and all times, valid for a century', () => {
    const families = [Uint8Array.of(1, 1, 1, 1, 1, 1), Uint8Array.of(2, 2, 2, 2, 2, 2)].map((family) => createSimulatedVendor({ seed, family, crypto }))
    expect(families[0]?.rootCertificate).toEqual(families[1]?.rootCertificate)
    expect(families[0]?.collateral({ nowSeconds: NOW }).value.tcbInfo).not.toBe(families[1]?.collateral({ nowSeconds: NOW }).value.tcbInfo)
    const { notBefore, notAfter } = parseCertificate(families[0]?.rootCertificate ?? new Uint8Array())
    expect(notAfter - notBefore).toBeGreaterThan(99 * 365 * DAY)
  })

  test('gives equal collateral all day, and other collateral the next', () => {
    const vendor = createSimulatedVendor({ seed, crypto })
    const midnight = Math.floor(NOW / DAY) * DAY
    expect(vendor.collateral({ nowSeconds: midnight + DAY - 1 })).toEqual(vendor.collateral({ nowSeconds: midnight }))
    expect(vendor.collateral({ nowSeconds: midnight + DAY })).not.toEqual(vendor.collateral({ nowSeconds: midnight }))
  })

  test('marks every certificate as simulated, critically', () => {
    const vendor = createSimulatedVendor({ seed, crypto })
    const { value } = vendor.collateral({ nowSeconds: NOW })
    const quote = vendor.platform({ id: 'a' }).quote({ report, reportData: new Uint8Array(1) })
    const texts = [value.pckCrlIssuerChain, value.tcbInfoIssuerChain, value.qeIdentityIssuerChain, parseUtf8(parseQuote(quote).authentication.certificationData)]
    const certificates = texts.flatMap((text) => parsePem(text)).map(parseCertificate)
    expect(certificates).toHaveLength(9)
    for (const { extensions, commonName } of certificates) expect(extensions.get(SIMULATED_OID)?.critical, commonName).toBe(true)
  })

  test('seals to machine and measurement', () => {
    const vendor = createSimulatedVendor({ seed, crypto })
    const key = (id: string, measurement: number): string => toHexPlain(vendor.platform({ id }).sealingKey(new Uint8Array(32).fill(measurement)))
    expect(key('a', 1)).toBe(key('a', 1))
    expect(new Set([key('a', 1), key('a', 2), key('b', 1)]).size).toBe(3)
  })
})
