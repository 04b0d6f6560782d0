/**
 * Owns the writing of a batch of changes: one pass over the sorted keys that copies each touched node once and shares the
 * rest. Hashes nothing. A node whose content stays the same stays the same object.
 */
import { assert } from '../assert.ts'
import { bytesEqual, compareBytes } from '../bytes.ts'
import { AppError } from '../errors.ts'
import { commonNibbles, KEY_LENGTH_MAX, nibbleAt } from './nibbles.ts'
import { ALL_CHILDREN, childOf, OWN_PART, TrieNode, type Child, type TrieContext } from './node.ts'
import { INLINE_VALUE_MAX } from './node-codec.ts'
import type { StateChanges, StateVersion } from './state.ts'

interface Batch {
  readonly context: TrieContext
  readonly changes: StateChanges
  readonly version: StateVersion
}

/** Changes `from` to `to` of the sorted batch. */
interface Range {
  readonly from: number
  readonly to: number
}

const keyAt = (batch: Batch, index: number): Uint8Array => (batch.changes[index] as StateChanges[number])[0]
const valueAt = (batch: Batch, index: number): Uint8Array | undefined => (batch.changes[index] as StateChanges[number])[1]
const isHashedBy = (version: StateVersion, value: Uint8Array | undefined): boolean => version === 1 && value !== undefined && value.length > INLINE_VALUE_MAX

/** End of the run of changes from `from` on whose nibble `position` is `slot`. */
const endOfSlot = (batch: Batch, range: Range, position: number): number => {
  const slot = nibbleAt(keyAt(batch, range.from), position)
  let at = range.from + 1
  while (at < range.to && nibbleAt(keyAt(batch, at), position) === slot) at++
  return at
}

/** The same node behind another slot. */
const placeAt = (context: TrieContext, node: TrieNode, start: number): TrieNode =>
  node.start === start
    ? node
    : new TrieNode({
        key: node.key, start, end: node.end, value: node.value, isHashed: node.isHashed, children: node.children,
        encoded: node.encoded, dirty: node.dirty | OWN_PART, touched: context.epoch,
      })

const createLeaf = (batch: Batch, start: number, index: number): TrieNode => {
  const key = keyAt(batch, index)
  const value = valueAt(batch, index)
  return new TrieNode({
    key, start, end: 2 * key.length, value, isHashed: isHashedBy(batch.version, value), children: undefined,
    encoded: undefined, dirty: 0, touched: batch.context.epoch,
  })
}

/** A node as it shall be: everything but its place among the nodes around it. */
interface Draft {
  readonly key: Uint8Array
  readonly end: number
  readonly value: Uint8Array | undefined
  readonly isHashed: boolean
  readonly children: Child[] | undefined
  readonly encoded: Uint8Array | undefined
  readonly dirty: number
}

/** The canonical node of a draft: nothing, a leaf, the only child, or a branch. An only child keeps its own start. */
const finish = (context: TrieContext, draft: Draft, start: number): TrieNode | undefined => {
  let count = 0
  let last = 0
  if (draft.children !== undefined) {
    for (let slot = 0; slot < 16 && count < 2; slot++) {
      if (draft.children[slot] === undefined) continue
      count++
      last = slot
    }
  }
  const { key, end, value, isHashed } = draft
  const touched = context.epoch
  if (count === 0) return value === undefined ? undefined : new TrieNode({ key, start, end, value, isHashed, children: undefined, encoded: undefined, dirty: 0, touched })
  const branch = new TrieNode({ key, start, end, value, isHashed, children: draft.children, encoded: draft.encoded, dirty: draft.dirty, touched })
  return count === 1 && value === undefined ? childOf(context, branch, last) : branch
}

/** A subtree of nothing but changes; none of them may be about a key that exists. */
const build = (batch: Batch, start: number, range: Range): TrieNode | undefined => {
  let { from, to } = range
  while (from < to && valueAt(batch, from) === undefined) from++
  while (from < to && valueAt(batch, to - 1) === undefined) to--
  if (from === to) return undefined
  if (to - from === 1) return createLeaf(batch, start, from)
  const key = keyAt(batch, from)
  const end = commonNibbles({ a: key, b: keyAt(batch, to - 1) }, start, 2 * key.length)
  let value: Uint8Array | undefined
  if (end === 2 * key.length) value = valueAt(batch, from++)
  const children: Child[] = new Array<Child>(16).fill(undefined)
  while (from < to) {
    const next = endOfSlot(batch, { from, to }, end)
    children[nibbleAt(keyAt(batch, from), end)] = build(batch, end + 1, { from, to: next })
    from = next
  }
  return new TrieNode({
    key, start, end, value, isHashed: isHashedBy(batch.version, value), children, encoded: undefined, dirty: ALL_CHILDREN | OWN_PART, touched: batch.context.epoch,
  })
}

/** Changes that are all at or below a node. */
const updateBelow = (batch: Batch, node: TrieNode, start: number, range: Range): TrieNode | undefined => {
  const { context, version } = batch
  const { end } = node
  let { key, value, isHashed } = node
  let dirty = start === node.start ? node.dirty : node.dirty | OWN_PART
  let children: Child[] | undefined
  let { from } = range
  let isChanged = false
  if (2 * keyAt(batch, from).length === end) {
    const next = valueAt(batch, from)
    const nextIsHashed = isHashedBy(version, next)
    const isSame = next === undefined || value === undefined ? next === value : nextIsHashed === isHashed && bytesEqual(next, value)
    if (!isSame) {
      isChanged = true
      if (next !== undefined) key = keyAt(batch, from)
      value = next
      isHashed = nextIsHashed
      dirty |= OWN_PART
    }
    from++
  }
  while (from < range.to) {
    const to = endOfSlot(batch, { from, to: range.to }, end)
    const slot = nibbleAt(keyAt(batch, from), end)
    const old = node.children === undefined ? undefined : childOf(context, node, slot)
    const next = old === undefined ? build(batch, end + 1, { from, to }) : update(batch, old, end + 1, { from, to })
    if (next !== old) {
      isChanged = true
      children ??= node.children?.slice() ?? new Array<Child>(16).fill(undefined)
      children[slot] = next === undefined ? undefined : placeAt(context, next, end + 1)
      dirty |= 1 << slot
    }
    from = to
  }
  if (!isChanged) return node
  // A leaf that becomes a branch has no old encoding to take anything from.
  if (node.children === undefined) dirty = ALL_CHILDREN | OWN_PART
  return finish(context, { key, end, value, isHashed, children: children ?? node.children, encoded: node.encoded, dirty }, start)
}

/** Changes of which at least one leaves the node's path at nibble `end`. */
const split = (batch: Batch, node: TrieNode, start: number, end: number, range: Range): TrieNode | undefined => {
  let { from } = range
  let value: Uint8Array | undefined
  const first = keyAt(batch, from)
  if (2 * first.length === end) {
    value = valueAt(batch, from)
    from++
  }
  const found: (TrieNode | undefined)[] = new Array<TrieNode | undefined>(16).fill(undefined)
  const ownSlot = nibbleAt(node.key, end)
  found[ownSlot] = node
  while (from < range.to) {
    const to = endOfSlot(batch, { from, to: range.to }, end)
    const slot = nibbleAt(keyAt(batch, from), end)
    found[slot] = slot === ownSlot ? update(batch, node, end + 1, { from, to }) : build(batch, end + 1, { from, to })
    from = to
  }
  const present = found.filter((child) => child !== undefined)
  // Nothing but removals of keys that never were, or of this node's content: no branch comes to be here.
  if (value === undefined && present.length < 2) return present[0]
  const isHashed = isHashedBy(batch.version, value)
  const key = value === undefined ? node.key : first
  const children = present.length === 0 ? undefined : found.map((child) => (child === undefined ? undefined : placeAt(batch.context, child, end + 1)))
  return finish(batch.context, { key, end, value, isHashed, children, encoded: undefined, dirty: ALL_CHILDREN | OWN_PART }, start)
}

/** The subtree of `node` after the changes in `range`; the caller places the result, whose start may be another. */
const update = (batch: Batch, node: TrieNode, start: number, range: Range): TrieNode | undefined => {
  const toFirst = commonNibbles({ a: node.key, b: keyAt(batch, range.from) }, start, node.end)
  const common = commonNibbles({ a: node.key, b: keyAt(batch, range.to - 1) }, start, toFirst)
  return common === node.end ? updateBelow(batch, node, start, range) : split(batch, node, start, common, range)
}

/** The changes in ascending order of their keys. @throws TRIE_KEY_TOO_LONG */
const sortChanges = (changes: StateChanges): StateChanges => {
  let isSorted = true
  for (let i = 0; i < changes.length; i++) {
    const [key] = changes[i] as StateChanges[number]
    if (key.length > KEY_LENGTH_MAX) throw new AppError('TRIE_KEY_TOO_LONG', { length: key.length, max: KEY_LENGTH_MAX })
    if (i > 0 && compareBytes((changes[i - 1] as StateChanges[number])[0], key) >= 0) isSorted = false
  }
  if (isSorted) return changes
  const sorted = [...changes].sort((a, b) => compareBytes(a[0], b[0]))
  for (let i = 1; i < sorted.length; i++)
    assert(!bytesEqual((sorted[i - 1] as StateChanges[number])[0], (sorted[i] as StateChanges[number])[0]), 'a batch of changes names each key once')
  return sorted
}

/** Root node after a batch of changes; the same object where nothing changes. @throws TRIE_KEY_TOO_LONG */
export const updateRoot = (context: TrieContext, root: TrieNode | undefined, options: { readonly changes: StateChanges; readonly version: StateVersion }): TrieNode | undefined => {
  if (options.changes.length === 0) return root
  const batch: Batch = { context, changes: sortChanges(options.changes), version: options.version }
  const range = { from: 0, to: batch.changes.length }
  const next = root === undefined ? build(batch, 0, range) : update(batch, root, 0, range)
  return next === undefined || next === root ? next : placeAt(context, next, 0)
}
