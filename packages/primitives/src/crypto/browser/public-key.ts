/** Owns ed25519 and the NIST curves of the browser backend (noble). */
import { ed25519 } from '@noble/curves/ed25519.js'
import { p256, p384 } from '@noble/curves/nist.js'

import { concatBytes } from '../../bytes.ts'
import type { Ed25519, NistEcdsa } from '../crypto.ts'
import { falseOnThrow, requireKeyLength } from '../shared/guards.ts'
import { createNistSigner } from '../shared/nist-signer.ts'

const UNCOMPRESSED = Uint8Array.of(4)
const SEED = 'ed25519 seed'

/** The browser implementation of ed25519. */
export const createEd25519 = (): Ed25519 => ({
  publicKey(seed) {
    requireKeyLength(SEED, seed, 32)
    return ed25519.getPublicKey(seed)
  },
  sign(seed, message) {
    requireKeyLength(SEED, seed, 32)
    return ed25519.sign(message, seed)
  },
  verify: (signature, message, publicKey) => falseOnThrow(() => ed25519.verify(signature, message, publicKey, { zip215: true })),
})

/** ECDSA over one NIST curve with its own hash. */
export const createNistEcdsa = (curve: 'P-256' | 'P-384'): NistEcdsa => {
  const implementation = curve === 'P-256' ? p256 : p384
  const coordinate = curve === 'P-256' ? 32 : 48
  return {
    ...createNistSigner(curve),
    verify: (signature, message, publicKey) =>
      signature.length === 2 * coordinate &&
      publicKey.length === 2 * coordinate &&
      falseOnThrow(() => implementation.verify(signature, message, concatBytes(UNCOMPRESSED, publicKey), { lowS: false })),
  }
}
