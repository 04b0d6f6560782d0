/**
 * Owns strict JSON (RFC 8259) for signed documents: one value, no duplicate keys, bounded depth and size, objects as maps so that
 * no key means anything to JavaScript. Signatures are checked over the exact text elsewhere; nothing is ever re-serialised.
 */
import { attestationError } from './errors.ts'

/** A parsed JSON value. */
export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject

/** A JSON object; keys keep their order and are unique. */
export type JsonObject = ReadonlyMap<string, JsonValue>

/** Deepest nesting of arrays and objects. */
const DEPTH_MAX = 16
/** Longest document in UTF-16 units: 512 Ki. */
const JSON_MAX = 512 * 1024

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y
const PLAIN_STRING = /"([^"\\\u0000-\u001f]*)"/y
const ESCAPES: Readonly<Record<string, string>> = { '"': '"', '\\': '\\', '/': '/', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' }

/** Reads forward through the text; every method leaves `at` behind what it read. */
class JsonReader {
  readonly text: string
  at = 0

  constructor(text: string) {
    this.text = text
  }

  bad(what: string): never {
    throw attestationError('ATTESTATION_JSON_MALFORMED', `${what} at character ${this.at}`)
  }

  /** JSON's four white-space characters, no others. */
  space(): void {
    while (' \t\n\r'.includes(this.text[this.at] ?? 'x')) this.at++
  }

  expect(character: string): void {
    if (this.text[this.at] !== character) this.bad(`expected "${character}"`)
    this.at++
  }

  value(depth: number): JsonValue {
    this.space()
    const first = this.text[this.at]
    if (first === '{') return this.object(depth + 1)
    if (first === '[') return this.array(depth + 1)
    if (first === '"') return this.string()
    if (this.word('true')) return true
    if (this.word('false')) return false
    if (this.word('null')) return null
    return this.number()
  }

  word(word: string): boolean {
    if (!this.text.startsWith(word, this.at)) return false
    this.at += word.length
    return true
  }

  /** One number by the grammar: no leading zeros, plus signs or bare dots. */
  number(): number {
    NUMBER.lastIndex = this.at
    const match = NUMBER.exec(this.text)
    if (match === null) return this.bad('expected a value')
    this.at = NUMBER.lastIndex
    return Number(match[0])
  }

  /** The plain case in one match; escapes character by character. */
  string(): string {
    PLAIN_STRING.lastIndex = this.at
    const plain = PLAIN_STRING.exec(this.text)
    if (plain !== null) {
      this.at = PLAIN_STRING.lastIndex
      return plain[1] as string
    }
    this.expect('"')
    let out = ''
    for (;;) {
      const character = this.text[this.at]
      if (character === undefined || character < ' ') return this.bad('string not closed')
      this.at++
      if (character === '"') return out
      out += character === '\\' ? this.escape() : character
    }
  }

  escape(): string {
    const character = this.text[this.at++] ?? ''
    if (character === 'u') {
      const digits = this.text.slice(this.at, this.at + 4)
      if (!/^[0-9a-fA-F]{4}$/.test(digits)) return this.bad('escape')
      this.at += 4
      return String.fromCharCode(parseInt(digits, 16))
    }
    return ESCAPES[character] ?? this.bad('escape')
  }

  /** A second key of one name is refused: readers differ in which one they take, and the signature covers both. */
  object(depth: number): JsonObject {
    if (depth > DEPTH_MAX) return this.bad(`more than ${DEPTH_MAX} levels`)
    this.expect('{')
    const out = new Map<string, JsonValue>()
    this.space()
    if (this.text[this.at] === '}') {
      this.at++
      return out
    }
    for (;;) {
      this.space()
      const key = this.string()
      if (out.has(key)) throw attestationError('ATTESTATION_JSON_DUPLICATE_KEY', `"${key.slice(0, 60)}" before character ${this.at}`)
      this.space()
      this.expect(':')
      out.set(key, this.value(depth))
      this.space()
      if (this.text[this.at] !== ',') break
      this.at++
    }
    this.expect('}')
    return out
  }

  array(depth: number): readonly JsonValue[] {
    if (depth > DEPTH_MAX) return this.bad(`more than ${DEPTH_MAX} levels`)
    this.expect('[')
    const out: JsonValue[] = []
    this.space()
    if (this.text[this.at] === ']') {
      this.at++
      return out
    }
    for (;;) {
      out.push(this.value(depth))
      this.space()
      if (this.text[this.at] !== ',') break
      this.at++
    }
    this.expect(']')
    return out
  }
}

/** Parses one JSON value. @throws ATTESTATION_JSON_MALFORMED, ATTESTATION_JSON_DUPLICATE_KEY, ATTESTATION_INPUT_TOO_LARGE */
export const parseJson = (text: string): JsonValue => {
  if (text.length > JSON_MAX) throw attestationError('ATTESTATION_INPUT_TOO_LARGE', `JSON of ${text.length} characters, at most ${JSON_MAX}`)
  const reader = new JsonReader(text)
  const value = reader.value(0)
  reader.space()
  if (reader.at !== text.length) return reader.bad('text after the value')
  return value
}

const fieldError = (path: string, expected: string): Error => attestationError('ATTESTATION_JSON_FIELD', `${path} is not ${expected}`, { path })

/** The value as an object. */
export const asObject = (value: JsonValue | undefined, path: string): JsonObject => {
  if (!(value instanceof Map)) throw fieldError(path, 'an object')
  return value as JsonObject
}

/** The value as an array of at most `max` elements. */
export const asArray = (value: JsonValue | undefined, path: string, max = 1024): readonly JsonValue[] => {
  if (!Array.isArray(value) || value.length > max) throw fieldError(path, `an array of at most ${max} elements`)
  return value as readonly JsonValue[]
}

/** The value as text. */
export const asText = (value: JsonValue | undefined, path: string): string => {
  if (typeof value !== 'string') throw fieldError(path, 'text')
  return value
}

/** The value as an integer in 0..max. */
export const asInteger = (value: JsonValue | undefined, path: string, max = 0xffff_ffff): number => {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > max) throw fieldError(path, `an integer up to ${max}`)
  return value
}

/** The value as hex of exactly `length` bytes. */
export const asHex = (value: JsonValue | undefined, path: string, length: number): Uint8Array => {
  if (typeof value !== 'string' || value.length !== 2 * length || !/^[0-9a-fA-F]*$/.test(value)) throw fieldError(path, `hex of ${length} bytes`)
  const out = new Uint8Array(length)
  for (let i = 0; i < length; i++) out[i] = parseInt(value.slice(2 * i, 2 * i + 2), 16)
  return out
}

/** The value as a list of texts; absent is empty. */
export const asTexts = (value: JsonValue | undefined, path: string, max = 256): readonly string[] =>
  value === undefined ? [] : asArray(value, path, max).map((entry, i) => asText(entry, `${path}[${i}]`))
