/** Owns delegating to stake pools and withdrawing from them, by accounts and on behalf of vaults (stakepool.md section 6.1, 6.2). */
import { bytesEqual } from '@phalanx/primitives/bytes'
import type { Context } from '../../frame/context.ts'
import { contributeTo } from '../phala-base-pool/contribution.ts'
import { basePoolParts } from '../phala-base-pool/declaration.ts'
import { mergeShares, queuedSharesOf } from '../phala-base-pool/nfts.ts'
import { stakePoolOf, updateBase, updateVault, vaultOf } from '../phala-base-pool/pools.ts'
import { isDust } from '../phala-base-pool/shares.ts'
import { VALUE_SUBSCRIBERS_MAX, VAULT_POOLS_MAX } from '../phala-base-pool/types.ts'
import { hasExpiredWithdrawal, processQueue, withdrawShares } from '../phala-base-pool/withdrawal.ts'
import { vaultLocks } from '../phala-vault/storage.ts'
import { noteDelegation } from '../phala-wrapped-balances/net-value.ts'
import { wphaBalance } from '../phala-wrapped-balances/wpha.ts'
import { GRACE_PERIOD_SEC, MIN_CONTRIBUTION, stakePoolParts, type StakePoolContext } from './declaration.ts'
import { releasingStake, stopAllWorkers } from './workers.ts'

/** Account that acts for the sender: his own, or that of a vault he owns. */
const actingAccount = (ctx: StakePoolContext, who: Uint8Array, asVault: bigint | undefined): Uint8Array => {
  if (asVault === undefined) return who
  const { basepool } = vaultOf(ctx, asVault)
  return bytesEqual(basepool.owner, who) ? basepool.poolAccountId : ctx.fail('UnauthorizedPoolOwner')
}

/** Vault and pool know each other from now on. */
const subscribe = (ctx: StakePoolContext, pid: bigint, vault: bigint): void => {
  const full = (): never => basePoolParts.in(ctx).fail('TooManySubscribers')
  if (!vaultOf(ctx, vault).investPools.includes(pid)) {
    updateVault(ctx, vault, ({ investPools }) => ({ investPools: investPools.length < VAULT_POOLS_MAX ? [...investPools, pid] : full() }))
  }
  if (!stakePoolOf(ctx, pid).basepool.valueSubscribers.includes(vault)) {
    updateBase(ctx, pid, ({ valueSubscribers }) => ({ valueSubscribers: valueSubscribers.length < VALUE_SUBSCRIBERS_MAX ? [...valueSubscribers, vault] : full() }))
  }
}

/** A delegation or withdrawal: pool, how much, and the vault it is for. */
export interface StakeJob {
  readonly pid: bigint
  readonly asVault: bigint | undefined
}

/** Delegates to a pool. */
export const contribute = (ctx: StakePoolContext, who: Uint8Array, { pid, amount, asVault }: StakeJob & { readonly amount: bigint }): void => {
  const { cap, basepool: { cid } } = stakePoolOf(ctx, pid)
  if (asVault !== undefined && vaultLocks.has(ctx, vaultOf(ctx, asVault).basepool.pid)) ctx.fail('VaultIsLocked')
  const account = actingAccount(ctx, who, asVault)
  if (amount < MIN_CONTRIBUTION) ctx.fail('InsufficientContribution')
  if (wphaBalance(ctx, account) < amount) ctx.fail('InsufficientBalance')
  const shares = contributeTo(ctx, pid, { account, vault: asVault, amount })
  if (asVault !== undefined) subscribe(ctx, pid, asVault)
  processQueue(ctx, pid)
  const { basepool } = stakePoolOf(ctx, pid)
  if (cap !== undefined && basepool.totalValue > cap) ctx.fail('StakeExceedsCapacity')
  mergeShares(ctx, basepool, account)
  if (asVault === undefined) noteDelegation(ctx, account, { pid, cid })
  ctx.emit('Contribution', { pid, user: account, amount, shares, asVault })
}

/** Requests shares of an account back. The caller knows that the account may. */
export const withdrawFor = (context: Context, account: Uint8Array, { pid, shares, asVault }: StakeJob & { readonly shares: bigint }): void => {
  const ctx = stakePoolParts.in(context)
  const { basepool } = stakePoolOf(ctx, pid)
  const item = mergeShares(ctx, basepool, account) ?? ctx.fail('NoNftToWithdraw')
  if (isDust(shares) || shares > item.shares + queuedSharesOf(ctx, basepool, account)) ctx.fail('InvalidWithdrawalAmount')
  withdrawShares(ctx, pid, { user: account, item, shares, asVault })
}

/** Requests shares back. */
export const withdraw = (ctx: StakePoolContext, who: Uint8Array, job: StakeJob & { readonly shares: bigint }): void => {
  stakePoolOf(ctx, job.pid)
  withdrawFor(ctx, actingAccount(ctx, who, job.asVault), job)
}

/** Pays what can be paid, and stops the workers where a withdrawal has waited too long. */
export const checkAndMaybeForceWithdraw = (ctx: StakePoolContext, pid: bigint): void => {
  stakePoolOf(ctx, pid)
  processQueue(ctx, pid)
  if (hasExpiredWithdrawal(ctx, pid, { graceSec: GRACE_PERIOD_SEC, releasing: releasingStake(ctx, pid) })) stopAllWorkers(ctx, pid)
}
