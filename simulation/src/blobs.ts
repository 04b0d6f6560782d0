/** Owns a worker's simulated disk: small files, written whole after a delay, and what can happen to them at a crash. */
import { AppError } from '@phalanx/primitives/errors'
import type { BlobStore, Clock } from '@phalanx/primitives/ports'
import type { Prng } from './prng.ts'

const SYNC_MS_MAX = 8
const VERSIONS_KEPT = 8

interface PendingWrite {
  readonly name: string
  readonly bytes: Uint8Array | undefined
  readonly settle: () => void
}

/** A disk that outlives the worker's processes. */
export interface BlobDisk {
  /** Opens it for a new process. */
  open(): BlobStore
  /** Pulls the plug: writes that were not acknowledged are kept or lost, each whole. */
  crash(): void
  names(): readonly string[]
  /** A file as it stands on the disk. */
  peek(name: string): Uint8Array | undefined
  /** Whether a file is there as a process wrote it last: not lost, put back or damaged since. */
  isAsWritten(name: string): boolean
  /** Deletes a file, as a careless operator would. */
  lose(name: string): void
  /** Puts an older version back, as a backup or a rollback attack would. False when there is none. */
  rollBack(name: string, prng: Prng): boolean
  /** Flips a bit of a file. False when it is empty or absent. */
  corrupt(name: string, prng: Prng): boolean
}

/** Files and their older versions. */
const createVersionedFiles = () => {
  const files = new Map<string, Uint8Array>()
  const history = new Map<string, Uint8Array[]>()
  return {
    files,
    olderThan: (name: string): readonly Uint8Array[] => history.get(name) ?? [],
    apply({ name, bytes }: PendingWrite): void {
      const previous = files.get(name)
      if (bytes !== undefined && previous !== undefined) history.set(name, [...(history.get(name) ?? []), previous].slice(-VERSIONS_KEPT))
      if (bytes === undefined) files.delete(name)
      else files.set(name, bytes)
    },
  }
}

/** Writes under way; they become durable one after another. */
const createWriteQueue = (clock: Clock, prng: Prng, apply: (write: PendingWrite) => void) => {
  let pending: PendingWrite[] = []
  const completeUpTo = (write: PendingWrite): void => {
    // Files are synced in the order they were written; a write that a crash took is no longer here.
    const count = pending.indexOf(write) + 1
    const done = pending.slice(0, count)
    pending = pending.slice(count)
    for (const one of done) {
      apply(one)
      one.settle()
    }
  }
  return {
    add(name: string, bytes: Uint8Array | undefined): Promise<void> {
      return new Promise((settle) => {
        const write = { name, bytes, settle }
        pending.push(write)
        clock.after(prng.below(SYNC_MS_MAX), () => completeUpTo(write))
      })
    },
    newest: (name: string): PendingWrite | undefined => pending.filter((write) => write.name === name).at(-1),
    crash(): void {
      for (const write of pending) {
        if (!prng.chance(500)) break
        apply(write)
      }
      pending = []
    },
  }
}

/** An empty disk. */
export const createBlobDisk = (clock: Clock, prng: Prng): BlobDisk => {
  const { files, olderThan, apply } = createVersionedFiles()
  const touched = new Set<string>()
  const writes = createWriteQueue(clock, prng, (write) => {
    touched.delete(write.name)
    apply(write)
  })
  let generation = 0

  const openAs = (opening: number): BlobStore => ({
    async read(name) {
      if (opening !== generation) throw new AppError('SIM_PROCESS_DEAD', {})
      const newest = writes.newest(name)
      return (newest === undefined ? files.get(name) : newest.bytes)?.slice()
    },
    // What a dead process writes goes nowhere, and nobody hears of it.
    write: (name, bytes) => (opening === generation ? writes.add(name, bytes.slice()) : new Promise(() => {})),
    remove: (name) => (opening === generation ? writes.add(name, undefined) : new Promise(() => {})),
  })

  return {
    open: () => openAs(++generation),
    crash() {
      generation++
      writes.crash()
    },
    names: () => [...files.keys()].sort((a, b) => (a < b ? -1 : 1)),
    peek: (name) => files.get(name)?.slice(),
    isAsWritten: (name) => files.has(name) && !touched.has(name),
    lose: (name) => void files.delete(name),
    rollBack(name, draws) {
      const older = olderThan(name)
      if (older.length > 0) {
        files.set(name, draws.pick(older))
        touched.add(name)
      }
      return older.length > 0
    },
    corrupt(name, draws) {
      const bytes = files.get(name)
      if (bytes === undefined || bytes.length === 0) return false
      const damaged = bytes.slice()
      const at = draws.below(damaged.length)
      damaged[at] = (damaged[at] as number) ^ (1 << draws.below(8))
      files.set(name, damaged)
      touched.add(name)
      return true
    },
  }
}
