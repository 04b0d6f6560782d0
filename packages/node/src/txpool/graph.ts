/**
 * Owns the order among waiting transactions: who provides which tag, who waits for it, who is ready. Nonces and message sequences
 * are both tags, so this is where the per-account queues are. Does not validate, limit or ban (pool.ts).
 */
import { assert } from '@phalanx/primitives/assert'
import { createHeap } from '@phalanx/primitives/heap'
import type { PoolTransaction } from './transaction.ts'

interface Node {
  readonly transaction: PoolTransaction
  /** Tags required that no block has provided yet. */
  readonly unmet: Set<string>
  isReady: boolean
}

/** How readiness changed. */
export interface Readiness {
  readonly promoted: readonly PoolTransaction[]
  readonly demoted: readonly PoolTransaction[]
}

/** Waiting transactions by their tags. */
export interface TransactionGraph {
  readonly size: number
  readonly readyCount: number
  readonly bytes: number
  has(key: string): boolean
  get(key: string): PoolTransaction | undefined
  isReady(key: string): boolean
  /** Tags that it still waits for. */
  unmet(key: string): ReadonlySet<string>
  /** Transactions that provide one of these tags. */
  providersOf(tags: readonly string[]): readonly PoolTransaction[]
  add(transaction: PoolTransaction): Readiness
  /** Takes one out; what depended on it waits again. */
  remove(key: string): Readiness
  /** Takes out what a block contained; its tags count as met from then on. */
  include(key: string): Readiness
  /** Marks tags as met by a block, though their transaction never was in the pool. */
  meet(tags: readonly string[]): Readiness
  /** Ready transactions, best first, none before what it requires. */
  ready(): Generator<PoolTransaction>
  all(): Iterable<PoolTransaction>
}

/** Higher priority first, then the older one. */
export const isBetter = (a: PoolTransaction, b: PoolTransaction): boolean =>
  a.priority === b.priority ? a.arrival < b.arrival : a.priority > b.priority

/** An empty graph. */
export const createGraph = (): TransactionGraph => {
  const nodes = new Map<string, Node>()
  const providers = new Map<string, Set<string>>()
  const waiters = new Map<string, Set<string>>()
  let bytes = 0
  let readyCount = 0

  const link = (index: Map<string, Set<string>>, tag: string, key: string): void => {
    const found = index.get(tag)
    if (found === undefined) index.set(tag, new Set([key]))
    else found.add(key)
  }
  const unlink = (index: Map<string, Set<string>>, tag: string, key: string): void => {
    const found = index.get(tag)
    found?.delete(key)
    if (found?.size === 0) index.delete(tag)
  }
  const setReady = (node: Node, isReady: boolean): void => {
    if (node.isReady === isReady) return
    node.isReady = isReady
    readyCount += isReady ? 1 : -1
  }
  const hasReadyProvider = (tag: string): boolean => {
    for (const key of providers.get(tag) ?? []) if (nodes.get(key)?.isReady === true) return true
    return false
  }
  const canBeReady = (node: Node): boolean => {
    for (const tag of node.unmet) if (!hasReadyProvider(tag)) return false
    return true
  }
  const waitersOf = (tags: readonly string[]): Node[] =>
    tags.flatMap((tag) => [...(waiters.get(tag) ?? [])]).map((key) => nodes.get(key)).filter((node) => node !== undefined)

  /** Spreads readiness from `start` along the tags. */
  const promote = (start: readonly Node[]): PoolTransaction[] => {
    const promoted: PoolTransaction[] = []
    const queue = [...start]
    for (let node = queue.shift(); node !== undefined; node = queue.shift()) {
      if (node.isReady || !canBeReady(node)) continue
      setReady(node, true)
      promoted.push(node.transaction)
      queue.push(...waitersOf(node.transaction.provides))
    }
    return promoted
  }
  const demote = (start: readonly Node[]): PoolTransaction[] => {
    const demoted: PoolTransaction[] = []
    const queue = [...start]
    for (let node = queue.shift(); node !== undefined; node = queue.shift()) {
      if (!node.isReady || canBeReady(node)) continue
      setReady(node, false)
      demoted.push(node.transaction)
      queue.push(...waitersOf(node.transaction.provides))
    }
    return demoted
  }

  const detach = (key: string): PoolTransaction | undefined => {
    const node = nodes.get(key)
    if (node === undefined) return undefined
    const { transaction } = node
    nodes.delete(key)
    bytes -= transaction.bytes.length
    setReady(node, false)
    for (const tag of transaction.provides) unlink(providers, tag, key)
    for (const tag of node.unmet) unlink(waiters, tag, key)
    return transaction
  }

  const meet = (tags: readonly string[]): Readiness => {
    const touched = waitersOf(tags)
    for (const node of touched)
      for (const tag of tags) if (node.unmet.delete(tag)) unlink(waiters, tag, node.transaction.key)
    return { promoted: promote(touched), demoted: [] }
  }

  return {
    get size() {
      return nodes.size
    },
    get readyCount() {
      return readyCount
    },
    get bytes() {
      return bytes
    },
    has: (key) => nodes.has(key),
    get: (key) => nodes.get(key)?.transaction,
    isReady: (key) => nodes.get(key)?.isReady === true,
    unmet: (key) => nodes.get(key)?.unmet ?? new Set(),
    providersOf(tags) {
      const keys = new Set(tags.flatMap((tag) => [...(providers.get(tag) ?? [])]))
      return [...keys].map((key) => (nodes.get(key) as Node).transaction)
    },
    add(transaction) {
      assert(!nodes.has(transaction.key), 'a transaction enters the pool once')
      const node: Node = { transaction, unmet: new Set(transaction.requires), isReady: false }
      nodes.set(transaction.key, node)
      bytes += transaction.bytes.length
      for (const tag of transaction.provides) link(providers, tag, transaction.key)
      for (const tag of node.unmet) link(waiters, tag, transaction.key)
      return { promoted: promote([node]), demoted: [] }
    },
    remove(key) {
      const transaction = detach(key)
      return { promoted: [], demoted: transaction === undefined ? [] : demote(waitersOf(transaction.provides)) }
    },
    include(key) {
      const transaction = detach(key)
      return transaction === undefined ? { promoted: [], demoted: [] } : meet(transaction.provides)
    },
    meet,
    *ready() {
      const missing = new Map<string, number>()
      const provided = new Set<string>()
      const heap = createHeap<Node>((a, b) => isBetter(a.transaction, b.transaction))
      for (const [key, node] of nodes) {
        if (!node.isReady) continue
        missing.set(key, node.unmet.size)
        if (node.unmet.size === 0) heap.push(node)
      }
      for (let node = heap.pop(); node !== undefined; node = heap.pop()) {
        yield node.transaction
        for (const tag of node.transaction.provides) {
          if (provided.has(tag)) continue
          provided.add(tag)
          for (const key of waiters.get(tag) ?? []) {
            const left = (missing.get(key) ?? 0) - 1
            missing.set(key, left)
            const waiter = nodes.get(key)
            if (left === 0 && waiter?.isReady === true) heap.push(waiter)
          }
        }
      }
    },
    *all() {
      for (const { transaction } of nodes.values()) yield transaction
    },
  }
}
