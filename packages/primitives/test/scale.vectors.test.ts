import { expect, test } from 'vitest'
import { describeVectors, readVectorBytes, readVectorJson } from '../../../tools/vectors.ts'
import {
  bool, bytes, compactU128, compactU16, compactU32, compactU8, i128, i16, i32, i64, i8, option, result, struct, text, tuple,
  u128, u16, u256, u32, u64, u8, unit, vec, type Codec,
} from '../src/codec/index.ts'
import { isAppError } from '../src/errors.ts'
import { parseHex, toHexPlain } from '../src/bytes.ts'

interface Vector {
  readonly type?: string
  readonly shape?: string
  readonly value?: unknown
  readonly encoded: string
}

type AnyCodec = Codec<any>

const BY_TYPE: Readonly<Record<string, AnyCodec>> = {
  Compact: compactU128, 'Compact<u8>': compactU8, 'Compact<u16>': compactU16, 'Compact<u32>': compactU32, 'Compact<u128>': compactU128,
  String: text, 'Vec<u8>': bytes, 'Vec<i16>': vec(i16), 'Vec<Option<i8>>': vec(option(i8)), 'Vec<()>': vec(unit), bool, u16, i16,
}

const BY_SHAPE: Readonly<Record<string, AnyCodec>> = {
  '$.u8': u8, '$.u16': u16, '$.u32': u32, '$.u64': u64, '$.u128': u128, '$.u256': u256,
  '$.i8': i8, '$.i16': i16, '$.i32': i32, '$.i64': i64, '$.i128': i128, '$.bool': bool,
  '$.compact($.u32)': compactU32, '$.compact($.u256)': compactU128,
  '$.compact($.tuple($.u32))': tuple(compactU32), '$.compact($.field("foo", $.u32))': struct({ foo: compactU32 }),
  '$.option($.str)': option(text), '$.option($.u8)': option(u8), '$.option($.bool)': option(bool), '$.option($.str, null)': option(text),
  '$.tuple($.str, $.i16, $.option($.u16))': tuple(text, i16, option(u16)),
}

/** Types the chain does not use: floats, i256, and the one-byte Option<bool> of early Substrate. Era belongs to chain/. */
const NOT_OURS = /^(f32|Era|Bytes$|\$\.f64|\$\.i256|\$\.optionBool)/

/** Value of a JavaScript literal as the shapes print it, in the type of our codec. */
const parseLiteral = (literal: string): unknown => {
  if (/^-?\d+n$/.test(literal)) return BigInt(literal.slice(0, -1))
  if (/^-?\d+$/.test(literal)) return Number(literal)
  if (literal === 'true' || literal === 'false') return literal === 'true'
  if (literal.startsWith('"')) return JSON.parse(literal) as string
  if (literal.startsWith('[')) return literal.slice(1, -1).split(',').map((part) => parseLiteral(part.trim()))
  const field = /^\{ (\w+): (.+) \}$/.exec(literal)
  return field === null ? undefined : { [field[1] as string]: parseLiteral(field[2] as string) }
}

const splitShape = (shape: string): readonly [string, string] => {
  const name = Object.keys(BY_SHAPE).filter((each) => shape.startsWith(`${each} `)).sort((a, b) => b.length - a.length)[0] ?? ''
  return [name, shape.slice(name.length + 1)]
}

const toOurs = (codec: AnyCodec, value: unknown): unknown => {
  if (codec === compactU128) return BigInt(value as string | number)
  if (codec === compactU32 && typeof value === 'string') return Number(value)
  if (codec === BY_TYPE['Vec<()>']) return (value as unknown[]).map(() => [])
  return Array.isArray(value) ? value.map((each) => (each === null ? undefined : each)) : value
}

describeVectors('SCALE vectors of other implementations', () => {
  const { tests } = readVectorJson<{ tests: readonly Vector[] }>('4-crypto/scale.json')
  const typed = tests.filter(({ type }) => type !== undefined && !NOT_OURS.test(type))
  const shaped = tests.filter(({ shape }) => shape !== undefined && splitShape(shape)[0] !== '')

  test.each(typed.map((vector) => [vector.type as string, vector.encoded, vector] as const))('%s %s', (type, encoded, vector) => {
    const codec = BY_TYPE[type] as AnyCodec
    const value = toOurs(codec, vector.value)
    expect(toHexPlain(codec.encode(value))).toBe(encoded)
    expect(codec.decode(parseHex(encoded))).toEqual(value)
  })

  test.each(shaped.map((vector) => [vector.shape as string, vector.encoded] as const))('%s = %s', (shape, encoded) => {
    const [name, literal] = splitShape(shape)
    const codec = BY_SHAPE[name] as AnyCodec
    const value = toOurs(codec, parseLiteral(literal))
    expect(toHexPlain(codec.encode(value))).toBe(encoded)
    expect(codec.decode(parseHex(encoded))).toEqual(value)
  })

  test('a Result and byte strings', () => {
    const strings = result(text, text)
    expect(toHexPlain(strings.encode({ ok: true, value: 'ok' }))).toBe('00086f6b')
    const sample = tests.find(({ type }) => type === 'Bytes') as Vector
    expect(toHexPlain(bytes.encode(new TextEncoder().encode(sample.value as string)))).toBe(sample.encoded)
  })

  test('leaves out no type that the codec has', () => {
    const left = tests.filter(({ type, shape }) => !NOT_OURS.test(type ?? shape ?? '') && (type === undefined ? splitShape(shape ?? '')[0] === '' : BY_TYPE[type] === undefined))
    expect(left.map(({ type, shape }) => type ?? shape?.slice(0, 9))).toEqual(['$.result('])
  })
})

describeVectors('SCALE bytes that must be refused', () => {
  const { mustFail } = readVectorJson<{ mustFail: readonly { type: string; encoded: string; why: string }[] }>('4-crypto/scale-negative.json')
  test.each(mustFail.map(({ type, encoded, why }) => [type, encoded, why] as const))('%s %s: %s', (type, encoded) => {
    const codec = BY_TYPE[type] as AnyCodec
    let refusal: unknown
    try {
      codec.decode(parseHex(encoded))
    } catch (error) {
      refusal = error
    }
    expect(isAppError(refusal)).toBe(true)
  })
})

describeVectors('real storage values and extrinsics', () => {
  test('reads the length of every published extrinsic, and nothing follows it', () => {
    const { blocks } = { blocks: readVectorJson<Record<string, unknown>>('5-wire/blocks.json') }
    const hexes = [...JSON.stringify(blocks).matchAll(/"extrinsics":\[((?:"0x[0-9a-f]*",?)*)\]/g)].flatMap((match) => [...(match[1] as string).matchAll(/"(0x[0-9a-f]+)"/g)].map((each) => each[1] as string))
    expect(hexes.length).toBeGreaterThan(0)
    for (const hex of hexes) expect(toHexPlain(bytes.encode(bytes.decode(parseHex(hex))))).toBe(hex.slice(2))
  })

  test('refuses every truncation of a metadata blob\'s length prefix', () => {
    const blob = readVectorBytes('5-wire/metadata/pink-runtime-1.0.scale')
    const framed = bytes.encode(blob)
    expect(bytes.decode(framed)).toEqual(blob)
    for (const cut of [1, 2, 3, framed.length - 1]) expect(() => bytes.decode(framed.subarray(0, cut))).toThrow(expect.objectContaining({ code: 'CODEC_UNEXPECTED_END' }))
  })
})
