/**
 * Owns the reader of chain metadata (versions 14 and 15): names to indices, storage prefixes, constants and types.
 * Strict: indices must be in range, nothing may follow. Documentation stays in the bytes until somebody asks for it.
 */
import { AppError } from '@phalanx/primitives/errors'
import { concatBytes, parseUtf8, utf8 } from '@phalanx/primitives/bytes'
import { ByteReader, readLength } from '@phalanx/primitives/codec'
import type { Crypto } from '@phalanx/primitives/crypto'
import './errors.ts'

/** "meta", little endian. */
const MAGIC = 0x6174656d
const LIST_MAX = 100_000
const PRIMITIVES_COUNT = 15

/** A field of a composite or of a variant's case; `type` is the number of its type. */
export interface MetadataField {
  readonly name: string | undefined
  readonly type: number
}

/** One case of a variant. */
export interface MetadataVariant {
  readonly name: string
  readonly index: number
  readonly fields: readonly MetadataField[]
  docs(): string
}

/** Structure of a type; numbers refer to other types. `primitive` counts as scale-info does (0 bool … 14 i256). */
export type MetadataTypeDef =
  | { readonly kind: 'composite'; readonly fields: readonly MetadataField[] }
  | { readonly kind: 'variant'; readonly variants: readonly MetadataVariant[] }
  | { readonly kind: 'sequence'; readonly element: number }
  | { readonly kind: 'array'; readonly length: number; readonly element: number }
  | { readonly kind: 'tuple'; readonly elements: readonly number[] }
  | { readonly kind: 'primitive'; readonly primitive: number }
  | { readonly kind: 'compact'; readonly inner: number }
  | { readonly kind: 'bitSequence'; readonly store: number; readonly order: number }

/** One storage item; `type` is the value's type, `keys` those of a map's keys with their hashers. */
export interface MetadataStorage {
  readonly name: string
  readonly optional: boolean
  readonly hashers: readonly number[]
  readonly key: number | undefined
  readonly type: number
  readonly fallback: Uint8Array
}

interface MetadataPallet {
  readonly name: string
  readonly index: number
  readonly storagePrefix: string
  readonly storage: ReadonlyMap<string, MetadataStorage>
  readonly constants: ReadonlyMap<string, Uint8Array>
  readonly calls: number | undefined
  readonly events: number | undefined
  readonly errors: number | undefined
}

/** A module error or event found by its indices. */
export interface NamedVariant {
  readonly pallet: string
  readonly name: string
  readonly docs: string
}

/** Everything a client looks up in metadata. */
export interface MetadataIndex {
  readonly version: number
  readonly types: readonly MetadataTypeDef[]
  /** Transaction extensions in wire order. */
  readonly extensions: readonly string[]
  /** @throws SDK_METADATA_NAME_NOT_FOUND */
  call(pallet: string, name: string): { readonly pallet: number; readonly call: number; readonly fields: readonly MetadataField[] }
  /** @throws SDK_METADATA_NAME_NOT_FOUND */
  event(pallet: string, name: string): { readonly pallet: number; readonly event: number }
  /** Name of a module error, undefined when the chain declares none there. */
  error(palletIndex: number, errorIndex: number): NamedVariant | undefined
  /** @throws SDK_METADATA_NAME_NOT_FOUND */
  storage(pallet: string, item: string): MetadataStorage
  /** twox128(pallet prefix) ‖ twox128(item). @throws SDK_METADATA_NAME_NOT_FOUND */
  storagePrefix(pallet: string, item: string): Uint8Array
  /** Encoded value. @throws SDK_METADATA_NAME_NOT_FOUND */
  constant(pallet: string, name: string): Uint8Array
}

const malformed = (what: string): AppError => new AppError('SDK_METADATA_MALFORMED', { what })

/** Reads the shapes that recur in metadata. */
class MetadataReader {
  readonly input: ByteReader

  constructor(bytes: Uint8Array) {
    this.input = new ByteReader(bytes)
  }

  number(): number {
    return readLength(this.input, 0xffff_ffff)
  }

  list<T>(read: () => T): T[] {
    const count = readLength(this.input, LIST_MAX)
    const out: T[] = []
    for (let i = 0; i < count; i++) out.push(read())
    return out
  }

  optional<T>(read: () => T): T | undefined {
    const byte = this.input.u8()
    if (byte > 1) throw malformed(`an option begins with ${byte}`)
    return byte === 0 ? undefined : read()
  }

  text(): string {
    return parseUtf8(this.raw())
  }

  /** A length-prefixed run of bytes, as a view. */
  raw(): Uint8Array {
    const length = readLength(this.input, this.input.left)
    const at = this.input.offset
    if (length > this.input.left) throw malformed('it ends inside a value')
    this.input.offset = at + length
    return this.input.bytes.subarray(at, at + length)
  }

  /** Documentation lines, decoded when asked for. */
  docs(): () => string {
    const lines = this.list(() => this.raw())
    return () => lines.map((line) => parseUtf8(line).trim()).join(' ')
  }

  field = (): MetadataField => {
    const name = this.optional(() => this.text())
    const type = this.number()
    this.optional(() => this.raw())
    this.docs()
    return { name, type }
  }

  variant = (): MetadataVariant => {
    const name = this.text()
    const fields = this.list(this.field)
    const index = this.input.u8()
    return { name, fields, index, docs: this.docs() }
  }

  typeDef(): MetadataTypeDef {
    const kind = this.input.u8()
    switch (kind) {
      case 0: return { kind: 'composite', fields: this.list(this.field) }
      case 1: return { kind: 'variant', variants: this.list(this.variant) }
      case 2: return { kind: 'sequence', element: this.number() }
      case 3: return { kind: 'array', length: this.input.u32(), element: this.number() }
      case 4: return { kind: 'tuple', elements: this.list(() => this.number()) }
      case 5: {
        const primitive = this.input.u8()
        if (primitive >= PRIMITIVES_COUNT) throw malformed(`no primitive has the number ${primitive}`)
        return { kind: 'primitive', primitive }
      }
      case 6: return { kind: 'compact', inner: this.number() }
      case 7: return { kind: 'bitSequence', store: this.number(), order: this.number() }
      default: throw malformed(`no type definition has the number ${kind}`)
    }
  }

  /** The type registry; types are numbered in order. */
  types(): MetadataTypeDef[] {
    const types: MetadataTypeDef[] = []
    this.list(() => {
      if (this.number() !== types.length) throw malformed('types are not numbered in order')
      this.list(() => this.raw())
      this.list(() => [this.raw(), this.optional(() => this.number())])
      types.push(this.typeDef())
      this.docs()
    })
    return types
  }

  storageEntry = (): MetadataStorage => {
    const name = this.text()
    const modifier = this.input.u8()
    if (modifier > 1) throw malformed(`storage item ${name} has the modifier ${modifier}`)
    const kind = this.input.u8()
    if (kind > 1) throw malformed(`storage item ${name} is of the kind ${kind}`)
    const hashers = kind === 0 ? [] : this.list(() => this.input.u8())
    const key = kind === 0 ? undefined : this.number()
    const type = this.number()
    const fallback = this.raw().slice()
    this.docs()
    return { name, optional: modifier === 0, hashers, key, type, fallback }
  }

  pallet = (withDocs: boolean): MetadataPallet => {
    const name = this.text()
    const storage = this.optional(() => ({ prefix: this.text(), entries: this.list(this.storageEntry) }))
    const calls = this.optional(() => this.number())
    const events = this.optional(() => this.number())
    const constants = this.list(() => {
      const constant = this.text()
      this.number()
      const value = this.raw().slice()
      this.docs()
      return [constant, value] as const
    })
    const errors = this.optional(() => this.number())
    const index = this.input.u8()
    if (withDocs) this.docs()
    return {
      name, index, calls, events, errors,
      storagePrefix: storage?.prefix ?? name,
      storage: new Map((storage?.entries ?? []).map((entry) => [entry.name, entry])),
      constants: new Map(constants),
    }
  }

  /** Names of the transaction extensions; the extrinsic part ends with them in both versions. */
  extensions(version: number): string[] {
    if (version === 14) {
      this.number()
      this.input.u8()
    } else {
      this.input.u8()
      for (let i = 0; i < 4; i++) this.number()
    }
    return this.list(() => {
      const name = this.text()
      this.number()
      this.number()
      return name
    })
  }

  /** What follows the extrinsic part: the runtime's type, then in version 15 runtime APIs, outer enums and custom values. */
  rest(version: number): void {
    this.number()
    if (version === 14) return
    this.list(() => {
      this.raw()
      this.list(() => {
        this.raw()
        this.list(() => [this.raw(), this.number()])
        this.number()
        this.docs()
      })
      this.docs()
    })
    for (let i = 0; i < 3; i++) this.number()
    this.list(() => [this.raw(), this.number(), this.raw()])
  }
}

const casesOf = (types: readonly MetadataTypeDef[], type: number | undefined): readonly MetadataVariant[] => {
  if (type === undefined) return []
  const def = types[type]
  if (def?.kind !== 'variant') throw malformed(`type ${type} should be a variant`)
  return def.variants
}

const notFound = (what: string, name: string): AppError => new AppError('SDK_METADATA_NAME_NOT_FOUND', { what, name })

/**
 * Reads metadata as `state_getMetadata` returns it.
 * @throws SDK_METADATA_UNSUPPORTED, SDK_METADATA_MALFORMED, CODEC_ codes
 */
export const createMetadataIndex = (bytes: Uint8Array, crypto: Pick<Crypto, 'twox128'>): MetadataIndex => {
  const reader = new MetadataReader(bytes)
  if (reader.input.u32() !== MAGIC) throw malformed('it does not begin with "meta"')
  const version = reader.input.u8()
  if (version !== 14 && version !== 15) throw new AppError('SDK_METADATA_UNSUPPORTED', { version })
  const types = reader.types()
  const pallets = reader.list(() => reader.pallet(version === 15))
  const extensions = reader.extensions(version)
  reader.rest(version)
  reader.input.finish()
  const byName = new Map(pallets.map((pallet) => [pallet.name, pallet]))
  const byIndex = new Map(pallets.map((pallet) => [pallet.index, pallet]))
  const palletOf = (name: string): MetadataPallet => {
    const pallet = byName.get(name)
    if (pallet === undefined) throw notFound('pallet', name)
    return pallet
  }
  const find = (what: string, pallet: string, name: string, type: number | undefined): MetadataVariant => {
    const found = casesOf(types, type).find((candidate) => candidate.name === name)
    if (found === undefined) throw notFound(what, `${pallet}.${name}`)
    return found
  }
  const storage = (pallet: string, item: string): MetadataStorage => {
    const found = palletOf(pallet).storage.get(item)
    if (found === undefined) throw notFound('storage item', `${pallet}.${item}`)
    return found
  }
  return {
    version, types, extensions, storage,
    call(pallet, name) {
      const { index, calls } = palletOf(pallet)
      const found = find('call', pallet, name, calls)
      return { pallet: index, call: found.index, fields: found.fields }
    },
    event(pallet, name) {
      const { index, events } = palletOf(pallet)
      return { pallet: index, event: find('event', pallet, name, events).index }
    },
    error(palletIndex, errorIndex) {
      const pallet = byIndex.get(palletIndex)
      const found = pallet === undefined ? undefined : casesOf(types, pallet.errors).find(({ index }) => index === errorIndex)
      return pallet === undefined || found === undefined ? undefined : { pallet: pallet.name, name: found.name, docs: found.docs() }
    },
    storagePrefix(pallet, item) {
      storage(pallet, item)
      return concatBytes(crypto.twox128(utf8(palletOf(pallet).storagePrefix)), crypto.twox128(utf8(item)))
    },
    constant(pallet, name) {
      const found = palletOf(pallet).constants.get(name)
      if (found === undefined) throw notFound('constant', `${pallet}.${name}`)
      return found
    },
  }
}
