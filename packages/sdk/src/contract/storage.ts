/**
 * Owns typed storage of contracts: single values, maps and lists over the host's key-value store. A cell's keys begin with four bytes
 * that follow from its name alone, so that a later version of a contract finds what an earlier one kept, whatever else it declares.
 */
import { bytesToKey, concatBytes, utf8 } from '@phalanx/primitives/bytes'
import { u32, type Codec, type TypeOf } from '@phalanx/primitives/codec'
import { AppError, atPath } from '@phalanx/primitives/errors'
import './errors.ts'
import type { HostHashKind } from './host.ts'

/** A context that may read storage. */
export interface StorageReader {
  readonly storage: { get(key: Uint8Array): Uint8Array | undefined }
  hash(kind: HostHashKind, bytes: Uint8Array): Uint8Array
}

/** A context that may write storage. */
export interface StorageWriter extends StorageReader {
  readonly storage: { get(key: Uint8Array): Uint8Array | undefined; set(key: Uint8Array, value: Uint8Array | undefined): void }
}

/** One value. */
export interface ValueCell<T> {
  readonly kind: 'value'
  readonly name: string
  readonly rootKey: Uint8Array
  readonly value: Codec<T>
  /** The value, or the initial one. @throws SDK_CONTRACT_STOPPED where it was never set and has no initial one */
  get(ctx: StorageReader): T
  /** Undefined where it was never set. */
  find(ctx: StorageReader): T | undefined
  set(ctx: StorageWriter, value: T): void
  remove(ctx: StorageWriter): void
}

/** Values by key; `Found` is `V` where an initial value was declared, else `V | undefined`. */
export interface MapCell<K, V, Found extends V | undefined = V | undefined> {
  readonly kind: 'map'
  readonly name: string
  readonly rootKey: Uint8Array
  readonly key: Codec<K>
  readonly value: Codec<V>
  get(ctx: StorageReader, key: K): Found
  has(ctx: StorageReader, key: K): boolean
  set(ctx: StorageWriter, key: K, value: V): void
  remove(ctx: StorageWriter, key: K): void
}

/** Values by position, 0 first. */
export interface ListCell<T> {
  readonly kind: 'list'
  readonly name: string
  readonly rootKey: Uint8Array
  readonly value: Codec<T>
  length(ctx: StorageReader): number
  /** Undefined beyond the end. */
  at(ctx: StorageReader, index: number): T | undefined
  /** Every element; costs a read for each. */
  all(ctx: StorageReader): readonly T[]
  push(ctx: StorageWriter, value: T): void
  /** @throws SDK_CONTRACT_STOPPED beyond the end */
  set(ctx: StorageWriter, index: number, value: T): void
  /** Takes the last element away. */
  pop(ctx: StorageWriter): T | undefined
}

/** Any cell, as metadata sees it. */
export type AnyCell = ValueCell<any> | MapCell<any, any, any> | ListCell<any>

/** A cell without its name, which `defineStorage` gives it. */
export type CellSpec<Cell extends AnyCell> = (name: string, rootKey: Uint8Array) => Cell

const stopped = (reason: string): AppError => new AppError('SDK_CONTRACT_STOPPED', { reason })

/** FNV-1a: spreads names over 32 bits; two names of one contract with the same number are refused. */
const rootKeyOf = (name: string): Uint8Array => {
  let hash = 0x811c9dc5
  for (const byte of utf8(name)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0
  return u32.encode(hash)
}

const PLAIN_KEY_MAX = 64

/** Key of a map's item. Long ones are cut and hashed, and then longer than any that is not, so that no two keys meet. */
const itemKey = (ctx: StorageReader, rootKey: Uint8Array, key: Uint8Array): Uint8Array =>
  key.length <= PLAIN_KEY_MAX ? concatBytes(rootKey, key) : concatBytes(rootKey, key.subarray(0, PLAIN_KEY_MAX), ctx.hash('blake2b256', key))

const read = <T>(ctx: StorageReader, key: Uint8Array, codec: Codec<T>): T | undefined => {
  const stored = ctx.storage.get(key)
  return stored === undefined ? undefined : codec.decode(stored)
}

/** Bytes of something to be kept; what does not fit says in which cell. */
const encode = <T>(name: string, codec: Codec<T>, content: T): Uint8Array => {
  try {
    return codec.encode(content)
  } catch (error) {
    throw atPath(error, name)
  }
}

/** A single value; with `initial` it is that until set. */
export const value = <T>(codec: Codec<T>, initial?: NoInfer<T>): CellSpec<ValueCell<T>> => (name, rootKey) => ({
  kind: 'value', name, rootKey, value: codec,
  get(ctx) {
    const found = read(ctx, rootKey, codec) ?? initial
    if (found === undefined) throw stopped(`the stored value ${name} was never set`)
    return found
  },
  find: (ctx) => read(ctx, rootKey, codec),
  set: (ctx, next) => ctx.storage.set(rootKey, encode(name, codec, next)),
  remove: (ctx) => ctx.storage.set(rootKey, undefined),
})

/** Values by key; with `initial` a key that was never set has that. */
export function map<K, V>(key: Codec<K>, value: Codec<V>): CellSpec<MapCell<K, V>>
export function map<K, V>(key: Codec<K>, value: Codec<V>, initial: NoInfer<V>): CellSpec<MapCell<K, V, V>>
export function map<K, V>(key: Codec<K>, value: Codec<V>, initial?: V): CellSpec<MapCell<K, V>> {
  return (name, rootKey) => {
    const slot = (ctx: StorageReader, at: K): Uint8Array => itemKey(ctx, rootKey, encode(name, key, at))
    return {
      kind: 'map', name, rootKey, key, value,
      get: (ctx, at) => read(ctx, slot(ctx, at), value) ?? initial,
      has: (ctx, at) => ctx.storage.get(slot(ctx, at)) !== undefined,
      set: (ctx, at, next) => ctx.storage.set(slot(ctx, at), encode(name, value, next)),
      remove: (ctx, at) => ctx.storage.set(slot(ctx, at), undefined),
    }
  }
}

/** Values in order. */
export const list = <T>(value: Codec<T>): CellSpec<ListCell<T>> => (name, rootKey) => {
  const slot = (index: number): Uint8Array => concatBytes(rootKey, u32.encode(index))
  const length = (ctx: StorageReader): number => read(ctx, rootKey, u32) ?? 0
  const element = (ctx: StorageReader, index: number): T => {
    const found = read(ctx, slot(index), value)
    if (found === undefined) throw stopped(`element ${index} of ${name} is missing`)
    return found
  }
  return {
    kind: 'list', name, rootKey, value, length,
    at: (ctx, index) => (Number.isInteger(index) && index >= 0 && index < length(ctx) ? element(ctx, index) : undefined),
    all: (ctx) => Array.from({ length: length(ctx) }, (_, index) => element(ctx, index)),
    push(ctx, next) {
      const at = length(ctx)
      ctx.storage.set(slot(at), encode(name, value, next))
      ctx.storage.set(rootKey, u32.encode(at + 1))
    },
    set(ctx, index, next) {
      if (!Number.isInteger(index) || index < 0 || index >= length(ctx)) throw stopped(`${name} has no element ${index}`)
      ctx.storage.set(slot(index), encode(name, value, next))
    },
    pop(ctx) {
      const last = length(ctx) - 1
      if (last < 0) return undefined
      const found = element(ctx, last)
      ctx.storage.set(slot(last), undefined)
      ctx.storage.set(rootKey, u32.encode(last))
      return found
    },
  }
}

/** Cells by name. */
export type Storage = Readonly<Record<string, AnyCell>>

type StorageOf<S extends Readonly<Record<string, CellSpec<AnyCell>>>> = { readonly [Name in keyof S]: S[Name] extends CellSpec<infer Cell> ? Cell : never }

/** Declares what a contract keeps: `defineStorage({ owner: value(AccountId), bids: map(AccountId, Balance) })`. @throws SDK_CONTRACT_MALFORMED */
export const defineStorage = <const S extends Readonly<Record<string, CellSpec<AnyCell>>>>(cells: S): StorageOf<S> => {
  const names = new Map<string, string>()
  const bound = Object.entries(cells).map(([name, bind]) => {
    const rootKey = rootKeyOf(name)
    const other = names.get(bytesToKey(rootKey))
    if (other !== undefined) throw new AppError('SDK_CONTRACT_MALFORMED', { contract: 'storage', reason: `the names ${other} and ${name} lead to the same key; rename one` })
    names.set(bytesToKey(rootKey), name)
    return [name, bind(name, rootKey)] as const
  })
  return Object.fromEntries(bound) as StorageOf<S>
}

/** Static type of what a cell holds. */
export type CellValue<Cell extends AnyCell> = TypeOf<Cell['value']>
