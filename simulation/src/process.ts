/** Owns the life of a simulated process: its timers die with it, as do answers it still owes. */
import type { Clock } from '@phalanx/primitives/ports'

/** One run of a program. */
export interface SimProcess {
  /** The world's clock as this process sees it: after `kill` none of its timers fires. */
  readonly clock: Clock
  readonly isAlive: boolean
  kill(): void
}

/** Starts a process. */
export const createSimProcess = (world: Clock): SimProcess => {
  let isAlive = true
  return {
    get isAlive() {
      return isAlive
    },
    kill() {
      isAlive = false
    },
    clock: {
      nowMs: () => world.nowMs(),
      after: (delayMs, callback) => world.after(delayMs, () => { if (isAlive) callback() }),
    },
  }
}
