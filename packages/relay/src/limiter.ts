/** Owns a bound on how much is asked of one other side at once; whoever waits is served in the order of asking. */

/** Runs tasks, at most so many at a time. */
export interface Limiter {
  run<T>(task: () => Promise<T>): Promise<T>
}

/** A limiter for `max` tasks at a time. */
export const createLimiter = (max: number): Limiter => {
  let running = 0
  const waiting: (() => void)[] = []
  return {
    async run(task) {
      if (running >= max) await new Promise<void>((resume) => waiting.push(resume))
      else running++
      try {
        return await task()
      } finally {
        // The place is handed on, so that nobody who comes now overtakes those who wait.
        const next = waiting.shift()
        if (next === undefined) running--
        else next()
      }
    },
  }
}
