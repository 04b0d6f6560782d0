/** Both backends, and outside implementations, give the same answers to random and to damaged input. */
import { createSign, generateKeyPairSync, sign as opensslSign, constants } from 'node:crypto'

import { ed25519 } from '@noble/curves/ed25519.js'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { keccakP } from '@noble/hashes/sha3.js'
import * as wasmCrypto from '@polkadot/wasm-crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { bigintToLe, concatBytes, EMPTY, leToBigint, parseHex, utf8 } from '../bytes.ts'
import { loadCrypto as loadBrowser } from './browser/index.ts'
import type { RsaVerify } from './crypto.ts'
import { loadCrypto as loadNode } from './node/index.ts'
import { loadSodium } from './node/sodium.ts'
import { secretToEd25519Form } from './shared/sr25519-secret.ts'
import { Transcript } from './shared/transcript.ts'

const node = await loadNode()
const browser = await loadBrowser()
await wasmCrypto.waitReady()

/** An implementation that the backends do not use. */
const keccak = (state: Uint8Array): void => keccakP(new Uint32Array(state.buffer))

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })
const seed = bytes(32)
/** A seed that is also a secret of every curve: never zero, and never above an order. */
const secretSeed = seed.map((bytes32) => node.sha256(bytes32))
const message = fc.uint8Array({ maxLength: 400 })
const runs = (numRuns: number) => ({ numRuns })

/** A change that keeps the length: usually one flipped bit, sometimes another byte string altogether. */
const damage = fc.oneof(
  fc.record({ bit: fc.nat(), whole: fc.constant(undefined) }),
  fc.record({ bit: fc.constant(0), whole: fc.uint8Array({ minLength: 96, maxLength: 96 }) }),
)
const damaged = (input: Uint8Array, { bit, whole }: { bit: number; whole: Uint8Array | undefined }): Uint8Array => {
  if (whole !== undefined) return whole.slice(0, input.length)
  const out = input.slice()
  const at = bit % (8 * input.length)
  out[at >> 3] = (out[at >> 3] as number) ^ (1 << (at & 7))
  return out
}

describe('both backends agree', () => {
  test('on symmetric operations', () => {
    fc.assert(fc.property(message, fc.uint8Array({ maxLength: 64 }), fc.integer({ min: 1, max: 64 }), seed, (text, key, length, secret) => {
      expect(node.blake2b(text, length, key)).toEqual(browser.blake2b(text, length, key))
      for (const name of ['blake2b256', 'blake2b128', 'twox64', 'twox128', 'twox256', 'keccak256', 'sha256', 'sha384', 'sha512'] as const) {
        expect(node[name](text)).toEqual(browser[name](text))
      }
      expect(node.hmacSha256(key, text)).toEqual(browser.hmacSha256(key, text))
      for (const hkdf of [{ ikm: secret, salt: key, info: text, length }, { ikm: text, salt: secret, info: new Uint8Array(2000).fill(length), length: 4 * length }]) {
        expect(node.hkdfSha256(hkdf)).toEqual(browser.hkdfSha256(hkdf))
      }
      const sealed = { key: secret, iv: secret.subarray(0, 12), aad: key, plaintext: text }
      const ciphertext = node.aesGcmSeal(sealed)
      expect(browser.aesGcmSeal(sealed)).toEqual(ciphertext)
      expect(browser.aesGcmOpen({ ...sealed, ciphertext })).toEqual(text)
    }), runs(100))
  })

  test('on sr25519 signing, derivation, agreement and VRF, byte for byte', () => {
    fc.assert(fc.property(seed, seed, message, seed, (mine, theirs, text, random) => {
      const pair = node.sr25519.pairFromSeed(mine)
      const other = node.sr25519.pairFromSeed(theirs)
      expect(browser.sr25519.pairFromSeed(mine)).toEqual(pair)
      expect(browser.sr25519.sign(pair.secret, text, random)).toEqual(node.sr25519.sign(pair.secret, text, random))
      expect(browser.sr25519.deriveHard(pair.secret, random)).toEqual(node.sr25519.deriveHard(pair.secret, random))
      expect(browser.sr25519.deriveSoft(pair.secret, random)).toEqual(node.sr25519.deriveSoft(pair.secret, random))
      expect(browser.sr25519.derivePublicSoft(pair.publicKey, random)).toEqual(node.sr25519.derivePublicSoft(pair.publicKey, random))
      expect(browser.sr25519.agree(pair.secret, other.publicKey)).toEqual(node.sr25519.agree(pair.secret, other.publicKey))
      const proof = node.sr25519.vrfSign(pair.secret, text, theirs, random)
      expect(browser.sr25519.vrfSign(pair.secret, text, theirs, random)).toEqual(proof)
      expect(browser.sr25519.vrfVerify(proof, text, pair.publicKey, theirs)).toBe(true)
    }), runs(25))
  })

  test('on verdicts over damaged signatures and keys of every curve', () => {
    fc.assert(fc.property(secretSeed, message, damage, fc.boolean(), (secret, text, change, onKey) => {
      for (const name of ['sr25519', 'ed25519', 'p256'] as const) {
        const signer = node[name]
        const pair = name === 'sr25519' ? node.sr25519.pairFromSeed(secret) : { secret, publicKey: (signer as typeof node.ed25519).publicKey(secret) }
        const signature = node[name].sign(pair.secret, text, secret)
        expect(node[name].verify(signature, text, pair.publicKey)).toBe(true)
        const badSignature = onKey ? signature : damaged(signature, change)
        const badKey = onKey ? damaged(pair.publicKey, change) : pair.publicKey
        expect(node[name].verify(badSignature, text, badKey)).toBe(browser[name].verify(badSignature, text, badKey))
      }
      expect(node.sr25519.isValidPoint(damaged(secret, change))).toBe(browser.sr25519.isValidPoint(damaged(secret, change)))
    }), runs(60))
  })
})

describe('ed25519 beyond what OpenSSL accepts', () => {
  /** A signature whose key or commitment carries a point of order 8: valid only for verifiers that multiply by the cofactor. */
  const signWithTorsion = (text: Uint8Array, { onKey, onCommitment }: { onKey: boolean; onCommitment: boolean }) => {
    const { Point } = ed25519
    const torsion = Point.fromBytes(parseHex('26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05'), true)
    const order = Point.Fn.ORDER
    const [a, r] = [123456789n, 987654321n]
    const withTorsion = (point: typeof torsion, wanted: boolean): Uint8Array => (wanted ? point.add(torsion) : point).toBytes()
    const publicKey = withTorsion(Point.BASE.multiply(a), onKey)
    const commitment = withTorsion(Point.BASE.multiply(r), onCommitment)
    const challenge = leToBigint(node.sha512(concatBytes(commitment, publicKey, text))) % order
    return { publicKey, signature: concatBytes(commitment, bigintToLe((r + challenge * a) % order, 32)) }
  }

  test.each([[false, false], [true, false], [false, true], [true, true]])('accepts points of mixed order (key %s, commitment %s), as ZIP-215 asks', (onKey, onCommitment) => {
    for (let i = 0; i < 16; i++) {
      const text = Uint8Array.of(i)
      const { publicKey, signature } = signWithTorsion(text, { onKey, onCommitment })
      for (const backend of [node, browser]) {
        expect(backend.ed25519.verify(signature, text, publicKey)).toBe(true)
        expect(backend.ed25519.verify(signature, Uint8Array.of(i, i), publicKey)).toBe(false)
      }
    }
  })
})

describe('sr25519 agrees with schnorrkel (wasm-crypto)', () => {
  const IDENTITY = new Uint8Array(32)
  const GROUP_ORDER = (1n << 252n) + 27742317777372353535851937790883648493n

  test('on keys, derivation and agreement', () => {
    fc.assert(fc.property(seed, seed, (mine, chainCode) => {
      const pair = node.sr25519.pairFromSeed(mine)
      const theirs = concatBytes(secretToEd25519Form(pair.secret), pair.publicKey)
      expect(wasmCrypto.sr25519KeypairFromSeed(mine)).toEqual(theirs)
      const hard = node.sr25519.deriveHard(pair.secret, chainCode)
      expect(wasmCrypto.sr25519DeriveKeypairHard(theirs, chainCode)).toEqual(concatBytes(secretToEd25519Form(hard.secret), hard.publicKey))
      const soft = node.sr25519.deriveSoft(pair.secret, chainCode)
      // The nonce half is random there, so only scalar and public key are comparable.
      const softTheirs = wasmCrypto.sr25519DeriveKeypairSoft(theirs, chainCode)
      expect(softTheirs.subarray(0, 32)).toEqual(secretToEd25519Form(soft.secret).subarray(0, 32))
      expect(softTheirs.subarray(64)).toEqual(soft.publicKey)
      expect(wasmCrypto.sr25519DerivePublicSoft(pair.publicKey, chainCode)).toEqual(soft.publicKey)
      expect(wasmCrypto.sr25519Agree(hard.publicKey, theirs.subarray(0, 64))).toEqual(node.sr25519.agree(pair.secret, hard.publicKey))
    }), runs(50))
  })

  test('on good and damaged signatures, and signs what it accepts', () => {
    fc.assert(fc.property(seed, message, seed, damage, fc.boolean(), (mine, text, random, change, onKey) => {
      const { secret, publicKey } = node.sr25519.pairFromSeed(mine)
      const signature = node.sr25519.sign(secret, text, random)
      expect(wasmCrypto.sr25519Verify(signature, text, publicKey)).toBe(true)
      const theirs = wasmCrypto.sr25519Sign(publicKey, secretToEd25519Form(secret), text)
      expect(node.sr25519.verify(theirs, text, publicKey)).toBe(true)
      const badSignature = onKey ? signature : damaged(signature, change)
      const badKey = onKey ? damaged(publicKey, change) : publicKey
      expect(node.sr25519.verify(badSignature, text, badKey)).toBe(wasmCrypto.sr25519Verify(badSignature, text, badKey))
    }), runs(300))
  })

  test('on a commitment that is the identity, which a key holder can make', () => {
    // With the nonce r = 0, R is the identity and s = k * a: a careless key holder can sign so, and all must agree that it verifies.
    const { secret, publicKey } = node.sr25519.pairFromSeed(new Uint8Array(32).fill(1))
    const text = utf8('signed without a nonce')
    const transcript = new Transcript(keccak, utf8('SigningContext')).append(EMPTY, utf8('substrate')).append(utf8('sign-bytes'), text)
    transcript.append(utf8('proto-name'), utf8('Schnorr-sig')).append(utf8('sign:pk'), publicKey).append(utf8('sign:R'), IDENTITY)
    const response = (leToBigint(transcript.challenge(utf8('sign:c'), 64)) * leToBigint(secret.subarray(0, 32))) % GROUP_ORDER
    const signature = concatBytes(IDENTITY, bigintToLe(response | (1n << 255n), 32))
    expect(wasmCrypto.sr25519Verify(signature, text, publicKey)).toBe(true)
    for (const backend of [node, browser]) expect(backend.sr25519.verify(signature, text, publicKey)).toBe(true)
  })

  test('except that the identity is a public key there and not here', () => {
    const signature = new Uint8Array(64)
    signature[63] = 0x80
    expect(wasmCrypto.sr25519Verify(signature, utf8('anything'), IDENTITY)).toBe(true)
    for (const backend of [node, browser]) expect(backend.sr25519.verify(signature, utf8('anything'), IDENTITY)).toBe(false)
  })
})

describe('the permutation under the transcripts', () => {
  test('is that of another implementation', async () => {
    const sodium = await loadSodium()
    fc.assert(fc.property(bytes(200), (start) => {
      const [ours, theirs] = [start.slice(), start.slice()]
      sodium.keccak(ours)
      keccak(theirs)
      expect(ours).toEqual(theirs)
    }), runs(100))
  })
})

describe('signing', () => {
  test('is by the secret at hand, after more signers than are remembered and with their bytes in one buffer', () => {
    const seeds = Array.from({ length: 70 }, (_, i) => new Uint8Array(32).fill(i + 1))
    const secret = new Uint8Array(64)
    for (const seedBytes of [...seeds, ...seeds.slice(0, 3), seeds[0] as Uint8Array]) {
      const pair = node.sr25519.pairFromSeed(seedBytes)
      secret.set(pair.secret)
      const signature = node.sr25519.sign(secret, utf8('one buffer'), new Uint8Array(32))
      expect(browser.sr25519.verify(signature, utf8('one buffer'), pair.publicKey)).toBe(true)
    }
  })
})

describe('what both backends share agrees with wasm-crypto', () => {
  const SECP256K1_ORDER = secp256k1.Point.Fn.ORDER
  const numberOf = (bigEndian: Uint8Array): bigint => leToBigint(bigEndian.slice().reverse())

  test('twox of every length to 200 and of random bytes', () => {
    const check = (text: Uint8Array): void => {
      expect(node.twox64(text)).toEqual(wasmCrypto.twox(text, 1))
      expect(node.twox128(text)).toEqual(wasmCrypto.twox(text, 2))
      expect(node.twox256(text)).toEqual(wasmCrypto.twox(text, 4))
    }
    for (let length = 0; length <= 200; length++) check(Uint8Array.from({ length }, (_byte, i) => (i * 167 + length) & 0xff))
    for (const byte of [0, 0x7f, 0x80, 0xff]) for (const length of [7, 8, 31, 32, 33, 64]) check(new Uint8Array(length).fill(byte))
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), check), runs(300))
  })

  test('secp256k1 signatures and recovery, also of damaged signatures', () => {
    fc.assert(fc.property(secretSeed, seed, damage, (secret, hash, change) => {
      const signature = node.secp256k1.sign(secret, hash)
      expect(signature).toEqual(wasmCrypto.secp256k1Sign(hash, secret))
      const bad = concatBytes(damaged(signature.subarray(0, 64), change), signature.subarray(64))
      // wasm-crypto refuses the upper half of s, which recovery elsewhere takes as the mirror image of the lower half.
      const { r, s } = { r: numberOf(bad.subarray(0, 32)), s: numberOf(bad.subarray(32, 64)) }
      const isHigh = s > SECP256K1_ORDER / 2n && s < SECP256K1_ORDER
      const low = isHigh ? Uint8Array.from(Buffer.from((SECP256K1_ORDER - s).toString(16).padStart(64, '0'), 'hex')) : bad.subarray(32, 64)
      let expected: Uint8Array | undefined
      try {
        const recovered = wasmCrypto.secp256k1Recover(hash, concatBytes(bad.subarray(0, 32), low), (bad[64] as number) ^ (isHigh ? 1 : 0))
        expected = r === 0n || s === 0n ? undefined : wasmCrypto.secp256k1Compress(recovered)
      } catch {
        expected = undefined
      }
      expect(node.secp256k1.recover(bad, hash)).toEqual(expected)
    }), runs(100))
  })
})

describe('RSA', () => {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const odd = generateKeyPairSync('rsa', { modulusLength: 2049 })
  const numbersOf = (key: typeof publicKey) => {
    const { n, e } = key.export({ format: 'jwk' })
    return { modulus: new Uint8Array(Buffer.from(n as string, 'base64url')), exponent: new Uint8Array(Buffer.from(e as string, 'base64url')) }
  }
  const text = utf8('certified')
  const verdicts = (call: (rsa: RsaVerify) => boolean): boolean => {
    const verdict = call(node.rsa)
    expect(call(browser.rsa)).toBe(verdict)
    return verdict
  }

  test.each(['sha256', 'sha384', 'sha512'] as const)('PKCS#1 with %s: accepts the signature and nothing near it', (hash) => {
    for (const pair of [{ publicKey, privateKey }, odd]) {
      const numbers = numbersOf(pair.publicKey)
      const signature = new Uint8Array(createSign(hash).update(text).sign(pair.privateKey))
      const options = { hash, ...numbers, message: text, signature }
      expect(verdicts((rsa) => rsa.verifyPkcs1(options))).toBe(true)
      expect(verdicts((rsa) => rsa.verifyPkcs1({ ...options, modulus: concatBytes(new Uint8Array(1), numbers.modulus) }))).toBe(true)
      expect(verdicts((rsa) => rsa.verifyPss({ ...options, saltLength: 32 }))).toBe(false)
      expect(verdicts((rsa) => rsa.verifyPkcs1({ ...options, message: utf8('other') }))).toBe(false)
      expect(verdicts((rsa) => rsa.verifyPkcs1({ ...options, hash: hash === 'sha256' ? 'sha384' : 'sha256' }))).toBe(false)
      for (const bad of [new Uint8Array(0), signature.subarray(1), concatBytes(new Uint8Array(1), signature), new Uint8Array(signature.length), numbers.modulus, new Uint8Array(signature.length).fill(0xff)]) {
        expect(verdicts((rsa) => rsa.verifyPkcs1({ ...options, signature: bad }))).toBe(false)
        expect(verdicts((rsa) => rsa.verifyPss({ ...options, saltLength: 32, signature: bad }))).toBe(false)
      }
      for (let bit = 0; bit < 8 * signature.length; bit += 211) {
        expect(verdicts((rsa) => rsa.verifyPkcs1({ ...options, signature: damaged(signature, { bit, whole: undefined }) }))).toBe(false)
      }
    }
  })

  test.each([['sha256', 32], ['sha384', 48], ['sha512', 0], ['sha256', 100]] as const)('PSS with %s and %i bytes of salt: accepts the signature and no other salt length', (hash, saltLength) => {
    for (const pair of [{ publicKey, privateKey }, odd]) {
      const signature = new Uint8Array(opensslSign(hash, text, { key: pair.privateKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength }))
      const options = { hash, ...numbersOf(pair.publicKey), message: text, signature, saltLength }
      expect(verdicts((rsa) => rsa.verifyPss(options))).toBe(true)
      for (const other of [saltLength + 1, saltLength - 1, 10_000, 1.5]) expect(verdicts((rsa) => rsa.verifyPss({ ...options, saltLength: other }))).toBe(false)
      expect(verdicts((rsa) => rsa.verifyPkcs1(options))).toBe(false)
      expect(verdicts((rsa) => rsa.verifyPss({ ...options, message: utf8('other') }))).toBe(false)
      for (let bit = 0; bit < 8 * signature.length; bit += 211) {
        expect(verdicts((rsa) => rsa.verifyPss({ ...options, signature: damaged(signature, { bit, whole: undefined }) }))).toBe(false)
      }
    }
  })

  test('refuses keys too small, too large, even, or with a strange exponent', () => {
    const numbers = numbersOf(publicKey)
    const signature = new Uint8Array(createSign('sha256').update(text).sign(privateKey))
    const small = generateKeyPairSync('rsa', { modulusLength: 1024 })
    const smallSignature = new Uint8Array(createSign('sha256').update(text).sign(small.privateKey))
    expect(verdicts((rsa) => rsa.verifyPkcs1({ hash: 'sha256', ...numbersOf(small.publicKey), message: text, signature: smallSignature }))).toBe(false)
    const even = numbers.modulus.slice()
    even[255] = (even[255] as number) & 0xfe
    for (const modulus of [new Uint8Array(0), new Uint8Array(256), even, new Uint8Array(1025).fill(0xff)]) {
      expect(verdicts((rsa) => rsa.verifyPkcs1({ hash: 'sha256', ...numbers, modulus, message: text, signature }))).toBe(false)
    }
    for (const exponent of [[], [0], [1], [2], [1, 0, 1, 0, 1]]) {
      expect(verdicts((rsa) => rsa.verifyPkcs1({ hash: 'sha256', ...numbers, exponent: Uint8Array.from(exponent), message: text, signature }))).toBe(false)
    }
  })
})
