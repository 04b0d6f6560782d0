/** Owns a worker's simulated disk: small files, written whole after a delay, and what can happen to them at a crash. */
import { AppError } from '@phalanx/primitives/errors'
import type { BlobStore, Clock } from '@phalanx/primitives/ports'
import type { Prng } from './prng.ts'

const SYNC_MS_MAX = 8
const VERSIONS_KEPT = 8

interface PendingWrite {
  readonly name: string
  readonly bytes: Uint8Array | undefined
  readonly settle: (error?: unknown) => void
}

/** A disk that outlives the worker's processes. */
export interface BlobDisk {
  /** Opens it for a new process. */
  open(): BlobStore
  /** Pulls the plug: writes that were not acknowledged are kept or lost, each whole. */
  crash(): void
  names(): readonly string[]
  /** The present bytes of a file. */
  read(name: string): Uint8Array | undefined
  /** Deletes a file, as a careless operator would. */
  lose(name: string): void
  /** Puts an older version back, as a backup or a rollback attack would. False when there is none. */
  rollBack(name: string, prng: Prng): boolean
  /** Flips a bit of a file. False when it is empty or absent. */
  corrupt(name: string, prng: Prng): boolean
}

/** An empty disk. */
export const createBlobDisk = (clock: Clock, prng: Prng): BlobDisk => {
  const files = new Map<string, Uint8Array>()
  const history = new Map<string, Uint8Array[]>()
  let pending: PendingWrite[] = []
  let generation = 0

  const apply = ({ name, bytes }: PendingWrite): void => {
    if (bytes === undefined) {
      files.delete(name)
      return
    }
    const older = history.get(name) ?? []
    const previous = files.get(name)
    if (previous !== undefined) history.set(name, [...older, previous].slice(-VERSIONS_KEPT))
    files.set(name, bytes)
  }

  const change = (openedAs: number, name: string, bytes: Uint8Array | undefined): Promise<void> =>
    new Promise((resolve, reject) => {
      if (openedAs !== generation) return
      const write: PendingWrite = { name, bytes, settle: (error) => (error === undefined ? resolve() : reject(error)) }
      pending.push(write)
      clock.after(prng.below(SYNC_MS_MAX), () => {
        if (!pending.includes(write)) return
        // Files are synced in the order they were written.
        const upTo = pending.indexOf(write) + 1
        const done = pending.slice(0, upTo)
        pending = pending.slice(upTo)
        for (const one of done) {
          apply(one)
          one.settle()
        }
      })
    })

  return {
    open() {
      const openedAs = ++generation
      const assertOpen = (): void => {
        if (openedAs !== generation) throw new AppError('SIM_PROCESS_DEAD', {})
      }
      return {
        async read(name) {
          assertOpen()
          const newest = pending.filter((write) => write.name === name).at(-1)
          return (newest === undefined ? files.get(name) : newest.bytes)?.slice()
        },
        write: (name, bytes) => change(openedAs, name, bytes.slice()),
        remove: (name) => change(openedAs, name, undefined),
      }
    },
    crash() {
      generation++
      for (const write of pending) {
        if (!prng.chance(500)) break
        apply(write)
      }
      pending = []
    },
    names: () => [...files.keys()].sort((a, b) => (a < b ? -1 : 1)),
    read: (name) => files.get(name),
    lose: (name) => void files.delete(name),
    rollBack(name, draws) {
      const older = history.get(name) ?? []
      if (older.length === 0) return false
      files.set(name, draws.pick(older))
      return true
    },
    corrupt(name, draws) {
      const bytes = files.get(name)
      if (bytes === undefined || bytes.length === 0) return false
      const damaged = bytes.slice()
      const at = draws.below(damaged.length)
      damaged[at] = (damaged[at] as number) ^ (1 << draws.below(8))
      files.set(name, damaged)
      return true
    },
  }
}
