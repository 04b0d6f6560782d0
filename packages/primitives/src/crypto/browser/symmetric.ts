/** Owns hashes, MACs, key derivation and AES-GCM of the browser backend (noble; WebCrypto is asynchronous and so of no use). */
import { gcm } from '@noble/ciphers/aes.js'
import { blake2b } from '@noble/hashes/blake2.js'
import { hkdf } from '@noble/hashes/hkdf.js'
import { hmac } from '@noble/hashes/hmac.js'
import { pbkdf2 } from '@noble/hashes/pbkdf2.js'
import { sha256, sha384, sha512 } from '@noble/hashes/sha2.js'
import { keccak_256 } from '@noble/hashes/sha3.js'

import { AppError } from '../../errors.ts'
import type { Crypto } from '../crypto.ts'
import { requireKeyLength, requireLength, requireLengthBetween } from '../shared/guards.ts'
import { createTwox } from '../shared/twox.ts'

const TAG_LENGTH = 16
const IV_LENGTH = 12

type Symmetric = Omit<Crypto, 'sr25519' | 'ed25519' | 'secp256k1' | 'p256' | 'p384' | 'rsa'>

const equal = (a: Uint8Array, b: Uint8Array): boolean => {
  if (a.length !== b.length) return false
  let difference = 0
  for (let i = 0; i < a.length; i++) difference |= (a[i] as number) ^ (b[i] as number)
  return difference === 0
}

/** Everything of `Crypto` that is not public-key cryptography. */
export const createSymmetric = (): Symmetric => {
  const twox = createTwox()
  return {
    blake2b(message, length, key) {
      requireLengthBetween('blake2b output', length, { min: 1, max: 64 })
      if (key === undefined || key.length === 0) return blake2b(message, { dkLen: length })
      requireLengthBetween('blake2b key', key.length, { min: 1, max: 64 })
      return blake2b(message, { dkLen: length, key })
    },
    blake2b256: (message) => blake2b(message, { dkLen: 32 }),
    blake2b128: (message) => blake2b(message, { dkLen: 16 }),
    twox64: (message) => twox(message, 1),
    twox128: (message) => twox(message, 2),
    twox256: (message) => twox(message, 4),
    keccak256: (message) => keccak_256(message),
    sha256: (message) => sha256(message),
    sha384: (message) => sha384(message),
    sha512: (message) => sha512(message),
    hmacSha256: (key, message) => hmac(sha256, key, message),
    hkdfSha256({ ikm, salt, info, length }) {
      requireLengthBetween('HKDF output', length, { min: 0, max: 255 * 32 })
      return length === 0 ? new Uint8Array(0) : hkdf(sha256, ikm, salt, info, length)
    },
    aesGcmSeal({ key, iv, aad, plaintext }) {
      requireKeyLength('AES-256 key', key, 32)
      requireLength('AES-GCM IV', iv, IV_LENGTH)
      return gcm(key, iv, aad).encrypt(plaintext)
    },
    aesGcmOpen({ key, iv, aad, ciphertext }) {
      requireKeyLength('AES-256 key', key, 32)
      requireLength('AES-GCM IV', iv, IV_LENGTH)
      if (ciphertext.length < TAG_LENGTH) throw new AppError('CRYPTO_DECRYPTION_FAILED', {})
      try {
        return gcm(key, iv, aad).decrypt(ciphertext)
      } catch (cause) {
        throw new AppError('CRYPTO_DECRYPTION_FAILED', {}, { cause })
      }
    },
    equal,
    pbkdf2Sha512({ password, salt, iterations, length }) {
      requireLengthBetween('PBKDF2 iterations', iterations, { min: 1, max: 0x7fffffff })
      requireLengthBetween('PBKDF2 output', length, { min: 1, max: 0x7fffffff })
      return pbkdf2(sha512, password, salt, { c: iterations, dkLen: length })
    },
  }
}
