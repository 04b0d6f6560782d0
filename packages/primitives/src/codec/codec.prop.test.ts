import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { toHexPlain } from '../bytes.ts'
import { isAppError } from '../errors.ts'
import { bytesUpTo, fixedBytes, text } from './bytes.ts'
import type { Codec } from './codec.ts'
import { array, option, result, sortedMap, tuple, vec, vecUpTo } from './collections.ts'
import { bool, compactU128, compactU16, compactU32, compactU64, compactU8, i128, i16, i32, i64, i8, u128, u16, u256, u32, u64, u8 } from './numbers.ts'
import { struct, variant } from './structs.ts'

type AnyCodec = Codec<any>

const numbers: readonly [string, AnyCodec, fc.Arbitrary<unknown>][] = [
  ['u8', u8, fc.integer({ min: 0, max: 255 })],
  ['u16', u16, fc.integer({ min: 0, max: 65_535 })],
  ['u32', u32, fc.integer({ min: 0, max: 2 ** 32 - 1 })],
  ['u64', u64, fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })],
  ['u128', u128, fc.bigInt({ min: 0n, max: 2n ** 128n - 1n })],
  ['u256', u256, fc.bigInt({ min: 0n, max: 2n ** 256n - 1n })],
  ['i8', i8, fc.integer({ min: -128, max: 127 })],
  ['i16', i16, fc.integer({ min: -32_768, max: 32_767 })],
  ['i32', i32, fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })],
  ['i64', i64, fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })],
  ['i128', i128, fc.bigInt({ min: -(2n ** 127n), max: 2n ** 127n - 1n })],
  ['compact u8', compactU8, fc.integer({ min: 0, max: 255 })],
  ['compact u16', compactU16, fc.integer({ min: 0, max: 65_535 })],
  ['compact u32', compactU32, fc.integer({ min: 0, max: 2 ** 32 - 1 })],
  ['compact u64', compactU64, fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })],
  ['compact u128', compactU128, fc.bigInt({ min: 0n, max: 2n ** 128n - 1n })],
  ['bool', bool, fc.boolean()],
  ['text', text, fc.string({ unit: 'grapheme' })],
]

/** A codec with a generator of its values, built up at random. */
const sized = fc.letrec<{ any: readonly [AnyCodec, fc.Arbitrary<unknown>] }>((tie) => ({
  any: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom(...numbers.map(([, codec, values]) => [codec, values] as const)),
    fc.nat(40).map((length) => [fixedBytes(length), fc.uint8Array({ minLength: length, maxLength: length })] as const),
    fc.constant([bytesUpTo(50), fc.uint8Array({ maxLength: 50 })] as const),
    tie('any').map(([codec, values]) => [vecUpTo(codec, 5), fc.array(values, { maxLength: 5 })] as const),
    tie('any').map(([codec, values]) => [array(codec, 3), fc.array(values, { minLength: 3, maxLength: 3 })] as const),
    tie('any').map(([codec, values]) => [struct({ some: option(tuple(codec)) }), fc.record({ some: fc.option(fc.tuple(values), { nil: undefined }) })] as const),
    fc.tuple(tie('any'), tie('any')).map(([a, b]) => [tuple(a[0], b[0]), fc.tuple(a[1], b[1])] as const),
    fc.tuple(tie('any'), tie('any')).map(([a, b]) => [
      result(a[0], b[0]),
      fc.oneof(a[1].map((value) => ({ ok: true, value })), b[1].map((error) => ({ ok: false, error }))),
    ] as const),
    fc.tuple(tie('any'), tie('any')).map(([a, b]) => [struct({ first: a[0], second: b[0] }), fc.record({ first: a[1], second: b[1] })] as const),
    fc.tuple(tie('any'), fc.nat(255)).map(([a, index]) => [
      variant('V', { Full: { index, value: a[0] }, Empty: { index: (index + 1) % 256 } }),
      fc.oneof(a[1].map((value) => ({ kind: 'Full', value })), fc.constant({ kind: 'Empty' })),
    ] as const),
  ),
}))

const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value, (_key, each: unknown) => (typeof each === 'bigint' ? `${each}n` : each instanceof Uint8Array ? toHexPlain(each) : each)) ?? 'null')

const RUNS = { numRuns: 300, seed: 20_240_101 }

describe('codec', () => {
  test.each(numbers)('%s: decode(encode(x)) = x', (_name, codec, values) => {
    fc.assert(fc.property(values, (value) => { expect(codec.decode(codec.encode(value))).toEqual(value) }), RUNS)
  })

  test('any composed type: decode(encode(x)) = x, no shorter and no longer bytes decode, minSize holds', () => {
    const withValue = sized.any.chain(([codec, values]) => values.map((value) => [codec, value] as const))
    fc.assert(
      fc.property(withValue, fc.nat(), ([codec, value], at) => {
        const encoded = codec.encode(value)
        expect(plain(codec.decode(encoded))).toEqual(plain(value))
        expect(encoded.length).toBeGreaterThanOrEqual(codec.minSize)
        expect(() => codec.decode(new Uint8Array([...encoded, 0]))).toThrow(expect.objectContaining({ name: 'AppError' }))
        if (encoded.length > 0) expect(() => codec.decode(encoded.subarray(0, at % encoded.length))).toThrow(expect.objectContaining({ name: 'AppError' }))
      }),
      RUNS,
    )
  })

  test('any bytes into any type: a value that re-encodes equal, or an AppError', () => {
    fc.assert(
      fc.property(sized.any, fc.uint8Array({ maxLength: 60 }), ([codec], bytes) => {
        let value: unknown
        try {
          value = codec.decode(bytes)
        } catch (error) {
          if (isAppError(error)) return
          throw error
        }
        expect(toHexPlain(codec.encode(value))).toBe(toHexPlain(bytes))
      }),
      { ...RUNS, numRuns: 1000 },
    )
  })

  test('a map comes back sorted and complete', () => {
    const codec = sortedMap(u32, u8)
    const entries = fc.uniqueArray(fc.tuple(fc.integer({ min: 0, max: 2 ** 32 - 1 }), fc.nat(255)), { selector: ([key]) => key, maxLength: 20 })
    fc.assert(fc.property(entries, (pairs) => {
      expect(codec.decode(codec.encode(pairs))).toEqual([...pairs].sort(([a], [b]) => a - b))
    }), RUNS)
  })

  test('a list of n elements is its compact count and the elements one after another', () => {
    fc.assert(fc.property(fc.array(fc.nat(65_535), { maxLength: 100 }), (list) => {
      const parts = [compactU32.encode(list.length), ...list.map((each) => u16.encode(each))]
      expect(toHexPlain(vec(u16).encode(list))).toBe(parts.map(toHexPlain).join(''))
    }), RUNS)
  })
})
