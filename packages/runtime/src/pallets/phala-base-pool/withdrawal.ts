/** Owns the queue of withdrawals: joining it, paying from it, and when it has waited too long (stakepool.md section 5). */
import { bytesEqual, compareBytes } from '@phalanx/primitives/bytes'
import type { Context } from '../../frame/context.ts'
import { canTakeWpha, moveWpha, wphaMinimum } from '../phala-wrapped-balances/wpha.ts'
import { ISSUER } from './accounts.ts'
import { basePoolParts } from './declaration.ts'
import { burnShares, mintShares, setShares, sharesOf, type ShareNft } from './nfts.ts'
import { basePoolOf, freeStake, nowSeconds, updateBase } from './pools.ts'
import { isDust, sharePrice, sharesFor, valueOf } from './shares.ts'
import { WITHDRAW_QUEUE_MAX, type WithdrawInfo } from './types.ts'

/** Who withdraws, from which of his items, how many shares. */
export interface WithdrawRequest {
  readonly user: Uint8Array
  readonly item: ShareNft
  readonly shares: bigint
  readonly asVault: bigint | undefined
}

/** What one user got in one go. */
interface Paid {
  readonly user: Uint8Array
  amount: bigint
  shares: bigint
  burntShares: bigint
}

const emitPaid = (ctx: Context, pid: bigint, paid: readonly Paid[]): void => {
  const base = basePoolParts.in(ctx)
  for (const { user, amount, shares, burntShares } of [...paid].sort((a, b) => compareBytes(a.user, b.user))) base.emit('Withdrawal', { pid, user, amount, shares, burntShares })
}

/**
 * Queues a withdrawal and pays what can be paid. An older request of the user goes back to his item first: the new one replaces it, at the
 * end of the queue and with a new time. Fails with InvalidShareToWithdraw, WithdrawQueueFull.
 */
export const withdrawShares = (ctx: Context, pid: bigint, request: WithdrawRequest): void => {
  const { user, item, shares, asVault } = request
  const base = basePoolParts.in(ctx)
  const pool = basePoolOf(ctx, pid)
  const { cid } = pool
  let owned = item.shares
  const withdrawQueue: WithdrawInfo[] = []
  for (const entry of pool.withdrawQueue) {
    if (!bytesEqual(entry.user, user)) {
      withdrawQueue.push(entry)
      continue
    }
    owned += sharesOf(ctx, { cid, nft: entry.nftId })
    burnShares(ctx, { cid, nft: entry.nftId }, ISSUER)
  }
  if (shares > owned) base.fail('InvalidShareToWithdraw')
  if (withdrawQueue.length >= WITHDRAW_QUEUE_MAX) base.fail('WithdrawQueueFull')
  const nftId = mintShares(ctx, pool, ISSUER, shares)
  updateBase(ctx, pid, () => ({ withdrawQueue: [...withdrawQueue, { user, startTime: nowSeconds(ctx), nftId }] }))
  base.emit('WithdrawalQueued', { pid, user, shares, nftId: item.nft, asVault, withdrawingNftId: nftId })
  processQueue(ctx, pid)
  setShares(ctx, { cid, nft: item.nft }, owned - shares)
}

/** Draft of a pool while its queue is paid. */
interface Draft {
  totalShares: bigint
  totalValue: bigint
}

/** Takes shares out of the draft. */
const payFront = (
  ctx: Context, draft: Draft, payment: { readonly from: Uint8Array; readonly to: Uint8Array; readonly take: bigint; readonly shares: bigint; readonly free: bigint },
): { readonly amount: bigint; readonly removed: bigint } | undefined => {
  const { from, to, take, shares, free } = payment
  const price = sharePrice(draft)
  const worth = price === undefined ? 0n : valueOf(price, take)
  const amount = worth < free ? worth : free
  if (take === 0n || amount === 0n || !canTakeWpha(ctx, to, amount)) return undefined
  const rest = shares - take
  const removed = isDust(rest) ? shares : take
  const lost = moveWpha(ctx, { from, to, amount })
  const left = draft.totalValue > amount + lost ? draft.totalValue - amount - lost : 0n
  draft.totalShares -= removed
  draft.totalValue = isDust(left) ? 0n : left
  return { amount, removed }
}

/** Pays withdrawals from the free stake, first come first served, as far as it goes. */
export const processQueue = (ctx: Context, pid: bigint): void => {
  const pool = basePoolOf(ctx, pid)
  const { cid, poolAccountId } = pool
  const price = sharePrice(pool)
  if (price === undefined || pool.withdrawQueue.length === 0) return
  const minimum = wphaMinimum(ctx)
  const draft: Draft = { totalShares: pool.totalShares, totalValue: pool.totalValue }
  const paid: Paid[] = []
  const paidTo = (user: Uint8Array): Paid => {
    let found = paid.find((one) => bytesEqual(one.user, user))
    if (found === undefined) paid.push((found = { user, amount: 0n, shares: 0n, burntShares: 0n }))
    return found
  }
  const isWorthless = (shares: bigint): boolean => valueOf(sharePrice(draft) ?? 0n, shares) <= minimum
  let done = 0
  for (let free = freeStake(ctx, pool); free > minimum && done < pool.withdrawQueue.length; free = freeStake(ctx, pool)) {
    const { user, nftId } = pool.withdrawQueue[done] as WithdrawInfo
    const id = { cid, nft: nftId }
    let shares = sharesOf(ctx, id)
    if (!isWorthless(shares)) {
      const most = price === 0n ? shares : sharesFor(price, free)
      const payment = payFront(ctx, draft, { from: poolAccountId, to: user, take: most < shares ? most : shares, shares, free })
      if (payment === undefined) break
      const stats = paidTo(user)
      stats.amount += payment.amount
      stats.shares += payment.removed
      shares -= payment.removed
      setShares(ctx, id, shares)
      if (shares > 0n && !isWorthless(shares)) continue
    }
    if (shares > 0n) {
      paidTo(user).burntShares += shares
      draft.totalShares -= shares
    }
    burnShares(ctx, id, ISSUER)
    done++
  }
  updateBase(ctx, pid, () => ({ ...draft, withdrawQueue: done === 0 ? pool.withdrawQueue : pool.withdrawQueue.slice(done) }))
  emitPaid(ctx, pid, paid)
}

/**
 * Whether a request has waited too long: with the free stake and what is being released, it could not be paid although it is older than
 * the grace period; with a vault's period also whether any is older than that.
 */
export const hasExpiredWithdrawal = (
  ctx: Context, pid: bigint, limits: { readonly graceSec: bigint; readonly vaultSec?: bigint; readonly releasing: bigint },
): boolean => {
  const pool = basePoolOf(ctx, pid)
  const price = sharePrice(pool)
  if (price === undefined || price === 0n) return false
  const now = nowSeconds(ctx)
  let budget = freeStake(ctx, pool) + limits.releasing
  for (const { startTime, nftId } of pool.withdrawQueue) {
    const age = now - startTime
    if (limits.vaultSec !== undefined && age > limits.vaultSec) return true
    const amount = valueOf(price, sharesOf(ctx, { cid: pool.cid, nft: nftId }))
    if (amount > budget) return age > limits.graceSec
    budget -= amount
  }
  return false
}
