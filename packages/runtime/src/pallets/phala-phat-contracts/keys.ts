/**
 * Owns who is sent a cluster's keys after it was deployed: members that come later, and members that lack them, for example because they started
 * anew before they could open what they were sent. The gatekeepers give them the cluster's key; the next epoch is one that they know.
 */
import { TOPICS, type ClusterOperation, type WorkerIdentity } from '@phalanx/primitives/messages'
import { pushPalletMessage } from '../phala-mq/push.ts'
import { workers } from '../phala-registry/storage.ts'
import { PHAT_CONTRACTS, type PhatContext } from './declaration.ts'
import { isDeployed, renewEpoch, requestFirstEpoch } from './epochs.ts'
import { isMember } from './members.ts'
import * as storage from './storage.ts'

/** Blocks between two requests of one worker: an answer takes a few, and each costs the whole cluster a change of keys. */
export const KEY_REQUEST_INTERVAL_BLOCKS = 20

/** The gatekeepers sent a cluster's key to the workers that it had when they were asked. With the key of a new cluster its first epoch is asked for. */
export const noteKeysSent = (ctx: PhatContext, cluster: Uint8Array, recipients: readonly Uint8Array[]): void => {
  const strangers = recipients.filter((worker) => !isMember(ctx, { worker, cluster }))
  if (strangers.length > 0) storage.keysSentInVain.mutate(ctx, (sent) => [...sent, [cluster, strangers] as const])
  requestFirstEpoch(ctx, cluster)
}

/**
 * When a block begins: workers that had left a cluster, or whose cluster was no more, when its key was sent to them in the block before would take up what is not
 * theirs. They are told once more, after the key. How many.
 */
export const tellStrangers = (ctx: PhatContext): number => {
  const tell = (operation: ClusterOperation): void => pushPalletMessage(ctx, PHAT_CONTRACTS, TOPICS.clusterOperation, operation)
  let told = 0
  for (const [cluster, strangers] of storage.keysSentInVain.take(ctx) ?? []) {
    const rest = strangers.filter((worker) => !isMember(ctx, { worker, cluster }))
    told += rest.length
    if (storage.clusters.has(ctx, cluster)) for (const worker of rest) tell({ kind: 'RemoveWorker', value: { clusterId: cluster, worker } })
    else tell({ kind: 'DestroyCluster', value: cluster })
  }
  return told
}

/** A member is to be given the keys of its cluster. They are on their way: it has no reason to ask for them soon. */
export const giveKeys = (ctx: PhatContext, cluster: Uint8Array, worker: WorkerIdentity): void => {
  storage.keyRequestedAt.set(ctx, worker.pubkey, ctx.block.number)
  pushPalletMessage(ctx, PHAT_CONTRACTS, TOPICS.clusterNotice, { kind: 'WorkerAdded', value: { cluster, worker } })
  renewEpoch(ctx, cluster)
}

/**
 * A worker lacks its cluster's keys. Before the cluster was deployed there is nothing to send again: all its members are about to be sent them.
 * Fails with ClusterNotDeployed, KeysRequestedLately, WorkerNotFound.
 */
export const requestKeys = (ctx: PhatContext, cluster: Uint8Array, worker: Uint8Array): void => {
  if (!isDeployed(ctx, cluster)) ctx.fail('ClusterNotDeployed')
  const last = storage.keyRequestedAt.get(ctx, worker)
  if (last !== undefined && ctx.block.number < last + KEY_REQUEST_INTERVAL_BLOCKS) ctx.fail('KeysRequestedLately')
  const { ecdhPubkey } = workers.get(ctx, worker) ?? ctx.fail('WorkerNotFound')
  ctx.emit('ClusterKeysRequested', { worker, cluster })
  giveKeys(ctx, cluster, { pubkey: worker, ecdhPubkey })
}
