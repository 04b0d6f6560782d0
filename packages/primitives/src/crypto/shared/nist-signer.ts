/** Owns signing with NIST curves in both backends (noble, RFC 6979): only the software TEE and tests sign with them. */
import { p256, p384 } from '@noble/curves/nist.js'

import type { NistEcdsa } from '../crypto.ts'
import { invalidKeyOnThrow } from './guards.ts'

/** Public keys (raw x ‖ y) and deterministic signatures (raw r ‖ s) of one curve. */
export const createNistSigner = (curve: 'P-256' | 'P-384'): Pick<NistEcdsa, 'publicKey' | 'sign'> => {
  const implementation = curve === 'P-256' ? p256 : p384
  const what = `${curve} secret`
  return {
    publicKey: (secret) => invalidKeyOnThrow(what, () => implementation.getPublicKey(secret, false).slice(1)),
    sign: (secret, message) => invalidKeyOnThrow(what, () => implementation.sign(message, secret, { lowS: false })),
  }
}
