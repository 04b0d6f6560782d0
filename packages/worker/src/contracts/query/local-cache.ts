/**
 * Owns what contracts keep on one worker besides the state: values that expire, within a quota by weight (cluster_contracts.md section 8). Time is handed
 * in. A query works on a session: it sees its own changes at once, others see them when the session's operations are applied.
 */
import { bytesToKey } from '@phalanx/primitives/bytes'
import type { LocalCache } from '../execution/env.ts'
import type { CacheOp } from '../execution/pink-event.ts'

/** Bytes of keys and values that all contracts may keep together. */
const TOTAL_BYTES = 20 * 1024 * 1024
const LIFETIME_SECONDS = 604_800n
const MS_PER_SECOND = 1000n
/** Operations between two clearings of what has expired. */
const CLEAR_EVERY = 1000

interface Entry {
  readonly value: Uint8Array
  readonly expiresAtMs: bigint
}

/** What one contract keeps. */
interface Shelf {
  readonly entries: Map<string, Entry>
  bytes: number
}

const sizeOf = (key: string, value: Uint8Array): number => key.length + value.length

/** An operation of a contract on its part of the cache. */
export interface CacheChange {
  readonly contract: Uint8Array
  readonly op: CacheOp
}

const remove = (shelf: Shelf, key: string): Uint8Array | undefined => {
  const found = shelf.entries.get(key)
  if (found === undefined) return undefined
  shelf.entries.delete(key)
  shelf.bytes -= sizeOf(key, found.value)
  return found.value
}

const clearExpired = (shelf: Shelf, nowMs: bigint): void => {
  for (const [key, { expiresAtMs }] of shelf.entries) if (expiresAtMs <= nowMs) remove(shelf, key)
}

/** Removes entries, those first that would expire first, until what is kept fits. */
const shrink = (shelf: Shelf, quota: number): void => {
  if (shelf.bytes <= quota) return
  const order = [...shelf.entries].sort((a, b) => (a[1].expiresAtMs < b[1].expiresAtMs ? -1 : a[1].expiresAtMs > b[1].expiresAtMs ? 1 : 0))
  for (const [key] of order) {
    if (shelf.bytes <= quota) return
    remove(shelf, key)
  }
}

const valueIn = (shelf: Shelf | undefined, key: string, nowMs: bigint): Uint8Array | undefined => {
  const found = shelf?.entries.get(key)
  return found !== undefined && found.expiresAtMs > nowMs ? found.value : undefined
}

/** Applies one operation to a shelf. @returns false where a value does not fit the quota */
const applyOp = (shelf: Shelf, op: CacheOp, { quota, nowMs }: { readonly quota: number; readonly nowMs: bigint }): boolean => {
  const key = bytesToKey(op.value.key)
  if (op.kind === 'Remove') {
    remove(shelf, key)
    return true
  }
  if (op.kind === 'SetExpiration') {
    const value = valueIn(shelf, key, nowMs)
    if (value !== undefined) shelf.entries.set(key, { value, expiresAtMs: nowMs + op.value.expiration * MS_PER_SECOND })
    return true
  }
  const { value } = op.value
  const needed = sizeOf(key, value)
  const present = shelf.entries.get(key)
  const freed = (): number => (shelf.entries.get(key) === undefined ? 0 : sizeOf(key, (present as Entry).value))
  if (shelf.bytes - freed() + needed > quota) clearExpired(shelf, nowMs)
  if (shelf.bytes - freed() + needed > quota) return false
  remove(shelf, key)
  shelf.entries.set(key, { value, expiresAtMs: nowMs + LIFETIME_SECONDS * MS_PER_SECOND })
  shelf.bytes += needed
  return true
}

/** A query's view of the cache. */
export interface CacheSession extends LocalCache {
  /** What the query did, in order; applied to the cache when it has ended. */
  readonly changes: readonly CacheChange[]
}

/** The cache of a worker. */
export class ContractCache {
  private readonly shelves = new Map<string, Shelf>()
  private quotas: ReadonlyMap<string, number> = new Map()
  private operations = 0

  /** Sets quotas by the weights of all contracts; those without a weight may keep nothing. */
  setWeights(weights: readonly { readonly contract: Uint8Array; readonly weight: number }[]): void {
    const total = Math.max(weights.reduce((sum, { weight }) => sum + weight, 0), 1)
    this.quotas = new Map(weights.map(({ contract, weight }) => [bytesToKey(contract), Number((BigInt(TOTAL_BYTES) * BigInt(weight)) / BigInt(total))]))
    for (const [contract, shelf] of this.shelves) {
      shrink(shelf, this.quotas.get(contract) ?? 0)
      if (shelf.entries.size === 0) this.shelves.delete(contract)
    }
  }

  /** Bytes that a contract keeps. */
  bytesOf(contract: Uint8Array): number {
    return this.shelves.get(bytesToKey(contract))?.bytes ?? 0
  }

  /** Applies operations of queries that have ended, and of commands. What does not fit is left out. */
  apply(changes: readonly CacheChange[], nowMs: bigint): void {
    for (const { contract, op } of changes) {
      const id = bytesToKey(contract)
      const quota = this.quotas.get(id) ?? 0
      const shelf = this.shelves.get(id) ?? { entries: new Map<string, Entry>(), bytes: 0 }
      applyOp(shelf, op, { quota, nowMs })
      if (shelf.entries.size > 0) this.shelves.set(id, shelf)
      else this.shelves.delete(id)
      if (++this.operations % CLEAR_EVERY === 0) for (const each of this.shelves.values()) clearExpired(each, nowMs)
    }
  }

  /** A view for one run of a query at a time; changes nothing here. */
  openSession(nowMs: bigint): CacheSession {
    const changes: CacheChange[] = []
    const copies = new Map<string, Shelf>()
    const look = (contract: Uint8Array): Shelf | undefined => copies.get(bytesToKey(contract)) ?? this.shelves.get(bytesToKey(contract))
    const change = (contract: Uint8Array, op: CacheOp): boolean => {
      const id = bytesToKey(contract)
      let shelf = copies.get(id)
      if (shelf === undefined) {
        const kept = this.shelves.get(id)
        shelf = { entries: new Map(kept?.entries), bytes: kept?.bytes ?? 0 }
        copies.set(id, shelf)
      }
      const isDone = applyOp(shelf, op, { quota: this.quotas.get(id) ?? 0, nowMs })
      if (isDone) changes.push({ contract, op })
      return isDone
    }
    return {
      changes,
      get: (contract, key) => valueIn(look(contract), bytesToKey(key), nowMs),
      set: (contract, key, value) => change(contract, { kind: 'Set', value: { key, value } }),
      setExpiration: (contract, key, seconds) => void change(contract, { kind: 'SetExpiration', value: { key, expiration: seconds } }),
      remove(contract, key) {
        const value = valueIn(look(contract), bytesToKey(key), nowMs)
        change(contract, { kind: 'Remove', value: { key } })
        return value
      },
    }
  }

  /** Everything that is kept, as operations that make it again. */
  *export(): Iterable<{ readonly contract: string; readonly key: string; readonly value: Uint8Array; readonly expiresAtMs: bigint }> {
    for (const [contract, { entries }] of this.shelves) for (const [key, { value, expiresAtMs }] of entries) yield { contract, key, value, expiresAtMs }
  }

  /** Takes in what another cache exported. */
  import(entries: Iterable<{ readonly contract: string; readonly key: string; readonly value: Uint8Array; readonly expiresAtMs: bigint }>): void {
    for (const { contract, key, value, expiresAtMs } of entries) {
      const shelf = this.shelves.get(contract) ?? { entries: new Map<string, Entry>(), bytes: 0 }
      remove(shelf, key)
      shelf.entries.set(key, { value, expiresAtMs })
      shelf.bytes += sizeOf(key, value)
      this.shelves.set(contract, shelf)
    }
  }
}
