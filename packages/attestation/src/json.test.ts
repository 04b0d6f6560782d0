/** Strict JSON: what JSON.parse lets pass and signed documents must not. */
import { describe, expect, test } from 'vitest'
import { asArray, asHex, asInteger, asObject, asText, asTexts, parseJson } from './json.ts'
import { codeOf } from '@phalanx/primitives/testing'

describe('parseJson', () => {
  test.each(['{"a":1,"a":2}', '{"a":{"b":1,"b":1}}', '{"a":1,"\\u0061":2}'])('refuses the duplicate key of %s', (text) => {
    expect(codeOf(() => parseJson(text))).toBe('ATTESTATION_JSON_DUPLICATE_KEY')
  })

  test.each(['', '{', '{{', '[1,]', '{"a":1,}', '01', '1.', '+1', '.5', 'NaN', 'nul', "'a'", '"\\x"', '"\n"', '"\\u12g4"', '{"a" 1}', '{a:1}', '1 2', '[1 2]', '\u00a01', '"open', '[', '-'])('refuses %j', (text) => {
    expect(codeOf(() => parseJson(text))).toBe('ATTESTATION_JSON_MALFORMED')
  })

  test('refuses nesting beyond sixteen levels and oversized text', () => {
    expect(codeOf(() => parseJson('['.repeat(17) + ']'.repeat(17)))).toBe('ATTESTATION_JSON_MALFORMED')
    expect(codeOf(() => parseJson('['.repeat(16) + ']'.repeat(16)))).toBe('none')
    expect(codeOf(() => parseJson('['.repeat(400_000)))).toBe('ATTESTATION_JSON_MALFORMED')
    expect(codeOf(() => parseJson(' '.repeat(600_000)))).toBe('ATTESTATION_INPUT_TOO_LARGE')
  })

  test('keys that mean something to JavaScript are only keys', () => {
    const value = asObject(parseJson('{"__proto__":1,"constructor":2}'), 'x')
    expect([...value]).toEqual([['__proto__', 1], ['constructor', 2]])
  })

  test('reads escapes and white space', () => {
    expect(parseJson(' [ "a\\n\\u0041\\/" , -1.5e2 , true , null ] ')).toEqual(['a\nA/', -150, true, null])
  })
})

describe('fields', () => {
  test.each([
    ['object', () => asObject('x', 'p')],
    ['array', () => asArray(new Map(), 'p')],
    ['long array', () => asArray([1, 2], 'p', 1)],
    ['text', () => asText(1, 'p')],
    ['integer', () => asInteger(1.5, 'p')],
    ['negative integer', () => asInteger(-1, 'p')],
    ['large integer', () => asInteger(256, 'p', 255)],
    ['short hex', () => asHex('00', 'p', 2)],
    ['no hex', () => asHex('0g', 'p', 1)],
    ['texts', () => asTexts([1], 'p')],
  ])('refuses another %s with its path', (_name, run) => {
    expect(codeOf(run)).toBe('ATTESTATION_JSON_FIELD')
  })

  test('an absent list of texts is empty', () => {
    expect(asTexts(undefined, 'p')).toEqual([])
  })
})
