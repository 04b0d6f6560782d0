/**
 * Owns storage items: a name, key and value types, hasher and default, declared once in a pallet's `storage.ts`. They give
 * typed reads and writes through any context, keys for readers outside (relay, worker, proofs) and the metadata entry.
 */
import { assert } from '@phalanx/primitives/assert'
import { concatBytes, keyToBytes, utf8 } from '@phalanx/primitives/bytes'
import { ByteReader, plainInfo, type Codec, type TypeInfo, type TypeOf } from '@phalanx/primitives/codec'
import { toKey, type KeyHasher, type Overlay, type StorageHost } from './overlay.ts'

/** How a map key becomes part of the storage key. */
export type HasherName = 'Identity' | 'Twox64Concat' | 'Blake2_128Concat' | 'Blake2_128' | 'Blake2_256' | 'Twox128' | 'Twox256'

interface HasherSpec {
  /** Bytes of hash before the key itself. */
  readonly hashLength: number
  /** Whether the key follows its hash. */
  readonly keepsKey: boolean
  hash(hasher: KeyHasher, key: Uint8Array): Uint8Array
}

/** twox128 of the pallet's name and of the item's. */
const PREFIX_LENGTH = 32
const NO_HASH = new Uint8Array(0)
const HASHERS: Readonly<Record<HasherName, HasherSpec>> = {
  Identity: { hashLength: 0, keepsKey: true, hash: () => NO_HASH },
  Twox64Concat: { hashLength: 8, keepsKey: true, hash: (hasher, key) => hasher.twox64(key) },
  Blake2_128Concat: { hashLength: 16, keepsKey: true, hash: (hasher, key) => hasher.blake2b128(key) },
  Blake2_128: { hashLength: 16, keepsKey: false, hash: (hasher, key) => hasher.blake2b128(key) },
  Blake2_256: { hashLength: 32, keepsKey: false, hash: (hasher, key) => hasher.blake2b256(key) },
  Twox128: { hashLength: 16, keepsKey: false, hash: (hasher, key) => hasher.twox128(key) },
  Twox256: { hashLength: 32, keepsKey: false, hash: (hasher, key) => hasher.twox256(key) },
}

/** What metadata says about an item. */
export interface StorageEntryInfo {
  readonly pallet: string
  readonly name: string
  readonly modifier: 'Optional' | 'Default'
  readonly hashers: readonly HasherName[]
  /** Type of the key, a tuple where there are several; undefined for plain values. */
  readonly key: (() => TypeInfo) | undefined
  readonly value: () => TypeInfo
  readonly fallback: Uint8Array
  readonly docs: readonly string[]
}

/** Any storage item; metadata collects these. */
export interface StorageItem {
  readonly entry: StorageEntryInfo
  /** The 32 bytes that all keys of the item begin with. */
  prefix(hasher: KeyHasher): Uint8Array
}

/** One value. `Q` is `T` where the item has a default, `T | undefined` where it has none. */
export interface StorageValue<T, Q = T | undefined> extends StorageItem {
  get(host: StorageHost): Q
  has(host: StorageHost): boolean
  set(host: StorageHost, value: T): void
  remove(host: StorageHost): void
  /** Reads and removes. */
  take(host: StorageHost): Q
  /** Replaces by a function of the present value; returning undefined removes. */
  mutate(host: StorageHost, change: (value: Q) => T | undefined): void
  /** Storage key for readers outside the runtime. */
  key(hasher: KeyHasher): Uint8Array
  /** Value of stored bytes (undefined where nothing is stored). @throws CODEC_ codes */
  decode(bytes: Uint8Array | undefined): Q
  encode(value: T): Uint8Array
}

/** A map with the key parts `K`. */
export interface StorageKeyed<K extends readonly unknown[], T, Q> extends StorageItem {
  get(host: StorageHost, ...key: K): Q
  has(host: StorageHost, ...key: K): boolean
  set(host: StorageHost, ...keyAndValue: [...K, T]): void
  remove(host: StorageHost, ...key: K): void
  /** Reads and removes. */
  take(host: StorageHost, ...key: K): Q
  /** Replaces by a function of the present value; returning undefined removes. */
  mutate(host: StorageHost, ...keyAndChange: [...K, (value: Q) => T | undefined]): void
  /** Keys ascending by storage key; only with hashers that keep the key. */
  keys(host: StorageHost, ...prefix: Partial<K>): Generator<K>
  /** Keys and values ascending by storage key. */
  entries(host: StorageHost, ...prefix: Partial<K>): Generator<readonly [key: K, value: T]>
  /** Removes all entries under the given leading key parts and says how many there were. */
  clear(host: StorageHost, ...prefix: Partial<K>): number
  /** Storage key for readers outside the runtime. */
  key(hasher: KeyHasher, ...key: K): Uint8Array
  /** Key parts of a storage key; only with hashers that keep the key. @throws CODEC_ codes */
  decodeKey(key: Uint8Array): K
  decode(bytes: Uint8Array | undefined): Q
  encode(value: T): Uint8Array
}

/** A map with one key. */
export type StorageMap<K, T, Q = T | undefined> = StorageKeyed<[key: K], T, Q>
/** A map with two keys. */
export type StorageDoubleMap<K1, K2, T, Q = T | undefined> = StorageKeyed<[first: K1, second: K2], T, Q>

interface ValueSpec<T> {
  readonly type: Codec<T>
  readonly doc?: string
  /** Encode when the block ends instead of at every write: only for values that cannot fail to encode. */
  readonly deferred?: boolean
}
interface MapSpec<K, T> extends ValueSpec<T> {
  readonly hasher: HasherName
  readonly key: Codec<K>
}
interface DoubleMapSpec<K1, K2, T> extends ValueSpec<T> {
  readonly hashers: readonly [HasherName, HasherName]
  readonly keys: readonly [Codec<K1>, Codec<K2>]
}
interface ManyMapSpec<C extends readonly Codec<any>[], T> extends ValueSpec<T> {
  readonly hashers: { readonly [I in keyof C]: HasherName }
  readonly keys: C
}
type KeysOf<C extends readonly Codec<any>[]> = { readonly [I in keyof C]: TypeOf<C[I]> }
interface WithDefault<T> {
  readonly default: T
}

/** Declares the storage items of one pallet. */
export interface PalletStorage {
  value<T>(name: string, spec: ValueSpec<T> & WithDefault<T>): StorageValue<T, T>
  value<T>(name: string, spec: ValueSpec<T>): StorageValue<T>
  map<K, T>(name: string, spec: MapSpec<K, T> & WithDefault<T>): StorageMap<K, T, T>
  map<K, T>(name: string, spec: MapSpec<K, T>): StorageMap<K, T>
  doubleMap<K1, K2, T>(name: string, spec: DoubleMapSpec<K1, K2, T> & WithDefault<T>): StorageDoubleMap<K1, K2, T, T>
  doubleMap<K1, K2, T>(name: string, spec: DoubleMapSpec<K1, K2, T>): StorageDoubleMap<K1, K2, T>
  /** A map with more than two key parts. */
  manyMap<const C extends readonly Codec<any>[], T>(name: string, spec: ManyMapSpec<C, T>): StorageKeyed<KeysOf<C>, T, T | undefined>
}

const isFixedBytes = (info: TypeInfo): boolean => {
  if (info.def.kind === 'array') {
    const element = info.def.element()
    return element.def.kind === 'primitive' && element.def.name === 'u8'
  }
  const only = info.def.kind === 'composite' && info.def.fields.length === 1 ? info.def.fields[0] : undefined
  return only !== undefined && isFixedBytes(only.type())
}

interface KeyPart {
  readonly name: HasherName
  readonly hasher: HasherSpec
  readonly codec: Codec<unknown>
  /** The codec writes the bytes as they are. */
  readonly plain: boolean
}

const keyPart = (name: HasherName, codec: Codec<unknown>): KeyPart => ({
  name, hasher: HASHERS[name], codec, plain: codec.minSize > 0 && isFixedBytes(codec.info()),
})

const encodePart = (part: KeyPart, value: unknown): Uint8Array =>
  part.plain && value instanceof Uint8Array && value.length === part.codec.minSize ? value : part.codec.encode(value)

interface ItemParts {
  readonly pallet: string
  readonly name: string
  readonly parts: readonly KeyPart[]
  readonly type: Codec<unknown>
  readonly hasDefault: boolean
  readonly fallback: unknown
  readonly doc: string | undefined
  readonly deferred: boolean
}

const keyInfo = (parts: readonly KeyPart[]): (() => TypeInfo) | undefined => {
  if (parts.length <= 1) return parts[0]?.codec.info
  const info = plainInfo({ kind: 'tuple', elements: parts.map((part) => part.codec.info) })
  return () => info
}

const entryInfo = (item: ItemParts): StorageEntryInfo => ({
  pallet: item.pallet,
  name: item.name,
  modifier: item.hasDefault ? 'Default' : 'Optional',
  hashers: item.parts.map((part) => part.name),
  key: keyInfo(item.parts),
  value: item.type.info,
  fallback: item.hasDefault ? item.type.encode(item.fallback) : Uint8Array.of(0),
  docs: item.doc === undefined ? [] : [item.doc],
})

type AnyKey = readonly unknown[]

/** How an item's keys are made, remembered and read back. */
const createKeys = (item: ItemParts) => {
  const { parts } = item
  const label = `${item.pallet}.${item.name}`
  let prefixBytes: Uint8Array | undefined
  let prefixKey: string | undefined
  const prefix = (hasher: KeyHasher): Uint8Array =>
    (prefixBytes ??= concatBytes(hasher.twox128(utf8(item.pallet)), hasher.twox128(utf8(item.name))))
  const prefixOf = (storage: Overlay): string => (prefixKey ??= toKey(prefix(storage.hasher)))
  const hashPart = (hasher: KeyHasher, part: KeyPart, raw: Uint8Array): Uint8Array =>
    part.hasher.keepsKey ? concatBytes(part.hasher.hash(hasher, raw), raw) : part.hasher.hash(hasher, raw)
  const [onlyPart] = parts.length === 1 ? parts : []
  return {
    prefix,
    /** Storage key for readers outside. */
    bytes: (hasher: KeyHasher, key: AnyKey): Uint8Array =>
      concatBytes(prefix(hasher), ...key.map((value, i) => hashPart(hasher, parts[i] as KeyPart, encodePart(parts[i] as KeyPart, value)))),
    /** Overlay key of leading key parts. */
    lookup(storage: Overlay, key: AnyKey): string {
      if (key.length === 0) return prefixOf(storage)
      if (onlyPart !== undefined)
        return storage.memoOf(onlyPart).find(encodePart(onlyPart, key[0]), (raw) => prefixOf(storage) + toKey(hashPart(storage.hasher, onlyPart, raw)))
      let out = prefixOf(storage)
      for (let i = 0; i < key.length; i++) {
        const part = parts[i] as KeyPart
        out += storage.memoOf(part).find(encodePart(part, key[i]), (raw) => toKey(hashPart(storage.hasher, part, raw)))
      }
      return out
    },
    decode(bytes: Uint8Array): AnyKey {
      const input = new ByteReader(bytes)
      input.raw(PREFIX_LENGTH)
      const out = parts.map((part) => {
        assert(part.hasher.keepsKey, `${label} keeps its keys`)
        input.raw(part.hasher.hashLength)
        return part.codec.read(input)
      })
      input.finish()
      return out
    },
  }
}

/** The one implementation behind values and maps; key parts come as an array. */
const createItem = (item: ItemParts) => {
  const { type } = item
  const label = `${item.pallet}.${item.name}`
  const keys = createKeys(item)
  const get = (host: StorageHost, key: AnyKey): unknown => {
    const value = host.storage.read(keys.lookup(host.storage, key), type, label)
    return value === undefined ? item.fallback : value
  }
  const set = (host: StorageHost, key: AnyKey, value: unknown): void => host.storage.write(keys.lookup(host.storage, key), type, value, item.deferred)
  const remove = (host: StorageHost, key: AnyKey): void => {
    const at = keys.lookup(host.storage, key)
    if (host.storage.has(at)) host.storage.set(at, undefined)
  }
  const stored = (host: StorageHost, key: AnyKey): Generator<string> => host.storage.keys(keys.lookup(host.storage, key))
  return {
    entry: entryInfo(item), prefix: keys.prefix, keyBytes: keys.bytes, decodeKeyParts: keys.decode, get, set, remove,
    has: (host: StorageHost, key: AnyKey): boolean => host.storage.has(keys.lookup(host.storage, key)),
    mutate(host: StorageHost, key: AnyKey, change: (value: unknown) => unknown): void {
      const next = change(get(host, key))
      if (next === undefined) remove(host, key)
      else set(host, key, next)
    },
    *keys(host: StorageHost, key: AnyKey): Generator<AnyKey> {
      for (const at of stored(host, key)) yield keys.decode(keyToBytes(at))
    },
    *entries(host: StorageHost, key: AnyKey): Generator<readonly [AnyKey, unknown]> {
      for (const at of stored(host, key)) yield [keys.decode(keyToBytes(at)), host.storage.read(at, type, label)]
    },
    clear(host: StorageHost, key: AnyKey): number {
      const doomed = [...stored(host, key)]
      for (const at of doomed) host.storage.set(at, undefined)
      return doomed.length
    },
    decode: (bytes: Uint8Array | undefined): unknown => (bytes === undefined ? item.fallback : type.decode(bytes)),
    encode: (value: unknown): Uint8Array => type.encode(value),
  }
}

const NO_KEY: AnyKey = []

const valueItem = (parts: ItemParts): StorageValue<unknown, unknown> => {
  const item = createItem(parts)
  return {
    entry: item.entry,
    prefix: item.prefix,
    get: (host) => item.get(host, NO_KEY),
    has: (host) => item.has(host, NO_KEY),
    set: (host, value) => item.set(host, NO_KEY, value),
    remove: (host) => item.remove(host, NO_KEY),
    take(host) {
      const value = item.get(host, NO_KEY)
      item.remove(host, NO_KEY)
      return value
    },
    mutate: (host, change) => item.mutate(host, NO_KEY, change),
    key: (hasher) => item.prefix(hasher),
    decode: item.decode,
    encode: item.encode,
  }
}

const keyedItem = (parts: ItemParts): StorageKeyed<unknown[], unknown, unknown> => {
  const item = createItem(parts)
  return {
    entry: item.entry,
    prefix: item.prefix,
    get: (host, ...key) => item.get(host, key),
    has: (host, ...key) => item.has(host, key),
    set: (host, ...keyAndValue) => item.set(host, keyAndValue.slice(0, -1), keyAndValue.at(-1)),
    remove: (host, ...key) => item.remove(host, key),
    take(host, ...key) {
      const value = item.get(host, key)
      item.remove(host, key)
      return value
    },
    mutate: (host, ...keyAndChange) => item.mutate(host, keyAndChange.slice(0, -1), keyAndChange.at(-1) as (value: unknown) => unknown),
    keys: (host, ...prefix) => item.keys(host, prefix) as Generator<unknown[]>,
    entries: (host, ...prefix) => item.entries(host, prefix) as Generator<readonly [unknown[], unknown]>,
    clear: (host, ...prefix) => item.clear(host, prefix),
    key: (hasher, ...key) => item.keyBytes(hasher, key),
    decodeKey: (key) => item.decodeKeyParts(key) as unknown[],
    decode: item.decode,
    encode: item.encode,
  }
}

/** Starts the storage declarations of a pallet, named as the runtime names it. */
export const palletStorage = (pallet: string): PalletStorage => {
  const common = (name: string, spec: ValueSpec<never> & Partial<WithDefault<unknown>>, parts: readonly KeyPart[]): ItemParts => {
    assert(/^[A-Z]\w*$/.test(name), `${pallet}.${name} is PascalCase`)
    return { pallet, name, parts, type: spec.type as Codec<unknown>, hasDefault: 'default' in spec, fallback: spec.default, doc: spec.doc, deferred: spec.deferred ?? false }
  }
  const several = (name: string, spec: { readonly hashers: readonly HasherName[]; readonly keys: readonly Codec<any>[] } & ValueSpec<never>) =>
    keyedItem(common(name, spec, spec.keys.map((codec, i) => keyPart(spec.hashers[i] as HasherName, codec as Codec<unknown>))))
  const kit = {
    value: (name: string, spec: ValueSpec<never>) => valueItem(common(name, spec, [])),
    map: (name: string, spec: MapSpec<never, never>) => keyedItem(common(name, spec, [keyPart(spec.hasher, spec.key as Codec<unknown>)])),
    doubleMap: several,
    manyMap: several,
  }
  return kit as unknown as PalletStorage
}

/** Whether an exported value is a storage item: pallets hand in their whole `storage.ts` module. */
export const isStorageItem = (value: unknown): value is StorageItem =>
  typeof value === 'object' && value !== null && 'entry' in value && 'prefix' in value
