/**
 * Owns the reading of state proofs. Every node is checked by its hash from the root down, every node must be reachable, and
 * what a proof does not cover is an error, never "absent". Work is linear in the bytes of the proof.
 */
import { bytesEqual, bytesToKey } from '../bytes.ts'
import { AppError } from '../errors.ts'
import { nibbleAt } from './nibbles.ts'
import { childReferenceAt, decodeNode, EMPTY_NODE, HASH_LENGTH, partialNibbleAt, type NodeLayout } from './node-codec.ts'
import type { TrieCrypto } from './node.ts'

/** Answers from a proof. */
export interface ProofReader {
  /** Proven value, or undefined where absence is proven. @throws TRIE_PROOF_INCOMPLETE */
  get(key: Uint8Array): Uint8Array | undefined
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

/** Whether the partial key of a node stands in `key` at nibble `position`. */
const hasPartialAt = ({ bytes, layout }: ProofNode, key: Uint8Array, position: number): boolean => {
  if (position + layout.nibbles > 2 * key.length) return false
  for (let i = 0; i < layout.nibbles; i++) if (partialNibbleAt(bytes, layout, i) !== nibbleAt(key, position + i)) return false
  return true
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
  }
}
