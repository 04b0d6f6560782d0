/**
 * Owns the two byte forms of an sr25519 secret. Ours is schnorrkel's `to_bytes`: canonical scalar ‖ nonce (worker_api.md §6).
 * polkadot-js, wasm-crypto and scure use the "ed25519 form", whose scalar half is the same number times the cofactor 8.
 */
import { AppError } from '../../errors.ts'

/** Order of the ristretto255 group, little-endian: 2^252 + 27742317777372353535851937790883648493. */
const ORDER = Uint8Array.of(
  0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10)

/** Whether 32 little-endian bytes are below the group order. For public scalars: not constant time. */
export const isCanonicalScalar = (scalar: Uint8Array): boolean => {
  for (let i = 31; i >= 0; i--) {
    const difference = (scalar[i] as number) - (ORDER[i] as number)
    if (difference !== 0) return difference < 0
  }
  return false
}

/** Checks a secret of our form: 64 bytes, scalar canonical and not zero. Its running time tells nothing about a valid scalar. @throws CRYPTO_INVALID_KEY */
export const requireSr25519Secret = (secret: Uint8Array): void => {
  if (secret.length !== 64) throw new AppError('CRYPTO_INVALID_KEY', { what: `sr25519 secret of 64 bytes (got ${secret.length})` })
  let borrow = 0
  let any = 0
  for (let i = 0; i < 32; i++) {
    const byte = secret[i] as number
    any |= byte
    borrow = ((byte - (ORDER[i] as number) - borrow) >> 8) & 1
  }
  if (any === 0 || borrow === 0) throw new AppError('CRYPTO_INVALID_KEY', { what: 'sr25519 secret scalar' })
}

/** Our form to the ed25519 form: scalar times 8. */
export const secretToEd25519Form = (secret: Uint8Array): Uint8Array => {
  const out = new Uint8Array(secret)
  let carry = 0
  for (let i = 0; i < 32; i++) {
    const value = ((secret[i] as number) << 3) | carry
    out[i] = value & 0xff
    carry = value >> 8
  }
  return out
}

/** The ed25519 form to ours: scalar divided by 8; its low three bits carry nothing. */
export const secretFromEd25519Form = (secret: Uint8Array): Uint8Array => {
  const out = new Uint8Array(secret)
  for (let i = 0; i < 32; i++) out[i] = ((secret[i] as number) >> 3) | (i === 31 ? 0 : ((secret[i + 1] as number) << 5) & 0xff)
  return out
}
