/**
 * Owns what every backend of `Crypto` must do, above all with bytes nobody honest would send. Free of any test framework: a
 * check throws when it fails. Does not own outside vectors (test/crypto-vectors.test.ts) nor equality of backends.
 */
import { assert } from '../assert.ts'
import { bytesEqual, concatBytes, EMPTY, parseHex, toHex, utf8 } from '../bytes.ts'
import type { ErrorCode } from '../errors.ts'
import { isAppError } from '../errors.ts'
import type { Crypto, NistEcdsa } from './crypto.ts'

/** One requirement, named as behaviour. */
export interface ComplianceCheck {
  readonly name: string
  run(crypto: Crypto): void
}

const bytesOf = (length: number, value: number): Uint8Array => new Uint8Array(length).fill(value)
const MESSAGE = utf8('what the key signs')
const RANDOM = bytesOf(32, 5)
const IDENTITY = new Uint8Array(32)
/** Order of both prime-order groups over curve25519, little-endian. */
const ORDER = parseHex('edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010')

const same = (got: Uint8Array, expected: Uint8Array, what: string): void =>
  assert(bytesEqual(got, expected), `${what}: got ${toHex(got)}, expected ${toHex(expected)}`)

const refuses = (code: ErrorCode, what: string, run: () => unknown): void => {
  try {
    run()
  } catch (error) {
    assert(isAppError(error, code), `${what}: expected ${code}, got ${String(error)}`)
    return
  }
  assert(false, `${what}: expected ${code}, got a value`)
}

const flipped = (bytes: Uint8Array, bit: number): Uint8Array => {
  const out = bytes.slice()
  out[bit >> 3] = (out[bit >> 3] as number) ^ (1 << (bit & 7))
  return out
}

/** little-endian a + b, 32 bytes, carry dropped. */
const plus = (a: Uint8Array, b: Uint8Array): Uint8Array => {
  const out = new Uint8Array(32)
  let carry = 0
  for (let i = 0; i < 32; i++) {
    carry += (a[i] as number) + (b[i] as number)
    out[i] = carry & 0xff
    carry >>= 8
  }
  return out
}

/** Encodings that are no ristretto255 element (RFC 9496, A.3): not canonical, negative, non-square, negative xy, y = 0. */
const BAD_RISTRETTO: readonly Uint8Array[] = [
  '00ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
  'ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  '0100000000000000000000000000000000000000000000000000000000000000',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  '26948d35ca62e643e26a83177332e6b6afeb9d08e4268b650f1f5bbd8d81d371',
  '3eb858e78f5a7254d8c9731174a94f76755fd3941c0ac93735c07ba14579630e',
].map(parseHex)

/** Every encoding of a small-order edwards25519 point that ZIP-215 accepts, canonical ones first. */
const SMALL_ORDER: readonly Uint8Array[] = [
  '0100000000000000000000000000000000000000000000000000000000000000',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0000000000000000000000000000000000000000000000000000000000000080',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa',
  '0100000000000000000000000000000000000000000000000000000000000080',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
].map(parseHex)

/** Lengths around and far from the right ones. */
const WRONG_LENGTHS: readonly number[] = [0, 1, 31, 33, 47, 49, 63, 65, 95, 97, 128, 1000]

const sr25519Checks: readonly ComplianceCheck[] = [
  {
    name: 'sr25519 signs and verifies, equal bytes for equal randomness',
    run({ sr25519 }) {
      const { secret, publicKey } = sr25519.pairFromSeed(bytesOf(32, 1))
      for (const length of [0, 1, 100, 165, 166, 167, 1000]) {
        const message = bytesOf(length, 7)
        const signature = sr25519.sign(secret, message, RANDOM)
        assert(sr25519.verify(signature, message, publicKey), `a signature over ${length} bytes verifies`)
        assert(!sr25519.verify(signature, concatBytes(message, EMPTY, Uint8Array.of(0)), publicKey), 'another message does not')
        same(sr25519.sign(secret, message, RANDOM), signature, 'the same randomness')
      }
      assert(!bytesEqual(sr25519.sign(secret, MESSAGE, RANDOM), sr25519.sign(secret, MESSAGE, IDENTITY)), 'randomness matters')
      refuses('CRYPTO_INVALID_LENGTH', 'short randomness', () => sr25519.sign(secret, MESSAGE, bytesOf(31, 1)))
    },
  },
  {
    name: 'sr25519 refuses every signature with one bit changed',
    run({ sr25519 }) {
      const { secret, publicKey } = sr25519.pairFromSeed(bytesOf(32, 2))
      const signature = sr25519.sign(secret, MESSAGE, RANDOM)
      for (let bit = 0; bit < 512; bit += 3) assert(!sr25519.verify(flipped(signature, bit), MESSAGE, publicKey), `signature bit ${bit}`)
      for (let bit = 0; bit < 256; bit += 3) assert(!sr25519.verify(signature, MESSAGE, flipped(publicKey, bit)), `key bit ${bit}`)
      assert(!sr25519.verify(flipped(signature, 511), MESSAGE, publicKey), 'the schnorrkel mark is required')
    },
  },
  {
    name: 'sr25519 refuses malformed signatures and keys without throwing',
    run({ sr25519 }) {
      const { secret, publicKey } = sr25519.pairFromSeed(bytesOf(32, 3))
      const signature = sr25519.sign(secret, MESSAGE, RANDOM)
      for (const length of WRONG_LENGTHS) {
        if (length !== 64) assert(!sr25519.verify(bytesOf(length, 0xff), MESSAGE, publicKey), `a signature of ${length} bytes`)
        assert(!sr25519.verify(signature, MESSAGE, bytesOf(length, 1)), `a key of ${length} bytes`)
      }
      for (const bad of BAD_RISTRETTO) {
        assert(!sr25519.verify(signature, MESSAGE, bad), 'a key that is no point')
        assert(!sr25519.verify(concatBytes(bad, signature.subarray(32)), MESSAGE, publicKey), 'a commitment that is no point')
        assert(!sr25519.isValidPoint(bad), 'not a point')
      }
      const response = signature.slice(32)
      response[31] = (response[31] as number) & 0x7f
      const shifted = plus(response, ORDER)
      shifted[31] = (shifted[31] as number) | 0x80
      assert(!sr25519.verify(concatBytes(signature.subarray(0, 32), shifted), MESSAGE, publicKey), 'a response above the group order')
    },
  },
  {
    name: 'sr25519 lets nobody sign for the identity as public key',
    run({ sr25519 }) {
      const signature = new Uint8Array(64)
      signature[63] = 0x80
      assert(!sr25519.verify(signature, MESSAGE, IDENTITY), 'the identity is nobody')
      assert(!sr25519.isValidPoint(IDENTITY), 'the identity is no valid key')
      const { secret } = sr25519.pairFromSeed(bytesOf(32, 4))
      refuses('CRYPTO_INVALID_KEY', 'agreement with the identity', () => sr25519.agree(secret, IDENTITY))
    },
  },
  {
    name: 'sr25519 refuses secrets that are not canonical',
    run({ sr25519 }) {
      const { secret, publicKey } = sr25519.pairFromSeed(bytesOf(32, 5))
      const nonce = secret.subarray(32)
      const bad = [IDENTITY, ORDER, bytesOf(32, 0xff), plus(secret.subarray(0, 32), ORDER)].map((scalar) => concatBytes(scalar, nonce))
      for (const wrong of [...bad, EMPTY, secret.subarray(1), concatBytes(secret, IDENTITY)]) {
        refuses('CRYPTO_INVALID_KEY', 'pairFromSecret', () => sr25519.pairFromSecret(wrong))
        refuses('CRYPTO_INVALID_KEY', 'sign', () => sr25519.sign(wrong, MESSAGE, RANDOM))
        refuses('CRYPTO_INVALID_KEY', 'agree', () => sr25519.agree(wrong, publicKey))
        refuses('CRYPTO_INVALID_KEY', 'deriveHard', () => sr25519.deriveHard(wrong, IDENTITY))
        refuses('CRYPTO_INVALID_KEY', 'deriveSoft', () => sr25519.deriveSoft(wrong, IDENTITY))
        refuses('CRYPTO_INVALID_KEY', 'vrfSign', () => sr25519.vrfSign(wrong, MESSAGE, EMPTY, RANDOM))
      }
      for (const length of [0, 31, 33, 64]) refuses('CRYPTO_INVALID_KEY', 'seed', () => sr25519.pairFromSeed(bytesOf(length, 1)))
      same(sr25519.pairFromSecret(secret).publicKey, publicKey, 'the public key of a secret')
    },
  },
  {
    name: 'sr25519 derives the same public key with and without the secret',
    run({ sr25519 }) {
      const root = sr25519.pairFromSeed(bytesOf(32, 6))
      const chainCode = bytesOf(32, 9)
      const soft = sr25519.deriveSoft(root.secret, chainCode)
      same(sr25519.derivePublicSoft(root.publicKey, chainCode), soft.publicKey, 'soft derivation')
      same(sr25519.deriveSoft(root.secret, chainCode).secret, soft.secret, 'soft derivation again')
      const hard = sr25519.deriveHard(root.secret, chainCode)
      for (const { secret, publicKey } of [soft, hard]) assert(sr25519.verify(sr25519.sign(secret, MESSAGE, RANDOM), MESSAGE, publicKey), 'derived keys sign')
      assert(!bytesEqual(hard.publicKey, soft.publicKey), 'hard is not soft')
      for (const bad of [...BAD_RISTRETTO, EMPTY]) refuses('CRYPTO_INVALID_KEY', 'derivePublicSoft', () => sr25519.derivePublicSoft(bad, chainCode))
      refuses('CRYPTO_INVALID_LENGTH', 'chain code', () => sr25519.deriveHard(root.secret, EMPTY))
    },
  },
  {
    name: 'sr25519 agreement is symmetric and refuses points off the curve',
    run({ sr25519 }) {
      const a = sr25519.pairFromSeed(bytesOf(32, 7))
      const b = sr25519.pairFromSeed(bytesOf(32, 8))
      same(sr25519.agree(a.secret, b.publicKey), sr25519.agree(b.secret, a.publicKey), 'agreement')
      for (const bad of [...BAD_RISTRETTO, EMPTY, bytesOf(33, 1)]) refuses('CRYPTO_INVALID_KEY', 'agree', () => sr25519.agree(a.secret, bad))
      assert(sr25519.isValidPoint(a.publicKey) && !sr25519.isValidPoint(EMPTY), 'isValidPoint')
    },
  },
  {
    name: 'sr25519 VRF proves one output per key and message',
    run({ sr25519 }) {
      const { secret, publicKey } = sr25519.pairFromSeed(bytesOf(32, 10))
      const context = utf8('context')
      const proof = sr25519.vrfSign(secret, MESSAGE, context, RANDOM)
      assert(proof.length === 96 && sr25519.vrfVerify(proof, MESSAGE, publicKey, context), 'a proof verifies')
      same(sr25519.vrfSign(secret, MESSAGE, context, IDENTITY).subarray(0, 32), proof.subarray(0, 32), 'the output under other randomness')
      assert(!sr25519.vrfVerify(proof, MESSAGE, publicKey, EMPTY) && !sr25519.vrfVerify(proof, EMPTY, publicKey, context), 'context and message count')
      for (let bit = 0; bit < 768; bit += 17) assert(!sr25519.vrfVerify(flipped(proof, bit), MESSAGE, publicKey, context), `proof bit ${bit}`)
      for (const length of WRONG_LENGTHS) assert(!sr25519.vrfVerify(bytesOf(length, 1), MESSAGE, publicKey, context), `a proof of ${length} bytes`)
      for (const bad of [...BAD_RISTRETTO, IDENTITY, EMPTY]) {
        assert(!sr25519.vrfVerify(proof, MESSAGE, bad, context), 'a bad key')
        assert(!sr25519.vrfVerify(concatBytes(bad, proof.subarray(32)), MESSAGE, publicKey, context), 'a bad output')
      }
      assert(!sr25519.vrfVerify(concatBytes(proof.subarray(0, 64), ORDER), MESSAGE, publicKey, context), 'a response above the group order')
    },
  },
]

const ed25519Checks: readonly ComplianceCheck[] = [
  {
    name: 'ed25519 signs and verifies and refuses changed or malformed bytes',
    run({ ed25519 }) {
      const seed = bytesOf(32, 1)
      const publicKey = ed25519.publicKey(seed)
      const signature = ed25519.sign(seed, MESSAGE)
      assert(ed25519.verify(signature, MESSAGE, publicKey), 'a signature verifies')
      for (let bit = 0; bit < 512; bit += 7) assert(!ed25519.verify(flipped(signature, bit), MESSAGE, publicKey), `signature bit ${bit}`)
      for (let bit = 0; bit < 256; bit += 7) assert(!ed25519.verify(signature, MESSAGE, flipped(publicKey, bit)), `key bit ${bit}`)
      for (const length of WRONG_LENGTHS) {
        assert(!ed25519.verify(bytesOf(length, 1), MESSAGE, publicKey), `a signature of ${length} bytes`)
        assert(!ed25519.verify(signature, MESSAGE, bytesOf(length, 1)), `a key of ${length} bytes`)
      }
      const malleable = concatBytes(signature.subarray(0, 32), plus(signature.subarray(32), ORDER))
      assert(!ed25519.verify(malleable, MESSAGE, publicKey), 'a response above the group order')
      refuses('CRYPTO_INVALID_KEY', 'seed', () => ed25519.sign(bytesOf(31, 1), MESSAGE))
    },
  },
  {
    name: 'ed25519 accepts exactly what ZIP-215 accepts among small-order points',
    run({ ed25519 }) {
      for (const key of SMALL_ORDER) {
        for (const commitment of SMALL_ORDER) {
          assert(ed25519.verify(concatBytes(commitment, IDENTITY), MESSAGE, key), `key ${toHex(key)}, commitment ${toHex(commitment)}`)
        }
        assert(!ed25519.verify(concatBytes(key, Uint8Array.of(1), IDENTITY.subarray(1)), MESSAGE, key), 'response 1')
        assert(!ed25519.verify(concatBytes(key, ORDER), MESSAGE, key), 'response equal to the order')
      }
      const offCurve = Uint8Array.of(2, ...IDENTITY.subarray(1))
      assert(!ed25519.verify(concatBytes(IDENTITY, IDENTITY), MESSAGE, offCurve), 'a key off the curve')
      assert(!ed25519.verify(concatBytes(offCurve, IDENTITY), MESSAGE, SMALL_ORDER[0] as Uint8Array), 'a commitment off the curve')
    },
  },
]

const nistCheck = (name: 'p256' | 'p384', size: number): ComplianceCheck => ({
  name: `${name} signs deterministically, verifies, and refuses malformed input without throwing`,
  run(crypto) {
    const curve: NistEcdsa = crypto[name]
    const secret = bytesOf(size, 1)
    const publicKey = curve.publicKey(secret)
    const signature = curve.sign(secret, MESSAGE)
    assert(publicKey.length === 2 * size && signature.length === 2 * size, 'raw forms')
    same(curve.sign(secret, MESSAGE), signature, 'a second signature')
    assert(curve.verify(signature, MESSAGE, publicKey) && curve.verify(signature, MESSAGE, publicKey), 'verifies, also from a cache')
    for (let bit = 0; bit < 16 * size; bit += 29) {
      assert(!curve.verify(flipped(signature, bit), MESSAGE, publicKey), `signature bit ${bit}`)
      assert(!curve.verify(signature, MESSAGE, flipped(publicKey, bit)), `key bit ${bit}`)
    }
    for (const length of WRONG_LENGTHS) {
      assert(!curve.verify(bytesOf(length, 1), MESSAGE, publicKey), `a signature of ${length} bytes`)
      assert(!curve.verify(signature, MESSAGE, bytesOf(length, 1)), `a key of ${length} bytes`)
    }
    const zero = new Uint8Array(size)
    for (const bad of [concatBytes(zero, zero), concatBytes(zero, signature.subarray(size)), concatBytes(signature.subarray(0, size), zero), bytesOf(2 * size, 0xff)]) {
      assert(!curve.verify(bad, MESSAGE, publicKey), 'zero or huge halves')
      assert(!curve.verify(signature, MESSAGE, bad), 'a key off the curve')
    }
    for (const bad of [EMPTY, zero, bytesOf(size, 0xff), bytesOf(size + 1, 1)]) refuses('CRYPTO_INVALID_KEY', 'secret', () => curve.sign(bad, MESSAGE))
  },
})

const secp256k1Check: ComplianceCheck = {
  name: 'secp256k1 recovers the signer, reads both ways of writing v, and refuses malformed input without throwing',
  run({ secp256k1, keccak256 }) {
    const secret = bytesOf(32, 1)
    const hash = keccak256(MESSAGE)
    const signature = secp256k1.sign(secret, hash)
    const publicKey = secp256k1.publicKey(secret)
    assert(signature.length === 65 && publicKey.length === 33 && (signature[64] as number) < 4, 'raw forms')
    same(secp256k1.recover(signature, hash) ?? EMPTY, publicKey, 'the signer')
    const ethereum = signature.slice()
    ethereum[64] = (ethereum[64] as number) + 27
    same(secp256k1.recover(ethereum, hash) ?? EMPTY, publicKey, 'the signer, v from 27')
    for (const v of [4, 5, 26, 31, 255]) assert(secp256k1.recover(Uint8Array.of(...signature.subarray(0, 64), v), hash) === undefined, `v ${v}`)
    for (const length of WRONG_LENGTHS) {
      if (length !== 65) assert(secp256k1.recover(bytesOf(length, 1), hash) === undefined, `a signature of ${length} bytes`)
      assert(secp256k1.recover(signature, bytesOf(length, 1)) === undefined, `a hash of ${length} bytes`)
    }
    for (const value of [0, 0xff]) assert(secp256k1.recover(Uint8Array.of(...bytesOf(64, value), 0), hash) === undefined, 'halves out of range')
    refuses('CRYPTO_INVALID_KEY', 'secret 0', () => secp256k1.sign(IDENTITY, hash))
    refuses('CRYPTO_INVALID_KEY', 'a short secret', () => secp256k1.publicKey(bytesOf(31, 1)))
    refuses('CRYPTO_INVALID_LENGTH', 'a short hash', () => secp256k1.sign(secret, EMPTY))
  },
}

const symmetricChecks: readonly ComplianceCheck[] = [
  {
    name: 'AES-256-GCM opens only what it sealed',
    run(crypto) {
      const key = bytesOf(32, 1)
      const iv = bytesOf(12, 2)
      const aad = utf8('header')
      for (const length of [0, 1, 15, 16, 17, 1000]) {
        const plaintext = bytesOf(length, 3)
        const ciphertext = crypto.aesGcmSeal({ key, iv, aad, plaintext })
        assert(ciphertext.length === length + 16, 'the tag is appended')
        same(crypto.aesGcmOpen({ key, iv, aad, ciphertext }), plaintext, 'opened')
        const denied = (what: string, changed: Partial<{ key: Uint8Array; iv: Uint8Array; aad: Uint8Array; ciphertext: Uint8Array }>): void =>
          refuses('CRYPTO_DECRYPTION_FAILED', what, () => crypto.aesGcmOpen({ key, iv, aad, ciphertext, ...changed }))
        denied('key', { key: flipped(key, 0) })
        denied('iv', { iv: flipped(iv, 0) })
        denied('aad', { aad: EMPTY })
        denied('ciphertext', { ciphertext: flipped(ciphertext, 0) })
        denied('tag', { ciphertext: flipped(ciphertext, 8 * ciphertext.length - 1) })
        denied('cut', { ciphertext: ciphertext.subarray(0, ciphertext.length - 1) })
        denied('shorter than a tag', { ciphertext: ciphertext.subarray(0, 15) })
      }
      refuses('CRYPTO_INVALID_KEY', 'a key of 16 bytes', () => crypto.aesGcmSeal({ key: bytesOf(16, 1), iv, aad, plaintext: EMPTY }))
      refuses('CRYPTO_INVALID_LENGTH', 'an IV of 8 bytes', () => crypto.aesGcmOpen({ key, iv: bytesOf(8, 1), aad, ciphertext: bytesOf(32, 1) }))
    },
  },
  {
    name: 'hashes and derivations keep their lengths and refuse impossible ones',
    run(crypto) {
      for (const message of [EMPTY, MESSAGE, bytesOf(70_000, 1)]) {
        for (const length of [1, 16, 20, 32, 64]) assert(crypto.blake2b(message, length).length === length, 'blake2b length')
        same(crypto.blake2b256(message), crypto.blake2b(message, 32), 'blake2b256')
        same(crypto.blake2b128(message), crypto.blake2b(message, 16, EMPTY), 'blake2b128')
        same(crypto.twox128(message), concatBytes(crypto.twox64(message), crypto.twox128(message).subarray(8)), 'twox128 begins with twox64')
        same(crypto.twox256(message).subarray(0, 16), crypto.twox128(message), 'twox256 begins with twox128')
      }
      for (const length of [0, 65, 1.5, -1]) refuses('CRYPTO_INVALID_LENGTH', 'blake2b', () => crypto.blake2b(MESSAGE, length))
      refuses('CRYPTO_INVALID_LENGTH', 'blake2b key', () => crypto.blake2b(MESSAGE, 32, bytesOf(65, 1)))
      const hkdf = { ikm: RANDOM, salt: EMPTY, info: MESSAGE }
      assert(crypto.hkdfSha256({ ...hkdf, length: 255 * 32 }).length === 255 * 32, 'the longest HKDF output')
      assert(crypto.hkdfSha256({ ...hkdf, length: 0 }).length === 0, 'no HKDF output')
      refuses('CRYPTO_INVALID_LENGTH', 'HKDF', () => crypto.hkdfSha256({ ...hkdf, length: 255 * 32 + 1 }))
      refuses('CRYPTO_INVALID_LENGTH', 'PBKDF2', () => crypto.pbkdf2Sha512({ password: MESSAGE, salt: EMPTY, iterations: 0, length: 1 }))
    },
  },
  {
    name: 'results share no memory with inputs or later results',
    run(crypto) {
      const first = crypto.blake2b256(MESSAGE)
      const copy = first.slice()
      crypto.blake2b256(EMPTY)
      same(first, copy, 'an earlier hash')
      const pair = crypto.sr25519.pairFromSeed(bytesOf(32, 1))
      const again = crypto.sr25519.pairFromSecret(pair.secret)
      again.secret.fill(0)
      assert(!bytesEqual(pair.secret, again.secret), 'wiping one secret leaves the other')
      const before = pair.secret.slice()
      crypto.sr25519.sign(pair.secret, MESSAGE, RANDOM)
      crypto.sr25519.vrfSign(pair.secret, MESSAGE, EMPTY, RANDOM)
      crypto.sr25519.deriveHard(pair.secret, RANDOM)
      crypto.sr25519.deriveSoft(pair.secret, RANDOM)
      same(pair.secret, before, 'the secret after use')
      assert(first.buffer.byteLength === 32, 'a hash does not keep a larger buffer alive')
    },
  },
  {
    name: 'equality compares content',
    run({ equal }) {
      assert(equal(EMPTY, EMPTY) && equal(bytesOf(3, 1), bytesOf(3, 1)), 'equal')
      assert(!equal(bytesOf(3, 1), bytesOf(3, 2)) && !equal(bytesOf(3, 1), bytesOf(4, 1)), 'not equal')
    },
  },
]

/** Every requirement, for `test.each` or a loop. */
export const complianceChecks: readonly ComplianceCheck[] = [
  ...sr25519Checks, ...ed25519Checks, secp256k1Check, nistCheck('p256', 32), nistCheck('p384', 48), ...symmetricChecks,
]
