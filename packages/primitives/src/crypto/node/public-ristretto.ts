/** Owns the group operation that checking an sr25519 signature needs, over libsodium. No secret ever enters it. */
import type { Sodium } from './sodium.ts'

/** Encoding of s*B - k*A; scalars are 32 canonical bytes. Undefined when A is no valid encoding, or k is zero. */
export const subtractMultiple = (sodium: Pick<Sodium, 'multiply' | 'multiplyBase' | 'subtract'>, s: Uint8Array, k: Uint8Array, a: Uint8Array): Uint8Array | undefined => {
  const multiple = sodium.multiply(k, a)
  return multiple === undefined ? undefined : sodium.subtract(sodium.multiplyBase(s), multiple)
}
