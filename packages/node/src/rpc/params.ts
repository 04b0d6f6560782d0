/** Owns the strict reading of JSON-RPC parameters. A wrong one is refused with its field path and what was expected. */
import { parseHex } from '@phalanx/primitives/bytes'
import { AppError } from '@phalanx/primitives/errors'
import '../errors.ts'

/** Reads one parameter. `expected` completes the sentence "must be …". */
export interface Param<T> {
  readonly expected: string
  /** Whether it may be left out. */
  readonly isOptional: boolean
  /** @throws RPC_INVALID_PARAMS */
  parse(value: unknown, field: string): T
}

/** Value type of a parameter. */
export type ParamValue<P> = P extends Param<infer T> ? T : never

/** Parameters by name, in positional order. */
export type ParamShape = Readonly<Record<string, Param<unknown>>>

/** Values of parameters. */
export type ParamValues<S extends ParamShape> = { readonly [K in keyof S]: ParamValue<S[K]> }

const refuse = (field: string, expected: string): never => {
  throw new AppError('RPC_INVALID_PARAMS', { field, expected }, { path: field })
}

const param = <T>(expected: string, read: (value: unknown, field: string) => T | undefined): Param<T> => ({
  expected,
  isOptional: false,
  parse: (value, field) => read(value, field) ?? refuse(field, expected),
})

/** Hex digits accepted in one parameter: 16 MiB. */
const HEX_DIGITS_MAX = 32 * 1024 * 1024

const readHex = (value: unknown): Uint8Array | undefined => {
  if (typeof value !== 'string' || value.length > HEX_DIGITS_MAX || !/^0x(?:[0-9a-fA-F]{2})*$/.test(value)) return undefined
  return parseHex(value)
}

/** Bytes as `0x…`. */
export const hexBytes: Param<Uint8Array> = param('0x and an even number of hex digits', readHex)

/** Bytes as `0x…`, or the empty text that clients send for "no parameters". */
export const callBytes: Param<Uint8Array> = param('0x and an even number of hex digits', (value) => (value === '' ? new Uint8Array(0) : readHex(value)))

/** 32 bytes as `0x…`. */
export const hash: Param<Uint8Array> = param('0x and 64 hex digits', (value) =>
  typeof value === 'string' && value.length === 66 ? readHex(value) : undefined)

/** A text of at most `max` characters. */
export const textUpTo = (max: number): Param<string> =>
  param(`a text of at most ${max} characters`, (value) => (typeof value === 'string' && value.length <= max ? value : undefined))

/** A whole number within bounds. */
export const integer = (min: number, max: number): Param<number> =>
  param(`a whole number from ${min} to ${max}`, (value) => (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max ? value : undefined))

/** A block number, as number or as `0x…` hex. */
export const blockNumber: Param<number> = param('a block number (JSON number or 0x hex)', (value) => {
  const number = typeof value === 'string' && /^0x[0-9a-fA-F]{1,16}$/.test(value) ? Number(value) : value
  return typeof number === 'number' && Number.isInteger(number) && number >= 0 && number <= Number.MAX_SAFE_INTEGER ? number : undefined
})

/** true or false. */
export const boolean: Param<boolean> = param('true or false', (value) => (typeof value === 'boolean' ? value : undefined))

/** One of some words. */
export const oneOf = <const W extends string>(...words: readonly W[]): Param<W> =>
  param(`one of ${words.join(', ')}`, (value) => words.find((word) => word === value))

/** A list of at most `max` elements. */
export const listOf = <T>(inner: Param<T>, max: number): Param<readonly T[]> =>
  param(`a list of at most ${max} elements`, (value, field) =>
    Array.isArray(value) && value.length <= max ? value.map((element: unknown, index) => inner.parse(element, `${field}[${index}]`)) : undefined)

/** Either form; the first that fits. Where neither does, the error is that of the one that got further. */
export const either = <A, B>(a: Param<A>, b: Param<B>): Param<A | B> => ({
  expected: `${a.expected}, or ${b.expected}`,
  isOptional: false,
  parse(value, field) {
    let deeper: AppError | undefined
    for (const one of [a, b]) {
      try {
        return one.parse(value, field)
      } catch (error) {
        if (!(error instanceof AppError)) throw error
        if (error.path.length > field.length) deeper = error
      }
    }
    throw deeper ?? new AppError('RPC_INVALID_PARAMS', { field, expected: this.expected }, { path: field })
  },
})

/** May be left out or null. */
export const optional = <T>(inner: Param<T>): Param<T | undefined> => ({
  expected: `${inner.expected}, or null`,
  isOptional: true,
  parse: (value, field) => (value === undefined || value === null ? undefined : inner.parse(value, field)),
})

/** An object with exactly these fields. */
export const objectOf = <const S extends ParamShape>(shape: S): Param<ParamValues<S>> => ({
  expected: `an object with ${Object.keys(shape).join(', ')}`,
  isOptional: false,
  parse(value, field) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return refuse(field, this.expected)
    const unknown = Object.keys(value).find((name) => !Object.hasOwn(shape, name))
    if (unknown !== undefined) return refuse(`${field}.${unknown}`, 'left out; there is no such field')
    const out: Record<string, unknown> = {}
    for (const [name, inner] of Object.entries(shape)) out[name] = inner.parse((value as Record<string, unknown>)[name], `${field}.${name}`)
    return out as ParamValues<S>
  },
})

/** Reads all parameters of a call, given as a list or by name. @throws RPC_INVALID_PARAMS */
export const parseParams = <S extends ParamShape>(shape: S, given: unknown): ParamValues<S> => {
  const names = Object.keys(shape)
  if (given !== undefined && given !== null && typeof given !== 'object') return refuse('params', 'a list or an object')
  const out: Record<string, unknown> = {}
  if (given === undefined || given === null || Array.isArray(given)) {
    const list: readonly unknown[] = given ?? []
    // Clients may fill up with null what a method does not take.
    if (list.length > names.length && list.slice(names.length).some((extra) => extra !== null)) return refuse(`params[${names.length}]`, 'left out; the method takes fewer parameters')
    names.forEach((name, index) => (out[name] = (shape[name] as Param<unknown>).parse(list[index], `params[${index}] ${name}`)))
    return out as ParamValues<S>
  }
  const unknown = Object.keys(given).find((name) => !names.includes(name))
  if (unknown !== undefined) return refuse(`params.${unknown}`, 'left out; there is no such parameter')
  for (const name of names) out[name] = (shape[name] as Param<unknown>).parse((given as Record<string, unknown>)[name], `params.${name}`)
  return out as ParamValues<S>
}
