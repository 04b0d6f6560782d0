/** Owns the workers of a pool: adding, removing, starting, stopping, reclaiming their stake (stakepool.md sections 6 and 6.4). */
import { bytesEqual } from '@phalanx/primitives/bytes'
import type { Context } from '../../frame/context.ts'
import { sessionAccount } from '../phala-base-pool/accounts.ts'
import { attempt } from '../phala-base-pool/attempt.ts'
import { freeStake, reduceValue, stakePoolOf, updateStakePool } from '../phala-base-pool/pools.ts'
import { POOL_WORKERS_MAX, type StakePool } from '../phala-base-pool/types.ts'
import { processQueue } from '../phala-base-pool/withdrawal.ts'
import { bindSession, reclaimSession, sessionStake, startComputing, stopComputing, unbindSession } from '../phala-computation/sessions.ts'
import { sessions } from '../phala-computation/storage.ts'
import { workers as registeredWorkers } from '../phala-registry/storage.ts'
import { moveWpha, wphaBalance } from '../phala-wrapped-balances/wpha.ts'
import type { StakePoolContext } from './declaration.ts'
import { slashPool } from './listener.ts'
import { subAccountPreimages, workerAssignments } from './storage.ts'

/** A worker of a pool. */
export interface PoolWorker {
  readonly pid: bigint
  readonly worker: Uint8Array
}

const includes = (list: readonly Uint8Array[], one: Uint8Array): boolean => list.some((other) => bytesEqual(other, one))
const without = (list: readonly Uint8Array[], one: Uint8Array): readonly Uint8Array[] => list.filter((other) => !bytesEqual(other, one))

/** The pool, if the account owns it. */
export const ensurePoolOwner = (ctx: StakePoolContext, pid: bigint, who: Uint8Array): StakePool => {
  const pool = stakePoolOf(ctx, pid)
  return bytesEqual(pool.basepool.owner, who) ? pool : ctx.fail('UnauthorizedPoolOwner')
}

const ensureMember = (ctx: StakePoolContext, pool: StakePool, worker: Uint8Array): void => {
  if (!includes(pool.workers, worker)) ctx.fail('WorkerDoesNotExist')
}

/** Adds a worker to its operator's pool. */
export const addWorker = (ctx: StakePoolContext, who: Uint8Array, { pid, worker }: PoolWorker): void => {
  const info = registeredWorkers.get(ctx, worker) ?? ctx.fail('WorkerNotRegistered')
  if (info.operator === undefined || !bytesEqual(info.operator, who)) ctx.fail('UnauthorizedOperator')
  if (info.initialScore === undefined) ctx.fail('BenchmarkMissing')
  const pool = ensurePoolOwner(ctx, pid, who)
  if (includes(pool.workers, worker)) ctx.fail('WorkerExists')
  const leftBehind = pool.cdWorkers.filter((one) => !includes(pool.workers, one))
  if (pool.workers.length + leftBehind.length >= POOL_WORKERS_MAX) ctx.fail('WorkersExceedLimit')
  const session = sessionAccount(ctx, pid, worker)
  if (!attempt(ctx, () => bindSession(ctx, { session, worker }))) ctx.fail('FailedToBindSessionAndWorker')
  subAccountPreimages.set(ctx, session, [pid, worker])
  updateStakePool(ctx, pid, ({ workers }) => ({ workers: [...workers, worker] }))
  workerAssignments.set(ctx, worker, pid)
  ctx.emit('PoolWorkerAdded', { pid, worker, session })
}

/** Takes a worker that neither computes nor cools down out of the pool. */
export const removeWorker = (ctx: StakePoolContext, who: Uint8Array, { pid, worker }: PoolWorker): void => {
  ensurePoolOwner(ctx, pid, who)
  const assigned = workerAssignments.get(ctx, worker) ?? ctx.fail('WorkerDoesNotExist')
  if (assigned !== pid) ctx.fail('WorkerInAnotherPool')
  const session = sessionAccount(ctx, pid, worker)
  const info = sessions.get(ctx, session) ?? ctx.fail('SessionDoesNotExist')
  if (info.state.kind !== 'Ready') ctx.fail('WorkerIsNotReady')
  unbindSession(ctx, session, { notify: false })
  updateStakePool(ctx, pid, ({ workers }) => ({ workers: without(workers, worker) }))
  workerAssignments.remove(ctx, worker)
  ctx.emit('PoolWorkerRemoved', { pid, worker })
}

/** Starts a worker of the pool; its stake leaves the free stake. */
export const startWorker = (ctx: StakePoolContext, who: Uint8Array, { pid, worker, stake }: PoolWorker & { readonly stake: bigint }): void => {
  const pool = ensurePoolOwner(ctx, pid, who)
  if (freeStake(ctx, pool.basepool) < stake) ctx.fail('InsufficientFreeStake')
  ensureMember(ctx, pool, worker)
  startComputing(ctx, sessionAccount(ctx, pid, worker), stake)
  reduceValue(ctx, pid, moveWpha(ctx, { from: pool.basepool.poolAccountId, to: pool.lockAccount, amount: stake }))
  ctx.emit('WorkingStarted', { pid, worker, amount: stake })
}

/** Stops a worker of the pool; it cools down. */
export const stopWorker = (ctx: StakePoolContext, who: Uint8Array, { pid, worker }: PoolWorker): void => {
  const pool = ensurePoolOwner(ctx, pid, who)
  ensureMember(ctx, pool, worker)
  if (includes(pool.cdWorkers, worker)) ctx.fail('WorkerAlreadyStopped')
  stopComputing(ctx, sessionAccount(ctx, pid, worker))
}

/** Frees the stake of a worker that cooled down and pays waiting withdrawals. Returns what the stake was. */
export const reclaimWorker = (ctx: StakePoolContext, { pid, worker }: PoolWorker, options: { readonly checkCoolDown: boolean }): bigint => {
  const { lockAccount, basepool } = stakePoolOf(ctx, pid)
  const { originalStake, slashed } = reclaimSession(ctx, sessionAccount(ctx, pid, worker), options)
  if (wphaBalance(ctx, lockAccount) < originalStake) ctx.fail('LockAccountStakeError')
  if (slashed > 0n) slashPool(ctx, pid, slashed)
  reduceValue(ctx, pid, moveWpha(ctx, { from: lockAccount, to: basepool.poolAccountId, amount: originalStake - slashed }))
  processQueue(ctx, pid)
  ctx.emit('WorkerReclaimed', { pid, worker })
  updateStakePool(ctx, pid, ({ cdWorkers }) => ({ cdWorkers: without(cdWorkers, worker) }))
  return originalStake - slashed
}

/** Gives a computing worker more stake: stops, reclaims and starts it at once. */
export const restartWorker = (ctx: StakePoolContext, who: Uint8Array, job: PoolWorker & { readonly stake: bigint }): void => {
  const pool = ensurePoolOwner(ctx, job.pid, who)
  ensureMember(ctx, pool, job.worker)
  if (pool.basepool.withdrawQueue.length > 0) ctx.fail('WithdrawQueueNotEmpty')
  if (includes(pool.cdWorkers, job.worker)) ctx.fail('WorkerAlreadyStopped')
  stopComputing(ctx, sessionAccount(ctx, job.pid, job.worker))
  if (job.stake <= reclaimWorker(ctx, job, { checkCoolDown: false })) ctx.fail('CannotRestartWithLessStake')
  startWorker(ctx, who, job)
}

/** Stake of the pool's workers that cool down. */
export const releasingStake = (ctx: Context, pid: bigint): bigint =>
  stakePoolOf(ctx, pid).cdWorkers.reduce((sum, worker) => sum + sessionStake(ctx, sessionAccount(ctx, pid, worker)), 0n)

/** Stops every computing worker of the pool. */
export const stopAllWorkers = (ctx: Context, pid: bigint): void => {
  for (const worker of stakePoolOf(ctx, pid).workers) {
    const session = sessionAccount(ctx, pid, worker)
    const state = sessions.get(ctx, session)?.state.kind
    if (state === 'WorkerIdle' || state === 'WorkerUnresponsive') stopComputing(ctx, session)
  }
}
