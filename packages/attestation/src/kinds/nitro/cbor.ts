/**
 * Owns reading CBOR (RFC 8949) strictly: shortest heads, definite lengths unless a caller admits open maps and arrays, unique keys of
 * text or integers, bounded depth and counts, nothing trailing. Floats, unasked tags and `undefined` are refused: nothing needs them.
 */
import { concatBytes, parseUtf8, utf8 } from '@phalanx/primitives/bytes'
import { isAppError } from '@phalanx/primitives/errors'
import { attestationError, type AttestationErrorCode } from '../../errors.ts'

/** A value. Integers beyond 2^53 are refused, so that each has one exact number. */
export type CborValue = null | boolean | number | string | Uint8Array | readonly CborValue[] | CborMap

/** A map; keys keep their order and are unique. */
export type CborMap = ReadonlyMap<string | number, CborValue>

const DEPTH_MAX = 8
const ITEMS_MAX = 256
const INPUT_MAX = 64 * 1024

const MAJOR = { unsigned: 0, negative: 1, bytes: 2, text: 3, array: 4, map: 5, tag: 6, simple: 7 } as const

/** Argument of a map or array that ends with a break instead of a count. */
const OPEN = -1
const BREAK = 0xff

class CborReader {
  readonly source: Uint8Array
  readonly admitsOpen: boolean
  at = 0

  constructor(source: Uint8Array, admitsOpen: boolean) {
    this.source = source
    this.admitsOpen = admitsOpen
  }

  fail(code: AttestationErrorCode, what: string): never {
    throw attestationError(code, `${what} at byte ${this.at}`)
  }

  byte(): number {
    const value = this.source[this.at]
    if (value === undefined) return this.fail('ATTESTATION_CBOR_MALFORMED', 'input ends')
    this.at++
    return value
  }

  take(length: number): Uint8Array {
    if (length > this.source.length - this.at) return this.fail('ATTESTATION_CBOR_MALFORMED', `${length} bytes announced, ${this.source.length - this.at} left`)
    this.at += length
    return this.source.slice(this.at - length, this.at)
  }

  /** Major type and argument; an argument longer than needed would give one value two encodings. */
  head(): { readonly major: number; readonly argument: number } {
    const initial = this.byte()
    const major = initial >> 5
    const low = initial & 0x1f
    if (low < 24) return { major, argument: low }
    if (low === 31 && this.admitsOpen && (major === MAJOR.array || major === MAJOR.map)) return { major, argument: OPEN }
    if (low > 27) return this.fail('ATTESTATION_CBOR_NOT_CANONICAL', low === 31 ? 'an indefinite length' : 'a reserved length')
    if (major === MAJOR.simple) return this.fail('ATTESTATION_CBOR_MALFORMED', 'a float or an unassigned simple value')
    const width = 1 << (low - 24)
    let argument = 0
    for (let i = 0; i < width; i++) argument = argument * 256 + this.byte()
    if (!Number.isSafeInteger(argument)) return this.fail('ATTESTATION_CBOR_MALFORMED', 'an integer beyond 2^53')
    const least = width === 1 ? 24 : 2 ** (4 * width)
    if (argument < least) return this.fail('ATTESTATION_CBOR_NOT_CANONICAL', `${argument} written in ${width} bytes`)
    return { major, argument }
  }

  /** Runs once for each item of a counted or open container. */
  items(argument: number, read: () => void): void {
    if (argument > ITEMS_MAX) return this.fail('ATTESTATION_CBOR_MALFORMED', `${argument} items, at most ${ITEMS_MAX}`)
    for (let i = 0; argument === OPEN ? this.source[this.at] !== BREAK : i < argument; i++) {
      if (i === ITEMS_MAX) return this.fail('ATTESTATION_CBOR_MALFORMED', `more than ${ITEMS_MAX} items`)
      read()
    }
    if (argument === OPEN) this.at++
  }

  array(argument: number, depth: number): readonly CborValue[] {
    const out: CborValue[] = []
    this.items(argument, () => void out.push(this.value(depth)))
    return out
  }

  text(length: number): string {
    const bytes = this.take(length)
    try {
      return parseUtf8(bytes)
    } catch (error) {
      if (isAppError(error, 'CODEC_INVALID_UTF8')) return this.fail('ATTESTATION_CBOR_MALFORMED', 'text that is not UTF-8')
      throw error
    }
  }

  map(argument: number, depth: number): CborMap {
    const out = new Map<string | number, CborValue>()
    this.items(argument, () => {
      const key = this.value(depth)
      if (typeof key !== 'string' && typeof key !== 'number') return this.fail('ATTESTATION_CBOR_MALFORMED', 'a key that is neither text nor integer')
      if (out.has(key)) return this.fail('ATTESTATION_CBOR_DUPLICATE_KEY', `key ${String(key).slice(0, 40)} a second time`)
      out.set(key, this.value(depth))
    })
    return out
  }

  simple(argument: number): CborValue {
    if (argument === 20 || argument === 21) return argument === 21
    return argument === 22 ? null : this.fail('ATTESTATION_CBOR_MALFORMED', `simple value ${argument}`)
  }

  value(depth: number): CborValue {
    if (depth > DEPTH_MAX) return this.fail('ATTESTATION_CBOR_DEPTH_EXCEEDED', `more than ${DEPTH_MAX} levels`)
    const { major, argument } = this.head()
    switch (major) {
      case MAJOR.unsigned: return argument
      case MAJOR.negative: return argument === Number.MAX_SAFE_INTEGER ? this.fail('ATTESTATION_CBOR_MALFORMED', 'an integer beyond 2^53') : -1 - argument
      case MAJOR.bytes: return this.take(argument)
      case MAJOR.text: return this.text(argument)
      case MAJOR.array: return this.array(argument, depth + 1)
      case MAJOR.map: return this.map(argument, depth + 1)
      case MAJOR.simple: return this.simple(argument)
      default: return this.fail('ATTESTATION_CBOR_MALFORMED', `tag ${argument}`)
    }
  }
}

/** What may stand in a document beside plain CBOR. */
export interface CborOptions {
  /** A tag that may stand before the value once. */
  readonly tag?: number
  /** Admits maps and arrays without a count, which a vendor's firmware writes under its signature. */
  readonly open?: boolean
}

const readFirst = (bytes: Uint8Array, options: CborOptions): { readonly value: CborValue; readonly length: number } => {
  if (bytes.length > INPUT_MAX) throw attestationError('ATTESTATION_INPUT_TOO_LARGE', `CBOR of ${bytes.length} bytes, at most ${INPUT_MAX}`)
  const reader = new CborReader(bytes, options.open === true)
  if (options.tag !== undefined && (bytes[0] ?? 0) >> 5 === MAJOR.tag) {
    const { argument } = reader.head()
    if (argument !== options.tag) return reader.fail('ATTESTATION_CBOR_MALFORMED', `tag ${argument}`)
  }
  return { value: reader.value(0), length: reader.at }
}

/** Parses one value that fills the input. @throws ATTESTATION_CBOR_ codes, ATTESTATION_INPUT_TOO_LARGE */
export const parseCbor = (bytes: Uint8Array, options: CborOptions = {}): CborValue => {
  const { value, length } = readFirst(bytes, options)
  if (length !== bytes.length) throw attestationError('ATTESTATION_CBOR_TRAILING_BYTES', `${bytes.length - length} bytes at byte ${length}`)
  return value
}

/** Length of the value that the input begins with. @throws ATTESTATION_CBOR_ codes, ATTESTATION_INPUT_TOO_LARGE */
export const cborLength = (bytes: Uint8Array, options: CborOptions = {}): number => readFirst(bytes, options).length

const u32 = (value: number): Uint8Array => Uint8Array.of(value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff)

const writeHead = (major: number, argument: number): Uint8Array => {
  const first = major << 5
  if (argument < 24) return Uint8Array.of(first | argument)
  if (argument < 0x100) return Uint8Array.of(first | 24, argument)
  if (argument < 0x10000) return Uint8Array.of(first | 25, argument >> 8, argument & 0xff)
  if (argument < 2 ** 32) return concatBytes(Uint8Array.of(first | 26), u32(argument))
  return concatBytes(Uint8Array.of(first | 27), u32(Math.floor(argument / 2 ** 32)), u32(argument % 2 ** 32))
}

/** Encodes a value in the form that `parseCbor` reads. Keys keep their order. */
export const encodeCbor = (value: CborValue): Uint8Array => {
  if (value === null) return Uint8Array.of(0xf6)
  if (typeof value === 'boolean') return Uint8Array.of(value ? 0xf5 : 0xf4)
  if (typeof value === 'number') return value >= 0 ? writeHead(MAJOR.unsigned, value) : writeHead(MAJOR.negative, -1 - value)
  if (typeof value === 'string') return concatBytes(writeHead(MAJOR.text, utf8(value).length), utf8(value))
  if (value instanceof Uint8Array) return concatBytes(writeHead(MAJOR.bytes, value.length), value)
  if (value instanceof Map) return concatBytes(writeHead(MAJOR.map, value.size), ...[...(value as CborMap)].flatMap(([key, one]) => [encodeCbor(key), encodeCbor(one)]))
  const items = value as readonly CborValue[]
  return concatBytes(writeHead(MAJOR.array, items.length), ...items.map(encodeCbor))
}
