/** Owns a worker's share in the rewards of a block (computation.md section 9.5): gatekeepers pay by it, the chain explains it. */
import { fixed, fixedOf, FIXED_ONE } from './fixed.ts'

const SCORES: ReadonlyMap<number, bigint> = new Map([
  [1, FIXED_ONE], [2, FIXED_ONE], [3, FIXED_ONE], [4, fixedOf('0.8')], [5, fixedOf('0.7')], [128, FIXED_ONE],
])

/** Weight of a worker's performance by its confidence level; levels that nobody gives weigh nothing. */
export const confidenceScore = (level: number): bigint => SCORES.get(level) ?? 0n

/** Square of the part that performance has in a share: (2 · p · score)². */
export const performanceSquare = (p: bigint, score: bigint): bigint => {
  const part = fixed.mul(fixed.mul(2n * FIXED_ONE, p), score)
  return fixed.mul(part, part)
}

/** Share of a worker: √(v² + (2 · p · score)²), by the coarse root. */
export const computingShare = (v: bigint, p: bigint, score: bigint): bigint => fixed.sqrt(fixed.add(fixed.mul(v, v), performanceSquare(p, score)))
