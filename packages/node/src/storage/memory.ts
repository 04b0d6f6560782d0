/**
 * Owns the in-memory `Kv` for tests and the simulator, on a disk that can lose power: batches whose `write` has not resolved may
 * be kept whole or lost, in order, never in part. Does not own what is stored.
 */
import { AppError } from '@phalanx/primitives/errors'
import { bytesToKey, keyToBytes } from '@phalanx/primitives/bytes'
import type { Kv, KvChange } from '@phalanx/primitives/ports'
import '../errors.ts'

/** How a memory disk behaves. */
export interface MemoryDiskOptions {
  /** Called for each batch with the function that makes it durable; default: at once. The simulator delays it. */
  readonly sync?: (complete: () => void) => void
  /** A faulty disk: `write` resolves before the batch is durable, and `crash` may take it back. For tests of the tests. */
  readonly dropsSync?: boolean
  /** Called after each batch became visible to readers, before it is durable: the place to pull the plug in tests. */
  readonly onWrite?: (batchIndex: number) => void
}

/** A disk that outlives its openings. */
export interface MemoryDisk {
  /** Opens it. @throws STORAGE_LOCKED while it is open */
  open(): Kv
  /** Loses power: keeps the first `keep` of the batches that are not durable yet, loses the others, and closes every opening. */
  crash(keep?: number): void
  /** Batches written but not durable. */
  readonly unsynced: number
  /** Bytes that survive a crash now, for tests that damage them. */
  readonly durable: Map<string, Uint8Array>
}

interface PendingBatch {
  readonly changes: readonly KvChange[]
  readonly settle: (error?: unknown) => void
}

const applyTo = (map: Map<string, Uint8Array>, changes: readonly KvChange[]): void => {
  for (const { key, value } of changes) {
    if (value === undefined) map.delete(bytesToKey(key))
    else map.set(bytesToKey(key), value.slice())
  }
}

const sortedKeys = (map: ReadonlyMap<string, Uint8Array>): string[] => [...map.keys()].sort((a, b) => (a < b ? -1 : 1))

/** A disk in memory. */
export const createMemoryDisk = (options: MemoryDiskOptions = {}): MemoryDisk => {
  const durable = new Map<string, Uint8Array>()
  let visible = new Map<string, Uint8Array>()
  let pending: PendingBatch[] = []
  let opening: { closed: boolean } | undefined
  let batches = 0

  const flushFirst = (): void => {
    const batch = pending.shift()
    if (batch === undefined) return
    applyTo(durable, batch.changes)
    batch.settle()
  }

  const write = (changes: readonly KvChange[]): Promise<void> =>
    new Promise((resolve, reject) => {
      applyTo(visible, changes)
      pending.push({ changes: changes.map(({ key, value }) => ({ key: key.slice(), value: value?.slice() })), settle: (error) => (error === undefined ? resolve() : reject(error)) })
      options.onWrite?.(batches++)
      if (options.dropsSync === true) return resolve()
      const complete = (): void => flushFirst()
      if (options.sync === undefined) complete()
      else options.sync(complete)
    })

  const openKv = (handle: { closed: boolean }): Kv => {
    const assertOpen = (): void => {
      if (handle.closed) throw new AppError('STORAGE_CLOSED', {})
    }
    return {
      get(key) {
        assertOpen()
        return visible.get(bytesToKey(key))
      },
      async write(changes) {
        assertOpen()
        await write(changes)
      },
      async *range({ from, to, reverse, limit }) {
        assertOpen()
        const first = bytesToKey(from)
        const end = bytesToKey(to)
        const keys = sortedKeys(visible).filter((key) => key >= first && key < end)
        if (reverse === true) keys.reverse()
        for (const key of keys.slice(0, limit ?? keys.length)) {
          assertOpen()
          const value = visible.get(key)
          if (value !== undefined) yield [keyToBytes(key), value] as const
        }
      },
      async close() {
        if (handle.closed) return
        handle.closed = true
        while (pending.length > 0) flushFirst()
        opening = undefined
      },
    }
  }

  return {
    durable,
    get unsynced() {
      return pending.length
    },
    open() {
      if (opening !== undefined) throw new AppError('STORAGE_LOCKED', { folder: 'memory' })
      visible = new Map(durable)
      opening = { closed: false }
      return openKv(opening)
    },
    crash(keep = 0) {
      const lost = pending
      pending = []
      for (const batch of lost.slice(0, keep)) applyTo(durable, batch.changes)
      if (opening !== undefined) opening.closed = true
      opening = undefined
      visible = new Map(durable)
      for (const batch of lost) batch.settle(new AppError('STORAGE_CLOSED', {}))
    },
  }
}

/** A `Kv` in memory that nobody else opens. */
export const createMemoryKv = (options: MemoryDiskOptions = {}): Kv => createMemoryDisk(options).open()
