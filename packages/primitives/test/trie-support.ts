/** Owns what the trie's tests share: a slow trie root written from the specification, key generators, a store in memory. */
import { blake2b } from '@noble/hashes/blake2.js'
import fc from 'fast-check'
import { bytesToKey, compareBytes, concatBytes, keyToBytes } from '../src/bytes.ts'
import { AppError } from '../src/errors.ts'
import type { Commit, NodeStore, StateVersion, Trie } from '../src/trie/index.ts'

/** blake2b-256 from another library than the one the product uses. */
export const nobleCrypto = { blake2b256: (message: Uint8Array): Uint8Array => blake2b(message, { dkLen: 32 }) }

/** An entry of the slow trie with the state version it was written under. */
export interface NaiveEntry {
  readonly key: Uint8Array
  readonly value: Uint8Array
  readonly version: StateVersion
}

const toNibbles = (key: Uint8Array): number[] => [...key].flatMap((byte) => [byte >> 4, byte & 15])

const naiveCompact = (length: number): number[] => {
  if (length < 64) return [length << 2]
  if (length < 16384) return [((length << 2) & 255) | 1, length >> 6]
  return [((length << 2) & 255) | 2, (length >> 6) & 255, (length >> 14) & 255, (length >> 22) & 255]
}

const naiveHead = (prefix: number, bits: number, nibbles: readonly number[]): number[] => {
  const most = 2 ** bits - 1
  const out: number[] = []
  if (nibbles.length < most) out.push(prefix + nibbles.length)
  else {
    out.push(prefix + most)
    let rest = nibbles.length - most
    while (rest >= 255) {
      out.push(255)
      rest -= 255
    }
    out.push(rest)
  }
  const padded = nibbles.length % 2 === 1 ? [0, ...nibbles] : nibbles
  for (let i = 0; i < padded.length; i += 2) out.push((padded[i] as number) * 16 + (padded[i + 1] as number))
  return out
}

interface NibbleEntry {
  readonly path: readonly number[]
  readonly value: Uint8Array
  readonly isHashed: boolean
}

const naiveNode = (entries: readonly NibbleEntry[]): Uint8Array => {
  const first = entries[0] as NibbleEntry
  let shared = first.path.length
  for (const { path } of entries) {
    let at = 0
    while (at < shared && path[at] === first.path[at]) at++
    shared = at
  }
  const own = entries.find(({ path }) => path.length === shared)
  const partial = first.path.slice(0, shared)
  const value = own === undefined ? [] : own.isHashed ? [...nobleCrypto.blake2b256(own.value)] : [...naiveCompact(own.value.length), ...own.value]
  if (entries.length === 1) return Uint8Array.from([...(own?.isHashed === true ? naiveHead(0x20, 5, partial) : naiveHead(0x40, 6, partial)), ...value])
  const head = own === undefined ? naiveHead(0x80, 6, partial) : own.isHashed ? naiveHead(0x10, 4, partial) : naiveHead(0xc0, 6, partial)
  let bitmap = 0
  const children: Uint8Array[] = []
  for (let slot = 0; slot < 16; slot++) {
    const below = entries.filter(({ path }) => path[shared] === slot)
    if (below.length === 0) continue
    bitmap |= 1 << slot
    const node = naiveNode(below.map((entry) => ({ ...entry, path: entry.path.slice(shared + 1) })))
    const reference = node.length < 32 ? node : nobleCrypto.blake2b256(node)
    children.push(Uint8Array.from([reference.length << 2, ...reference]))
  }
  return concatBytes(Uint8Array.from([...head, bitmap & 255, bitmap >> 8, ...value]), ...children)
}

/** Root of a set of entries, by the book. */
export const naiveRoot = (entries: readonly NaiveEntry[]): Uint8Array =>
  nobleCrypto.blake2b256(
    entries.length === 0
      ? Uint8Array.of(0)
      : naiveNode(entries.map(({ key, value, version }) => ({ path: toNibbles(key), value, isHashed: version === 1 && value.length > 32 }))),
  )

/** A plain map with byte keys, ordered when listed. */
export class ModelMap {
  readonly map: Map<string, { value: Uint8Array; version: StateVersion }>

  constructor(map: ReadonlyMap<string, { value: Uint8Array; version: StateVersion }> = new Map()) {
    this.map = new Map(map)
  }

  apply(changes: readonly (readonly [Uint8Array, Uint8Array | undefined])[], version: StateVersion): ModelMap {
    const next = new ModelMap(this.map)
    for (const [key, value] of changes)
      if (value === undefined) next.map.delete(bytesToKey(key))
      else next.map.set(bytesToKey(key), { value, version })
    return next
  }

  get(key: Uint8Array): Uint8Array | undefined {
    return this.map.get(bytesToKey(key))?.value
  }

  entries(): NaiveEntry[] {
    return [...this.map].map(([key, entry]) => ({ key: keyToBytes(key), ...entry })).sort((a, b) => compareBytes(a.key, b.key))
  }
}

/** Keys that collide often: few nibbles, nested prefixes, and long shared beginnings that need long partial keys. */
export const keys: fc.Arbitrary<Uint8Array> = fc.oneof(
  { weight: 6, arbitrary: fc.array(fc.constantFrom(0x00, 0x01, 0x0f, 0x10, 0x11, 0xff), { maxLength: 4 }).map((bytes) => Uint8Array.from(bytes)) },
  { weight: 3, arbitrary: fc.tuple(fc.constantFrom(7, 8, 15, 16, 31, 32, 160), fc.array(fc.constantFrom(0xaa, 0xab, 0xba), { minLength: 1, maxLength: 3 })).map(([length, tail]) => concatBytes(new Uint8Array(length).fill(0xaa), Uint8Array.from(tail))) },
  { weight: 1, arbitrary: fc.uint8Array({ minLength: 32, maxLength: 32 }) },
)

/** Values around every limit of the encoding. */
export const values: fc.Arbitrary<Uint8Array> = fc.oneof(
  { weight: 8, arbitrary: fc.tuple(fc.constantFrom(0, 1, 2, 4, 20, 29, 30, 31, 32, 33, 40, 63, 64), fc.nat(3)).map(([length, fill]) => new Uint8Array(length).fill(fill)) },
  { weight: 1, arbitrary: fc.constantFrom(300, 16383, 16384).map((length) => new Uint8Array(length).fill(9)) },
)

/** One batch: unique keys in any order. */
export const changes: fc.Arbitrary<[Uint8Array, Uint8Array | undefined][]> = fc.uniqueArray(
  fc.tuple(keys, fc.option(values, { nil: undefined, freq: 3 })),
  { maxLength: 12, selector: ([key]) => bytesToKey(key) },
)

/** Several batches. */
export const batches = fc.array(changes, { minLength: 1, maxLength: 6 })

/** A state version. */
export const versions = fc.constantFrom<StateVersion>(0, 1)

/** Records in memory. */
export class MemoryStore implements NodeStore {
  readonly records = new Map<bigint, Uint8Array>()
  loads = 0

  load(id: bigint): Uint8Array {
    this.loads++
    const bytes = this.records.get(id)
    if (bytes === undefined) throw new AppError('TRIE_NODE_MISSING', { id: String(id) })
    return bytes
  }

  /** Writes what a commit created; drops nothing. */
  write(commit: Commit): Trie {
    for (const { id, bytes } of commit.created) this.records.set(id, bytes)
    return commit.trie
  }
}
