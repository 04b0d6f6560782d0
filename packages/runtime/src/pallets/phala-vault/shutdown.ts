/** Owns making a vault pay: its queue, and the withdrawal of everything it delegated where a request has waited too long. */
import type { Context } from '../../frame/context.ts'
import { attempt } from '../phala-base-pool/attempt.ts'
import { burnShares, mergeShares, queuedSharesOf } from '../phala-base-pool/nfts.ts'
import { basePoolOf, nowSeconds, updateBase, updateVault, vaultOf } from '../phala-base-pool/pools.ts'
import { isDust, sharePrice, valueOf } from '../phala-base-pool/shares.ts'
import { hasExpiredWithdrawal, processQueue } from '../phala-base-pool/withdrawal.ts'
import { GRACE_PERIOD_SEC } from '../phala-stake-pool-v2/declaration.ts'
import { withdrawFor } from '../phala-stake-pool-v2/staking.ts'
import { VAULT_QUEUE_PERIOD_SEC, type VaultContext } from './declaration.ts'
import { vaultLocks } from './storage.ts'

const GRACE_PERIODS = 3n

/** What the vault's requests in stake pools are worth; a pool without shares or value holds nothing of the vault's. */
const releasingOf = (ctx: VaultContext, pid: bigint): bigint => {
  const { basepool: { poolAccountId }, investPools } = vaultOf(ctx, pid)
  let sum = 0n
  for (const invested of investPools) {
    const pool = basePoolOf(ctx, invested)
    sum += valueOf(sharePrice(pool) ?? 0n, queuedSharesOf(ctx, pool, poolAccountId))
  }
  return sum
}

const shutdownReason = (ctx: VaultContext, pid: bigint): 'NoEnoughReleasingStake' | 'Waiting3xGracePeriod' | undefined => {
  const [front] = vaultOf(ctx, pid).basepool.withdrawQueue
  if (front !== undefined && front.startTime + GRACE_PERIODS * GRACE_PERIOD_SEC < nowSeconds(ctx)) return 'Waiting3xGracePeriod'
  const limits = { graceSec: GRACE_PERIOD_SEC, vaultSec: VAULT_QUEUE_PERIOD_SEC, releasing: releasingOf(ctx, pid) }
  return hasExpiredWithdrawal(ctx, pid, limits) ? 'NoEnoughReleasingStake' : undefined
}

/** Requests everything back from one pool. False: there is nothing (left). */
const withdrawFrom = (ctx: Context, vault: bigint, pid: bigint): boolean => {
  const { poolAccountId } = vaultOf(ctx, vault).basepool
  const pool = basePoolOf(ctx, pid)
  const item = mergeShares(ctx, pool, poolAccountId)
  if (item === undefined) return false
  const shares = item.shares + queuedSharesOf(ctx, pool, poolAccountId)
  if (!isDust(shares)) {
    // A pool whose queue is full keeps no other from paying; the next check asks it again.
    attempt(ctx, () => withdrawFor(ctx, poolAccountId, { pid, shares, asVault: vault }))
    return true
  }
  if (shares > item.shares) return true
  burnShares(ctx, { cid: pool.cid, nft: item.nft }, poolAccountId)
  updateBase(ctx, pid, ({ totalShares }) => ({ totalShares: totalShares - shares }))
  return false
}

/** Pays what can be paid; where a request has waited too long, the vault withdraws everything and is locked until its queue is empty. */
export const checkVault = (ctx: VaultContext, pid: bigint): void => {
  vaultOf(ctx, pid)
  processQueue(ctx, pid)
  if (vaultOf(ctx, pid).basepool.withdrawQueue.length === 0) vaultLocks.remove(ctx, pid)
  if (vaultLocks.has(ctx, pid)) return
  const reason = shutdownReason(ctx, pid)
  if (reason === undefined) return
  const kept = vaultOf(ctx, pid).investPools.filter((invested) => withdrawFrom(ctx, pid, invested))
  updateVault(ctx, pid, () => ({ investPools: kept }))
  vaultLocks.set(ctx, pid, [])
  ctx.emit('ForceShutdown', { pid, reason: { kind: reason } })
}
