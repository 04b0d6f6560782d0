/** Owns the measuring of this machine's speed: short samples of the reference's counting loop, extended over the time asked for. */
import type { Clock } from '@phalanx/primitives/ports'

/** Counts iterations of the benchmark loop. */
export interface Benchmark {
  start(): void
  stop(): void
  /** Iterations since the last call, 0 while stopped. */
  take(): bigint
  /** Iterations that this machine does in a span of chain time; spans under a second count as one, as the chain's score does. */
  measure(elapsedMs: bigint): bigint
}

/** Steps of one iteration: candidates below 65,536 × 128, as the reference counts them. */
const STEPS_PER_ITERATION = 65_536 * 128
const STEPS_PER_SAMPLE = STEPS_PER_ITERATION / 16
/** The fastest of these counts: the first ones run before the code is compiled, any one may be interrupted. */
const SAMPLES = 6
const SAMPLE_LIFE_MS = 10_000
const SCALE = 1_000_000

/** Runs the counting loop; the sum keeps a compiler from removing it. */
const countSteps = (steps: number): number => {
  let sum = 0
  for (let i = 2; i < steps; i++) sum = (sum + i) | 0
  return sum
}

/** A benchmark over the real processor. `highResolutionMs` tells time in fractions of a millisecond. */
export const createBenchmark = (dependencies: { readonly clock: Clock; readonly highResolutionMs: () => number }): Benchmark => {
  const { clock, highResolutionMs } = dependencies
  let running = false
  let takenAtMs = 0
  let sampledAtMs = -Infinity
  let iterationsPerSecond = 0
  let kept = 0
  const rate = (): number => {
    if (clock.nowMs() - sampledAtMs >= SAMPLE_LIFE_MS) {
      let tookMs = Infinity
      for (let i = 0; i < SAMPLES; i++) {
        const from = highResolutionMs()
        kept ^= countSteps(STEPS_PER_SAMPLE)
        tookMs = Math.min(tookMs, Math.max(highResolutionMs() - from, 0.001))
      }
      iterationsPerSecond = (STEPS_PER_SAMPLE / STEPS_PER_ITERATION / tookMs) * 1000
      sampledAtMs = clock.nowMs()
    }
    return iterationsPerSecond
  }
  const over = (elapsedMs: bigint): bigint => (BigInt(Math.round(rate() * SCALE)) * elapsedMs) / 1000n / BigInt(SCALE)
  return {
    start() {
      if (running) return
      running = true
      takenAtMs = clock.nowMs()
    },
    stop() {
      running = false
    },
    take() {
      if (!running) return 0n
      const now = clock.nowMs()
      const iterations = over(BigInt(Math.max(0, Math.round(now - takenAtMs))))
      if (iterations > 0n) takenAtMs = now
      return iterations
    },
    measure: (elapsedMs) => over(elapsedMs < 1000n ? 1000n : elapsedMs),
  }
}
