/** Owns the finding of entries: point reads and ordered iteration. */
import { bytesEqual } from '../bytes.ts'
import { nibbleAt } from './nibbles.ts'
import { childOf, type TrieContext, type TrieNode } from './node.ts'

const isPathOf = (node: TrieNode, key: Uint8Array): boolean => node.end === 2 * key.length && node.value !== undefined && bytesEqual(node.key, key)

/** Value of a key. Follows the key's nibbles only where nodes branch and compares the key once, at the end. */
export const findValue = (context: TrieContext, root: TrieNode | undefined, key: Uint8Array): Uint8Array | undefined => {
  const { epoch } = context
  const length = 2 * key.length
  let node = root
  while (node !== undefined) {
    node.touched = epoch
    if (node.end >= length) return isPathOf(node, key) ? node.value : undefined
    const { children } = node
    if (children === undefined) return undefined
    const slot = nibbleAt(key, node.end)
    const child = children[slot]
    node = typeof child === 'number' ? childOf(context, node, slot) : child
  }
  return undefined
}

/** First entry below a node, itself included. */
const firstEntry = (context: TrieContext, from: TrieNode): TrieNode => {
  let node = from
  for (;;) {
    node.touched = context.epoch
    if (node.value !== undefined) return node
    let slot = 0
    while ((node.children as readonly unknown[])[slot] === undefined) slot++
    node = childOf(context, node, slot) as TrieNode
  }
}

/** First entry below the children of a node from `slot` on. */
const firstEntryFrom = (context: TrieContext, node: TrieNode, slot: number): TrieNode | undefined => {
  if (node.children === undefined) return undefined
  for (let at = slot; at < 16; at++) if (node.children[at] !== undefined) return firstEntry(context, childOf(context, node, at) as TrieNode)
  return undefined
}

/** Smallest entry whose key is greater than `bound`, or equal to it where `isInclusive`. */
export const findEntryAfter = (
  context: TrieContext, root: TrieNode | undefined, bound: { readonly key: Uint8Array; readonly isInclusive: boolean },
): TrieNode | undefined => {
  if (root === undefined) return undefined
  const { key } = bound
  const length = 2 * key.length
  // The last place where the way down could have turned to something greater.
  let turn: { readonly node: TrieNode; readonly slot: number } | undefined
  let node: TrieNode | undefined = root
  while (node !== undefined) {
    node.touched = context.epoch
    let at = node.start
    while (at < node.end && at < length && nibbleAt(node.key, at) === nibbleAt(key, at)) at++
    if (at < node.end) {
      if (at >= length || nibbleAt(node.key, at) > nibbleAt(key, at)) return firstEntry(context, node)
      break
    }
    if (at === length) {
      if (bound.isInclusive && node.value !== undefined) return node
      turn = node.children === undefined ? turn : { node, slot: 0 }
      break
    }
    if (node.children === undefined) break
    const slot: number = nibbleAt(key, at)
    for (let next = slot + 1; next < 16; next++) {
      if (node.children[next] === undefined) continue
      turn = { node, slot: next }
      break
    }
    node = childOf(context, node, slot)
  }
  return turn === undefined ? undefined : firstEntryFrom(context, turn.node, turn.slot)
}
