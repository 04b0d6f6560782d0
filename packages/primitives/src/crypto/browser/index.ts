/** Owns the browser backend of `Crypto`: audited JavaScript only, no WebCrypto, no Wasm. Also runs in Node, as the other opinion in tests. */
import type { Crypto } from '../crypto.ts'
import { createSecp256k1 } from '../shared/secp256k1.ts'
import { createEd25519, createNistEcdsa } from './public-key.ts'
import { createRsaVerify } from './rsa.ts'
import { createSr25519 } from './sr25519.ts'
import { createSymmetric } from './symmetric.ts'

const create = (): Crypto => ({
  sr25519: createSr25519(),
  ed25519: createEd25519(),
  secp256k1: createSecp256k1(),
  p256: createNistEcdsa('P-256'),
  p384: createNistEcdsa('P-384'),
  rsa: createRsaVerify(),
  ...createSymmetric(),
})

let loaded: Promise<Crypto> | undefined

/** Loads the backend once per page; asynchronous only to look like the Node backend. */
export const loadCrypto = (): Promise<Crypto> => (loaded ??= Promise.resolve(create()))
