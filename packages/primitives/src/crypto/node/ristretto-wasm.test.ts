import { keccakP } from '@noble/hashes/sha3.js'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { bigintToLe, bytesEqual, leToBigint, toHex } from '../../bytes.ts'
import { instantiateCurve } from './field.ts'
import { createPublicRistretto } from './ristretto-wasm.ts'
import { loadSodium } from './sodium.ts'

const P = (1n << 255n) - 19n
const ORDER = (1n << 252n) + 27742317777372353535851937790883648493n
const sodium = await loadSodium()
const fast = createPublicRistretto()

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })

describe('field arithmetic', () => {
  const wasm = instantiateCurve()
  const words = new Int32Array(wasm.memory.buffer)
  const [out, f, g] = [0, 40, 80]
  const shift = (limb: number): bigint => BigInt(Math.ceil(25.5 * limb))
  const put = (address: number, limbs: readonly number[]): bigint => {
    words.set(limbs, address >> 2)
    return limbs.reduce((sum, limb, i) => sum + (BigInt(limb) << shift(i)), 0n)
  }
  const take = (): bigint => {
    const limbs = words.subarray(0, 10)
    // ref10's promise for carried elements, which its sums and products rely on.
    limbs.forEach((limb, i) => expect(Math.abs(limb)).toBeLessThanOrEqual(1.01 * 2 ** (i % 2 === 0 ? 25 : 24)))
    return limbs.reduce((sum, limb, i) => sum + (BigInt(limb) << shift(i)), 0n)
  }
  const mod = (value: bigint): bigint => ((value % P) + P) % P
  /** Limbs up to the bounds ref10 allows for factors, the bounds themselves often. */
  const element = fc.tuple(...Array.from({ length: 10 }, (_limb, i) => {
    const bound = Math.floor(1.65 * 2 ** (i % 2 === 0 ? 26 : 25))
    return fc.oneof(fc.integer({ min: -bound, max: bound }), fc.constantFrom(bound, -bound, 0, 1, -1))
  }))

  test('products, squares and sums are right up to the bounds of limbs', () => {
    fc.assert(fc.property(element, element, fc.integer({ min: 1, max: 5 }), (left, right, count) => {
      const a = put(f, left)
      const b = put(g, right)
      wasm.multiply(out, f, g)
      expect(mod(take())).toBe(mod(a * b))
      wasm.square(out, f)
      expect(mod(take())).toBe(mod(a * a))
      wasm.squareMore(out, f, count)
      let power = a
      for (let i = 0; i <= count; i++) power = mod(power * power)
      expect(mod(take())).toBe(power)
    }), { numRuns: 500 })
    const bound = (sign: number): number[] => Array.from({ length: 10 }, (_limb, i) => sign * Math.floor(1.65 * 2 ** (i % 2 === 0 ? 26 : 25)))
    for (const [left, right] of [[1, 1], [1, -1], [-1, -1]] as const) {
      const a = put(f, bound(left))
      const b = put(g, bound(right))
      wasm.multiply(out, f, g)
      expect(mod(take())).toBe(mod(a * b))
      wasm.square(out, f)
      expect(mod(take())).toBe(mod(a * a))
    }
  })

  test('keccak-f agrees with another implementation', () => {
    fc.assert(fc.property(fc.uint32Array({ minLength: 50, maxLength: 50 }), (state) => {
      const expected = state.slice()
      keccakP(expected)
      fast.keccak(state)
      expect(state).toEqual(expected)
    }), { numRuns: 50 })
  })
})

describe('s*B - k*A', () => {
  /** The same by libsodium, in constant time. */
  const slowly = (s: Uint8Array, k: Uint8Array, a: Uint8Array): Uint8Array | undefined => {
    if (!sodium.isRistrettoPoint(a)) return undefined
    // libsodium says nothing where a product is the identity, whose encoding is zero.
    return sodium.subtract(sodium.multiplyBase(s), sodium.multiply(k, a) ?? new Uint8Array(32))
  }
  const same = (s: Uint8Array, k: Uint8Array, a: Uint8Array): void => {
    const expected = slowly(s, k, a)
    const got = fast.subtractMultiple(s, k, a)
    const equal = got === undefined || expected === undefined ? got === expected : bytesEqual(got, expected)
    expect(equal, `s ${toHex(s)}, k ${toHex(k)}, A ${toHex(a)}`).toBe(true)
  }
  const scalar = (value: bigint): Uint8Array => bigintToLe(((value % ORDER) + ORDER) % ORDER, 32)

  test('equals libsodium on random scalars and points', () => {
    fc.assert(fc.property(bytes(64), bytes(64), bytes(64), (s, k, hash) => {
      same(sodium.reduce(s), sodium.reduce(k), sodium.pointFromHash(hash))
    }), { numRuns: 500 })
  })

  test('equals libsodium on scalars whose digits are extreme', () => {
    const pattern = (text: string): bigint => BigInt(`0x${text.repeat(64).slice(0, 63)}`) >> 1n
    const scalars = [0n, 1n, 2n, -1n, -2n, 127n, 128n, 129n, 255n, 1n << 252n, (1n << 252n) - 1n, ORDER / 2n, ...['f', '8', '7', 'a', '5', '80', '7f', '81', 'f0', '0f', '10'].map(pattern)].map(scalar)
    const points = [sodium.multiplyBase(scalar(1n)), sodium.multiplyBase(scalar(-1n)), sodium.multiplyBase(scalar(2n)), new Uint8Array(32), sodium.pointFromHash(new Uint8Array(64).fill(7))]
    for (const s of scalars) for (const k of scalars) for (const point of points) same(s, k, point)
  })

  test('accepts exactly the encodings libsodium accepts', () => {
    fc.assert(fc.property(bytes(32), bytes(64), fc.nat(255), (random, hash, bit) => {
      const flipped = sodium.pointFromHash(hash)
      flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7))
      const cleared = random.slice()
      cleared[0] = (cleared[0] as number) & 0xfe
      cleared[31] = (cleared[31] as number) & 0x7f
      for (const encoding of [random, flipped, cleared]) same(scalar(1n), scalar(3n), encoding)
    }), { numRuns: 500 })
    // Every number below 300, and every one within 300 of 2^255 - 19 and of 2^255 and 2^256: small and not canonical ones.
    for (let i = -300n; i < 300n; i++) {
      for (const centre of [0n, P, 1n << 255n, 1n << 256n]) {
        const value = centre + i
        if (value >= 0n && value < 1n << 256n) same(scalar(5n), scalar(7n), bigintToLe(value, 32))
      }
    }
  })

  test('an encoding and its negative differ', () => {
    const point = sodium.pointFromHash(new Uint8Array(64).fill(9))
    const negative = bigintToLe(P - leToBigint(point), 32)
    expect(fast.subtractMultiple(scalar(0n), scalar(1n), point)).not.toEqual(point)
    expect(fast.subtractMultiple(scalar(0n), scalar(-1n), point)).toEqual(point)
    expect(fast.subtractMultiple(scalar(0n), scalar(1n), negative)).toBeUndefined()
  })
})
