/** Owns the making of proofs: the encoded nodes on the way to each key. Checking them is proof.ts. */
import { bytesToKey, compareBytes } from '../bytes.ts'
import { commonNibbles, nibbleAt } from './nibbles.ts'
import { encodeNode } from './hash.ts'
import { childMerkleValue, childOf, type TrieContext, type TrieNode } from './node.ts'
import { HASH_LENGTH } from './node-codec.ts'

/** Nodes with an own hash on the way from the root to each key, and values that are only hashed there; sorted, no duplicates. Hashes are up to date. */
export const collectProof = (context: TrieContext, root: TrieNode, keys: readonly Uint8Array[]): readonly Uint8Array[] => {
  const visited = new Set<TrieNode>()
  const found = new Map<string, Uint8Array>()
  const add = (bytes: Uint8Array): void => {
    found.set(bytesToKey(context.crypto.blake2b256(bytes)), bytes)
  }
  for (const key of keys) {
    let node: TrieNode | undefined = root
    while (node !== undefined) {
      node.touched = context.epoch
      if (!visited.has(node)) {
        visited.add(node)
        const encoded = encodeNode(context, node)
        if (node === root || encoded.length >= HASH_LENGTH) add(encoded.slice())
      }
      const isOnPath: boolean = commonNibbles({ a: node.key, b: key }, node.start, node.end) === node.end
      if (!isOnPath) break
      if (2 * key.length === node.end) {
        if (node.isHashed && node.value !== undefined) add(node.value)
        break
      }
      node = node.children === undefined ? undefined : childOf(context, node, nibbleAt(key, node.end))
    }
  }
  return [...found.values()].sort(compareBytes)
}

/** The highest node at or below a key, and its parent and slot; undefined where no key begins so. */
const findDescendant = (context: TrieContext, root: TrieNode, key: Uint8Array): { node: TrieNode; parent: TrieNode | undefined; slot: number } | undefined => {
  const length = 2 * key.length
  let parent: TrieNode | undefined
  let slot = 0
  let node: TrieNode | undefined = root
  while (node !== undefined) {
    const limit = Math.min(node.end, length)
    if (commonNibbles({ a: node.key, b: key }, node.start, limit) < limit) return undefined
    if (node.end >= length) return { node, parent, slot }
    if (node.children === undefined) return undefined
    slot = nibbleAt(key, node.end)
    parent = node
    node = childOf(context, node, slot)
  }
  return undefined
}

/** Merkle value of the highest node at or below a key. Hashes are up to date. */
export const findMerkleValue = (context: TrieContext, root: TrieNode, key: Uint8Array, rootHash: Uint8Array): Uint8Array | undefined => {
  const found = findDescendant(context, root, key)
  if (found === undefined) return undefined
  return found.parent === undefined ? rootHash : childMerkleValue(found.parent, found.slot).slice()
}
