/** Owns the calls of PhalaStakePoolv2 (stakepool.md section 6). What they do stands in the sibling files. */
import { assert } from '@phalanx/primitives/assert'
import { AccountId, Sr25519Public } from '@phalanx/primitives/chain'
import { option, u128, u64 } from '@phalanx/primitives/codec'
import { ensureSigned } from '../../frame/origin.ts'
import { weigh, writes } from '../../frame/weight.ts'
import { poolAccounts, sessionAccount } from '../phala-base-pool/accounts.ts'
import { createBasePool, freeStake, updateStakePool } from '../phala-base-pool/pools.ts'
import { pools } from '../phala-base-pool/storage.ts'
import { SUBSIDY_ACCOUNT } from '../phala-computation/accounts.ts'
import { sessionStake } from '../phala-computation/sessions.ts'
import { canPay, moveWpha, wphaBalance, wrapFor } from '../phala-wrapped-balances/wpha.ts'
import { Permill } from '../rmrk-core/storage.ts'
import { stakePoolParts } from './declaration.ts'
import { stakeApi } from './explain.ts'
import { payOwedReward } from './rewards.ts'
import { checkAndMaybeForceWithdraw, contribute, withdraw } from './staking.ts'
import * as storage from './storage.ts'
import { addWorker, ensurePoolOwner, reclaimWorker, removeWorker, restartWorker, startWorker, stopWorker } from './workers.ts'

/** Parts per million that make the whole. */
export const MILLION = 1_000_000
const STAKE_WEIGHT = weigh({ reads: 40, writes: 20, micros: 200 })
const WORKER_WEIGHT = weigh({ reads: 20, writes: 10 })
const FORCE_WEIGHT = weigh({ reads: 600, writes: 100, micros: 2000 })

const poolArgs = { pid: u64 } as const
const claimArgs = { ...poolArgs, target: AccountId } as const
const workerArgs = { ...poolArgs, worker: Sr25519Public } as const
const startArgs = { ...workerArgs, stake: u128 } as const

/** PhalaStakePoolv2, index 43. */
export const phalaStakePoolV2 = stakePoolParts.withCalls({
  create: {
    index: 0, doc: 'Create a stake pool.', weight: WORKER_WEIGHT, args: {},
    dispatch(ctx, origin) {
      const owner = ensureSigned(origin)
      const basepool = createBasePool(ctx, owner, 'STAKEPOOL')
      const { pid, cid, poolAccountId } = basepool
      const { lock: lockAccount, ownerReward: ownerRewardAccount } = poolAccounts(ctx, pid, owner)
      pools.set(ctx, pid, { kind: 'StakePool', value: { basepool, payoutCommission: undefined, cap: undefined, workers: [], cdWorkers: [], lockAccount, ownerRewardAccount } })
      ctx.emit('PoolCreated', { owner, pid, cid, poolAccountId })
    },
  },
  addWorker: {
    index: 1, doc: 'Add a worker that the sender operates to a pool that the sender owns.', weight: WORKER_WEIGHT, args: { ...poolArgs, pubkey: Sr25519Public },
    dispatch(ctx, origin, { pid, pubkey }) {
      addWorker(ctx, ensureSigned(origin), { pid, worker: pubkey })
    },
  },
  removeWorker: {
    index: 2, doc: 'Take a worker that neither computes nor cools down out of the pool.', weight: WORKER_WEIGHT, args: workerArgs,
    dispatch(ctx, origin, args) {
      removeWorker(ctx, ensureSigned(origin), args)
    },
  },
  setCap: {
    index: 3, doc: 'Set the most that the pool takes.', weight: writes(1), args: { ...poolArgs, cap: u128 },
    dispatch(ctx, origin, { pid, cap }) {
      if (ensurePoolOwner(ctx, pid, ensureSigned(origin)).basepool.totalValue > cap) ctx.fail('InadequateCapacity')
      updateStakePool(ctx, pid, () => ({ cap }))
      ctx.emit('PoolCapacitySet', { pid, cap })
    },
  },
  setPayoutPref: {
    index: 4, doc: 'Set the owner\'s part of rewards in parts per million.', weight: writes(1), args: { ...poolArgs, payoutCommission: option(Permill) },
    dispatch(ctx, origin, { pid, payoutCommission }) {
      ensurePoolOwner(ctx, pid, ensureSigned(origin))
      if ((payoutCommission ?? 0) > MILLION) ctx.fail('InvalidCommission')
      updateStakePool(ctx, pid, () => ({ payoutCommission }))
      ctx.emit('PoolCommissionSet', { pid, commission: payoutCommission ?? 0 })
    },
  },
  claimLegacyRewards: {
    index: 5, doc: 'Claim rewards from before shares were items, as wrapped PHA.', weight: writes(4), args: claimArgs,
    dispatch(ctx, origin, { pid, target }) {
      const user = ensureSigned(origin)
      const amount = storage.legacyRewards.take(ctx, [user, pid]) ?? ctx.fail('NoLegacyRewardToClaim')
      if (!canPay(ctx, SUBSIDY_ACCOUNT, amount)) ctx.fail('InternalSubsidyPoolCannotWithdraw')
      wrapFor(ctx, { from: SUBSIDY_ACCOUNT, to: target, amount })
      ctx.emit('OwnerRewardsWithdrawn', { pid, user, amount })
    },
  },
  claimOwnerRewards: {
    index: 7, doc: 'Send the owner\'s rewards, wrapped PHA, to an account.', weight: writes(4), args: claimArgs,
    dispatch(ctx, origin, { pid, target }) {
      const user = ensureSigned(origin)
      const { ownerRewardAccount } = ensurePoolOwner(ctx, pid, user)
      const amount = wphaBalance(ctx, ownerRewardAccount)
      if (amount === 0n) ctx.fail('NoRewardToClaim')
      moveWpha(ctx, { from: ownerRewardAccount, to: target, amount })
      ctx.emit('OwnerRewardsWithdrawn', { pid, user, amount })
    },
  },
  checkAndMaybeForceWithdraw: {
    index: 8, doc: 'Pay waiting withdrawals, and stop the pool\'s workers where one has waited too long. Anyone may.', weight: FORCE_WEIGHT, args: poolArgs,
    dispatch(ctx, origin, { pid }) {
      ensureSigned(origin)
      checkAndMaybeForceWithdraw(ctx, pid)
    },
  },
  contribute: {
    index: 9, doc: 'Delegate wrapped PHA to the pool, the sender\'s own or that of a vault he owns.', weight: STAKE_WEIGHT, args: { ...poolArgs, amount: u128, asVault: option(u64) },
    dispatch(ctx, origin, args) {
      contribute(ctx, ensureSigned(origin), args)
    },
  },
  withdraw: {
    index: 10, doc: 'Request shares back. What cannot be paid at once waits; a new request replaces the one that waits.', weight: STAKE_WEIGHT,
    args: { ...poolArgs, shares: u128, asVault: option(u64) },
    dispatch(ctx, origin, args) {
      withdraw(ctx, ensureSigned(origin), args)
    },
  },
  startComputing: {
    index: 13, doc: 'Start a worker with stake of the pool.', weight: WORKER_WEIGHT, args: startArgs,
    dispatch(ctx, origin, args) {
      startWorker(ctx, ensureSigned(origin), args)
    },
  },
  stopComputing: {
    index: 14, doc: 'Stop a worker; its stake cools down.', weight: WORKER_WEIGHT, args: workerArgs,
    dispatch(ctx, origin, args) {
      stopWorker(ctx, ensureSigned(origin), args)
    },
  },
  reclaimPoolWorker: {
    index: 15, doc: 'Free the stake of a worker that cooled down. Anyone may.', weight: STAKE_WEIGHT, args: workerArgs,
    dispatch(ctx, origin, args) {
      ensureSigned(origin)
      reclaimWorker(ctx, args, { checkCoolDown: true })
    },
  },
  restartComputing: {
    index: 17, doc: 'Give a computing worker more stake.', weight: STAKE_WEIGHT, args: startArgs,
    dispatch(ctx, origin, args) {
      restartWorker(ctx, ensureSigned(origin), args)
    },
  },
  payOwedReward: {
    index: 18, doc: 'Pay the pool what the subsidy wallet could not pay before. Anyone may.', weight: STAKE_WEIGHT, args: poolArgs,
    dispatch(ctx, origin, { pid }) {
      ensureSigned(origin)
      payOwedReward(ctx, pid)
    },
  },
}, {
  apis: [stakeApi],
  tryState(ctx) {
    for (const [[pid], pool] of pools.entries(ctx)) {
      if (pool.kind !== 'StakePool') continue
      const { basepool, lockAccount, workers, cdWorkers } = pool.value
      assert(freeStake(ctx, basepool) + wphaBalance(ctx, lockAccount) >= basepool.totalValue, `pool ${pid} holds what it is worth`)
      const atStake = new Map<string, Uint8Array>()
      for (const worker of [...workers, ...cdWorkers]) atStake.set(worker.join(), worker)
      let sum = 0n
      for (const worker of atStake.values()) sum += sessionStake(ctx, sessionAccount(ctx, pid, worker))
      assert(wphaBalance(ctx, lockAccount) >= sum, `pool ${pid} holds the stakes of its workers`)
    }
  },
})
