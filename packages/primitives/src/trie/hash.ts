/** Owns the hashing of changed nodes: each one once, when a root is asked, reusing what the parent's old encoding holds. */
import { assert } from '../assert.ts'
import type { Child, TrieContext, TrieNode } from './node.ts'
import { copyInto, decodeNode, HASH_LENGTH, headLength, lengthPrefixLength, writeHead, writeLengthPrefix, type NodeShape } from './node-codec.ts'

const shapeOf = (node: TrieNode): NodeShape => ({ isBranch: node.children !== undefined, hasValue: node.value !== undefined, isHashed: node.isHashed })

const valueLength = (node: TrieNode): number =>
  node.value === undefined ? 0 : node.isHashed ? HASH_LENGTH : lengthPrefixLength(node.value.length) + node.value.length

const writeValue = (context: TrieContext, out: Uint8Array, offset: number, node: TrieNode): number => {
  if (node.value === undefined) return offset
  if (node.isHashed) return copyInto(out, offset, context.crypto.blake2b256(node.value))
  return copyInto(out, writeLengthPrefix(out, offset, node.value.length), node.value)
}

/** Encoding of a leaf, in the scratch buffer: valid until the next encoding. */
const encodeLeaf = (context: TrieContext, node: TrieNode): Uint8Array => {
  const shape = shapeOf(node)
  const length = headLength(shape, node.end - node.start) + valueLength(node)
  if (context.scratch.length < length) context.scratch = new Uint8Array(2 * length)
  writeValue(context, context.scratch, writeHead(context.scratch, shape, node), node)
  return context.scratch.subarray(0, length)
}

/** Merkle values of the changed children by slot. */
const hashChangedChildren = (context: TrieContext, node: TrieNode): (Uint8Array | undefined)[] => {
  const children = node.children as Child[]
  const fresh = new Array<Uint8Array | undefined>(16)
  for (let slot = 0; slot < 16; slot++) {
    const child = children[slot]
    if (child === undefined || (node.dirty & (1 << slot)) === 0) continue
    assert(typeof child === 'object', 'a changed child is in memory')
    fresh[slot] = merkleValueOf(context, child)
  }
  return fresh
}

/** Offsets of the references in a branch's old encoding by slot. */
const oldReferences = (encoded: Uint8Array): number[] => {
  const { bitmap, childrenAt } = decodeNode(encoded)
  const offsets = new Array<number>(16)
  let at = childrenAt
  for (let slot = 0; slot < 16; slot++) {
    offsets[slot] = at
    if ((bitmap & (1 << slot)) !== 0) at += 1 + ((encoded[at] as number) >> 2)
  }
  return offsets
}

/** The old encoding with new references in it, where nothing else differs, as in most writes; undefined where more does. */
const replaceReferences = (old: Uint8Array, fresh: readonly (Uint8Array | undefined)[], dirty: number): Uint8Array | undefined => {
  const layout = decodeNode(old)
  if ((dirty & ~layout.bitmap) !== 0) return undefined
  let at = layout.childrenAt
  let out: Uint8Array | undefined
  for (let slot = 0; dirty >> slot !== 0; slot++) {
    if ((layout.bitmap & (1 << slot)) === 0) continue
    const length = (old[at++] as number) >> 2
    if ((dirty & (1 << slot)) !== 0) {
      const value = fresh[slot]
      if (value?.length !== length) return undefined
      copyInto((out ??= old.slice()), at, value)
    }
    at += length
  }
  return out
}

/** Encoding of a branch, kept with it. */
const encodeBranch = (context: TrieContext, node: TrieNode): Uint8Array => {
  const old = node.encoded
  if (old !== undefined && node.dirty === 0) return old
  const fresh = hashChangedChildren(context, node)
  const replaced = old === undefined ? undefined : replaceReferences(old, fresh, node.dirty)
  node.encoded = replaced ?? composeBranch(context, node, fresh)
  node.dirty = 0
  return node.encoded
}

/** Encoding of a branch from its parts: old references where they still hold, fresh ones where not. */
const composeBranch = (context: TrieContext, node: TrieNode, fresh: readonly (Uint8Array | undefined)[]): Uint8Array => {
  const children = node.children as Child[]
  const old = node.encoded
  const offsets = old === undefined ? undefined : oldReferences(old)
  const shape = shapeOf(node)
  let length = headLength(shape, node.end - node.start) + 2 + valueLength(node)
  let bitmap = 0
  for (let slot = 0; slot < 16; slot++) {
    if (children[slot] === undefined) continue
    bitmap |= 1 << slot
    length += 1 + (fresh[slot]?.length ?? ((old as Uint8Array)[(offsets as number[])[slot] as number] as number) >> 2)
  }
  const out = new Uint8Array(length)
  let at = writeHead(out, shape, node)
  out[at++] = bitmap & 255
  out[at++] = bitmap >> 8
  at = writeValue(context, out, at, node)
  for (let slot = 0; slot < 16; slot++) {
    if (children[slot] === undefined) continue
    const value = fresh[slot]
    if (value !== undefined) {
      out[at++] = value.length << 2
      at = copyInto(out, at, value)
    } else {
      let from = (offsets as number[])[slot] as number
      const end = from + 1 + (((old as Uint8Array)[from] as number) >> 2)
      while (from < end) out[at++] = (old as Uint8Array)[from++] as number
    }
  }
  return out
}

/** Encoding of a node; that of a leaf is valid until the next call. */
export const encodeNode = (context: TrieContext, node: TrieNode): Uint8Array =>
  node.children === undefined ? encodeLeaf(context, node) : encodeBranch(context, node)

/** What a parent holds of a node: its hash, or a copy of its encoding where that is shorter. */
const merkleValueOf = (context: TrieContext, node: TrieNode): Uint8Array => {
  const encoded = encodeNode(context, node)
  return encoded.length < HASH_LENGTH ? encoded.slice() : context.crypto.blake2b256(encoded)
}
