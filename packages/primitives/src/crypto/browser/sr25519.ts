/** Owns sr25519 of the browser backend: @scure/sr25519 with our secret form and strictness. */
import { getPublicKey, getSharedSecret, HDKD, secretFromSeed, sign, verify, vrf } from '@scure/sr25519'
import { ristretto255 } from '@noble/curves/ed25519.js'

import { EMPTY } from '../../bytes.ts'
import type { Sr25519, Sr25519Pair } from '../crypto.ts'
import { falseOnThrow, invalidKeyOnThrow, requireKeyLength, requireLength } from '../shared/guards.ts'
import { requireSr25519Secret, secretFromEd25519Form, secretToEd25519Form } from '../shared/sr25519-secret.ts'

const ZERO_RANDOM: Uint8Array = new Uint8Array(32)
const PUBLIC_KEY = 'sr25519 public key'
const RANDOMNESS = 'sr25519 signing randomness'
const CHAIN_CODE = 'sr25519 chain code'

/** Our secret in the library's form, checked. */
const toLibrary = (secret: Uint8Array): Uint8Array => {
  requireSr25519Secret(secret)
  return secretToEd25519Form(secret)
}

const pairOf = (librarySecret: Uint8Array): Sr25519Pair => ({
  secret: secretFromEd25519Form(librarySecret),
  publicKey: getPublicKey(librarySecret),
})

const isValidPoint = (publicKey: Uint8Array): boolean =>
  publicKey.length === 32 && falseOnThrow(() => !ristretto255.Point.fromBytes(publicKey).equals(ristretto255.Point.ZERO))

/** The browser implementation of sr25519. */
export const createSr25519 = (): Sr25519 => ({
  pairFromSeed(seed) {
    requireKeyLength('sr25519 seed', seed, 32)
    return pairOf(secretFromSeed(seed))
  },
  pairFromSecret: (secret) => pairOf(toLibrary(secret)),
  sign(secret, message, random) {
    const librarySecret = toLibrary(secret)
    requireLength(RANDOMNESS, random, 32)
    return sign(librarySecret, message, random)
  },
  verify: (signature, message, publicKey) => falseOnThrow(() => verify(message, signature, publicKey)),
  deriveHard(secret, chainCode) {
    const librarySecret = toLibrary(secret)
    requireLength(CHAIN_CODE, chainCode, 32)
    return pairOf(HDKD.secretHard(librarySecret, chainCode))
  },
  deriveSoft(secret, chainCode) {
    const librarySecret = toLibrary(secret)
    requireLength(CHAIN_CODE, chainCode, 32)
    return pairOf(HDKD.secretSoft(librarySecret, chainCode, ZERO_RANDOM))
  },
  derivePublicSoft(publicKey, chainCode) {
    requireKeyLength(PUBLIC_KEY, publicKey, 32)
    requireLength(CHAIN_CODE, chainCode, 32)
    return invalidKeyOnThrow(PUBLIC_KEY, () => HDKD.publicSoft(publicKey, chainCode))
  },
  agree(secret, theirPublicKey) {
    const librarySecret = toLibrary(secret)
    requireKeyLength(PUBLIC_KEY, theirPublicKey, 32)
    return invalidKeyOnThrow(PUBLIC_KEY, () => getSharedSecret(librarySecret, theirPublicKey))
  },
  vrfSign(secret, message, context, random) {
    const librarySecret = toLibrary(secret)
    requireLength(RANDOMNESS, random, 32)
    return vrf.sign(message, librarySecret, context, EMPTY, random)
  },
  vrfVerify: (outputAndProof, message, publicKey, context) => falseOnThrow(() => vrf.verify(message, outputAndProof, publicKey, context)),
  isValidPoint,
})
