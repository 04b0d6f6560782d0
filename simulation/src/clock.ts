/**
 * Owns virtual time: timers fire in order of time and then of creation, one after another, and all promises settle in between.
 * Nothing in the simulated world sees another clock, so a run depends on its seed only.
 */
import { createHeap } from '@phalanx/primitives/heap'
import type { Clock } from '@phalanx/primitives/ports'

interface Timer {
  readonly atMs: number
  readonly order: number
  readonly callback: () => void
}

const isBefore = (a: Timer, b: Timer): boolean => a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order)

/** A clock that the simulator drives. */
export interface VirtualClock extends Clock {
  /** Runs timers until virtual time `untilMs`, letting promises settle after each. */
  run(untilMs: number): Promise<void>
  /** Runs timers until `done` says so. @throws Error when `limitMs` of virtual time passed without it */
  runUntil(done: () => boolean, limitMs: number): Promise<boolean>
  /** Runs timers until a promise settles, and passes its outcome on. For the start of a world; inside it everything waits by timers. */
  await<T>(promise: Promise<T>): Promise<T>
  /** Timers that fired so far. */
  readonly fired: number
}

/** All promise callbacks that can run now have run when this resolves: macrotasks come after every microtask. */
const settle = (): Promise<void> => new Promise((done) => setImmediate(done))

/** Starts virtual time at `startMs` since the Unix epoch. */
export const createVirtualClock = (startMs: number): VirtualClock => {
  const queue = createHeap(isBefore)
  let nowMs = startMs
  let order = 0
  let fired = 0
  const step = async (limitMs: number): Promise<boolean> => {
    const next = queue.peek()
    if (next === undefined || next.atMs > limitMs) return false
    queue.pop()
    nowMs = Math.max(nowMs, next.atMs)
    fired++
    next.callback()
    await settle()
    return true
  }
  return {
    nowMs: () => nowMs,
    get fired() {
      return fired
    },
    after(delayMs, callback) {
      let live = true
      queue.push({ atMs: nowMs + Math.max(0, delayMs), order: order++, callback: () => { if (live) callback() } })
      return () => {
        live = false
      }
    },
    async run(untilMs) {
      await settle()
      while (await step(untilMs));
      nowMs = Math.max(nowMs, untilMs)
    },
    async await(promise) {
      let isSettled = false
      promise.then(() => (isSettled = true), () => (isSettled = true))
      await settle()
      while (!isSettled && (await step(Number.POSITIVE_INFINITY)));
      return promise
    },
    async runUntil(done, limitMs) {
      await settle()
      const untilMs = nowMs + limitMs
      while (!done()) {
        if (!(await step(untilMs))) return false
      }
      return true
    },
  }
}
