/**
 * Owns the writes of a running block over an immutable state: nested layers that commit or roll back, ordered iteration,
 * decoded values kept beside their bytes. Keys are strings with one character per byte (cheap to hash, ordered like the bytes).
 * Does not know what the keys mean (storage.ts does).
 */
import { assert } from '@phalanx/primitives/assert'
import { bytesEqual, keyToBytes } from '@phalanx/primitives/bytes'
import type { Codec } from '@phalanx/primitives/codec'
import type { Crypto } from '@phalanx/primitives/crypto'
import type { State, StateChanges } from '@phalanx/primitives/trie'
import { AppError } from '@phalanx/primitives/errors'

/** Hashes that storage keys are made of. */
export type KeyHasher = Pick<Crypto, 'twox64' | 'twox128' | 'twox256' | 'blake2b128' | 'blake2b256'>

/** Deepest nesting of transactional layers, as the reference chain has it. */
export const LAYERS_MAX = 255

/** The part of a state that an overlay reads. */
export type BaseState = Pick<State, 'get' | 'keys'>

/** Whatever carries an overlay: every context of the runtime does. */
export interface StorageHost {
  readonly storage: Overlay
}

interface Entry {
  /** Undefined for a deferred value that nobody asked the bytes of yet, and for ABSENT. */
  bytes: Uint8Array | undefined
  /** Decoded form, valid for `codec` only. */
  value: unknown
  codec: Codec<unknown> | undefined
}

type Undo = { readonly key: string; readonly entry: Entry | undefined } | (() => void)

const ABSENT: Entry = { bytes: undefined, value: undefined, codec: undefined }
const CHUNK = 4096

const bytesOf = (entry: Entry): Uint8Array | undefined => {
  if (entry === ABSENT) return undefined
  return (entry.bytes ??= (entry.codec as Codec<unknown>).encode(entry.value))
}

/** Key string of bytes. */
export const toKey = (bytes: Uint8Array): string => {
  if (bytes.length <= CHUNK) return String.fromCharCode.apply(null, bytes as unknown as number[])
  let out = ''
  for (let at = 0; at < bytes.length; at += CHUNK) out += toKey(bytes.subarray(at, at + CHUNK))
  return out
}

const RECENT = 4

/** Full keys of one map by the bytes of its key: the last few by content, all by their text. */
class KeyMemo {
  private readonly byText = new Map<string, string>()
  private readonly raws: Uint8Array[] = []
  private readonly keys: string[] = []
  private next = 0

  /** The storage key for key bytes; `make` computes it once. */
  find(raw: Uint8Array, make: (raw: Uint8Array) => string): string {
    for (let i = 0; i < this.raws.length; i++) {
      if (bytesEqual(this.raws[i] as Uint8Array, raw)) return this.keys[i] as string
    }
    const text = toKey(raw)
    let key = this.byText.get(text)
    if (key === undefined) this.byText.set(text, (key = make(raw)))
    this.raws[this.next] = raw.slice()
    this.keys[this.next] = key
    this.next = (this.next + 1) % RECENT
    return key
  }
}

/** Writes over a state. Values handed in and out are shared: treat them as immutable. */
export class Overlay {
  readonly hasher: KeyHasher
  private readonly base: BaseState
  private readonly written = new Map<string, Entry>()
  private readonly seen = new Map<string, Entry>()
  private readonly memos = new Map<object, KeyMemo>()
  private readonly transients = new Map<object, unknown>()
  private readonly journal: Undo[] = []
  private readonly layers: number[] = []

  constructor(base: BaseState, hasher: KeyHasher) {
    this.base = base
    this.hasher = hasher
  }

  /** Memo of a storage map's keys, for the life of this overlay. */
  memoOf(item: object): KeyMemo {
    let found = this.memos.get(item)
    if (found === undefined) this.memos.set(item, (found = new KeyMemo()))
    return found
  }

  private lookup(key: string): Entry {
    const own = this.written.get(key) ?? this.seen.get(key)
    if (own !== undefined) return own
    const bytes = this.base.get(keyToBytes(key))
    const entry: Entry = bytes === undefined ? ABSENT : { bytes, value: undefined, codec: undefined }
    this.seen.set(key, entry)
    return entry
  }

  private store(key: string, entry: Entry): void {
    if (this.layers.length > 0) this.journal.push({ key, entry: this.written.get(key) })
    this.written.set(key, entry)
  }

  /** Bytes under a key. */
  get(key: string): Uint8Array | undefined {
    return bytesOf(this.lookup(key))
  }

  /** Whether there is anything under a key. */
  has(key: string): boolean {
    return this.lookup(key) !== ABSENT
  }

  /** Sets the bytes under a key; undefined removes. */
  set(key: string, bytes: Uint8Array | undefined): void {
    this.store(key, bytes === undefined ? ABSENT : { bytes, value: undefined, codec: undefined })
  }

  /** Decoded value under a key; `item` names it in the error. @throws STATE_CORRUPT */
  read<T>(key: string, codec: Codec<T>, item: string): T | undefined {
    const entry = this.lookup(key)
    if (entry === ABSENT) return undefined
    if (entry.codec === codec) return entry.value as T
    try {
      entry.value = codec.decode(bytesOf(entry) as Uint8Array)
    } catch (cause) {
      throw new AppError('STATE_CORRUPT', { item }, { cause })
    }
    entry.codec = codec as Codec<unknown>
    return entry.value as T
  }

  /** Encodes and sets a value. A deferred one is encoded when its bytes are needed: only for values that cannot fail to encode. */
  write<T>(key: string, codec: Codec<T>, value: T, deferred = false): void {
    this.store(key, { bytes: deferred ? undefined : codec.encode(value), value, codec: codec as Codec<unknown> })
  }

  /** Present keys that begin with `prefix` and come after `after`, ascending. Keys written while iterating are not visited; removed ones are skipped. */
  *keys(prefix: string, after = ''): Generator<string> {
    const added: string[] = []
    for (const [key, entry] of this.written) {
      if (entry !== ABSENT && key.startsWith(prefix) && key > after) added.push(key)
    }
    added.sort((a, b) => (a < b ? -1 : 1))
    let next = 0
    const stored = this.base.keys(keyToBytes(prefix), after === '' ? {} : { after: keyToBytes(after) })
    for (const bytes of stored) {
      const key = toKey(bytes)
      while (next < added.length && (added[next] as string) < key) yield* this.present(added[next++] as string)
      if (added[next] === key) next++
      yield* this.present(key)
    }
    while (next < added.length) yield* this.present(added[next++] as string)
  }

  private *present(key: string): Generator<string> {
    if (this.written.get(key) !== ABSENT) yield key
  }

  /** Value of an item that lives for one block and is not part of the state; rolls back like storage does. */
  transient<T>(item: object): T | undefined {
    return this.transients.get(item) as T | undefined
  }

  setTransient<T>(item: object, value: T): void {
    const previous = this.transients.get(item)
    if (this.layers.length > 0) this.journal.push(() => this.transients.set(item, previous))
    this.transients.set(item, value)
  }

  /** Appends to a transient list without copying it. */
  appendTransient<T>(item: object, value: T): void {
    let list = this.transients.get(item) as T[] | undefined
    if (list === undefined) this.transients.set(item, (list = []))
    const kept = list
    const length = kept.length
    if (this.layers.length > 0) this.journal.push(() => { kept.length = length })
    kept.push(value)
  }

  /** Runs `undo` if the layer that is innermost now, or one around it, is taken back. */
  onRollback(undo: () => void): void {
    if (this.layers.length > 0) this.journal.push(undo)
  }

  /** Number of open layers. */
  get depth(): number {
    return this.layers.length
  }

  /** Opens a layer. */
  begin(): void {
    this.layers.push(this.journal.length)
  }

  /** Keeps the innermost layer's writes. */
  commit(): void {
    const mark = this.layers.pop()
    assert(mark !== undefined, 'a layer is open')
    if (this.layers.length === 0) this.journal.length = 0
  }

  /** Takes the innermost layer's writes back. */
  rollback(): void {
    const mark = this.layers.pop()
    assert(mark !== undefined, 'a layer is open')
    while (this.journal.length > mark) {
      const undo = this.journal.pop() as Undo
      if (typeof undo === 'function') undo()
      else if (undo.entry === undefined) this.written.delete(undo.key)
      else this.written.set(undo.key, undo.entry)
    }
  }

  /** Everything written, ascending by key; removals of keys that the state never had are left out. */
  changes(): StateChanges {
    assert(this.layers.length === 0, 'no layer is open')
    const keys = [...this.written.keys()].sort((a, b) => (a < b ? -1 : 1))
    const out: (readonly [Uint8Array, Uint8Array | undefined])[] = []
    for (const key of keys) {
      const bytes = keyToBytes(key)
      const value = bytesOf(this.written.get(key) as Entry)
      if (value === undefined && this.base.get(bytes) === undefined) continue
      out.push([bytes, value])
    }
    return out
  }
}

/** Starts an overlay over a state. */
export const createOverlay = (options: { readonly state: BaseState }, dependencies: { readonly crypto: KeyHasher }): Overlay =>
  new Overlay(options.state, dependencies.crypto)
