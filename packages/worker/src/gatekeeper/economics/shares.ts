/**
 * Owns the sum of all shares at the start of a block: √(v² + square) of every answering worker, each cut off as fixed.sqrt does. Doubles find
 * the whole part of a root where it is beyond doubt, and whole numbers of any size where it is not, so the sum is exact on every machine.
 */
import { fixed, FIXED_MAX, isqrt } from '@phalanx/primitives/fixed'
import type { Worker } from './worker-record.ts'

/** Roots at least this large carry the rounding below; smaller ones are computed exactly. */
const ROOT_MIN = 2 ** 20
/** Below this a double holds whole part and doubt of a root. */
const ROOT_MAX = 2 ** 48
/**
 * A root found by doubles is off by less than x · 2^−51 (conversion, square, sum and root each round to 2^−53) and by the cut-off of v²,
 * less than 2^−21; twice that is allowed for.
 */
const DOUBT_RELATIVE = 2 ** -50
const DOUBT_ABSOLUTE = 2 ** -20
/** Square of 2^−32: v² / 2^64 from v. */
const HALF_SCALE = 2 ** 32
const ROOT_BITS = 32n
/** Roots below ROOT_MAX that a double adds up without loss. */
const BATCH = 16

/** Root of a share, exact. */
const exactRoot = (v: bigint, square: bigint): bigint => isqrt(fixed.add(fixed.mul(v, v), square))

/** Whole part of the root, or −1 where doubles cannot tell. */
const certainRoot = (v: bigint, squareNumber: number): number => {
  const scaled = Number(v) / HALF_SCALE
  // tidy-allow purity: the result is taken only where its error, bounded above, cannot change the whole part
  const root = Math.sqrt(scaled * scaled + squareNumber)
  if (!(root >= ROOT_MIN && root < ROOT_MAX)) return -1
  const whole = Math.floor(root)
  const rest = root - whole
  const doubt = root * DOUBT_RELATIVE + DOUBT_ABSOLUTE
  return rest > doubt && rest < 1 - doubt ? whole : -1
}

/** Σ share of the workers at `positions` that answer. Fixed point bits. */
export const sumShares = (workers: readonly Worker[], v: readonly bigint[], positions: readonly number[]): bigint => {
  let sum = 0n
  let batch = 0
  let inBatch = 0
  for (const at of positions) {
    const worker = workers[at] as Worker
    if (worker.unresponsive) continue
    const root = certainRoot(v[at] as bigint, worker.rates.squareNumber)
    if (root < 0) {
      sum += exactRoot(v[at] as bigint, worker.rates.square)
      continue
    }
    batch += root
    if (++inBatch === BATCH) {
      sum += BigInt(batch)
      batch = 0
      inBatch = 0
    }
  }
  const bits = (sum + BigInt(batch)) << ROOT_BITS
  return bits > FIXED_MAX ? FIXED_MAX : bits
}

/** Share of one worker. */
export const shareOf = (worker: Worker, v: bigint): bigint => exactRoot(v, worker.rates.square) << ROOT_BITS
