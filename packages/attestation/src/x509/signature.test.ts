/** RSASSA-PSS as a vendor's roots use it: one set of parameters, in the two encodings that exist. */
import { beforeAll, describe, expect, test } from 'vitest'
import { parseHex, toHexPlain } from '@phalanx/primitives/bytes'
import type { Crypto } from '@phalanx/primitives/crypto'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { codeOf } from '@phalanx/primitives/testing'
import { genoaRoot, milanRoot, turinRoot } from '../kinds/snp/roots.ts'
import { parseCertificate } from './certificate.ts'
import { describeKey, verifySignature } from './signature.ts'

let crypto: Crypto
beforeAll(async () => {
  crypto = await loadCrypto()
})

/** Every occurrence replaced, so that both algorithm identifiers of a certificate stay equal. */
const patched = (from: string, to: string): Uint8Array => parseHex(toHexPlain(milanRoot).replaceAll(from, to))

describe('RSASSA-PSS', () => {
  test.each([['Milan', milanRoot], ['Genoa', genoaRoot], ['Turin', turinRoot]])('the root of %s is signed by itself, and by no other form of signature', (_name, der) => {
    const { algorithm, signature, tbs: message, publicKey: key } = parseCertificate(der)
    expect([algorithm, describeKey(key)]).toEqual(['rsa-pss-sha384', 'RSA 4096 bits'])
    expect(verifySignature({ algorithm, signature, message, key }, crypto)).toBe(true)
    expect(verifySignature({ algorithm: 'rsa-sha384', signature, message, key }, crypto)).toBe(false)
    expect(verifySignature({ algorithm, signature, message: message.subarray(1), key }, crypto)).toBe(false)
  })

  test.each([
    ['another hash', '300d06096086480165030402020500', '300d06096086480165030402010500'],
    ['another salt length', 'a203020130', 'a203020120'],
    ['another trailer', 'a303020101', 'a303020102'],
    ['another mask', '06092a864886f70d010108', '06092a864886f70d010109'],
  ])('refuses parameters with %s', (_name, from, to) => {
    expect(codeOf(() => parseCertificate(patched(from, to)))).toBe('ATTESTATION_CERTIFICATE_ALGORITHM')
  })
})
