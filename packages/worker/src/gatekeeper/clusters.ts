/**
 * Owns what gatekeepers do for clusters: together they make a cluster's key from the master key and hand it to its workers, by quorum of equal bytes; each on
 * its own proposes the channel secrets of its epochs, at random, and forgets them. Does not own how secrets are sealed (cluster-shares.ts, root-secret/).
 */
import { bytesEqual } from '@phalanx/primitives/bytes'
import { isAppError } from '@phalanx/primitives/errors'
import { TOPICS, type ClusterEvent, type ClusterNotice, type ClusterOperation, type WorkerIdentity } from '@phalanx/primitives/messages'
import { logEffect } from '../core/effects.ts'
import { send, type Draft } from '../system/draft.ts'
import { withCluster, withoutCluster } from './cluster-list.ts'
import { clusterEpochContext, sealClusterSecret } from './cluster-shares.ts'
import { addTask, gatekeeperOf, updateGatekeeper } from './draft.ts'
import { abstain, noteOutcome, takeOutcomeId } from './outcomes.ts'
import type { RootAnswer } from './root-calls.ts'
import { CLUSTERS_MAX, type EpochRequest, type GatekeeperState, type KnownCluster, type OutcomeId, type Task } from './state.ts'

/**
 * Rotation whose master key a cluster's key comes from. The key in force before the block counts, whatever came first within it; a cluster that is older than
 * the master key comes from the first.
 */
const masterEpochOf = ({ epochs }: GatekeeperState, { since }: KnownCluster): bigint | undefined =>
  (epochs.findLast((epoch) => epoch.since < since) ?? epochs[0])?.rotationId

interface SealWish {
  readonly cluster: Uint8Array
  readonly recipients: readonly WorkerIdentity[]
  /** Where the cluster's public key is to be told, too. */
  readonly publication: OutcomeId | undefined
  readonly dispatch: OutcomeId
}

const seal = (draft: Draft, wish: SealWish): void => {
  const state = gatekeeperOf(draft)
  if (state?.confirmedAt === undefined) return
  const known = state.clusters.find(({ id }) => bytesEqual(id, wish.cluster))
  const epoch = known === undefined ? undefined : masterEpochOf(state, known)
  if (known !== undefined && epoch !== undefined) return addTask(draft, { kind: 'SealCluster', value: { ...wish, epoch, terms: known.terms } })
  for (const outcome of [wish.publication, wish.dispatch]) if (outcome !== undefined) abstain(draft, outcome)
}

/** A cluster is to be given its key, for the first time or because it has none yet. */
export const onClusterEvent = (draft: Draft, event: ClusterEvent): void => {
  const state = gatekeeperOf(draft)
  if (state === undefined) return
  const [publication, dispatch] = [takeOutcomeId(draft), takeOutcomeId(draft)]
  // Whoever joins is told the clusters so far, and adds those of the blocks since then to them.
  if (state.joining === undefined) updateGatekeeper(draft, { clusters: withCluster(state.clusters, event, draft.block.number) })
  const { cluster, workers } = event.value
  seal(draft, { cluster, recipients: workers, publication, dispatch })
}

/** The root secret sealed a cluster's key. */
export const onClusterSealed = (
  draft: Draft, task: Extract<Task, { kind: 'SealCluster' }>['value'], { publicKey, secretKeys }: Extract<RootAnswer, { kind: 'clusterSealed' }>['value'],
): void => {
  const { cluster, publication, dispatch, terms } = task
  if (publication !== undefined) noteOutcome(draft, publication, TOPICS.clusterRegistryEvent, { kind: 'PubkeyAvailable', value: { cluster, pubkey: publicKey } })
  noteOutcome(draft, dispatch, TOPICS.clusterOperation, { kind: 'DispatchKeys', value: { secretKeys, cluster, ...terms } })
}

const withoutRequest = (requests: readonly EpochRequest[], cluster: Uint8Array): readonly EpochRequest[] => requests.filter((one) => !bytesEqual(one.cluster, cluster))

/** What the chain tells of clusters, as far as it is a gatekeeper's concern. */
export const onClusterNotice = (draft: Draft, notice: ClusterNotice): void => {
  const state = gatekeeperOf(draft)
  if (state === undefined) return
  switch (notice.kind) {
    case 'WorkerAdded': {
      const { cluster, worker } = notice.value
      return seal(draft, { cluster, recipients: [worker], publication: undefined, dispatch: takeOutcomeId(draft) })
    }
    case 'EpochRequested': {
      const others = withoutRequest(state.epochRequests, notice.value.cluster)
      return updateGatekeeper(draft, { epochRequests: notice.value.workers.length === 0 || others.length >= CLUSTERS_MAX ? others : [...others, notice.value] })
    }
    case 'EpochBegan': return updateGatekeeper(draft, { epochRequests: withoutRequest(state.epochRequests, notice.value.cluster) })
    case 'SystemCode':
    case 'RuntimeVersion':
    case 'Parameters':
    case 'StateAgreed': return
  }
}

/** A cluster ended: nothing is made for it any more. */
export const onClusterOperation = (draft: Draft, operation: ClusterOperation): void => {
  const state = gatekeeperOf(draft)
  if (state === undefined || operation.kind !== 'DestroyCluster') return
  updateGatekeeper(draft, {
    epochRequests: withoutRequest(state.epochRequests, operation.value),
    ...(state.joining === undefined ? { clusters: withoutCluster(state.clusters, operation.value) } : {}),
  })
}

/** Makes an epoch's secret, seals it to every worker and forgets it. @throws CRYPTO_INVALID_KEY where a worker's ECDH key is none */
const makeCandidate = (draft: Draft, { cluster, epoch, workers }: EpochRequest) => {
  const { crypto, signer, state } = draft
  const context = clusterEpochContext(state.follow.genesisHash, { cluster, epoch })
  const seed = signer.entropy.next('cluster-epoch')
  const { secret, publicKey } = crypto.sr25519.pairFromSeed(seed)
  try {
    const secretKeys = workers.map(({ pubkey, ecdhPubkey }) =>
      [pubkey, sealClusterSecret(crypto, { secret, recipient: ecdhPubkey, seed: signer.entropy.next('cluster-share'), context })] as const)
    return { cluster, epoch, pubkey: publicKey, secretKeys }
  } finally {
    seed.fill(0)
    secret.fill(0)
  }
}

const propose = (draft: Draft, request: EpochRequest): void => {
  try {
    send(draft, TOPICS.clusterEpochCandidate, makeCandidate(draft, request))
  } catch (error) {
    if (!isAppError(error)) throw error
    draft.effects.push(logEffect('warn', 'channel keys of a cluster could not be made', { block: draft.block.number, epoch: String(request.epoch), code: error.code }))
  }
}

/** At the end of a step: proposes the epochs that are still wanted after its last block, each request once. */
export const proposeEpochs = (draft: Draft): void => {
  const state = gatekeeperOf(draft)
  if (state?.confirmedAt === undefined || state.epochRequests.length === 0) return
  updateGatekeeper(draft, { epochRequests: [] })
  for (const request of state.epochRequests) propose(draft, request)
}
