/** Values as they are typed and printed: what fits any codec gets through and back, what does not is refused with its place. */
import {
  array, bool, bytes, compactU128, fixedBytes, i64, option, result, struct, text, tuple, u128, u32, u8, unit, variant, vec, type Codec, type Shape,
} from '@phalanx/primitives/codec'
import { toHex } from '@phalanx/primitives/bytes'
import { encodeSs58 } from '@phalanx/primitives/crypto'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { AppError } from '@phalanx/primitives/errors'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseArguments, sampleArguments, valueToJson } from './values.ts'

const crypto = await loadCrypto()
const parse = (shape: Shape, json: string | undefined): unknown => parseArguments(crypto, { name: 'order', shape }, json)
const errorOf = (shape: Shape, json: string | undefined): AppError => {
  try {
    parse(shape, json)
  } catch (error) {
    if (error instanceof AppError) return error
  }
  throw new TypeError('it was not refused')
}

const Reason = variant('Reason', { Closed: { index: 0 }, TooLow: { index: 3, value: u128 }, Odd: { index: 5, fields: { atBlock: u32, isFinal: bool } }, Pair: { index: 6, tuple: tuple(u8, text) } })
const shape = {
  itemName: text, unitPrice: u128, paid: compactU128, delta: i64, giftFor: option(fixedBytes(32)), reason: Reason, extras: vec(tuple(u8, bytes)), grid: array(u32, 2), key: fixedBytes(4),
  outcome: result(u32, text),
} as const
const byte = fc.uint8Array
const reasons = fc.oneof(
  fc.constant({ kind: 'Closed' }), fc.bigInt({ min: 0n, max: 2n ** 128n - 1n }).map((value) => ({ kind: 'TooLow', value })),
  fc.record({ atBlock: fc.nat(), isFinal: fc.boolean() }).map((value) => ({ kind: 'Odd', value })), fc.tuple(fc.nat(255), fc.string()).map((value) => ({ kind: 'Pair', value })),
)
const values = fc.record({
  itemName: fc.string(), unitPrice: fc.bigInt({ min: 0n, max: 2n ** 128n - 1n }), paid: fc.bigInt({ min: 0n, max: 2n ** 100n }), delta: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  giftFor: fc.option(byte({ minLength: 32, maxLength: 32 }), { nil: undefined }), reason: reasons, extras: fc.array(fc.tuple(fc.nat(255), byte()), { maxLength: 3 }),
  grid: fc.tuple(fc.nat(), fc.nat()), key: byte({ minLength: 4, maxLength: 4 }),
  outcome: fc.oneof(fc.nat().map((value) => ({ ok: true, value })), fc.string().map((error) => ({ ok: false, error }))),
})

describe('arguments', () => {
  test('can be typed as values are printed, whatever their type', () => {
    const codec = struct(shape) as unknown as Codec<unknown>
    fc.assert(fc.property(values, (value) => {
      const typed = parse(shape, JSON.stringify(valueToJson(value)))
      expect(toHex(codec.encode(typed))).toBe(toHex(codec.encode(value)))
    }), { numRuns: 200 })
  })

  test('take numbers as text and numbers, fields in either case, accounts as addresses, variants in short', () => {
    const account = new Uint8Array(32).fill(7)
    expect(parse({ amount: u128 }, '{"amount": 15}')).toEqual({ amount: 15n })
    expect(parse({ amount: u128 }, '{"amount": "150_000"}')).toEqual({ amount: 150_000n })
    expect(parse({ closesAfter: u32 }, '{"closes_after": "2"}')).toEqual({ closesAfter: 2 })
    expect(parse({ to: fixedBytes(32) }, JSON.stringify({ to: encodeSs58(crypto, { prefix: 30, payload: account }) }))).toEqual({ to: account })
    expect(parse({ why: Reason }, '{"why": "Closed"}')).toEqual({ why: { kind: 'Closed' } })
    expect(parse({ why: Reason }, '{"why": {"TooLow": 4}}')).toEqual({ why: { kind: 'TooLow', value: 4n } })
    expect(parse({ to: option(u8), nothing: unit }, '{}')).toEqual({ to: undefined, nothing: undefined })
    expect(parse({}, undefined)).toEqual({})
  })

  test.each<[string, Shape, string | undefined, string]>([
    ['no JSON', { a: u8 }, '{', 'the whole'], ['a list', { a: u8 }, '[1]', 'the whole'], ['nothing at all', { a: u8 }, undefined, 'a'], ['an unknown name', { a: u8 }, '{"a": 1, "b": 2}', 'the whole'],
    ['a name where there are none', {}, '{"a": 1}', 'the whole'], ['too much', { a: u8 }, '{"a": 256}', 'a'], ['less than nothing', { a: u128 }, '{"a": -1}', 'a'], ['a fraction', { a: u128 }, '{"a": 1.5}', 'a'],
    ['a number that JSON has rounded', { a: u128 }, '{"a": 9007199254740993}', 'a'], ['text that is no number', { a: u128 }, '{"a": "1e3"}', 'a'], ['a number for text', { a: text }, '{"a": 1}', 'a'],
    ['text for a truth', { a: bool }, '{"a": "true"}', 'a'], ['bytes that are too few', { a: fixedBytes(4) }, '{"a": "0x00"}', 'a'], ['hex that is none', { a: bytes }, '{"a": "0xzz"}', 'a'],
    ['an address that is none', { a: fixedBytes(32) }, '{"a": "5Grw"}', 'a'], ['an unknown case', { a: Reason }, '{"a": "Open"}', 'a'], ['a hole in a list', { a: vec(u32) }, '{"a": [1, null]}', 'a.1'],
    ['a list that is too short', { a: array(u8, 2), b: array(u32, 2) }, '{"a": "0x0102", "b": [1]}', 'b'], ['a wrong field deep inside', { a: Reason }, '{"a": {"Odd": {"atBlock": 1, "isFinal": 0}}}', 'a.Odd.isFinal'],
  ])('with %s are refused at their place', (_, given, json, path) => {
    const error = errorOf(given, json)
    expect([error.code, error.context]).toEqual(['CLI_ARGUMENTS_MALFORMED', expect.objectContaining({ entry: 'order', path })])
  })

  test('are shown by an example that is itself taken', () => {
    const typable = { amount: u128, isOpen: bool, why: Reason, many: vec(u32), pair: tuple(u8, text), maybe: option(u8) }
    expect(Object.keys(parse(typable, sampleArguments({ shape: typable })) as object)).toEqual(Object.keys(typable))
  })
})
