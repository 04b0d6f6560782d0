/** Owns sequences, fixed arrays, tuples, options, results and ordered maps. */
import { AppError, atPath } from '../errors.ts'
import { compareBytes, utf8 } from '../bytes.ts'
import { createCodec, type Codec, type TypeOf } from './codec.ts'
import { readLength, writeCompact } from './numbers.ts'
import { plainInfo, type TypeInfo } from './type-info.ts'

/** Most elements of a sequence unless a tighter bound is declared. */
export const ELEMENTS_MAX = 4 * 1024 * 1024
/** Most elements of a sequence whose elements take no bytes: nothing else bounds them. */
const EMPTY_ELEMENTS_MAX = 1024

/** `Vec<T>` of at most `max` elements. */
export const vecUpTo = <T>(inner: Codec<T>, elementsMax: number): Codec<readonly T[]> => {
  const max = inner.minSize === 0 ? Math.min(elementsMax, EMPTY_ELEMENTS_MAX) : elementsMax
  let info: TypeInfo | undefined
  return createCodec<readonly T[]>({
    info: () => (info ??= plainInfo({ kind: 'sequence', element: inner.info })),
    minSize: 1,
    write(out, value) {
      if (!Array.isArray(value)) throw new AppError('CODEC_OUT_OF_RANGE', { expected: 'a list', got: typeof value })
      if (value.length > max) throw new AppError('CODEC_LENGTH_EXCEEDED', { length: value.length, max })
      writeCompact(out, BigInt(value.length))
      for (let i = 0; i < value.length; i++) {
        try {
          inner.write(out, value[i] as T)
        } catch (error) {
          throw atPath(error, i)
        }
      }
    },
    read(input) {
      const count = readLength(input, max)
      if (count * inner.minSize > input.left) throw new AppError('CODEC_UNEXPECTED_END', { needed: count * inner.minSize, left: input.left })
      const out: T[] = []
      for (let i = 0; i < count; i++) {
        try {
          out.push(inner.read(input))
        } catch (error) {
          throw atPath(error, i)
        }
      }
      return out
    },
  })
}

/** `Vec<T>`. */
export const vec = <T>(inner: Codec<T>): Codec<readonly T[]> => vecUpTo(inner, ELEMENTS_MAX)

/** `[T; length]`. */
export const array = <T>(inner: Codec<T>, length: number): Codec<readonly T[]> => {
  let info: TypeInfo | undefined
  return createCodec<readonly T[]>({
    info: () => (info ??= plainInfo({ kind: 'array', length, element: inner.info })),
    minSize: inner.minSize * length,
    write(out, value) {
      if (value.length !== length) throw new AppError('CODEC_OUT_OF_RANGE', { expected: `${length} elements`, got: String(value.length) })
      for (let i = 0; i < length; i++) {
        try {
          inner.write(out, value[i] as T)
        } catch (error) {
          throw atPath(error, i)
        }
      }
    },
    read(input) {
      const out: T[] = []
      for (let i = 0; i < length; i++) {
        try {
          out.push(inner.read(input))
        } catch (error) {
          throw atPath(error, i)
        }
      }
      return out
    },
  })
}

type TupleOf<C extends readonly Codec<any>[]> = { readonly [K in keyof C]: TypeOf<C[K]> }

/** `(A, B, …)`; `tuple()` is unit. */
export const tuple = <const C extends readonly Codec<any>[]>(...inner: C): Codec<TupleOf<C>> => {
  let info: TypeInfo | undefined
  return createCodec<TupleOf<C>>({
    info: () => (info ??= plainInfo({ kind: 'tuple', elements: inner.map((codec) => codec.info) })),
    minSize: inner.reduce((sum, codec) => sum + codec.minSize, 0),
    write(out, value) {
      for (let i = 0; i < inner.length; i++) {
        try {
          ;(inner[i] as Codec<unknown>).write(out, value[i])
        } catch (error) {
          throw atPath(error, i)
        }
      }
    },
    read(input) {
      const out: unknown[] = []
      for (let i = 0; i < inner.length; i++) {
        try {
          out.push((inner[i] as Codec<unknown>).read(input))
        } catch (error) {
          throw atPath(error, i)
        }
      }
      return out as unknown as TupleOf<C>
    },
  })
}

/** Unit: no bytes. */
export const unit = tuple()

/** `Option<T>`: `undefined` is none. Options of options need a variant instead. */
export const option = <T>(inner: Codec<T>): Codec<T | undefined> => {
  let info: TypeInfo | undefined
  return createCodec<T | undefined>({
    info: () =>
      (info ??= {
        path: ['Option'],
        params: [{ name: 'T', type: inner.info }],
        def: {
          kind: 'variant',
          variants: [
            { name: 'None', index: 0, fields: [] },
            { name: 'Some', index: 1, fields: [{ type: inner.info }] },
          ],
        },
        docs: [],
      }),
    minSize: 1,
    write(out, value) {
      out.u8(value === undefined ? 0 : 1)
      if (value !== undefined) inner.write(out, value)
    },
    read(input) {
      const byte = input.u8()
      if (byte > 1) throw new AppError('CODEC_INVALID_OPTION', { byte })
      return byte === 0 ? undefined : inner.read(input)
    },
  })
}

/** A `Result` value. */
export type ResultValue<T, E> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: E }

/** `Result<T, E>`: 00 and the value, or 01 and the error. */
export const result = <T, E>(okCodec: Codec<T>, errorCodec: Codec<E>): Codec<ResultValue<T, E>> => {
  let info: TypeInfo | undefined
  return createCodec<ResultValue<T, E>>({
    info: () =>
      (info ??= {
        path: ['Result'],
        params: [
          { name: 'T', type: okCodec.info },
          { name: 'E', type: errorCodec.info },
        ],
        def: {
          kind: 'variant',
          variants: [
            { name: 'Ok', index: 0, fields: [{ type: okCodec.info }] },
            { name: 'Err', index: 1, fields: [{ type: errorCodec.info }] },
          ],
        },
        docs: [],
      }),
    minSize: 1,
    write(out, value) {
      out.u8(value.ok ? 0 : 1)
      if (value.ok) okCodec.write(out, value.value)
      else errorCodec.write(out, value.error)
    },
    read(input) {
      const index = input.u8()
      if (index > 1) throw new AppError('CODEC_INVALID_VARIANT', { index, type: 'Result' })
      return index === 0 ? { ok: true, value: okCodec.read(input) } : { ok: false, error: errorCodec.read(input) }
    },
  })
}

const compareNumbers = (a: number | bigint, b: number | bigint): number => (a < b ? -1 : a > b ? 1 : 0)

/**
 * Order of map keys as the reference's `Ord` has it: numbers by value (their encoded bytes order otherwise), byte strings and
 * text by bytes, tuples member by member; undefined where a type has no such order and its encoded bytes decide.
 */
const compareKeys = (a: unknown, b: unknown): number | undefined => {
  if ((typeof a === 'number' || typeof a === 'bigint') && (typeof b === 'number' || typeof b === 'bigint')) return compareNumbers(a, b)
  if (typeof a === 'boolean' && typeof b === 'boolean') return Number(a) - Number(b)
  if (a instanceof Uint8Array && b instanceof Uint8Array) return compareBytes(a, b)
  if (typeof a === 'string' && typeof b === 'string') return compareBytes(utf8(a), utf8(b))
  if (!Array.isArray(a) || !Array.isArray(b)) return undefined
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    const order = compareKeys(a[i], b[i])
    if (order !== 0) return order
  }
  return a.length - b.length
}

/** `BTreeMap<K, V>` as pairs: strictly ascending keys on the way in, sorted on the way out. */
export const sortedMap = <K, V>(keyCodec: Codec<K>, valueCodec: Codec<V>): Codec<readonly (readonly [K, V])[]> => {
  const pairs = vec(tuple(keyCodec, valueCodec))
  const order = (a: K, b: K): number => compareKeys(a, b) ?? compareBytes(keyCodec.encode(a), keyCodec.encode(b))
  const assertAscending = (value: readonly (readonly [K, V])[]): void => {
    for (let i = 1; i < value.length; i++) {
      if (order((value[i - 1] as readonly [K, V])[0], (value[i] as readonly [K, V])[0]) >= 0) throw new AppError('CODEC_NOT_SORTED', {}, { path: `[${i}]` })
    }
  }
  let info: TypeInfo | undefined
  return createCodec<readonly (readonly [K, V])[]>({
    info: () =>
      (info ??= {
        path: ['BTreeMap'],
        params: [
          { name: 'K', type: keyCodec.info },
          { name: 'V', type: valueCodec.info },
        ],
        def: { kind: 'composite', fields: [{ type: pairs.info }] },
        docs: [],
      }),
    minSize: 1,
    write(out, value) {
      const sorted = [...value].sort(([a], [b]) => order(a, b))
      assertAscending(sorted)
      pairs.write(out, sorted as never)
    },
    read(input) {
      const value = pairs.read(input) as readonly (readonly [K, V])[]
      assertAscending(value)
      return value
    },
  })
}
