/**
 * Owns ed25519 of the Node backend: OpenSSL for speed, ZIP-215 for the verdict. OpenSSL accepts a subset of ZIP-215, so only its
 * refusals are looked at again, and only where a point outside the prime-order subgroup could make the difference.
 */
import { createPrivateKey, createPublicKey, sign as opensslSign, verify as opensslVerify } from 'node:crypto'

import { ed25519 } from '@noble/curves/ed25519.js'

import { concatBytes, parseHex } from '../../bytes.ts'
import type { Ed25519 } from '../crypto.ts'
import { falseOnThrow, requireKeyLength } from '../shared/guards.ts'
import { createKeyCache } from './key-cache.ts'
import type { Sodium } from './sodium.ts'

/** DER before the 32 raw bytes: SubjectPublicKeyInfo and PKCS#8 of RFC 8410. */
const SPKI_PREFIX = parseHex('302a300506032b6570032100')
const PKCS8_PREFIX = parseHex('302e020100300506032b657004220420')
const KEYS_KEPT = 1024
const SIGNERS_KEPT = 4

/** The Node implementation of ed25519. */
export const createEd25519 = (sodium: Sodium): Ed25519 => {
  const keys = createKeyCache({ limit: KEYS_KEPT }, (publicKey) =>
    createPublicKey({ key: Buffer.from(concatBytes(SPKI_PREFIX, publicKey)), format: 'der', type: 'spki' }))
  // An authority signs every block with one key, and importing it costs twice the signature.
  const signers = createKeyCache({ limit: SIGNERS_KEPT }, (seed) =>
    createPrivateKey({ key: Buffer.from(concatBytes(PKCS8_PREFIX, seed)), format: 'der', type: 'pkcs8' }))
  const privateKey = (seed: Uint8Array) => {
    requireKeyLength('ed25519 seed', seed, 32)
    return signers.get(seed)
  }
  return {
    publicKey: (seed) => new Uint8Array(createPublicKey(privateKey(seed)).export({ format: 'der', type: 'spki' })).slice(SPKI_PREFIX.length),
    sign: (seed, message) => new Uint8Array(opensslSign(null, message, privateKey(seed))),
    verify(signature, message, publicKey) {
      if (signature.length !== 64 || publicKey.length !== 32) return false
      if (falseOnThrow(() => opensslVerify(null, message, keys.get(publicKey), signature))) return true
      // With both points of prime order the equations with and without cofactor agree: the refusal stands.
      if (sodium.isEd25519PrimeOrderPoint(publicKey) && sodium.isEd25519PrimeOrderPoint(signature.subarray(0, 32))) return false
      return falseOnThrow(() => ed25519.verify(signature, message, publicKey, { zip215: true }))
    },
  }
}
