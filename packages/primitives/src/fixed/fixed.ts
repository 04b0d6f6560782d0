/**
 * Owns 64.64 fixed point numbers: a value x stands as the bigint x · 2^64, below 2^128 (computation.md section 1). Every operation floors.
 * A result that does not fit saturates: where the reference panics, sums stay at the largest and differences at the smallest number.
 */
import { assert } from '../assert.ts'
import { isqrt } from './isqrt.ts'

/** Fraction bits. */
const FRACTION_BITS = 64n
/** One. */
export const FIXED_ONE = 1n << FRACTION_BITS
/** The largest number: 2^64 − 2^−64. */
export const FIXED_MAX = (1n << 128n) - 1n

const ROOT_FRACTION_BITS = 32n
const LITERAL = /^(\d{1,20})(?:\.(\d{1,60}))?$/

const saturate = (bits: bigint): bigint => (bits > FIXED_MAX ? FIXED_MAX : bits)

/** A whole number as fixed point. */
const fromInteger = (value: bigint | number): bigint => saturate(BigInt(value) << FRACTION_BITS)

/** The whole part. */
const toInteger = (bits: bigint): bigint => bits >> FRACTION_BITS

/** a + b. */
const add = (a: bigint, b: bigint): bigint => saturate(a + b)

/** a − b, at least 0. */
const sub = (a: bigint, b: bigint): bigint => (a > b ? a - b : 0n)

/** a · b. */
const mul = (a: bigint, b: bigint): bigint => saturate((a * b) >> FRACTION_BITS)

/** a ÷ b; b must not be 0. */
const div = (a: bigint, b: bigint): bigint => {
  assert(b !== 0n, 'the divisor is not zero')
  return saturate((a << FRACTION_BITS) / b)
}

/** Fixed point times a whole number. */
const mulInteger = (a: bigint, n: bigint | number): bigint => saturate(a * BigInt(n))

/** Fixed point divided by a whole number, which must not be 0. */
const divInteger = (a: bigint, n: bigint | number): bigint => {
  const divisor = BigInt(n)
  assert(divisor !== 0n, 'the divisor is not zero')
  return a / divisor
}

/** Square root with 32 fraction bits only: the coarse root is what the published numbers were made with. */
const sqrt = (a: bigint): bigint => isqrt(a) << ROOT_FRACTION_BITS

/** a to the power of a whole number, from its low bit as the reference does it. */
const pow = (a: bigint, exponent: number): bigint => {
  let result = FIXED_ONE
  let square = a
  for (let rest = exponent; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) result = mul(result, square)
    square = mul(square, square)
  }
  return result
}

/** The number nearest to a decimal literal of at most 60 decimals (none of which lies half way), for example `0.2`; undefined for other text and numbers too large. */
const parse = (literal: string): bigint | undefined => {
  const found = LITERAL.exec(literal)
  if (found === null) return undefined
  const digits = found[2] ?? ''
  const scale = 10n ** BigInt(digits.length)
  const twice = (BigInt(`${found[1]}${digits}`) << FRACTION_BITS) * 2n
  const bits = (twice + scale) / (2n * scale)
  return bits > FIXED_MAX ? undefined : bits
}

/** Decimal text with so many digits after the point, cut off there. */
const toText = (bits: bigint, digits: number): string => {
  const scale = 10n ** BigInt(digits)
  const fraction = ((bits & (FIXED_ONE - 1n)) * scale) >> FRACTION_BITS
  return digits === 0 ? toInteger(bits).toString() : `${toInteger(bits)}.${fraction.toString().padStart(digits, '0')}`
}

/** Arithmetic on 64.64 fixed point numbers. */
export const fixed = { fromInteger, toInteger, add, sub, mul, div, mulInteger, divInteger, sqrt, pow, parse, toText } as const

/** A literal of ours as fixed point. */
export const fixedOf = (literal: string): bigint => {
  const bits = parse(literal)
  assert(bits !== undefined, `${literal} is a number`)
  return bits
}
