/** Owns the parameters that gatekeepers reckon with. 64.64 fixed point bits; rates are per block. */
import { struct, u128, u32, type TypeOf } from '@phalanx/primitives/codec'
import { fixed, fixedOf, FIXED_ONE } from '@phalanx/primitives/fixed'
import type { TokenomicParameters } from '@phalanx/primitives/messages'

/** Parameters in force. */
export const EconomicsParameters = struct({
  rho: u128, slashRate: u128, budgetPerBlock: u128, vMax: u128, costK: u128, costB: u128, treasuryRatio: u128, payoutRatio: u128, heartbeatWindow: u32,
})
export type EconomicsParameters = TypeOf<typeof EconomicsParameters>

/** Before the chain says anything. */
export const INITIAL_PARAMETERS: EconomicsParameters = {
  rho: fixedOf('1.000000666600231'),
  slashRate: fixedOf('0.0000033333333333333240063'),
  budgetPerBlock: fixedOf('100'),
  vMax: fixedOf('30000'),
  costK: fixedOf('0.000000015815258751856933056'),
  costB: fixedOf('0.000033711472602739674283'),
  treasuryRatio: fixedOf('0.2'),
  payoutRatio: fixedOf('0.8'),
  heartbeatWindow: 10,
}

/** The gatekeepers' part of the chain's parameters. */
export const toEconomicsParameters = (params: TokenomicParameters): EconomicsParameters => {
  const { rho, slashRate, budgetPerBlock, vMax, costK, costB, treasuryRatio, heartbeatWindow } = params
  return { rho, slashRate, budgetPerBlock, vMax, costK, costB, treasuryRatio, payoutRatio: fixed.sub(FIXED_ONE, treasuryRatio), heartbeatWindow }
}
