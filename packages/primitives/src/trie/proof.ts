/**
 * Owns the reading of state proofs. Every node is checked by its hash from the root down, every node must be reachable, and
 * what a proof does not cover is an error, never "absent". Work is linear in the bytes of the proof.
 */
import { bytesEqual, bytesToKey } from '../bytes.ts'
import { AppError } from '../errors.ts'
import { KEY_LENGTH_MAX, nibbleAt } from './nibbles.ts'
import { childReferenceAt, decodeNode, EMPTY_NODE, HASH_LENGTH, partialNibbleAt, type NodeLayout } from './node-codec.ts'
import type { TrieCrypto } from './node.ts'

/** Answers from a proof. */
export interface ProofReader {
  /** Proven value, or undefined where absence is proven. @throws TRIE_PROOF_INCOMPLETE */
  get(key: Uint8Array): Uint8Array | undefined
  /**
   * Every entry whose key begins with `prefix`, ascending, proven to be all of them.
   * A proof of all keys of a prefix, or of the prefix itself where there are none, covers it. @throws TRIE_PROOF_INCOMPLETE
   */
  entries(prefix: Uint8Array): readonly (readonly [Uint8Array, Uint8Array])[]
}

/** An encoded node inside the bytes that hold it: its own, or its parent's. */
interface ProofNode {
  readonly bytes: Uint8Array
  readonly layout: NodeLayout
}

/** A reference as it stands in a node: the hash of a proof item, or an inlined node. */
type Reference = { readonly kind: 'hash'; readonly value: string } | { readonly kind: 'inline'; readonly value: ProofNode }

const invalid = (reason: string, cause?: unknown): AppError => new AppError('TRIE_PROOF_INVALID', { reason }, { cause })

const decodeProofNode = (bytes: Uint8Array, from: number, end: number): ProofNode => {
  try {
    return { bytes, layout: decodeNode(bytes, from, end) }
  } catch (cause) {
    throw invalid('a node is malformed', cause)
  }
}

const referenceAt = (bytes: Uint8Array, offset: number): Reference => {
  const end = offset + 1 + ((bytes[offset] as number) >> 2)
  return end - offset - 1 === HASH_LENGTH
    ? { kind: 'hash', value: bytesToKey(bytes.subarray(offset + 1, end)) }
    : { kind: 'inline', value: decodeProofNode(bytes, offset + 1, end) }
}

const valueOf = ({ bytes, layout }: ProofNode): Uint8Array => bytes.slice(layout.valueAt, layout.valueAt + layout.valueLength)

/** Hashes that a node refers to: of nodes, through nodes inlined in it too, and of a value. */
const collectReferences = (node: ProofNode, found: { nodes: string[]; values: string[] }): void => {
  const { bytes, layout } = node
  if (layout.isHashed) found.values.push(bytesToKey(valueOf(node)))
  let at = layout.childrenAt
  for (let rest = layout.bitmap; rest !== 0; rest &= rest - 1) {
    const reference = referenceAt(bytes, at)
    if (reference.kind === 'hash') found.nodes.push(reference.value)
    else collectReferences(reference.value, found)
    at += 1 + ((bytes[at] as number) >> 2)
  }
}

/** Decodes every node that the root leads to. @throws TRIE_PROOF_INVALID where an item is malformed or nothing leads to it */
const decodeReachable = (items: ReadonlyMap<string, Uint8Array>, root: string): ReadonlyMap<string, ProofNode> => {
  const nodes = new Map<string, ProofNode>()
  const reached = new Set<string>()
  const open = [root]
  for (let hash = open.pop(); hash !== undefined; hash = open.pop()) {
    const bytes = items.get(hash)
    if (bytes === undefined || nodes.has(hash)) continue
    const node = decodeProofNode(bytes, 0, bytes.length)
    nodes.set(hash, node)
    reached.add(hash)
    const found: { nodes: string[]; values: string[] } = { nodes: [], values: [] }
    collectReferences(node, found)
    for (const child of found.nodes) open.push(child)
    for (const value of found.values) if (items.has(value)) reached.add(value)
  }
  if (reached.size !== items.size) throw invalid('the root does not lead to every node')
  return nodes
}

/** How many nibbles of a node's partial key stand in `key` from nibble `position` on. */
const sharedNibbles = ({ bytes, layout }: ProofNode, key: Uint8Array, position: number): number => {
  const most = Math.min(layout.nibbles, 2 * key.length - position)
  let shared = 0
  while (shared < most && partialNibbleAt(bytes, layout, shared) === nibbleAt(key, position + shared)) shared++
  return shared
}

/** Whether the partial key of a node stands in `key` at nibble `position`. */
const hasPartialAt = (node: ProofNode, key: Uint8Array, position: number): boolean => sharedNibbles(node, key, position) === node.layout.nibbles

/** A node and the nibbles that lead to it, its own partial key not among them. */
interface Visit {
  readonly node: ProofNode
  readonly path: readonly number[]
}

const packNibbles = (path: readonly number[]): Uint8Array => {
  if (path.length % 2 !== 0) throw invalid('a value stands inside a byte')
  return Uint8Array.from({ length: path.length / 2 }, (_, i) => ((path[2 * i] as number) << 4) | (path[2 * i + 1] as number))
}

/** Ways through a proof. */
interface Walker {
  follow(reference: Reference): ProofNode
  valueIn(node: ProofNode): Uint8Array | undefined
}

/** The highest node at or below `key`; undefined where the proof shows that nothing begins so. */
const findTop = (walker: Walker, root: ProofNode, key: Uint8Array): Visit | undefined => {
  let node = root
  for (let position = 0; ; position++) {
    const shared = sharedNibbles(node, key, position)
    if (position + shared === 2 * key.length) return { node, path: Array.from({ length: position }, (_, i) => nibbleAt(key, i)) }
    if (shared < node.layout.nibbles) return undefined
    position += shared
    const offset = childReferenceAt(node.bytes, node.layout, nibbleAt(key, position))
    if (offset < 0) return undefined
    node = walker.follow(referenceAt(node.bytes, offset))
  }
}

/** Entries at and below a node in order. Keeps its own stack, so that no depth of nodes exhausts the caller's. */
const listEntries = (walker: Walker, top: Visit): (readonly [Uint8Array, Uint8Array])[] => {
  const found: (readonly [Uint8Array, Uint8Array])[] = []
  const open = [top]
  for (let visit = open.pop(); visit !== undefined; visit = open.pop()) {
    const { node } = visit
    const path = [...visit.path, ...Array.from({ length: node.layout.nibbles }, (_, i) => partialNibbleAt(node.bytes, node.layout, i))]
    if (path.length > 2 * KEY_LENGTH_MAX) throw invalid('a key is too long')
    const value = walker.valueIn(node)
    if (value !== undefined) found.push([packNibbles(path), value])
    for (let slot = 15; slot >= 0; slot--) {
      const offset = childReferenceAt(node.bytes, node.layout, slot)
      if (offset >= 0) open.push({ node: walker.follow(referenceAt(node.bytes, offset)), path: [...path, slot] })
    }
  }
  return found
}

/** Checks every node of a proof by its hash, from `root` down. @throws TRIE_PROOF_INVALID */
export const readProof = (options: { readonly crypto: TrieCrypto; readonly root: Uint8Array; readonly proof: readonly Uint8Array[] }): ProofReader => {
  const { crypto, root, proof } = options
  const items = new Map<string, Uint8Array>()
  const emptyRoot = crypto.blake2b256(EMPTY_NODE)
  const isEmpty = bytesEqual(root, emptyRoot)
  for (const item of proof) {
    if (isEmpty && bytesEqual(item, EMPTY_NODE)) continue
    const hash = bytesToKey(crypto.blake2b256(item))
    if (items.has(hash)) throw invalid('a node stands in it twice')
    items.set(hash, item)
  }
  const rootKey = bytesToKey(root)
  const nodes = decodeReachable(items, rootKey)
  const follow = (reference: Reference): ProofNode => {
    const node = reference.kind === 'inline' ? reference.value : nodes.get(reference.value)
    if (node === undefined) throw new AppError('TRIE_PROOF_INCOMPLETE', {})
    return node
  }
  const valueIn = (node: ProofNode): Uint8Array | undefined => {
    if (!node.layout.hasValue) return undefined
    if (!node.layout.isHashed) return valueOf(node)
    const value = items.get(bytesToKey(valueOf(node)))
    if (value === undefined) throw new AppError('TRIE_PROOF_INCOMPLETE', {})
    return value.slice()
  }
  return {
    get(key) {
      if (isEmpty) return undefined
      let node = follow({ kind: 'hash', value: rootKey })
      for (let position = 0; hasPartialAt(node, key, position); position++) {
        position += node.layout.nibbles
        if (position === 2 * key.length) return valueIn(node)
        const offset = childReferenceAt(node.bytes, node.layout, nibbleAt(key, position))
        if (offset < 0) return undefined
        node = follow(referenceAt(node.bytes, offset))
      }
      return undefined
    },
    entries(prefix) {
      const top = isEmpty ? undefined : findTop({ follow, valueIn }, follow({ kind: 'hash', value: rootKey }), prefix)
      return top === undefined ? [] : listEntries({ follow, valueIn }, top)
    },
  }
}
