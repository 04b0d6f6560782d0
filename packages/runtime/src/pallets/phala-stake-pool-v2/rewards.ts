/** Owns what happens to a worker's reward: the owner's commission, the delegators' part, what is too little, what is owed (stakepool.md section 6.3). */
import { fixedToBalance, permillOf } from '@phalanx/primitives/fixed'
import type { Context } from '../../frame/context.ts'
import { distributeGain } from '../phala-base-pool/distribution.ts'
import { stakePoolOf } from '../phala-base-pool/pools.ts'
import { isDust } from '../phala-base-pool/shares.ts'
import { SUBSIDY_ACCOUNT } from '../phala-computation/accounts.ts'
import { canPay, mintWpha, noteDust, payIntoReserve } from '../phala-wrapped-balances/wpha.ts'
import { stakePoolParts, type StakePoolContext } from './declaration.ts'
import { owedRewards, workerAssignments } from './storage.ts'

const payOwner = (ctx: StakePoolContext, pid: bigint, amount: bigint): bigint => {
  if (amount === 0n) return 0n
  if (mintWpha(ctx, stakePoolOf(ctx, pid).ownerRewardAccount, amount)) return amount
  ctx.emit('RewardToOwnerDismissedDust', { pid, amount })
  return 0n
}

const payStakers = (ctx: StakePoolContext, pid: bigint, amount: bigint): bigint => {
  if (amount === 0n) return 0n
  const isPaid = isDust(amount) ? (noteDust(ctx, amount), false) : mintWpha(ctx, stakePoolOf(ctx, pid).basepool.poolAccountId, amount)
  if (!isPaid) {
    ctx.emit('RewardToDistributionDismissedDust', { pid, amount })
    return 0n
  }
  distributeGain(ctx, pid, amount)
  return amount
}

/** Pays a pool from the subsidy wallet, which must be able to. */
const payPool = (ctx: StakePoolContext, pid: bigint, reward: bigint): void => {
  payIntoReserve(ctx, SUBSIDY_ACCOUNT, reward)
  const commission = permillOf(stakePoolOf(ctx, pid).payoutCommission ?? 0, reward)
  const toOwner = payOwner(ctx, pid, commission)
  const toStakers = payStakers(ctx, pid, reward - commission)
  if (toOwner > 0n || toStakers > 0n) ctx.emit('RewardReceived', { pid, toOwner, toStakers })
}

const rewardPool = (ctx: StakePoolContext, pid: bigint, reward: bigint): void => {
  if (reward === 0n) return
  if (isDust(reward)) return ctx.emit('RewardDismissedDust', { pid, amount: reward })
  if (isDust(stakePoolOf(ctx, pid).basepool.totalShares)) return ctx.emit('RewardDismissedNoShare', { pid, amount: reward })
  if (canPay(ctx, SUBSIDY_ACCOUNT, reward)) return payPool(ctx, pid, reward)
  owedRewards.mutate(ctx, pid, (owed) => (owed ?? 0n) + reward)
  ctx.emit('RewardOwed', { pid, amount: reward })
}

/** Rewards the pools of workers; `payout` in fixed point bits. Fails nothing: what cannot be paid is owed. */
export const rewardWorkers = (context: Context, settle: readonly { readonly pubkey: Uint8Array; readonly payout: bigint }[]): void => {
  const ctx = stakePoolParts.in(context)
  for (const { pubkey, payout } of settle) {
    const amount = fixedToBalance(payout)
    const pid = workerAssignments.get(ctx, pubkey)
    if (pid === undefined) ctx.emit('RewardDismissedNotInPool', { worker: pubkey, amount })
    else rewardPool(ctx, pid, amount)
  }
}

/** Pays what a pool is owed. Fails with NoOwedReward, InternalSubsidyPoolCannotWithdraw, PoolBankrupt. */
export const payOwedReward = (ctx: StakePoolContext, pid: bigint): void => {
  const { totalShares } = stakePoolOf(ctx, pid).basepool
  const reward = owedRewards.take(ctx, pid) ?? ctx.fail('NoOwedReward')
  if (isDust(totalShares)) ctx.fail('PoolBankrupt')
  if (!canPay(ctx, SUBSIDY_ACCOUNT, reward)) ctx.fail('InternalSubsidyPoolCannotWithdraw')
  payPool(ctx, pid, reward)
}
