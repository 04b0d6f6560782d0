/** Owns the numbering of new nodes for a store, the finding of dropped ones, and the forgetting of idle ones. */
import { assert } from '../assert.ts'
import { nibbleAt } from './nibbles.ts'
import { encodeNode } from './hash.ts'
import { childOf, encodeRecord, idOf, TrieNode, type Child, type TrieContext } from './node.ts'

/** One record to write. */
export interface StoredNode {
  readonly id: bigint
  readonly bytes: Uint8Array
}

interface Numbering {
  readonly context: TrieContext
  next: number
  readonly created: StoredNode[]
}

/** A numbered copy of a node without number and of all such nodes below it. The original stays as it is, in case the commit is never written. */
const numberNode = (numbering: Numbering, node: TrieNode): TrieNode => {
  if (node.id !== 0) return node
  const ids: number[] = []
  let children: Child[] | undefined
  if (node.children !== undefined) {
    children = []
    for (const child of node.children) {
      const numbered = typeof child === 'object' ? numberNode(numbering, child) : child
      children.push(numbered)
      if (numbered !== undefined) ids.push(idOf(numbered))
    }
  }
  const id = numbering.next++
  const encoded = encodeNode(numbering.context, node)
  numbering.created.push({ id: BigInt(id), bytes: encodeRecord(encoded, ids, node.isHashed ? node.value : undefined) })
  return new TrieNode({
    key: node.key, start: node.start, end: node.end, value: node.value, isHashed: node.isHashed, children, id,
    encoded: node.encoded, dirty: node.dirty, touched: node.touched,
  })
}

/** Numbers what has no number below `root`, from `nextId` on. */
export const numberNodes = (context: TrieContext, root: TrieNode, nextId: bigint): { root: TrieNode; nextId: bigint; created: readonly StoredNode[] } => {
  assert(nextId > 0n && nextId < BigInt(Number.MAX_SAFE_INTEGER) / 2n, 'node ids are positive and far below 2^53')
  const numbering: Numbering = { context, next: Number(nextId), created: [] }
  const numbered = numberNode(numbering, root)
  return { root: numbered, nextId: BigInt(numbering.next), created: numbering.created }
}

/** The node on the way from `from` along a path that begins behind nibble `start - 1`; a greater start where the way ends above. */
const descend = (context: TrieContext, from: TrieNode | undefined, key: Uint8Array, start: number): TrieNode | undefined => {
  let node = from
  while (node !== undefined && node.end < start) node = node.children === undefined ? undefined : childOf(context, node, nibbleAt(key, node.end))
  return node
}

/**
 * Collects the ids below `old` that are not below `now`. A stored node never moves, so it can only be found again at its own
 * place: both trees are walked side by side and equal ids end the walk.
 */
const collectDropped = (context: TrieContext, old: TrieNode, now: TrieNode | undefined, dropped: bigint[]): void => {
  dropped.push(BigInt(old.id))
  if (old.children === undefined) return
  const isHere = now?.end === old.end
  for (let slot = 0; slot < 16; slot++) {
    const before = old.children[slot]
    const after = isHere ? now.children?.[slot] : undefined
    // Most siblings are the very same object: telling so without looking into them spares the memory they stand in.
    if (before === undefined || before === after) continue
    const id = idOf(before)
    if (idOf(after) === id) continue
    const child = childOf(context, old, slot) as TrieNode
    const covering = descend(context, now, child.key, child.start)
    if (covering === undefined || covering.id !== id) collectDropped(context, child, covering, dropped)
  }
}

/** Ids that the stored trie `old` reaches and `now` does not. */
export const findDropped = (context: TrieContext, old: TrieNode | undefined, now: TrieNode | undefined): readonly bigint[] => {
  const dropped: bigint[] = []
  if (old !== undefined && (now === undefined || old.id !== now.id)) collectDropped(context, old, now, dropped)
  return dropped
}

/** Replaces stored nodes below `node` that were not used in this epoch by their ids; counts the loaded ones that stay. */
export const forgetIdle = (context: TrieContext, node: TrieNode): number => {
  let count = 1
  const { children } = node
  if (children === undefined) return count
  for (let slot = 0; slot < 16; slot++) {
    const child = children[slot]
    if (typeof child !== 'object') continue
    if (child.id !== 0 && child.touched < context.epoch) children[slot] = child.id
    else count += forgetIdle(context, child)
  }
  return count
}
