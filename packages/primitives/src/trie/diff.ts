/** Owns the difference of two snapshots that grew from one another: found by walking only where they do not share nodes. */
import { bytesEqual } from '../bytes.ts'
import { commonNibbles, nibbleAt } from './nibbles.ts'
import { childOf, type TrieContext, type TrieNode } from './node.ts'
import type { StateChanges } from './state.ts'

type Change = StateChanges[number]

interface Walk {
  readonly context: TrieContext
  readonly changes: Change[]
}

type Side = 'gone' | 'new'

/** Every entry at and below a node. Depth is bounded by the longest key. */
const takeAll = (walk: Walk, node: TrieNode | undefined, side: Side): void => {
  if (node === undefined) return
  if (node.value !== undefined) walk.changes.push([node.key, side === 'new' ? node.value : undefined])
  if (node.children === undefined) return
  for (let slot = 0; slot < 16; slot++) takeAll(walk, childAt(walk, node, slot), side)
}

const childAt = ({ context }: Walk, node: TrieNode, slot: number): TrieNode | undefined => (node.children === undefined ? undefined : childOf(context, node, slot))

/** A node above the place of another one: all of it belongs to one side, but for what stands in the slot that leads there. */
const splitAbove = (walk: Walk, upper: TrieNode, lower: TrieNode, side: Side): void => {
  if (upper.value !== undefined) walk.changes.push([upper.key, side === 'new' ? upper.value : undefined])
  const way = nibbleAt(lower.key, upper.end)
  for (let slot = 0; slot < 16; slot++) {
    const child = childAt(walk, upper, slot)
    if (slot !== way) takeAll(walk, child, side)
    else if (side === 'gone') compare(walk, child, lower)
    else compare(walk, lower, child)
  }
}

const compareValues = (walk: Walk, before: TrieNode, after: TrieNode): void => {
  if (after.value === undefined) {
    if (before.value !== undefined) walk.changes.push([before.key, undefined])
  } else if (before.value === undefined || !bytesEqual(before.value, after.value)) walk.changes.push([after.key, after.value])
}

const compare = (walk: Walk, before: TrieNode | undefined, after: TrieNode | undefined): void => {
  if (before === after) return
  if (before === undefined || after === undefined) {
    takeAll(walk, before, 'gone')
    takeAll(walk, after, 'new')
    return
  }
  const end = Math.min(before.end, after.end)
  if (commonNibbles({ a: before.key, b: after.key }, 0, end) < end) {
    takeAll(walk, before, 'gone')
    takeAll(walk, after, 'new')
  } else if (before.end < after.end) splitAbove(walk, before, after, 'gone')
  else if (after.end < before.end) splitAbove(walk, after, before, 'new')
  else {
    compareValues(walk, before, after)
    for (let slot = 0; slot < 16; slot++) compare(walk, childAt(walk, before, slot), childAt(walk, after, slot))
  }
}

/** Writes that turn one snapshot's entries into another's. */
export const findChanges = (context: TrieContext, before: TrieNode | undefined, after: TrieNode | undefined): StateChanges => {
  const walk: Walk = { context, changes: [] }
  compare(walk, before, after)
  return walk.changes
}
