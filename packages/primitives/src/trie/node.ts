/**
 * Owns the node in memory and its record in a store. A node is immutable but for caches: its encoding, and children that
 * are loaded or forgotten. It knows its absolute place (`key`, `start`, `end`), so a moved node is another node.
 */
import { assert } from '../assert.ts'
import { bytesEqual } from '../bytes.ts'
import type { Crypto } from '../crypto/crypto.ts'
import { AppError } from '../errors.ts'
import { KEY_LENGTH_MAX, nibbleAt } from './nibbles.ts'
import { childReferenceAt, decodeNode, HASH_LENGTH, partialNibbleAt, type NodeLayout } from './node-codec.ts'

/** The one operation the trie needs. */
export type TrieCrypto = Pick<Crypto, 'blake2b256'>

/** Where the records of a committed trie are read back from. */
export interface NodeStore {
  /** Record that `commit` created under this id. @throws TRIE_NODE_MISSING */
  load(id: bigint): Uint8Array
}

/** What all snapshots grown from one trie share. */
export interface TrieContext {
  readonly crypto: TrieCrypto
  readonly store: NodeStore | undefined
  /** Buffer for encodings that live only until they are hashed. */
  scratch: Uint8Array
  /** Counts evictions; nodes remember in which epoch they were last used. */
  epoch: number
}

/** A child slot: a node, the id of a stored node that is not loaded, or nothing. */
export type Child = TrieNode | number | undefined

/** `dirty` of a node whose children all changed. */
export const ALL_CHILDREN = 0xffff
/** Bit of `dirty` that says the partial key or the value changed. */
export const OWN_PART = 0x10000

/** A leaf (no `children`) or a branch. */
export class TrieNode {
  /** Begins with the node's path. Exactly the path where the node has a value: then it is that entry's key. */
  readonly key: Uint8Array
  /** First nibble of the partial key, right behind the parent's slot. */
  readonly start: number
  /** Nibble behind the partial key: length of the path. */
  readonly end: number
  readonly value: Uint8Array | undefined
  /** The encoding holds the hash of the value in its place. */
  readonly isHashed: boolean
  /** 16 slots, undefined for a leaf. */
  readonly children: Child[] | undefined
  /** Number in the store, 0 before commit. */
  readonly id: number
  /** Encoding of a branch; stale where `dirty` is not 0. Holds the only copy of the children's Merkle values. */
  encoded: Uint8Array | undefined
  /** Bit n set: `encoded` does not hold child n's present Merkle value. */
  dirty: number
  /** Epoch of the last use. */
  touched: number

  constructor(parts: Omit<TrieNode, 'id'> & { readonly id?: number }) {
    this.key = parts.key
    this.start = parts.start
    this.end = parts.end
    this.value = parts.value
    this.isHashed = parts.isHashed
    this.children = parts.children
    this.id = parts.id ?? 0
    this.encoded = parts.encoded
    this.dirty = parts.dirty
    this.touched = parts.touched
  }
}

/** Id of the node in a slot, 0 where it has none. */
export const idOf = (child: Child): number => (typeof child === 'object' ? child.id : (child ?? 0))

const RECORD_FORMAT = 1
const ID_LENGTH = 8

/** Record of a stored node: format, length of the encoding, encoding, ids of the children in order, value where only its hash is encoded. */
export const encodeRecord = (encoded: Uint8Array, ids: readonly number[], value: Uint8Array | undefined): Uint8Array => {
  const out = new Uint8Array(5 + encoded.length + ID_LENGTH * ids.length + (value?.length ?? 0))
  const view = new DataView(out.buffer)
  out[0] = RECORD_FORMAT
  view.setUint32(1, encoded.length, true)
  out.set(encoded, 5)
  let at = 5 + encoded.length
  for (const id of ids) {
    view.setUint32(at, id % 2 ** 32, true)
    view.setUint32(at + 4, Math.floor(id / 2 ** 32), true)
    at += ID_LENGTH
  }
  if (value !== undefined) out.set(value, at)
  return out
}

const corrupt = (id: number, reason: string, cause?: unknown): AppError => new AppError('TRIE_NODE_CORRUPT', { id: String(id), reason }, { cause })

const decodeStored = (encoded: Uint8Array, id: number): NodeLayout => {
  try {
    return decodeNode(encoded)
  } catch (cause) {
    throw corrupt(id, 'the encoded node is malformed', cause)
  }
}

const readIds = (view: DataView, offset: number, bitmap: number, id: number): Child[] => {
  const children: Child[] = new Array<Child>(16).fill(undefined)
  let at = offset
  for (let slot = 0; slot < 16; slot++) {
    if ((bitmap & (1 << slot)) === 0) continue
    const child = view.getUint32(at, true) + view.getUint32(at + 4, true) * 2 ** 32
    if (child === 0 || !Number.isSafeInteger(child)) throw corrupt(id, 'the id of a child is out of range')
    children[slot] = child
    at += ID_LENGTH
  }
  return children
}

/** The path of a node from its parent's path, its slot and its partial key, as a key padded to whole bytes. */
const pathOf = (place: Place, bytes: Uint8Array, layout: NodeLayout): Uint8Array => {
  const end = place.start + layout.nibbles
  const key = new Uint8Array((end + 1) >> 1)
  if (place.start > 0) {
    key.set(place.parentKey.subarray(0, place.start >> 1))
    const last = place.start - 1
    key[last >> 1] = (last & 1) === 0 ? place.slot << 4 : (nibbleAt(place.parentKey, last - 1) << 4) | place.slot
  }
  for (let i = 0; i < layout.nibbles; i++) {
    const at = place.start + i
    const nibble = partialNibbleAt(bytes, layout, i)
    key[at >> 1] = (at & 1) === 0 ? nibble << 4 : (key[at >> 1] as number) | nibble
  }
  return key
}

/** Where a record belongs: which id, under which parent and slot, and which Merkle value it must have. */
export interface Place {
  readonly id: number
  readonly parentKey: Uint8Array
  readonly slot: number
  /** 0 for the root. */
  readonly start: number
  readonly merkleValue: Uint8Array
}

/** Whether `encoded` is what a Merkle value stands for. */
const matches = (context: TrieContext, encoded: Uint8Array, merkleValue: Uint8Array): boolean =>
  bytesEqual(merkleValue.length === HASH_LENGTH ? context.crypto.blake2b256(encoded) : encoded, merkleValue)

/** Loads a node and checks it against the Merkle value its parent holds. @throws TRIE_NODE_MISSING, TRIE_NODE_CORRUPT */
export const loadNode = (context: TrieContext, place: Place): TrieNode => {
  const { id } = place
  assert(context.store !== undefined, 'a trie with nodes that are not loaded has a store')
  const loaded = context.store.load(BigInt(id))
  // A plain view: `slice` of a Buffer would alias the store's memory.
  const record = new Uint8Array(loaded.buffer, loaded.byteOffset, loaded.length)
  const view = new DataView(record.buffer, record.byteOffset, record.length)
  if (record.length < 5 || record[0] !== RECORD_FORMAT) throw corrupt(id, 'the format is unknown')
  const encodedEnd = 5 + view.getUint32(1, true)
  if (encodedEnd > record.length) throw corrupt(id, 'it ends early')
  const encoded = record.slice(5, encodedEnd)
  if (!matches(context, encoded, place.merkleValue)) throw corrupt(id, 'it does not have the Merkle value its parent names')
  const layout = decodeStored(encoded, id)
  const end = place.start + layout.nibbles
  if (end > 2 * KEY_LENGTH_MAX || (layout.hasValue && (end & 1) === 1)) throw corrupt(id, 'the path has an impossible length')
  let at = encodedEnd
  let children: Child[] | undefined
  if (layout.isBranch) {
    const idsEnd = at + ID_LENGTH * countBits(layout.bitmap)
    if (idsEnd > record.length) throw corrupt(id, 'it ends early')
    children = readIds(view, at, layout.bitmap, id)
    at = idsEnd
  }
  if (!layout.isHashed && at !== record.length) throw corrupt(id, 'bytes follow it')
  const stated = encoded.slice(layout.valueAt, layout.valueAt + layout.valueLength)
  const value = !layout.hasValue ? undefined : layout.isHashed ? record.slice(at) : stated
  if (layout.isHashed && !bytesEqual(context.crypto.blake2b256(value as Uint8Array), stated)) throw corrupt(id, 'the value does not have its hash')
  return new TrieNode({
    key: pathOf(place, encoded, layout), start: place.start, end, value, isHashed: layout.isHashed, children, id,
    encoded: layout.isBranch ? encoded : undefined, dirty: 0, touched: context.epoch,
  })
}

const countBits = (bitmap: number): number => {
  let count = 0
  for (let rest = bitmap; rest !== 0; rest &= rest - 1) count++
  return count
}

/** Merkle value of a child as a branch's up-to-date encoding holds it (a view). */
export const childMerkleValue = (branch: TrieNode, slot: number): Uint8Array => {
  assert(branch.encoded !== undefined && (branch.dirty & (1 << slot)) === 0, 'the Merkle value of a changed child is not known yet')
  const at = childReferenceAt(branch.encoded, decodeNode(branch.encoded), slot)
  assert(at >= 0, 'the child exists')
  return branch.encoded.subarray(at + 1, at + 1 + ((branch.encoded[at] as number) >> 2))
}

/** The node in a slot, loaded where needed. */
export const childOf = (context: TrieContext, branch: TrieNode, slot: number): TrieNode | undefined => {
  const children = branch.children as Child[]
  const child = children[slot]
  if (typeof child !== 'number') return child
  const node = loadNode(context, {
    id: child, parentKey: branch.key, slot, start: branch.end + 1, merkleValue: childMerkleValue(branch, slot),
  })
  children[slot] = node
  return node
}
