/** Owns strict shapes for JSON from outside: every error names the field; unknown fields are refused. */
import { parseHex } from '@phalanx/primitives/bytes'
import { AppError } from '@phalanx/primitives/errors'
import '../errors.ts'

/** What shapes may need while parsing. */
export interface JsonTools {
  /** Account of an SS58 address of this chain. @throws CRYPTO_INVALID_ADDRESS */
  parseAddress(text: string): Uint8Array
}

/** Turns unknown JSON into `T`. */
export interface JsonShape<T> {
  /** Value used where the field is missing; a missing field without one is an error. */
  readonly fallback?: T
  /** @throws CHAIN_SPEC_MALFORMED, CHAIN_SPEC_UNKNOWN_FIELD */
  parse(value: unknown, at: string, tools: JsonTools): T
}

/** Type that a shape yields. */
export type JsonOf<S> = S extends JsonShape<infer T> ? T : never

const malformed = (field: string, expected: string, cause?: unknown): AppError =>
  new AppError('CHAIN_SPEC_MALFORMED', { field: field === '' ? 'the top' : field, expected }, cause === undefined ? {} : { cause })

const shape = <T>(parse: JsonShape<T>['parse']): JsonShape<T> => ({ parse })

const child = (at: string, name: string): string => (at === '' ? name : `${at}.${name}`)

/** An object with exactly these fields. */
export const jsonObject = <const F extends Readonly<Record<string, JsonShape<any>>>>(fields: F): JsonShape<{ readonly [K in keyof F]: JsonOf<F[K]> }> =>
  shape((value, at, tools) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw malformed(at, 'an object')
    for (const name of Object.keys(value)) {
      if (!Object.hasOwn(fields, name)) throw new AppError('CHAIN_SPEC_UNKNOWN_FIELD', { field: child(at, name) })
    }
    const out: Record<string, unknown> = {}
    for (const [name, field] of Object.entries(fields)) {
      if (Object.hasOwn(value, name)) out[name] = field.parse((value as Record<string, unknown>)[name], child(at, name), tools)
      else if ('fallback' in field) out[name] = field.fallback
      else throw malformed(child(at, name), 'a value')
    }
    return out as never
  })

/** The field may be missing. */
export const jsonDefault = <T>(inner: JsonShape<T>, fallback: T): JsonShape<T> => ({ ...inner, fallback })

/** `null` or missing becomes undefined. */
export const jsonOptional = <T>(inner: JsonShape<T>): JsonShape<T | undefined> => ({
  fallback: undefined,
  parse: (value, at, tools) => (value === null || value === undefined ? undefined : inner.parse(value, at, tools)),
})

/** A list. */
export const jsonList = <T>(inner: JsonShape<T>): JsonShape<readonly T[]> =>
  shape((value, at, tools) => {
    if (!Array.isArray(value)) throw malformed(at, 'a list')
    return value.map((element, i) => inner.parse(element, `${at}[${i}]`, tools))
  })

/** A list of fixed length and types. */
export const jsonTuple = <const S extends readonly JsonShape<any>[]>(...inner: S): JsonShape<{ readonly [I in keyof S]: JsonOf<S[I]> }> =>
  shape((value, at, tools) => {
    if (!Array.isArray(value) || value.length !== inner.length) throw malformed(at, `a list of ${inner.length}`)
    return inner.map((element, i) => element.parse(value[i], `${at}[${i}]`, tools)) as never
  })

/** Text. */
export const jsonText: JsonShape<string> = shape((value, at) => {
  if (typeof value !== 'string') throw malformed(at, 'text')
  return value
})

/** One of the given texts. */
export const jsonOneOf = <const T extends string>(...options: readonly T[]): JsonShape<T> =>
  shape((value, at) => {
    const found = options.find((option) => option === value)
    if (found === undefined) throw malformed(at, `one of ${options.join(', ')}`)
    return found
  })

/** True or false. */
export const jsonBool: JsonShape<boolean> = shape((value, at) => {
  if (typeof value !== 'boolean') throw malformed(at, 'true or false')
  return value
})

/** A whole number within bounds. */
export const jsonInteger = (min: number, max: number): JsonShape<number> =>
  shape((value, at) => {
    if (typeof value !== 'number' || !Number.isInteger(value) || value < min || value > max) throw malformed(at, `a whole number from ${min} to ${max}`)
    return value
  })

/** An unsigned integer of up to `bits` bits, as decimal text or a safe whole number. */
export const jsonBigint = (bits: number): JsonShape<bigint> =>
  shape((value, at) => {
    const isNumber = typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
    if (!isNumber && !(typeof value === 'string' && /^(0|[1-9]\d{0,77})$/.test(value))) throw malformed(at, 'an amount as decimal text')
    const parsed = BigInt(value)
    if (parsed >= 1n << BigInt(bits)) throw malformed(at, `an amount below 2^${bits}`)
    return parsed
  })

/** Bytes as 0x hex; exactly `length` where given. */
export const jsonHex = (length?: number): JsonShape<Uint8Array> =>
  shape((value, at) => {
    const expected = length === undefined ? '0x and hex digits' : `0x and ${2 * length} hex digits`
    if (typeof value !== 'string' || !value.startsWith('0x')) throw malformed(at, expected)
    let bytes: Uint8Array
    try {
      bytes = parseHex(value)
    } catch (cause) {
      throw malformed(at, expected, cause)
    }
    if (length !== undefined && bytes.length !== length) throw malformed(at, expected)
    return bytes
  })

/** An account as SS58 address or 0x hex. */
export const jsonAccount: JsonShape<Uint8Array> = shape((value, at, tools) => {
  if (typeof value !== 'string') throw malformed(at, 'an address')
  if (value.startsWith('0x')) return jsonHex(32).parse(value, at, tools)
  try {
    return tools.parseAddress(value)
  } catch (cause) {
    throw malformed(at, 'an SS58 address or 0x and 64 hex digits', cause)
  }
})
