import { describe, expect, test } from 'vitest'
import { createPrng } from './prng.ts'

describe('createPrng', () => {
  test('equal seeds draw equal numbers, other seeds other ones', () => {
    const draws = (seed: number): number[] => Array.from({ length: 50 }, ((prng) => () => prng.u32())(createPrng(seed)))
    expect(draws(7)).toEqual(draws(7))
    expect(draws(7)).not.toEqual(draws(8))
    expect(new Set(draws(0)).size).toBe(50)
  })

  test('a child does not depend on what its parent drew since', () => {
    const one = createPrng(1)
    const other = createPrng(1)
    other.bytes(100)
    expect(one.fork('disk').bytes(16)).toEqual(other.fork('disk').bytes(16))
    expect(one.fork('disk').bytes(16)).not.toEqual(one.fork('network').bytes(16))
  })

  test('below stays in range and reaches every value', () => {
    const prng = createPrng(3)
    const seen = new Set(Array.from({ length: 1000 }, () => prng.below(10)))
    expect([...seen].sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    expect(Array.from({ length: 100 }, () => prng.chance(0)).includes(true)).toBe(false)
    expect(Array.from({ length: 100 }, () => prng.chance(1000)).includes(false)).toBe(false)
  })
})
