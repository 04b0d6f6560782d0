/** Owns who is in which cluster: a worker is in one at most, enters by its owner's will, and leaves by it or when it loses its stake. */
import { bytesEqual } from '@phalanx/primitives/bytes'
import { CLUSTER_WORKERS_MAX, TOPICS, type WorkerIdentity } from '@phalanx/primitives/messages'
import type { Context } from '../../frame/context.ts'
import type { StorageHost } from '../../frame/overlay.ts'
import { pushPalletMessage } from '../phala-mq/push.ts'
import { workers } from '../phala-registry/storage.ts'
import { PHAT_CONTRACTS, phatParts, type PhatContext } from './declaration.ts'
import { ensureMayEnter, isStaked } from './duties.ts'
import { requestEpoch } from './epochs.ts'
import { giveKeys } from './keys.ts'
import { isMember, type Membership } from './members.ts'
import * as storage from './storage.ts'
import type { LeaveReason } from './types.ts'

/** Whether contracts depend on a worker: it is in a cluster in which one runs. Its stake is at risk then. */
export const hostsContracts = (host: StorageHost, worker: Uint8Array): boolean => {
  const cluster = storage.clusterByWorkers.get(host, worker)
  return cluster !== undefined && storage.clusterContracts.has(host, cluster)
}

/** A registered worker's two public keys. Fails with WorkerNotFound. */
const identityOf = (ctx: PhatContext, pubkey: Uint8Array): WorkerIdentity => {
  const { ecdhPubkey } = workers.get(ctx, pubkey) ?? ctx.fail('WorkerNotFound')
  return { pubkey, ecdhPubkey }
}

/** Puts a worker into a cluster. Fails with WorkerNotFound, WorkerNotVouchedFor, WorkerNotStaked, WorkerIsBusy, ClusterFull. */
export const enterCluster = (ctx: PhatContext, { worker, cluster }: Membership): WorkerIdentity => {
  ensureMayEnter(ctx, worker)
  if (storage.clusterByWorkers.has(ctx, worker)) ctx.fail('WorkerIsBusy')
  const members = storage.clusterWorkers.get(ctx, cluster)
  if (members.length >= CLUSTER_WORKERS_MAX) ctx.fail('ClusterFull')
  storage.clusterByWorkers.set(ctx, worker, cluster)
  storage.clusterWorkers.set(ctx, cluster, [...members, worker])
  return identityOf(ctx, worker)
}

/** Takes a worker out of a running cluster. It knows the cluster's present channel keys: the caller asks for others. */
const takeOut = (ctx: PhatContext, { worker, cluster }: Membership): void => {
  storage.clusterByWorkers.remove(ctx, worker)
  storage.keyRequestedAt.remove(ctx, worker)
  storage.spokeAt.remove(ctx, worker)
  storage.clusterWorkers.mutate(ctx, cluster, (members) => members.filter((one) => !bytesEqual(one, worker)))
  pushPalletMessage(ctx, PHAT_CONTRACTS, TOPICS.clusterOperation, { kind: 'RemoveWorker', value: { clusterId: cluster, worker } })
}

/** The owner lets a worker join a running cluster. Fails as enterCluster does. */
export const addWorker = (ctx: PhatContext, membership: Membership): void => {
  const worker = enterCluster(ctx, membership)
  ctx.emit('WorkerAddedToCluster', membership)
  giveKeys(ctx, membership.cluster, worker)
}

/** The owner removes a worker, which may come back. Fails with WorkerNotFound. */
export const removeWorker = (ctx: PhatContext, membership: Membership): void => {
  if (!isMember(ctx, membership)) ctx.fail('WorkerNotFound')
  takeOut(ctx, membership)
  ctx.emit('WorkerRemovedFromCluster', membership)
  requestEpoch(ctx, membership.cluster)
}

/** A worker lost what a cluster asks of its workers: it leaves its cluster, if it is in one. Never fails. */
export const leaveCluster = (context: Context, worker: Uint8Array, reason: LeaveReason): void => {
  const cluster = storage.clusterByWorkers.get(context, worker)
  if (cluster === undefined) return
  const ctx = phatParts.in(context)
  takeOut(ctx, { worker, cluster })
  ctx.emit('WorkerLeftCluster', { worker, cluster, reason })
  requestEpoch(ctx, cluster)
}

/** Governance set the least stake: members with less leave at once. Fails with InvalidParameter for zero. */
export const setMinStake = (ctx: PhatContext, minStake: bigint): void => {
  if (minStake === 0n) ctx.fail('InvalidParameter')
  const isRaised = minStake > storage.clusterMinStake.get(ctx)
  storage.clusterMinStake.set(ctx, minStake)
  ctx.emit('ClusterMinStakeChanged', { minStake })
  if (!isRaised) return
  for (const [worker] of [...storage.clusterByWorkers.keys(ctx)]) if (!isStaked(ctx, worker)) leaveCluster(ctx, worker, { kind: 'StakeTooLow' })
}
