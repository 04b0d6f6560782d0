/** Owns P-256 and P-384 of the Node backend: OpenSSL verifies, noble signs (RFC 6979, which OpenSSL does not offer). */
import { createPublicKey, verify as opensslVerify } from 'node:crypto'

import type { NistEcdsa } from '../crypto.ts'
import { falseOnThrow } from '../shared/guards.ts'
import { createNistSigner } from '../shared/nist-signer.ts'
import { createKeyCache } from './key-cache.ts'

const KEYS_KEPT = 1024

const base64url = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url')

/** ECDSA over one NIST curve with its own hash. */
export const createNistEcdsa = (curve: 'P-256' | 'P-384'): NistEcdsa => {
  const coordinate = curve === 'P-256' ? 32 : 48
  const hash = curve === 'P-256' ? 'sha256' : 'sha384'
  const keys = createKeyCache({ limit: KEYS_KEPT }, (publicKey) =>
    createPublicKey({
      format: 'jwk',
      key: { kty: 'EC', crv: curve, x: base64url(publicKey.subarray(0, coordinate)), y: base64url(publicKey.subarray(coordinate)) },
    }))
  return {
    ...createNistSigner(curve),
    verify: (signature, message, publicKey) =>
      signature.length === 2 * coordinate &&
      publicKey.length === 2 * coordinate &&
      falseOnThrow(() => opensslVerify(hash, message, { key: keys.get(publicKey), dsaEncoding: 'ieee-p1363' }, signature)),
  }
}
