/**
 * Owns how token amounts (u128, 12 decimals) and fixed point numbers turn into each other: through 48 fraction bits, as the reference
 * does it (computation.md section 1), so that shares and prices come out to its last digit.
 */
import { FIXED_MAX, fixed } from './fixed.ts'

/** Planck of one PHA. */
export const UNIT = 1_000_000_000_000n
const NARROW_BITS = 48n
const LOST_BITS = 16n
const MILLION = 1_000_000n

/** An amount in PHA as fixed point. */
export const balanceToFixed = (amount: bigint): bigint => {
  const bits = ((amount << NARROW_BITS) / UNIT) << LOST_BITS
  return bits > FIXED_MAX ? FIXED_MAX : bits
}

/** Fixed point PHA as an amount, cut off. */
export const fixedToBalance = (bits: bigint): bigint => ((bits >> LOST_BITS) * UNIT) >> NARROW_BITS

/** Amount times a price. */
export const mulBalance = (amount: bigint, priceBits: bigint): bigint => fixedToBalance(fixed.mul(balanceToFixed(amount), priceBits))

/** Amount divided by a price, which must not be 0. */
export const divBalance = (amount: bigint, priceBits: bigint): bigint => fixedToBalance(fixed.div(balanceToFixed(amount), priceBits))

/** So many parts per million of an amount, to the nearest; ties go down. */
export const permillOf = (ppm: number, amount: bigint): bigint => {
  const product = amount * BigInt(ppm)
  const floor = product / MILLION
  return (product % MILLION) * 2n > MILLION ? floor + 1n : floor
}
