/** Owns how gains and losses of a stake pool reach its value and the value of the vaults that delegate to it. */
import { balanceToFixed, fixed, fixedToBalance } from '@phalanx/primitives/fixed'
import type { Context } from '../../frame/context.ts'
import { freeSharesOf, queuedSharesOf, shareNftsOf } from './nfts.ts'
import { basePoolOf, reduceValue, updateBase } from './pools.ts'
import type { BasePool } from './types.ts'

/** A vault's part of an amount, by its shares in the pool, those in the queue included; cut off to 12 decimals as the reference does. */
const partOf = (shares: bigint, totalShares: bigint, amount: bigint): bigint => {
  const total = balanceToFixed(totalShares)
  if (total === 0n) return 0n
  const ratio = fixedToBalance(fixed.div(balanceToFixed(shares), total))
  return fixedToBalance(fixed.mul(balanceToFixed(ratio), balanceToFixed(amount)))
}

const forEachVault = (ctx: Context, pool: BasePool, amount: bigint, change: (vault: bigint, part: bigint) => void): void => {
  for (const vault of pool.valueSubscribers) {
    const { poolAccountId } = basePoolOf(ctx, vault)
    if (shareNftsOf(ctx, pool.cid, poolAccountId).length === 0) continue
    const shares = freeSharesOf(ctx, pool.cid, poolAccountId) + queuedSharesOf(ctx, pool, poolAccountId)
    change(vault, partOf(shares, pool.totalShares, amount))
  }
}

/** The pool is worth more. */
export const distributeGain = (ctx: Context, pid: bigint, amount: bigint): void => {
  updateBase(ctx, pid, ({ totalValue }) => ({ totalValue: totalValue + amount }))
  forEachVault(ctx, basePoolOf(ctx, pid), amount, (vault, part) => updateBase(ctx, vault, ({ totalValue }) => ({ totalValue: totalValue + part })))
}

/** The pool is worth less. */
export const distributeLoss = (ctx: Context, pid: bigint, amount: bigint): void => {
  forEachVault(ctx, basePoolOf(ctx, pid), amount, (vault, part) => reduceValue(ctx, vault, part))
  reduceValue(ctx, pid, amount)
}
