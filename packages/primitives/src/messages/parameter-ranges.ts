/** Owns what values the economy's parameters may have: the chain refuses others, and gatekeepers ignore them. */
import { fixedOf, FIXED_ONE } from '../fixed/fixed.ts'
import type { TokenomicParameters } from './economics.ts'

const BILLION = fixedOf('1000000000')
const MILLION = fixedOf('1000000')
const WINDOW_MAX = 100_000

/**
 * Least and most of each. Within these ranges no formula of chain or gatekeeper overflows 128 bits or divides by nothing; beyond them the reference
 * panics on every gatekeeper.
 */
const RANGES: { readonly [K in Exclude<keyof TokenomicParameters, 'heartbeatWindow'>]: readonly [least: bigint, most: bigint] } = {
  phaRate: [1n, BILLION],
  rho: [FIXED_ONE, 2n * FIXED_ONE],
  budgetPerBlock: [0n, BILLION],
  vMax: [FIXED_ONE, BILLION],
  costK: [0n, MILLION],
  costB: [0n, MILLION],
  slashRate: [0n, FIXED_ONE],
  treasuryRatio: [0n, FIXED_ONE],
  rigK: [0n, MILLION],
  rigB: [0n, BILLION],
  re: [FIXED_ONE, MILLION],
  k: [0n, BILLION],
  kappa: [0n, BILLION],
}

/** Whether parameters are within what the formulas can bear. */
export const isSaneParameters = (params: TokenomicParameters): boolean =>
  params.heartbeatWindow >= 1 && params.heartbeatWindow <= WINDOW_MAX
  && Object.entries(RANGES).every(([name, [least, most]]) => {
    const value = params[name as keyof typeof RANGES]
    return value >= least && value <= most
  })
