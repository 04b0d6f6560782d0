/** CBOR as documents write it, and as attackers do. */
import { describe, expect, test } from 'vitest'
import { parseHex, toHexPlain } from '@phalanx/primitives/bytes'
import { codeOf } from '@phalanx/primitives/testing'
import { cborLength, encodeCbor, parseCbor, type CborValue } from './cbor.ts'

describe('parseCbor', () => {
  test.each<readonly [string, string, string]>([
    ['nothing', '', 'ATTESTATION_CBOR_MALFORMED'],
    ['a cut head', '19', 'ATTESTATION_CBOR_MALFORMED'],
    ['a cut byte string', '43aabb', 'ATTESTATION_CBOR_MALFORMED'],
    ['a huge byte string', '5bffffffffffffffff', 'ATTESTATION_CBOR_MALFORMED'],
    ['a huge array', '9a7fffffff', 'ATTESTATION_CBOR_MALFORMED'],
    ['a short number in a long head', '1801', 'ATTESTATION_CBOR_NOT_CANONICAL'],
    ['a one-byte number in two bytes', '1900ff', 'ATTESTATION_CBOR_NOT_CANONICAL'],
    ['a two-byte number in four', '1a0000ffff', 'ATTESTATION_CBOR_NOT_CANONICAL'],
    ['a four-byte number in eight', '1b00000000ffffffff', 'ATTESTATION_CBOR_NOT_CANONICAL'],
    ['a length in a long head', '580101', 'ATTESTATION_CBOR_NOT_CANONICAL'],
    ['an open byte string', '5f4101ff', 'ATTESTATION_CBOR_NOT_CANONICAL'],
    ['an open map where none is admitted', 'bfff', 'ATTESTATION_CBOR_NOT_CANONICAL'],
    ['a lone break', 'ff', 'ATTESTATION_CBOR_NOT_CANONICAL'],
    ['a reserved length', '1c', 'ATTESTATION_CBOR_NOT_CANONICAL'],
    ['a float', 'f90000', 'ATTESTATION_CBOR_MALFORMED'],
    ['undefined', 'f7', 'ATTESTATION_CBOR_MALFORMED'],
    ['a tag', 'c100', 'ATTESTATION_CBOR_MALFORMED'],
    ['text that is not UTF-8', '61ff', 'ATTESTATION_CBOR_MALFORMED'],
    ['an integer beyond 2^53', '1b0020000000000000', 'ATTESTATION_CBOR_MALFORMED'],
    ['a negative integer beyond 2^53', '3b001fffffffffffff', 'ATTESTATION_CBOR_MALFORMED'],
    ['a key twice', 'a2616101616102', 'ATTESTATION_CBOR_DUPLICATE_KEY'],
    ['an array as key', 'a1800a', 'ATTESTATION_CBOR_MALFORMED'],
    ['bytes as key', 'a141000a', 'ATTESTATION_CBOR_MALFORMED'],
    ['bytes after the value', '0000', 'ATTESTATION_CBOR_TRAILING_BYTES'],
    ['nesting beyond eight levels', `${'81'.repeat(12)}00`, 'ATTESTATION_CBOR_DEPTH_EXCEEDED'],
  ])('refuses %s', (_name, hex, code) => {
    expect(codeOf(() => parseCbor(parseHex(hex)))).toBe(code)
  })

  test('refuses an input beyond its limit before reading it', () => {
    expect(codeOf(() => parseCbor(new Uint8Array(64 * 1024 + 1)))).toBe('ATTESTATION_INPUT_TOO_LARGE')
  })

  test('reads open maps and arrays where they are admitted, bounded like others', () => {
    const read = (hex: string): CborValue => parseCbor(parseHex(hex), { open: true })
    expect(read('bf61610161629f0203ffff')).toEqual(new Map<string, CborValue>([['a', 1], ['b', [2, 3]]]))
    expect(codeOf(() => read('bf6161ff'))).toBe('ATTESTATION_CBOR_NOT_CANONICAL')
    expect(codeOf(() => read('bf61610161610'.concat('1ff')))).toBe('ATTESTATION_CBOR_DUPLICATE_KEY')
    expect(codeOf(() => read('9f00'))).toBe('ATTESTATION_CBOR_MALFORMED')
    expect(codeOf(() => read(`9f${'00'.repeat(300)}ff`))).toBe('ATTESTATION_CBOR_MALFORMED')
    expect(codeOf(() => read('5f4101ff'))).toBe('ATTESTATION_CBOR_NOT_CANONICAL')
  })

  test('tells the length of the value that an input begins with, and of nothing broken', () => {
    expect([cborLength(parseHex('820102ffff')), cborLength(parseHex('d200ff'), { tag: 18 })]).toEqual([3, 2])
    expect(codeOf(() => cborLength(parseHex('8201')))).toBe('ATTESTATION_CBOR_MALFORMED')
  })

  test('admits the tag it is told of, once', () => {
    expect(parseCbor(parseHex('d200'), { tag: 18 })).toBe(0)
    expect(codeOf(() => parseCbor(parseHex('d300'), { tag: 18 }))).toBe('ATTESTATION_CBOR_MALFORMED')
    expect(codeOf(() => parseCbor(parseHex('d2d200'), { tag: 18 }))).toBe('ATTESTATION_CBOR_MALFORMED')
  })

  test.each<readonly [string, CborValue]>([
    ['00', 0], ['17', 23], ['1818', 24], ['18ff', 255], ['190100', 256], ['1a00010000', 65_536], ['1b0000000100000000', 2 ** 32], ['20', -1], ['3822', -35],
    ['f4', false], ['f5', true], ['f6', null], ['40', new Uint8Array(0)], ['63e282ac', '€'], ['8201820203', [1, [2, 3]]], ['a201026161f6', new Map<string | number, CborValue>([[1, 2], ['a', null]])],
  ])('%s comes back', (hex, value) => {
    expect(parseCbor(parseHex(hex))).toEqual(value)
    expect(toHexPlain(encodeCbor(value))).toBe(hex)
  })
})
