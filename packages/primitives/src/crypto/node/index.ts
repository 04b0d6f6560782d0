/** Owns the Node backend of `Crypto`: libsodium, OpenSSL and noble behind one synchronous interface. */
import type { Crypto } from '../crypto.ts'
import { createSecp256k1 } from '../shared/secp256k1.ts'
import { createNistEcdsa } from './ecdsa.ts'
import { createEd25519 } from './ed25519.ts'
import { createRsaVerify } from './rsa.ts'
import { loadSodium } from './sodium.ts'
import { createSr25519 } from './sr25519.ts'
import { createSymmetric } from './symmetric.ts'

const create = async (): Promise<Crypto> => {
  const sodium = await loadSodium()
  return {
    sr25519: createSr25519(sodium),
    ed25519: createEd25519(sodium),
    secp256k1: createSecp256k1(),
    p256: createNistEcdsa('P-256'),
    p384: createNistEcdsa('P-384'),
    rsa: createRsaVerify(),
    ...createSymmetric(sodium),
  }
}

let loaded: Promise<Crypto> | undefined

/** Loads the backend once per process; the one asynchronous step before everything else is synchronous. */
export const loadCrypto = (): Promise<Crypto> => (loaded ??= create())
