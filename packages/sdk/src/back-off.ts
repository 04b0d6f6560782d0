/** Owns the waiting time between retries: exponential with jitter, from handed-in randomness. */
import type { Random } from '@phalanx/primitives/ports'

/** Shape of a back-off; times in milliseconds. */
export interface BackOff {
  readonly firstMs: number
  readonly maxMs: number
}

/** Suits connections on one machine or across the world: 100 ms, doubling to 15 s. */
export const DEFAULT_BACK_OFF: BackOff = { firstMs: 100, maxMs: 15_000 }

/** A number in [0, 1) from two random bytes; enough for jitter, never for secrets. */
export const randomFraction = (random: Random): number => {
  const [high = 0, low = 0] = random.bytes(2)
  return (high * 256 + low) / 65_536
}

/**
 * Delay before attempt `failures + 1`: doubles with each failure up to the maximum, of which the upper half is jitter.
 * @example backOffMs({ firstMs: 100, maxMs: 1000 }, { failures: 1, fraction: 0 }) // 50
 */
export const backOffMs = (backOff: BackOff, attempt: { readonly failures: number; readonly fraction: number }): number => {
  const exponent = Math.min(20, Math.max(0, attempt.failures - 1))
  const ceiling = Math.min(backOff.maxMs, backOff.firstMs * 2 ** exponent)
  return Math.round(ceiling / 2 + (ceiling / 2) * attempt.fraction)
}
