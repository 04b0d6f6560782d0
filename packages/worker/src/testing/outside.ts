/** Owns stand-ins for the outside world of a worker: randomness, files, benchmark, clock. Deterministic; not for production. */
import { concatBytes, utf8 } from '@phalanx/primitives/bytes'
import type { Crypto } from '@phalanx/primitives/crypto'
import type { BlobStore, Clock, Random } from '@phalanx/primitives/ports'
import type { Benchmark } from '../platform/benchmark.ts'
import { TEST_GENESIS_TIME_MS } from './chain.ts'

/** Deterministic stand-in for randomness: never for keys that matter. */
export const createTestRandom = (crypto: Pick<Crypto, 'blake2b256'>, seed: string): Random => {
  let counter = 0
  return {
    bytes(length) {
      const out: Uint8Array[] = []
      for (let size = 0; size < length; size += 32) out.push(crypto.blake2b256(utf8(`${seed}/${counter++}`)))
      return concatBytes(...out).slice(0, length)
    },
  }
}

/** Blobs in memory. `files` may be looked at and changed by tests. */
export interface MemoryBlobStore extends BlobStore {
  readonly files: Map<string, Uint8Array>
  /** When set, writes stay pending and are lost, as in a crash. */
  dropWrites: boolean
  /** When set, writes fail. */
  failWrites: boolean
}

/** An empty memory store, or a copy of files. */
export const createMemoryBlobStore = (files: Iterable<readonly [string, Uint8Array]> = []): MemoryBlobStore => ({
  files: new Map([...files].map(([name, bytes]) => [name, bytes.slice()])),
  dropWrites: false,
  failWrites: false,
  read(name) {
    return Promise.resolve(this.files.get(name)?.slice())
  },
  write(name, bytes) {
    if (this.dropWrites) return new Promise<void>(() => {})
    if (this.failWrites) return Promise.reject(new Error('disk full'))
    this.files.set(name, bytes.slice())
    return Promise.resolve()
  },
  remove(name) {
    this.files.delete(name)
    return Promise.resolve()
  },
})

/** A benchmark of a machine that does `perSecond` iterations in every second of chain time, and as many between two looks. */
export const createTestBenchmark = (perSecond = 100n): Benchmark => {
  let running = false
  return {
    start() {
      running = true
    },
    stop() {
      running = false
    },
    take: () => (running ? perSecond : 0n),
    measure: (elapsedMs) => (perSecond * (elapsedMs < 1000n ? 1000n : elapsedMs)) / 1000n,
  }
}

/** A clock that stands still; timers run when told to. */
export interface TestClock extends Clock {
  now: number
  /** Runs the timers that are due after `ms` more. */
  advance(ms: number): void
}

/** A standing clock. */
export const createTestClock = (now = Number(TEST_GENESIS_TIME_MS)): TestClock => {
  const timers = new Set<{ readonly at: number; readonly callback: () => void }>()
  const clock: TestClock = {
    now,
    nowMs: () => clock.now,
    after(delayMs, callback) {
      const timer = { at: clock.now + delayMs, callback }
      timers.add(timer)
      return () => timers.delete(timer)
    },
    advance(ms) {
      clock.now += ms
      for (const timer of [...timers]) {
        if (timer.at > clock.now || !timers.delete(timer)) continue
        timer.callback()
      }
    },
  }
  return clock
}
