/** Owns what computation must know of a worker's standing elsewhere: its registration, and the gatekeepers' verdict. */
import { mayServe } from '../phala-registry/duties.ts'
import { isInGoodStanding } from '../phala-registry/eviction.ts'
import { gatekeeperLaunchedAt, workerAddedAt, workers } from '../phala-registry/storage.ts'
import type { WorkerInfoV2 } from '../phala-registry/types.ts'
import type { ComputationContext } from './declaration.ts'
import { checkWorkerRegisterTime } from './storage.ts'

/** Registry entry of a worker. Fails with WorkerNotRegistered. */
export const registeredWorker = (ctx: ComputationContext, worker: Uint8Array): WorkerInfoV2 =>
  workers.get(ctx, worker) ?? ctx.fail('WorkerNotRegistered')

/** Whether gatekeepers of the reference know the worker: it registered after their launch. */
export const isKnownToGatekeepers = (ctx: ComputationContext, worker: Uint8Array): boolean => {
  const addedAt = workerAddedAt.get(ctx, worker)
  const launchedAt = gatekeeperLaunchedAt.get(ctx)
  return addedAt !== undefined && launchedAt !== undefined && addedAt > launchedAt[0]
}

/** Fails with WorkerReregisterNeeded where the chain demands registration after the launch. */
export const ensureKnownToGatekeepers = (ctx: ComputationContext, worker: Uint8Array): void => {
  if (checkWorkerRegisterTime.get(ctx) && !isKnownToGatekeepers(ctx, worker)) ctx.fail('WorkerReregisterNeeded')
}

/** Fails with WorkerMayNotServe unless the worker's evidence counts now and the gatekeepers, where they were asked, confirmed it. */
export const ensureMayCompute = (ctx: ComputationContext, worker: Uint8Array): void => {
  if (!mayServe(ctx, worker) || !isInGoodStanding(ctx, worker)) ctx.fail('WorkerMayNotServe')
}
