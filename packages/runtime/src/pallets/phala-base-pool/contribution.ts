/** Owns buying shares of a pool, whitelists included. */
import { bytesEqual } from '@phalanx/primitives/bytes'
import type { Context } from '../../frame/context.ts'
import { moveWpha, moveWphaOfUser } from '../phala-wrapped-balances/wpha.ts'
import { basePoolParts } from './declaration.ts'
import { mergeShares, mintShares } from './nfts.ts'
import { basePoolOf, reduceValue, updateBase } from './pools.ts'
import { isExactEnough, sharePrice, sharesFor } from './shares.ts'
import { contributionWhitelists } from './storage.ts'

const ensureWelcome = (ctx: Context, pid: bigint, who: Uint8Array): void => {
  const list = contributionWhitelists.get(ctx, pid)
  if (list === undefined || bytesEqual(basePoolOf(ctx, pid).owner, who) || list.some((one) => bytesEqual(one, who))) return
  basePoolParts.in(ctx).fail('NotInContributeWhitelist')
}

/**
 * Buys shares for an account (a vault's where `vault` is its pool) and returns how many. Fails with PoolBankrupt, NotInContributeWhitelist,
 * InvalidSharePrice.
 */
export const contributeTo = (ctx: Context, pid: bigint, from: { readonly account: Uint8Array; readonly vault?: bigint | undefined; readonly amount: bigint }): bigint => {
  const { account, vault, amount } = from
  const pool = basePoolOf(ctx, pid)
  const { totalShares, totalValue } = pool
  const base = basePoolParts.in(ctx)
  if (totalShares > 0n && totalValue === 0n) base.fail('PoolBankrupt')
  ensureWelcome(ctx, pid, account)
  const price = sharePrice(pool)
  const shares = sharesFor(price, amount)
  if (!isExactEnough(price, { amount, shares, totalShares })) base.fail('InvalidSharePrice')
  mergeShares(ctx, pool, account)
  mintShares(ctx, pool, account, shares)
  updateBase(ctx, pid, () => ({ totalShares: totalShares + shares, totalValue: totalValue + amount }))
  const move = { from: account, to: pool.poolAccountId, amount }
  if (vault === undefined) moveWphaOfUser(ctx, move)
  else reduceValue(ctx, vault, moveWpha(ctx, move))
  return shares
}
