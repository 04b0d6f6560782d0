/** Owns which workers may be in a cluster: those whose evidence counts and that compute with enough at stake. */
import type { StorageHost } from '../../frame/overlay.ts'
import { isComputing } from '../phala-computation/sessions.ts'
import { sessions, stakes, workerBindings } from '../phala-computation/storage.ts'
import { ensureMayServe } from '../phala-registry/duties.ts'
import { workers } from '../phala-registry/storage.ts'
import type { PhatContext } from './declaration.ts'
import { clusterMinStake } from './storage.ts'

/** Whether a worker may stay in a cluster: its session computes, silent or not, with at least the least stake. */
export const isStaked = (host: StorageHost, worker: Uint8Array): boolean => {
  const session = workerBindings.get(host, worker)
  const info = session === undefined ? undefined : sessions.get(host, session)
  return session !== undefined && info !== undefined && isComputing(info.state) && (stakes.get(host, session) ?? 0n) >= clusterMinStake.get(host)
}

/** Whether a worker may enter a cluster: it may stay in one, and it answers. */
const isStakedAndResponsive = (host: StorageHost, worker: Uint8Array): boolean => {
  const session = workerBindings.get(host, worker)
  return isStaked(host, worker) && session !== undefined && sessions.get(host, session)?.state.kind === 'WorkerIdle'
}

/** Fails with WorkerNotFound, PhalaRegistry's WorkerNotVouchedFor, WorkerNotStaked unless the worker may enter a cluster. */
export const ensureMayEnter = (ctx: PhatContext, worker: Uint8Array): void => {
  if (!workers.has(ctx, worker)) ctx.fail('WorkerNotFound')
  ensureMayServe(ctx, worker)
  if (!isStakedAndResponsive(ctx, worker)) ctx.fail('WorkerNotStaked')
}
