/**
 * Owns the bytes of one trie node as Substrate hashes and proves it: header, partial key, value, references to children.
 * Decoding is strict and touches each byte at most once; it works on a slice so that nodes inlined in their parent need no copy.
 */
import { AppError } from '../errors.ts'
import { nibbleAt } from './nibbles.ts'

/** Length of a hash and so of the longest reference to a child. */
export const HASH_LENGTH = 32
/** State version 1 keeps values longer than this outside the node. */
export const INLINE_VALUE_MAX = 32
/** Encoding of the trie without entries. */
export const EMPTY_NODE: Uint8Array = Uint8Array.of(0)

const LEAF = 0x40
const BRANCH = 0x80
const BRANCH_WITH_VALUE = 0xc0
const HASHED_LEAF = 0x20
const HASHED_BRANCH = 0x10

/** What a node's header says besides its partial key. */
export interface NodeShape {
  readonly isBranch: boolean
  readonly hasValue: boolean
  /** The node holds the hash of its value. */
  readonly isHashed: boolean
}

const headerOf = (shape: NodeShape): { prefix: number; most: number } => {
  if (shape.isHashed) return shape.isBranch ? { prefix: HASHED_BRANCH, most: 0x0f } : { prefix: HASHED_LEAF, most: 0x1f }
  return { prefix: !shape.isBranch ? LEAF : shape.hasValue ? BRANCH_WITH_VALUE : BRANCH, most: 0x3f }
}

/** Bytes that header and partial key take. */
export const headLength = (shape: NodeShape, nibbles: number): number => {
  const { most } = headerOf(shape)
  return 1 + (nibbles < most ? 0 : 1 + Math.floor((nibbles - most) / 255)) + ((nibbles + 1) >> 1)
}

/** Writes header and the nibbles `start` to `end` of `key`; returns the offset behind them. */
export const writeHead = (out: Uint8Array, shape: NodeShape, path: { readonly key: Uint8Array; readonly start: number; readonly end: number }): number => {
  const { prefix, most } = headerOf(shape)
  const { key, start, end } = path
  const nibbles = end - start
  let at = 0
  if (nibbles < most) out[at++] = prefix | nibbles
  else {
    out[at++] = prefix | most
    let rest = nibbles - most
    for (; rest >= 255; rest -= 255) out[at++] = 255
    out[at++] = rest
  }
  let from = start
  if ((nibbles & 1) === 1) out[at++] = nibbleAt(key, from++)
  if ((from & 1) === 0) for (; from < end; from += 2) out[at++] = key[from >> 1] as number
  else for (; from < end; from += 2) out[at++] = (((key[from >> 1] as number) & 15) << 4) | ((key[(from >> 1) + 1] as number) >> 4)
  return at
}

/** Bytes that a compact length prefix takes. */
export const lengthPrefixLength = (length: number): number => (length < 1 << 6 ? 1 : length < 1 << 14 ? 2 : 4)

/** Writes a compact length under 2^30; returns the offset behind it. */
export const writeLengthPrefix = (out: Uint8Array, offset: number, length: number): number => {
  const size = lengthPrefixLength(length)
  let rest = length * 4 + (size === 4 ? 2 : size - 1)
  for (let i = 0; i < size; i++) {
    out[offset + i] = rest % 256
    rest = Math.floor(rest / 256)
  }
  return offset + size
}

/** Copies bytes; short ones faster than `set`. */
export const copyInto = (out: Uint8Array, offset: number, bytes: Uint8Array): number => {
  const { length } = bytes
  if (length > 128) out.set(bytes, offset)
  else for (let i = 0; i < length; i++) out[offset + i] = bytes[i] as number
  return offset + length
}

/** Where the parts of an encoded node stand; offsets count from the start of the whole array. */
export interface NodeLayout extends NodeShape {
  /** Length of the partial key; an odd one has its first nibble alone in the low half of the first byte. */
  readonly nibbles: number
  readonly partialAt: number
  /** The value, or its hash where `isHashed`; meaningless without value. */
  readonly valueAt: number
  readonly valueLength: number
  /** Bit n set: there is a child n. Zero for a leaf. */
  readonly bitmap: number
  /** The references one after another: a byte with four times the length, then the hash or the inlined node. */
  readonly childrenAt: number
}

const malformed = (reason: string): AppError => new AppError('TRIE_NODE_MALFORMED', { reason })

/** Reads forward through a slice of a node. */
class Scanner {
  readonly bytes: Uint8Array
  readonly end: number
  at: number

  constructor(bytes: Uint8Array, from: number, end: number) {
    this.bytes = bytes
    this.at = from
    this.end = end
  }

  byte(): number {
    if (this.at >= this.end) throw malformed('it ends early')
    return this.bytes[this.at++] as number
  }

  skip(count: number): number {
    if (count > this.end - this.at) throw malformed('it ends early')
    const { at } = this
    this.at += count
    return at
  }

  length(): number {
    const first = this.byte()
    const mode = first & 3
    if (mode === 0) return first >> 2
    if (mode === 3) throw malformed('a length is out of range')
    let value = first >> 2
    if (mode === 1) value += this.byte() * 2 ** 6
    else value += this.byte() * 2 ** 6 + this.byte() * 2 ** 14 + this.byte() * 2 ** 22
    if (value < (mode === 1 ? 1 << 6 : 1 << 14)) throw malformed('a length is not in its shortest form')
    return value
  }
}

const readShape = (first: number): NodeShape & { readonly most: number } => {
  if (first >= 0x40) return { isBranch: first >= BRANCH, hasValue: first < BRANCH || first >= BRANCH_WITH_VALUE, isHashed: false, most: 0x3f }
  if (first >= HASHED_LEAF) return { isBranch: false, hasValue: true, isHashed: true, most: 0x1f }
  if (first >= HASHED_BRANCH) return { isBranch: true, hasValue: true, isHashed: true, most: 0x0f }
  throw malformed('the header is unknown')
}

const readPartial = (input: Scanner, first: number, most: number): { nibbles: number; partialAt: number } => {
  let nibbles = first & most
  if (nibbles === most) {
    let more = 255
    while (more === 255) {
      more = input.byte()
      nibbles += more
      if (nibbles > 0xffff) throw malformed('the partial key is too long')
    }
  }
  const partialAt = input.skip((nibbles + 1) >> 1)
  if ((nibbles & 1) === 1 && (input.bytes[partialAt] as number) > 15) throw malformed('the padding is not zero')
  return { nibbles, partialAt }
}

const skipChildren = (input: Scanner, bitmap: number): number => {
  let count = 0
  for (let rest = bitmap; rest !== 0; rest &= rest - 1) {
    const prefix = input.byte()
    if ((prefix & 3) !== 0 || prefix === 0 || prefix > 4 * HASH_LENGTH) throw malformed('a reference to a child has a wrong length')
    input.skip(prefix >> 2)
    count++
  }
  return count
}

/** Finds the parts of the node that fills `bytes` from `from` to `end`; the empty node is not one. @throws TRIE_NODE_MALFORMED */
export const decodeNode = (bytes: Uint8Array, from = 0, end = bytes.length): NodeLayout => {
  const input = new Scanner(bytes, from, end)
  const first = input.byte()
  const { isBranch, hasValue, isHashed, most } = readShape(first)
  const { nibbles, partialAt } = readPartial(input, first, most)
  const bitmap = isBranch ? input.byte() + input.byte() * 256 : 0
  const valueLength = !hasValue ? 0 : isHashed ? HASH_LENGTH : input.length()
  const valueAt = input.skip(valueLength)
  const childrenAt = input.at
  const count = skipChildren(input, bitmap)
  if (isBranch && count + (hasValue ? 1 : 0) < 2) throw malformed('a branch leads nowhere')
  if (input.at !== end) throw malformed('bytes follow it')
  return { isBranch, hasValue, isHashed, nibbles, partialAt, valueAt, valueLength, bitmap, childrenAt }
}

/** Offset of the length byte of child `slot`'s reference, or -1 where there is no such child. */
export const childReferenceAt = (bytes: Uint8Array, layout: NodeLayout, slot: number): number => {
  if ((layout.bitmap & (1 << slot)) === 0) return -1
  let at = layout.childrenAt
  for (let i = 0; i < slot; i++) if ((layout.bitmap & (1 << i)) !== 0) at += 1 + ((bytes[at] as number) >> 2)
  return at
}

/** Nibble `index` of an encoded node's partial key. */
export const partialNibbleAt = (bytes: Uint8Array, layout: NodeLayout, index: number): number => {
  const position = index + (layout.nibbles & 1)
  const byte = bytes[layout.partialAt + (position >> 1)] as number
  return (position & 1) === 0 ? byte >> 4 : byte & 15
}
