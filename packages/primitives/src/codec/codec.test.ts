import { describe, expect, test } from 'vitest'
import { parseHex, toHexPlain } from '../bytes.ts'
import { AppError, isAppError } from '../errors.ts'
import { bytesUpTo, fixedBytes, remainder, text, textUpTo } from './bytes.ts'
import { late, mapped, named, type Codec } from './codec.ts'
import { array, option, result, sortedMap, tuple, unit, vec, vecUpTo } from './collections.ts'
import { DEPTH_MAX } from './cursor.ts'
import { bool, compactU128, compactU16, compactU32, compactU64, compactU8, i128, i16, i32, i64, i8, u128, u16, u256, u32, u64, u8 } from './numbers.ts'
import { newtype, struct, variant } from './structs.ts'
import { snakeCase } from './type-info.ts'

type AnyCodec = Codec<any>

/** Code and path of the refusal, or a note that there was none. */
const refusal = (run: () => unknown): string => {
  try {
    run()
  } catch (error) {
    if (isAppError(error)) return error.path === '' ? error.code : `${error.code} at ${error.path}`
    throw error
  }
  return 'accepted'
}

const Point = struct({ x: u8, y: u16 })
const Shape = variant('Shape', {
  Empty: { index: 0 },
  Circle: { index: 3, value: u32 },
  Box: { index: 5, fields: { from: Point, to: Point } },
  Pair: { index: 9, tuple: tuple(u8, bool) },
})

describe('values and their bytes', () => {
  const cases: readonly [string, AnyCodec, unknown, string][] = [
    ['u8', u8, 255, 'ff'],
    ['u16', u16, 0x1234, '3412'],
    ['u32', u32, 0xdeadbeef, 'efbeadde'],
    ['u64', u64, 2n ** 64n - 1n, 'ffffffffffffffff'],
    ['u128', u128, 1n << 64n, '00000000000000000100000000000000'],
    ['u256', u256, 1n << 192n, '0'.repeat(48) + '0100000000000000'],
    ['i8', i8, -1, 'ff'],
    ['i16', i16, -2, 'feff'],
    ['i32', i32, -(2 ** 31), '00000080'],
    ['i64', i64, -1n, 'ffffffffffffffff'],
    ['i128', i128, -(1n << 127n), `${'00'.repeat(15)}80`],
    ['bool', bool, true, '01'],
    ['compact, one byte', compactU32, 63, 'fc'],
    ['compact, two bytes', compactU32, 64, '0101'],
    ['compact, two bytes, largest', compactU32, 16383, 'fdff'],
    ['compact, four bytes', compactU32, 16384, '02000100'],
    ['compact, big', compactU32, 2 ** 30, '0300000040'],
    ['compact u128, largest', compactU128, 2n ** 128n - 1n, `33${'ff'.repeat(16)}`],
    ['text', text, 'Straße', '1c53747261c39f65'],
    ['bytes', bytesUpTo(4), new Uint8Array([1, 2]), '080102'],
    ['fixed bytes', fixedBytes(3), new Uint8Array([1, 2, 3]), '010203'],
    ['vector', vec(u16), [1, 2], '0801000200'],
    ['array', array(u8, 2), [7, 8], '0708'],
    ['tuple', tuple(u8, bool), [7, true], '0701'],
    ['unit', unit, [], ''],
    ['none', option(u32), undefined, '00'],
    ['some', option(u8), 5, '0105'],
    ['ok', result(u8, text), { ok: true, value: 1 }, '0001'],
    ['error', result(u8, text), { ok: false, error: 'no' }, '01086e6f'],
    ['struct', Point, { x: 1, y: 2 }, '010200'],
    ['case without content', Shape, { kind: 'Empty' }, '00'],
    ['case with a value', Shape, { kind: 'Circle', value: 9 }, '0309000000'],
    ['case with fields', Shape, { kind: 'Box', value: { from: { x: 1, y: 2 }, to: { x: 3, y: 4 } } }, '05010200030400'],
    ['case with several values', Shape, { kind: 'Pair', value: [1, false] }, '090100'],
    ['remainder', struct({ head: u8, rest: remainder }), { head: 1, rest: new Uint8Array([2, 3]) }, '010203'],
    ['map in key order', sortedMap(u32, u8), [[1, 10], [256, 11]], '08010000000a000100000b'],
    ['mapped', mapped(u8, (value) => value === 1, (value) => (value ? 1 : 0)), true, '01'],
  ]
  test.each(cases)('%s', (_name, codec, value, hex) => {
    expect(toHexPlain(codec.encode(value))).toBe(hex)
    expect(codec.decode(parseHex(hex))).toEqual(value)
  })
})

describe('bytes that are refused', () => {
  const cases: readonly [string, AnyCodec, string, string][] = [
    ['nothing', u8, '', 'CODEC_UNEXPECTED_END'],
    ['half an integer', u64, '00000000', 'CODEC_UNEXPECTED_END'],
    ['a byte too many', u32, '0000000000', 'CODEC_TRAILING_BYTES'],
    ['a boolean of 2', bool, '02', 'CODEC_INVALID_BOOL'],
    ['zero in two bytes', compactU32, '0100', 'CODEC_COMPACT_NOT_CANONICAL'],
    ['63 in four bytes', compactU32, 'fe000000', 'CODEC_COMPACT_NOT_CANONICAL'],
    ['2^30 - 1 in big form', compactU32, '03ffffff3f', 'CODEC_COMPACT_NOT_CANONICAL'],
    ['a big form with a leading zero', compactU64, '070000000000', 'CODEC_COMPACT_NOT_CANONICAL'],
    ['a compact beyond its type', compactU8, '0104', 'CODEC_OUT_OF_RANGE'],
    ['a compact u16 of 2^16', compactU16, '02000400', 'CODEC_OUT_OF_RANGE'],
    ['a compact u64 of 2^64', compactU64, '17000000000000000001', 'CODEC_OUT_OF_RANGE'],
    ['a compact cut short', compactU128, '33ff', 'CODEC_UNEXPECTED_END'],
    ['a length over the bound', bytesUpTo(1), '080102', 'CODEC_LENGTH_EXCEEDED'],
    ['a length of 2^530', vec(u8), `ff${'ff'.repeat(67)}`, 'CODEC_LENGTH_EXCEEDED'],
    ['more elements than bytes', vec(u32), '0801000000', 'CODEC_UNEXPECTED_END'],
    ['a million empty elements', vec(unit), '02093d00', 'CODEC_LENGTH_EXCEEDED'],
    ['an option of 2', option(u8), '0201', 'CODEC_INVALID_OPTION'],
    ['a result of 2', result(u8, u8), '0201', 'CODEC_INVALID_VARIANT'],
    ['an unknown case', Shape, '01', 'CODEC_INVALID_VARIANT'],
    ['text that is not UTF-8', text, '08c328', 'CODEC_INVALID_UTF8'],
    ['text with a surrogate', text, '0ceda080', 'CODEC_INVALID_UTF8'],
    ['text over its bound', textUpTo(2), '0c616263', 'CODEC_LENGTH_EXCEEDED'],
    ['a map out of order', sortedMap(u32, u8), '08000100000b010000000a', 'CODEC_NOT_SORTED at [1]'],
    ['a map with a key twice', sortedMap(u8, u8), '0801020103', 'CODEC_NOT_SORTED at [1]'],
    ['a broken struct field', struct({ a: u8, inner: vec(Point) }), '00080102000300', 'CODEC_UNEXPECTED_END at inner'],
    ['a broken element', struct({ a: vec(bool) }), '08 01 05'.replaceAll(' ', ''), 'CODEC_INVALID_BOOL at a[1]'],
    ['a broken case', Shape, '0501020003', 'CODEC_UNEXPECTED_END at Box.to.y'],
    ['a broken tuple', tuple(u8, bool), '0003', 'CODEC_INVALID_BOOL at [1]'],
    ['a broken array', array(bool, 2), '0003', 'CODEC_INVALID_BOOL at [1]'],
  ]
  test.each(cases)('%s', (_name, codec, hex, expected) => {
    expect(refusal(() => codec.decode(parseHex(hex)))).toBe(expected)
  })

  test('a value nested deeper than the limit, without using up the stack', () => {
    const Nested: Codec<unknown> = variant('Nested', { Leaf: { index: 0 }, More: { index: 1, value: late<unknown>(() => Nested) } })
    const depth = (count: number): Uint8Array => new Uint8Array([...Array.from({ length: count }, () => 1), 0])
    expect(refusal(() => Nested.decode(depth(DEPTH_MAX / 2)))).toBe('accepted')
    expect(refusal(() => Nested.decode(depth(100_000)))).toMatch(/^CODEC_DEPTH_EXCEEDED/)
  })
})

describe('values that are refused', () => {
  const cases: readonly [string, AnyCodec, unknown, string][] = [
    ['a negative u8', u8, -1, 'CODEC_OUT_OF_RANGE'],
    ['256 as u8', u8, 256, 'CODEC_OUT_OF_RANGE'],
    ['a fraction', u32, 1.5, 'CODEC_OUT_OF_RANGE'],
    ['not a number', u16, Number.NaN, 'CODEC_OUT_OF_RANGE'],
    ['a number as u64', u64, 1, 'CODEC_OUT_OF_RANGE'],
    ['2^64 as u64', u64, 1n << 64n, 'CODEC_OUT_OF_RANGE'],
    ['128 as i8', i8, 128, 'CODEC_OUT_OF_RANGE'],
    ['2^127 as i128', i128, 1n << 127n, 'CODEC_OUT_OF_RANGE'],
    ['text as bool', bool, 'true', 'CODEC_OUT_OF_RANGE'],
    ['a negative compact', compactU32, -1, 'CODEC_OUT_OF_RANGE'],
    ['a fraction as compact', compactU32, 0.5, 'CODEC_OUT_OF_RANGE'],
    ['text as compact', compactU32, '5', 'CODEC_OUT_OF_RANGE'],
    ['nothing as compact', compactU32, undefined, 'CODEC_OUT_OF_RANGE'],
    ['2^128 as compact u128', compactU128, 1n << 128n, 'CODEC_OUT_OF_RANGE'],
    ['three bytes for two', fixedBytes(2), new Uint8Array(3), 'CODEC_OUT_OF_RANGE'],
    ['text for bytes', bytesUpTo(9), '0x01', 'CODEC_OUT_OF_RANGE'],
    ['a number for text', text, 1, 'CODEC_OUT_OF_RANGE'],
    ['too many bytes', bytesUpTo(1), new Uint8Array(2), 'CODEC_LENGTH_EXCEEDED'],
    ['too many elements', vecUpTo(u8, 1), [1, 2], 'CODEC_LENGTH_EXCEEDED'],
    ['a text for a list', vec(u8), 'ab', 'CODEC_OUT_OF_RANGE'],
    ['more empty elements than can be read back', vec(unit), Array.from({ length: 1025 }, () => []), 'CODEC_LENGTH_EXCEEDED'],
    ['too few elements of an array', array(u8, 2), [1], 'CODEC_OUT_OF_RANGE'],
    ['an unknown case', Shape, { kind: 'Star' }, 'CODEC_UNKNOWN_VARIANT'],
    ['nothing for a case', Shape, undefined, 'CODEC_UNKNOWN_VARIANT'],
    ['a missing field', Point, { x: 1 }, 'CODEC_OUT_OF_RANGE at y'],
    ['nothing for a struct', Point, undefined, 'CODEC_OUT_OF_RANGE'],
    ['a wrong field in a case', Shape, { kind: 'Box', value: { from: { x: 1, y: 2 }, to: { x: 300, y: 4 } } }, 'CODEC_OUT_OF_RANGE at Box.to.x'],
    ['a wrong element', vec(Point), [{ x: 1, y: 1 }, { x: 1, y: -1 }], 'CODEC_OUT_OF_RANGE at [1].y'],
    ['a key twice', sortedMap(u8, u8), [[1, 1], [1, 2]], 'CODEC_NOT_SORTED at [1]'],
  ]
  test.each(cases)('%s', (_name, codec, value, expected) => {
    expect(refusal(() => codec.encode(value))).toBe(expected)
  })

  test('a declaration with one index twice', () => {
    expect(refusal(() => variant('Twice', { A: { index: 1 }, B: { index: 1 } }))).toBe('CODEC_INVALID_VARIANT')
    expect(refusal(() => variant('Large', { A: { index: 256 } }))).toBe('CODEC_INVALID_VARIANT')
  })
})

describe('what a decoded value is', () => {
  test('copies its bytes, so that a later change of the message cannot reach it', () => {
    const message = parseHex('080102')
    const value = bytesUpTo(9).decode(message)
    message[1] = 9
    expect(value).toEqual(new Uint8Array([1, 2]))
  })
  test('a map is sorted by key value on the way out, not by encoded bytes', () => {
    expect(toHexPlain(sortedMap(u32, u8).encode([[256, 1], [1, 2]]))).toBe('0801000000020001000001')
    expect(toHexPlain(sortedMap(tuple(u8, text), u8).encode([[[1, 'b'], 1], [[1, 'a'], 2]]))).toBe('08010461020104620' + '1')
    expect(toHexPlain(sortedMap(fixedBytes(2), u8).encode([[new Uint8Array([1, 0]), 1], [new Uint8Array([0, 9]), 2]]))).toBe('08000902010001')
  })
})

describe('type descriptions', () => {
  test('a struct names its fields in snake case', () => {
    expect(struct({ blockNumber: u32, id: u8 }).info().def).toMatchObject({ kind: 'composite', fields: [{ name: 'block_number' }, { name: 'id' }] })
  })
  test('a variant lists its cases with their indices', () => {
    expect(Shape.info().def).toMatchObject({ kind: 'variant', variants: [{ name: 'Empty', index: 0, fields: [] }, { name: 'Circle', index: 3 }, { name: 'Box', index: 5 }, { name: 'Pair', index: 9 }] })
  })
  test('several unnamed values of a case are several fields', () => {
    const { def } = Shape.info()
    expect(def.kind === 'variant' ? def.variants[3]?.fields.length : 0).toBe(2)
  })
  test('one codec has one description, whoever asks', () => {
    expect(Point.info()).toBe(Point.info())
    expect(fixedBytes(32).info()).toBe(fixedBytes(32).info())
    expect(vec(u8).info().def).toEqual({ kind: 'sequence', element: u8.info })
  })
  test('a named type has a path and the bytes of the plain one', () => {
    const AccountId = named('sp_core::crypto::AccountId32', fixedBytes(32), ['An account.'])
    expect(AccountId.info()).toMatchObject({ path: ['sp_core', 'crypto', 'AccountId32'], docs: ['An account.'] })
    expect(newtype('primitive_types::H256', fixedBytes(32)).info()).toMatchObject({ path: ['primitive_types', 'H256'], def: { kind: 'composite' } })
    expect(AccountId.encode(new Uint8Array(32))).toEqual(new Uint8Array(32))
  })
  test('recursive types can describe themselves', () => {
    const Tree: Codec<unknown> = struct({ children: vec(late<unknown>(() => Tree)) })
    const { def } = Tree.info()
    const children = def.kind === 'composite' ? def.fields[0]?.type().def : undefined
    expect(children?.kind === 'sequence' ? children.element() : undefined).toBe(Tree.info())
  })
  test('snakeCase', () => {
    expect(snakeCase('blockNumberFinalized')).toBe('block_number_finalized')
  })
})

test('an error passing through keeps its identity and grows its path', () => {
  const broken: Codec<number> = mapped(u8, () => { throw new AppError('CODEC_INVALID_UTF8', {}) }, (value: number) => value)
  expect(refusal(() => struct({ outer: vec(struct({ name: broken })) }).decode(parseHex('0401')))).toBe('CODEC_INVALID_UTF8 at outer[0].name')
})
