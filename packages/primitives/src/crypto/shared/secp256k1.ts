/** Owns secp256k1 of both backends (@noble/curves): Ethereum-style recoverable ECDSA. Does not hash messages. */
import { secp256k1 } from '@noble/curves/secp256k1.js'

import type { Secp256k1 } from '../crypto.ts'
import { invalidKeyOnThrow, requireLength } from './guards.ts'

/** Recovery ids 27 to 30 are Ethereum's way of writing 0 to 3 (sp_io accepts both). */
const ETHEREUM_OFFSET = 27

const recoveryId = (v: number): number => (v >= ETHEREUM_OFFSET ? v - ETHEREUM_OFFSET : v)

/** secp256k1 as Substrate's `ecdsa` uses it. */
export const createSecp256k1 = (): Secp256k1 => ({
  publicKey: (secret) => invalidKeyOnThrow('secp256k1 secret', () => secp256k1.getPublicKey(secret, true)),
  sign(secret, hash) {
    requireLength('secp256k1 message hash', hash, 32)
    const recovered = invalidKeyOnThrow('secp256k1 secret', () => secp256k1.sign(hash, secret, { prehash: false, format: 'recovered' }))
    const signature = new Uint8Array(65)
    signature.set(recovered.subarray(1))
    signature[64] = recovered[0] as number
    return signature
  },
  recover(signature, hash) {
    if (signature.length !== 65 || hash.length !== 32) return undefined
    const recovery = recoveryId(signature[64] as number)
    if (recovery > 3) return undefined
    try {
      const recovered = secp256k1.Signature.fromBytes(signature.subarray(0, 64), 'compact').addRecoveryBit(recovery)
      return recovered.recoverPublicKey(hash).toBytes(true)
    } catch {
      return undefined
    }
  },
})
