import { AssertionError } from '../assert.ts'
import { describe, expect, test } from 'vitest'
import { balanceToFixed, divBalance, fixed, fixedOf, FIXED_MAX, FIXED_ONE, fixedToBalance, mulBalance, permillOf, UNIT } from './index.ts'

describe('literals', () => {
  test.each([
    ['1', FIXED_ONE],
    ['0.2', 3689348814741910323n],
    ['0.3', 5534023222112865485n],
    ['1.3', 23980767295822417101n],
    ['1.000000666600231', 18446756370313412349n],
    ['0.000000015815258751856933056', 291740030655n],
    ['0.0000033333333333333240063', 61489146912365n],
    ['30000', 553402322211286548480000n],
  ])('%s is the nearest number', (literal, bits) => expect(fixed.parse(literal)).toBe(bits))

  test.each(['', '.5', '1.', '-1', '1e3', '18446744073709551616', ' 1', `0.${'0'.repeat(60)}1`])('%j is none', (literal) => expect(fixed.parse(literal)).toBeUndefined())

  test('turn back into text', () => {
    expect(fixed.toText(fixedOf('0.25'), 4)).toBe('0.2500')
    expect(fixed.toText(fixedOf('12.75'), 0)).toBe('12')
  })

  test('a literal of ours that is none is our mistake', () => expect(() => fixedOf('x')).toThrow(AssertionError))
})

describe('operations', () => {
  test('floor, and saturate where they overflow', () => {
    expect(fixed.mul(1n, 1n)).toBe(0n)
    expect(fixed.div(FIXED_ONE, fixed.fromInteger(3))).toBe(FIXED_ONE / 3n)
    expect(fixed.mul(FIXED_MAX, FIXED_MAX)).toBe(FIXED_MAX)
    expect(fixed.div(FIXED_MAX, 1n)).toBe(FIXED_MAX)
    expect(fixed.add(FIXED_MAX, 1n)).toBe(FIXED_MAX)
    expect(fixed.sub(1n, 2n)).toBe(0n)
    expect(fixed.fromInteger(1n << 64n)).toBe(FIXED_MAX)
    expect(fixed.mulInteger(FIXED_MAX, 2)).toBe(FIXED_MAX)
    expect(fixed.divInteger(fixed.fromInteger(7), 2)).toBe(fixedOf('3.5'))
    expect(fixed.toInteger(fixedOf('7.9'))).toBe(7n)
  })

  test('division by nothing is our mistake', () => {
    expect(() => fixed.div(1n, 0n)).toThrow(AssertionError)
    expect(() => fixed.divInteger(1n, 0)).toThrow(AssertionError)
  })

  test('the root has 32 fraction bits', () => {
    expect(fixed.sqrt(fixed.fromInteger(4))).toBe(fixed.fromInteger(2))
    expect(fixed.sqrt(fixed.fromInteger(2)) & 0xffff_ffffn).toBe(0n)
    expect(fixedToBalance(fixed.mul(fixed.fromInteger(100), fixed.sqrt(fixed.fromInteger(1000))))).toBe(3162277660146355n)
  })

  test('powers give the published hourly rates', () => {
    expect(fixed.pow(fixedOf('1.000000666600231'), 300) >> 20n).toBe(fixedOf('1.00019999999998037056') >> 20n)
    const slashRate = fixed.divInteger(fixed.mulInteger(fixedOf('0.001'), 12), 3600)
    expect(fixed.pow(FIXED_ONE - slashRate, 300)).toBe(18428306519220277548n)
  })
})

describe('amounts', () => {
  test('round trip 10^9 PHA exactly', () => {
    const amount = 1_000_000_000n * UNIT
    expect(fixedToBalance(balanceToFixed(amount))).toBe(amount)
  })

  test('multiply and divide by a price', () => {
    expect(mulBalance(300n * UNIT, fixedOf('1.5'))).toBe(450n * UNIT)
    expect(divBalance(3000n * UNIT, fixedOf('1.005')) / 10n ** 10n).toBe(298507n)
    expect(() => divBalance(1n, 0n)).toThrow(AssertionError)
  })

  test('saturate beyond what fixed point holds', () => expect(balanceToFixed((1n << 128n) - 1n)).toBe(FIXED_MAX))
})

describe('parts per million', () => {
  test.each([[500_000, 9_999_999n, 4_999_999n], [500_000, 3n, 1n], [333_333, 3n, 1n], [1_000_000, 7n, 7n], [0, 7n, 0n], [600_000, 10n * UNIT, 6n * UNIT]])(
    '%i of %s is %s, ties down', (ppm, amount, expected) => expect(permillOf(ppm, amount)).toBe(expected))
})
