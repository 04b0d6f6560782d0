/**
 * Owns what a worker learns of clusters from a proven view of the chain's state, in place of the messages of the blocks that it passes over. The state of its own
 * cluster is not in the view: other members give it.
 */
import { bytesEqual } from '@phalanx/primitives/bytes'
import type { CheckpointView, OwnClusterView } from '@phalanx/runtime/storage'
import { withoutSender } from '../../core/mq.ts'
import type { LiveState } from '../../core/state.ts'
import type { Draft } from '../../system/draft.ts'
import { epochsAfter } from './epochs.ts'
import { beginWaiting, waitFor } from './joining.ts'
import type { ClusterKeyring } from './keyring.ts'
import type { Membership } from './state.ts'
import { clusterOrigin, setCluster, updateFacts } from './work.ts'

/** An epoch that began in the view's own block is anchored in it, of which the state under it cannot tell. */
const membershipFrom = ({ cluster, members, epochs }: OwnClusterView, head: { readonly number: number; readonly hash: Uint8Array }): Membership => ({
  cluster, members, keysAskedAt: undefined,
  epochs: epochsAfter(epochs.map(({ epoch, pubkey, since, anchor, retireAt }) => ({ epoch, publicKey: pubkey, since, anchor: anchor ?? head.hash, retireAt, isAnnounced: false })), head.number),
})

/** Secrets that still open something, if they are of the cluster that the worker is in. */
const keysFor = (ring: ClusterKeyring | undefined, membership: Membership | undefined): ClusterKeyring | undefined => {
  if (ring === undefined || membership === undefined || !bytesEqual(ring.cluster, membership.cluster)) return undefined
  return { ...ring, epochs: ring.epochs.filter(({ epoch }) => membership.epochs.some((one) => one.epoch === epoch)) }
}

/** What a cluster that ran here still had to say others say, too; which numbers are taken meanwhile is in the state that is waited for. */
const withoutFormer = (draft: Draft): LiveState['egress'] => {
  const former = draft.state.cluster?.id ?? draft.state.clusters.membership?.cluster
  return former === undefined ? draft.state.egress : withoutSender(draft.state.egress, clusterOrigin(former))
}

/** Puts the view in force. A cluster that ran here missed blocks, as one that was deployed in them did: it runs again once another member gave its state. */
export const takeClusterView = (draft: Draft, { clusters, own }: CheckpointView): void => {
  const membership = own?.cluster === undefined ? undefined : membershipFrom(own.cluster, draft.block)
  draft.state = { ...draft.state, joining: undefined, clusterKeys: keysFor(draft.state.clusterKeys, membership), egress: withoutFormer(draft) }
  updateFacts(draft, { ...clusters, membership })
  setCluster(draft, undefined)
  if (membership !== undefined && own?.cluster?.isDeployed === true)
    beginWaiting(draft, waitFor({ cluster: membership.cluster, since: draft.block.number + 1, why: 'blocks were passed over' }))
}
