/**
 * Owns who is sent a cluster's keys after it was deployed: members that come later, and members that lack them, for example because they started
 * anew before they could open what they were sent. The gatekeepers give them the cluster's key; the next epoch is one that they know.
 */
import { TOPICS, type WorkerIdentity } from '@phalanx/primitives/messages'
import { pushPalletMessage } from '../phala-mq/push.ts'
import { workers } from '../phala-registry/storage.ts'
import { PHAT_CONTRACTS, type PhatContext } from './declaration.ts'
import { isDeployed, renewEpoch } from './epochs.ts'
import * as storage from './storage.ts'

/** Blocks between two requests of one worker: an answer takes a few, and each costs the whole cluster a change of keys. */
export const KEY_REQUEST_INTERVAL_BLOCKS = 20

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
