/** Owns what an account is worth in wrapped PHA: its free balance and the value of its shares; requests that wait in queues do not count. */
import type { Context } from '../../frame/context.ts'
import { failToken } from '../../frame/dispatch-error.ts'
import { shareNftsOf, sharesOf } from '../phala-base-pool/nfts.ts'
import { basePoolOf } from '../phala-base-pool/pools.ts'
import { sharePrice, valueOf } from '../phala-base-pool/shares.ts'
import { wrappedParts } from './declaration.ts'
import { INVEST_POOLS_MAX, stakerAccounts, type FinanceAccount } from './storage.ts'
import { wphaBalance } from './wpha.ts'

const NEW_ACCOUNT: FinanceAccount = { investPools: [], locked: 0n }

/** Makes the account known as one that wrapped PHA. */
export const ensureStaker = (ctx: Context, who: Uint8Array): void => {
  if (!stakerAccounts.has(ctx, who)) stakerAccounts.set(ctx, who, NEW_ACCOUNT)
}

/** Remembers that the account delegated to a pool. Pools where it has nothing left make room; fails with TooManyPools. */
export const noteDelegation = (ctx: Context, who: Uint8Array, { pid, cid }: { readonly pid: bigint; readonly cid: number }): void => {
  const account = stakerAccounts.get(ctx, who) ?? NEW_ACCOUNT
  if (account.investPools.some(([known]) => known === pid)) return
  const full = account.investPools.length >= INVEST_POOLS_MAX
  const kept = full ? account.investPools.filter(([, known]) => shareNftsOf(ctx, known, who).length > 0) : account.investPools
  if (kept.length >= INVEST_POOLS_MAX) wrappedParts.in(ctx).fail('TooManyPools')
  stakerAccounts.set(ctx, who, { ...account, investPools: [...kept, [pid, cid]] })
}

/** What an account is worth. */
export const netValue = (ctx: Context, who: Uint8Array): bigint => {
  let value = wphaBalance(ctx, who)
  for (const [pid, cid] of stakerAccounts.get(ctx, who)?.investPools ?? []) {
    const price = sharePrice(basePoolOf(ctx, pid))
    if (price === undefined) continue
    for (const nft of shareNftsOf(ctx, cid, who)) value += valueOf(price, sharesOf(ctx, { cid, nft }))
  }
  return value
}

/** Fails with Frozen where votes keep what the account would send away. */
export const ensureUnkept = (ctx: Context, who: Uint8Array, amount: bigint): void => {
  const locked = stakerAccounts.get(ctx, who)?.locked ?? 0n
  if (locked > 0n && netValue(ctx, who) < locked + amount) failToken('Frozen')
}
