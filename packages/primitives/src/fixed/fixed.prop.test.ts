import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { balanceToFixed, fixed, FIXED_MAX, FIXED_ONE, fixedToBalance, isqrt, permillOf, UNIT } from './index.ts'

const bits = fc.bigInt(0n, FIXED_MAX)
const small = fc.bigInt(0n, 1n << 96n)
const amounts = fc.bigInt(0n, 10n ** 9n * UNIT)

describe('fixed point', () => {
  test('products and quotients are the floor of the true value', () => {
    fc.assert(fc.property(small, small, (a, b) => {
      const product = fixed.mul(a, b)
      expect(product << 64n <= a * b && a * b < (product + 1n) << 64n).toBe(true)
      if (b === 0n || a / b >= FIXED_ONE) return
      const quotient = fixed.div(a, b)
      expect(quotient * b <= a << 64n && a << 64n < (quotient + 1n) * b).toBe(true)
    }), { numRuns: 500 })
  })

  test('no operation leaves the range', () => {
    fc.assert(fc.property(bits, bits, (a, b) => {
      for (const result of [fixed.add(a, b), fixed.sub(a, b), fixed.mul(a, b), fixed.div(a, b === 0n ? 1n : b), fixed.sqrt(a)])
        expect(result >= 0n && result <= FIXED_MAX).toBe(true)
    }), { numRuns: 500 })
  })

  test('the integer root is exact for small and huge numbers', () => {
    fc.assert(fc.property(fc.oneof(bits, fc.bigInt(0n, 1n << 60n), fc.bigInt(0n, 1n << 256n), bits.map((a) => a * a), bits.map((a) => a * a + 2n * a)), (n) => {
      const root = isqrt(n)
      expect(root * root <= n && n < (root + 1n) * (root + 1n)).toBe(true)
    }), { numRuns: 1000 })
  })

  test('text of a number parses to it', () => {
    fc.assert(fc.property(bits, (a) => { expect(fixed.parse(fixed.toText(a, 40))).toBe(a) }), { numRuns: 300 })
  })
})

describe('amounts', () => {
  test('lose less than one planck by fixed point and back', () => {
    fc.assert(fc.property(amounts, (amount) => {
      const back = fixedToBalance(balanceToFixed(amount))
      expect(back === amount || back === amount - 1n).toBe(true)
    }), { numRuns: 500 })
  })

  test('shares in parts per million never differ from the true value by more than a half', () => {
    fc.assert(fc.property(fc.integer({ min: 0, max: 1_000_000 }), amounts, (ppm, amount) => {
      const twiceError = 2n * (permillOf(ppm, amount) * 1_000_000n - amount * BigInt(ppm))
      expect(twiceError >= -1_000_000n && twiceError < 1_000_000n).toBe(true)
    }), { numRuns: 500 })
  })
})
