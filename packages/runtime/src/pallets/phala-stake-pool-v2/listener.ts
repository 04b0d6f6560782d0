/** Owns what a stake pool does when sessions of its workers are rewarded, stop, are slashed or lose their worker. */
import { bytesEqual } from '@phalanx/primitives/bytes'
import type { Context } from '../../frame/context.ts'
import { distributeLoss } from '../phala-base-pool/distribution.ts'
import { reduceValue, stakePoolOf, updateStakePool } from '../phala-base-pool/pools.ts'
import type { ComputationListener } from '../phala-computation/listeners.ts'
import { burnWpha, payOutOrNote, wphaBalance } from '../phala-wrapped-balances/wpha.ts'
import { TREASURY_ACCOUNT } from '../treasury/storage.ts'
import { stakePoolParts } from './declaration.ts'
import { rewardWorkers } from './rewards.ts'
import { subAccountPreimages, workerAssignments } from './storage.ts'

const includes = (list: readonly Uint8Array[], one: Uint8Array): boolean => list.some((other) => bytesEqual(other, one))

/** The worker's stake is being released from now on. */
const noteCooling = (ctx: Context, pid: bigint, worker: Uint8Array): void => {
  const { cdWorkers } = stakePoolOf(ctx, pid)
  if (!includes(cdWorkers, worker)) updateStakePool(ctx, pid, () => ({ cdWorkers: [...cdWorkers, worker] }))
}

/** Takes stake that a worker holds and gives it to the treasury; the pool and the vaults in it are worth less at once. */
export const slashPool = (context: Context, pid: bigint, amount: bigint): void => {
  const ctx = stakePoolParts.in(context)
  const { lockAccount } = stakePoolOf(ctx, pid)
  const held = wphaBalance(ctx, lockAccount)
  const taken = amount < held ? amount : held
  if (taken === 0n) return
  reduceValue(ctx, pid, burnWpha(ctx, lockAccount, taken))
  payOutOrNote(ctx, TREASURY_ACCOUNT, taken)
  distributeLoss(ctx, pid, taken)
  ctx.emit('PoolSlashed', { pid, amount: taken })
}

/** Tells the stake pools of sessions. */
export const stakePoolListener: ComputationListener = {
  onReward(ctx, settle) {
    if (ctx.runtime.has(stakePoolParts.name)) rewardWorkers(ctx, settle)
  },
  onStopped(ctx, { session }) {
    const found = subAccountPreimages.get(ctx, session)
    if (found !== undefined) noteCooling(ctx, ...found)
  },
  onSlashed(ctx, { session, amount }) {
    const found = subAccountPreimages.get(ctx, session)
    if (found !== undefined) slashPool(ctx, found[0], amount)
  },
  onUnbound(ctx, { session, worker }) {
    const found = subAccountPreimages.get(ctx, session)
    if (found === undefined) return
    const [pid] = found
    updateStakePool(ctx, pid, ({ workers }) => ({ workers: workers.filter((one) => !bytesEqual(one, worker)) }))
    if (workerAssignments.get(ctx, worker) === pid) workerAssignments.remove(ctx, worker)
  },
}
