/** Owns the default parameters of the economy (computation.md section 7) for any block time. */
import { fixed, fixedOf, FIXED_ONE } from '@phalanx/primitives/fixed'
import type { TokenomicParameters } from '@phalanx/primitives/messages'

/** Seconds per block that the published per-block numbers are for. */
const REFERENCE_BLOCK_SEC = 12
const SECONDS_PER_HOUR = 3600
const SECONDS_PER_DAY = 86_400
const SECONDS_PER_YEAR = 31_536_000

const RHO_PER_REFERENCE_BLOCK = fixedOf('1.000000666600231')
const SERIES_TERMS = 4

/**
 * Growth of V per block of `seconds`: the published one to the power of seconds/12, by the binomial series; its first four terms are exact to the
 * last bit for blocks of up to an hour.
 */
const growthPerBlock = (seconds: number): bigint => {
  const rate = RHO_PER_REFERENCE_BLOCK - FIXED_ONE
  let term = FIXED_ONE << 64n
  let sum = term
  for (let i = 0; i < SERIES_TERMS; i++) {
    const step = BigInt(seconds - i * REFERENCE_BLOCK_SEC)
    term = ((term * rate * step) >> 64n) / BigInt(REFERENCE_BLOCK_SEC * (i + 1))
    sum += term
  }
  return sum >> 64n
}

/** Default parameters of a chain with blocks of so many seconds; those of the reference where it is 12. */
export const defaultParameters = (blockSeconds: number): TokenomicParameters => {
  const phaRate = FIXED_ONE
  const perYear = (literal: string): bigint =>
    fixed.div(fixed.divInteger(fixed.mulInteger(fixedOf(literal), blockSeconds), SECONDS_PER_YEAR), phaRate)
  return {
    phaRate,
    rho: growthPerBlock(blockSeconds),
    budgetPerBlock: budgetPerBlock(fixedOf('720000'), blockSeconds),
    vMax: fixedOf('30000'),
    costK: perYear('0.0415625'),
    costB: perYear('88.59375'),
    slashRate: fixed.divInteger(fixed.mulInteger(fixedOf('0.001'), blockSeconds), SECONDS_PER_HOUR),
    treasuryRatio: fixedOf('0.2'),
    heartbeatWindow: 10,
    rigK: fixed.div(fixedOf('0.3'), phaRate),
    rigB: 0n,
    re: fixedOf('1.3'),
    k: fixedOf('100'),
    kappa: FIXED_ONE,
  }
}

/** Budget of a block from the budget of a day; fixed point bits. */
export const budgetPerBlock = (perDay: bigint, blockSeconds: number): bigint =>
  fixed.divInteger(fixed.mulInteger(perDay, blockSeconds), SECONDS_PER_DAY)
