/** Owns hashes, MACs, key derivation and AES-GCM of the Node backend. */
import { createCipheriv, createDecipheriv, createHmac, hash as opensslHash, pbkdf2Sync, timingSafeEqual } from 'node:crypto'

import { keccak_256 } from '@noble/hashes/sha3.js'

import { concatBytes, EMPTY } from '../../bytes.ts'
import { AppError } from '../../errors.ts'
import type { Crypto } from '../crypto.ts'
import { requireKeyLength, requireLength, requireLengthBetween } from '../shared/guards.ts'
import { createTwox } from '../shared/twox.ts'
import type { Sodium } from './sodium.ts'

const AES_256_GCM = 'aes-256-gcm'
const TAG_LENGTH = 16
const IV_LENGTH = 12

type Symmetric = Omit<Crypto, 'sr25519' | 'ed25519' | 'secp256k1' | 'p256' | 'p384' | 'rsa'>

const hash = (algorithm: 'sha256' | 'sha384' | 'sha512') => (message: Uint8Array): Uint8Array =>
  new Uint8Array(opensslHash(algorithm, message, 'buffer'))

const hmacSha256 = (key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array => {
  const mac = createHmac('sha256', key)
  for (const part of parts) mac.update(part)
  return new Uint8Array(mac.digest())
}

/** HKDF-Expand (RFC 5869, 2.3). OpenSSL's own refuses an info of more than 1024 bytes, which derivation labels may exceed. */
const expandHkdf = (key: Uint8Array, info: Uint8Array, length: number): Uint8Array => {
  const out = new Uint8Array(length)
  let block: Uint8Array = EMPTY
  for (let at = 0, counter = 1; at < length; at += block.length, counter++) {
    block = hmacSha256(key, block, info, Uint8Array.of(counter))
    out.set(block.subarray(0, length - at), at)
  }
  return out
}

/** Everything of `Crypto` that is not public-key cryptography. */
export const createSymmetric = (sodium: Sodium): Symmetric => {
  const twox = createTwox()
  return {
    blake2b(message, length, key) {
      requireLengthBetween('blake2b output', length, { min: 1, max: 64 })
      if (key === undefined || key.length === 0) return sodium.blake2b(message, length, undefined)
      requireLengthBetween('blake2b key', key.length, { min: 1, max: 64 })
      return sodium.blake2b(message, length, key)
    },
    blake2b256: (message) => sodium.blake2b(message, 32, undefined),
    blake2b128: (message) => sodium.blake2b(message, 16, undefined),
    twox64: (message) => twox(message, 1),
    twox128: (message) => twox(message, 2),
    twox256: (message) => twox(message, 4),
    keccak256: (message) => keccak_256(message),
    sha256: hash('sha256'),
    sha384: hash('sha384'),
    sha512: hash('sha512'),
    hmacSha256,
    hkdfSha256({ ikm, salt, info, length }) {
      requireLengthBetween('HKDF output', length, { min: 0, max: 255 * 32 })
      return expandHkdf(hmacSha256(salt, ikm), info, length)
    },
    aesGcmSeal({ key, iv, aad, plaintext }) {
      requireKeyLength('AES-256 key', key, 32)
      requireLength('AES-GCM IV', iv, IV_LENGTH)
      const cipher = createCipheriv(AES_256_GCM, key, iv)
      cipher.setAAD(aad)
      return concatBytes(cipher.update(plaintext), cipher.final(), cipher.getAuthTag())
    },
    aesGcmOpen({ key, iv, aad, ciphertext }) {
      requireKeyLength('AES-256 key', key, 32)
      requireLength('AES-GCM IV', iv, IV_LENGTH)
      if (ciphertext.length < TAG_LENGTH) throw new AppError('CRYPTO_DECRYPTION_FAILED', {})
      const split = ciphertext.length - TAG_LENGTH
      const decipher = createDecipheriv(AES_256_GCM, key, iv)
      decipher.setAAD(aad)
      decipher.setAuthTag(ciphertext.subarray(split))
      const plaintext = decipher.update(ciphertext.subarray(0, split))
      try {
        return concatBytes(plaintext, decipher.final())
      } catch (cause) {
        plaintext.fill(0)
        throw new AppError('CRYPTO_DECRYPTION_FAILED', {}, { cause })
      }
    },
    equal: (a, b) => a.length === b.length && timingSafeEqual(a, b),
    pbkdf2Sha512({ password, salt, iterations, length }) {
      requireLengthBetween('PBKDF2 iterations', iterations, { min: 1, max: 0x7fffffff })
      requireLengthBetween('PBKDF2 output', length, { min: 1, max: 0x7fffffff })
      return new Uint8Array(pbkdf2Sync(password, salt, iterations, length, 'sha512'))
    },
  }
}
