/** Owns the chain's formulas of the economy: least stake, V at the start, challenge target (computation.md sections 3 and 4). */
import { balanceToFixed, fixed, fixedOf, fixedToBalance, FIXED_ONE } from '@phalanx/primitives/fixed'
import type { TokenomicParameters } from '@phalanx/primitives/messages'

const SCORES: Readonly<Record<number, bigint>> = { 4: fixedOf('0.8'), 5: fixedOf('0.7') }

/** Weight of a confidence level on the chain: 1 but for levels 4 and 5. (The gatekeepers give unknown levels 0.) */
export const startingScore = (level: number): bigint => SCORES[level] ?? FIXED_ONE

/** Least stake of a worker with performance `p`, plancks. */
export const minimalStake = (params: TokenomicParameters, p: number): bigint =>
  fixedToBalance(fixed.mul(params.k, fixed.sqrt(fixed.fromInteger(p))))

/** Cost of a rig with performance `p`, in PHA. */
export const rigCost = (params: TokenomicParameters, p: number): bigint => fixed.add(fixed.mulInteger(params.rigK, p), params.rigB)

/** V of a worker that starts with this stake (plancks), performance and confidence level. */
export const initialV = (params: TokenomicParameters, worker: { readonly stake: bigint; readonly p: number; readonly confidenceLevel: number }): bigint => {
  const factor = fixed.add(fixed.mul(fixed.sub(params.re, FIXED_ONE), startingScore(worker.confidenceLevel)), FIXED_ONE)
  return fixed.mul(factor, fixed.add(balanceToFixed(worker.stake), rigCost(params, worker.p)))
}

const SECONDS_PER_HOUR = 3600
/** Fraction bits of the narrow numbers that targets are computed with. */
const NARROW_BITS = 32n
const NARROW_MAX = (1n << 64n) - 1n
const TARGET_BITS = 24n
const TARGET_MAX = (1n << 256n) - 1n
const TARGET_UNIT = TARGET_MAX >> TARGET_BITS

/**
 * Target of a challenge: an answer is due where hash XOR seed is at most this. Aims at `heartbeats` per block, at most `perWorkerHour`
 * per worker and hour (the reference's two unless the chain's spec says otherwise). Below a second, blocks count as a second long; above an hour as an hour; nobody is asked more than once per block.
 */
export const challengeTarget = (aim: { readonly heartbeats: number; readonly workers: number; readonly blockSeconds: number; readonly perWorkerHour: number }): bigint => {
  if (aim.workers === 0) return 0n
  const blocksPerHour = BigInt(Math.floor(SECONDS_PER_HOUR / Math.min(Math.max(aim.blockSeconds, 1), SECONDS_PER_HOUR)))
  const workers = BigInt(aim.workers)
  const most = (workers * BigInt(aim.perWorkerHour) << NARROW_BITS) / blocksPerHour
  const wanted = BigInt(aim.heartbeats) << NARROW_BITS
  const perWorker = (wanted < most ? wanted : most) / workers
  const scaled = perWorker << TARGET_BITS
  const target = TARGET_UNIT * ((scaled > NARROW_MAX ? NARROW_MAX : scaled) >> NARROW_BITS)
  return target < TARGET_MAX ? target : TARGET_MAX
}

/** p of a worker on the chain after `iterations` more in `seconds` more, at most 120 % of what it started with however large the count (the reference wraps at 2^32 first). */
export const instantPerformance = (run: { readonly iterations: bigint; readonly seconds: bigint; readonly pInit: number }): number => {
  const measured = (run.iterations * 6n) / run.seconds
  const most = (BigInt(run.pInit) * 12n) / 10n
  return Number(measured < most ? measured : most)
}
