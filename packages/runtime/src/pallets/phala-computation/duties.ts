/** Owns what computation must know of a worker's standing elsewhere: its registration, and the gatekeepers' verdict. */
import { gatekeeperLaunchedAt, workerAddedAt, workers } from '../phala-registry/storage.ts'
import type { WorkerInfoV2 } from '../phala-registry/types.ts'
import type { ComputationContext } from './declaration.ts'
import { checkWorkerRegisterTime } from './storage.ts'

/** Registry entry of a worker. Fails with WorkerNotRegistered. */
export const registeredWorker = (ctx: ComputationContext, worker: Uint8Array): WorkerInfoV2 =>
  workers.get(ctx, worker) ?? ctx.fail('WorkerNotRegistered')

/** Whether gatekeepers of the reference know the worker: it registered after their launch. */
const isKnownToGatekeepers = (ctx: ComputationContext, worker: Uint8Array): boolean => {
  const addedAt = workerAddedAt.get(ctx, worker)
  const launchedAt = gatekeeperLaunchedAt.get(ctx)
  return addedAt !== undefined && launchedAt !== undefined && addedAt > launchedAt[0]
}

/** Fails with WorkerReregisterNeeded where the chain demands registration after the launch. */
export const ensureKnownToGatekeepers = (ctx: ComputationContext, worker: Uint8Array): void => {
  if (checkWorkerRegisterTime.get(ctx) && !isKnownToGatekeepers(ctx, worker)) ctx.fail('WorkerReregisterNeeded')
}
