import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { bigintToLe, bytesEqual, bytesToKey, compareBytes, concatBytes, EMPTY, keyToBytes, leToBigint, parseHex, parseUtf8, startsWith, toHex, toHexPlain, utf8 } from './bytes.ts'

const of = (...values: number[]): Uint8Array => new Uint8Array(values)
const anyBytes = fc.uint8Array({ maxLength: 40 })
const RUNS = { numRuns: 200, seed: 7 }

test('hex both ways', () => {
  expect(toHex(of(0, 15, 255))).toBe('0x000fff')
  expect(toHexPlain(EMPTY)).toBe('')
  expect(parseHex('0xABcd')).toEqual(of(0xab, 0xcd))
  expect(parseHex('0x')).toEqual(EMPTY)
})

test.each(['0x0', '0xzz', 'g0', '0x0x00', '0X00', ' 00', '00 ', '0x–0', '@0', '`0', '/0', ':0', '0x1١'])('refuses %j as hex', (text) => {
  expect(() => parseHex(text)).toThrow(expect.objectContaining({ code: 'HEX_MALFORMED' }))
})

test('joins, compares and finds prefixes', () => {
  expect(concatBytes(of(1), EMPTY, of(2, 3))).toEqual(of(1, 2, 3))
  expect(bytesEqual(of(1, 2), of(1, 2))).toBe(true)
  expect(bytesEqual(of(1, 2), of(1, 3))).toBe(false)
  expect(bytesEqual(of(1), of(1, 0))).toBe(false)
  expect(compareBytes(of(1), of(1, 0))).toBeLessThan(0)
  expect(compareBytes(of(2), of(1, 255))).toBeGreaterThan(0)
  expect(compareBytes(of(7), of(7))).toBe(0)
  expect(startsWith(of(1, 2, 3), of(1, 2))).toBe(true)
  expect(startsWith(of(1), of(1, 2))).toBe(false)
  expect(startsWith(of(1, 3), of(1, 2))).toBe(false)
})

test('text is UTF-8 without leniency, and a byte-order mark is a character', () => {
  expect(parseUtf8(utf8('\ufeffäöü€😀'))).toBe('\ufeffäöü€😀')
  expect(() => parseUtf8(of(0xff))).toThrow(expect.objectContaining({ code: 'CODEC_INVALID_UTF8' }))
})

describe('for all bytes', () => {
  test('hex, keys and little-endian integers come back', () => {
    fc.assert(fc.property(anyBytes, (bytes) => {
      expect(parseHex(toHex(bytes))).toEqual(bytes)
      expect(keyToBytes(bytesToKey(bytes))).toEqual(bytes)
      expect(bigintToLe(leToBigint(bytes), bytes.length)).toEqual(bytes)
    }), RUNS)
  })
  test('keys have the order of their bytes', () => {
    fc.assert(fc.property(anyBytes, anyBytes, (a, b) => {
      const keys = [bytesToKey(a), bytesToKey(b)] as const
      expect(Math.sign(compareBytes(a, b))).toBe(keys[0] < keys[1] ? -1 : keys[0] > keys[1] ? 1 : 0)
    }), RUNS)
  })
})
