/**
 * Owns the coming and going of a cluster's secrets and of the worker's place in a cluster, as the chain tells it. Held keys are looked up before messages are
 * opened: after a restart the ECDH key that opened a message is gone, and what it brought is in the sealed file.
 */
import { bytesEqual, toHex } from '@phalanx/primitives/bytes'
import {
  TOPICS, type ClusterChannelEvent, type ClusterEpochKeys, type ClusterEvent, type ClusterNotice, type ClusterOperation, type EncryptedKey, type WorkerIdentity,
} from '@phalanx/primitives/messages'
import { logEffect } from '../../core/effects.ts'
import type { KeyPair } from '../../core/keys.ts'
import { withoutSender } from '../../core/mq.ts'
import { clusterEpochContext, clusterKeyContext, openClusterSecret } from '../../gatekeeper/cluster-shares.ts'
import { isAnchored } from '../../system/anchor.ts'
import { send, type Draft } from '../../system/draft.ts'
import { beginRotation, openingKeys } from '../../system/rotation.ts'
import { refreshEpochs, sayChannelKeys } from './channel.ts'
import { withAnnounced, withEpoch } from './epochs.ts'
import { beginWaiting, waitFor } from './joining.ts'
import { keyFromSecret, type ClusterKeyring } from './keyring.ts'
import { deployCluster, reportFailure } from './operations.ts'
import { recordOf } from './records.ts'
import { resumeCluster } from './restore.ts'
import { replayWaiting } from './replay.ts'
import { clusterOrigin, isOwn, membershipOf, runningCluster, setCluster, updateFacts, updateMembership } from './work.ts'

/** Blocks between two requests for keys. */
const ASK_AGAIN_BLOCKS = 60

const enter = (draft: Draft, cluster: Uint8Array, members: readonly Uint8Array[]): void =>
  updateFacts(draft, { membership: { cluster, members, epochs: [], keysAskedAt: undefined } })

/** A cluster is being created: its workers wait for the key. */
export const onClusterEvent = (draft: Draft, { value: { cluster, workers } }: ClusterEvent): void => {
  if (membershipOf(draft) === undefined && workers.some(({ pubkey }) => isOwn(draft, pubkey))) enter(draft, cluster, workers.map(({ pubkey }) => pubkey))
}

/** Leaves a cluster: its secrets are erased, its state is dropped, and the worker goes on as one of none. */
const leave = (draft: Draft, cluster: Uint8Array, reason: string): void => {
  if (membershipOf(draft, cluster) === undefined && runningCluster(draft, cluster) === undefined) return
  setCluster(draft, undefined)
  updateFacts(draft, { membership: undefined })
  draft.state = { ...draft.state, joining: undefined, clusterKeys: undefined, egress: withoutSender(draft.state.egress, clusterOrigin(cluster)) }
  draft.effects.push(logEffect('info', 'cluster is left', { block: draft.block.number, cluster: toHex(cluster), reason }))
}

const onAdded = (draft: Draft, cluster: Uint8Array, { pubkey }: WorkerIdentity): void => {
  const membership = membershipOf(draft)
  if (membership !== undefined && bytesEqual(membership.cluster, cluster)) {
    if (!membership.members.some((one) => bytesEqual(one, pubkey))) updateMembership(draft, { members: [...membership.members, pubkey] })
    return
  }
  if (!isOwn(draft, pubkey) || membership !== undefined) return
  enter(draft, cluster, [])
  beginWaiting(draft, waitFor({ cluster, since: draft.block.number + 1, why: 'it was just added and has no state of the cluster yet' }))
}

const withoutMember = (draft: Draft, cluster: Uint8Array, worker: Uint8Array): void => {
  if (isOwn(draft, worker)) return leave(draft, cluster, 'it was removed')
  const membership = membershipOf(draft, cluster)
  if (membership !== undefined) updateMembership(draft, { members: membership.members.filter((one) => !bytesEqual(one, worker)) })
}

const ringOf = (draft: Draft, cluster: Uint8Array): ClusterKeyring => {
  const { clusterKeys } = draft.state
  return clusterKeys !== undefined && bytesEqual(clusterKeys.cluster, cluster) ? clusterKeys : { cluster, main: undefined, epochs: [] }
}

const hold = (draft: Draft, ring: ClusterKeyring): void => {
  draft.state = { ...draft.state, clusterKeys: ring }
  refreshEpochs(draft)
}

const open = (draft: Draft, sealed: EncryptedKey, context: Parameters<typeof openClusterSecret>[1]['context']): KeyPair | undefined => {
  const secret = openClusterSecret(draft.crypto, { keys: openingKeys(draft.state.keys), sealed, context })
  return secret === undefined ? undefined : keyFromSecret(draft.crypto, secret)
}

/** The cluster's key for this worker: held already, or opened now. */
const takeMain = (draft: Draft, cluster: Uint8Array, sealed: EncryptedKey): KeyPair | undefined => {
  const ring = ringOf(draft, cluster)
  if (ring.main !== undefined) return ring.main.key
  const key = open(draft, sealed, clusterKeyContext(draft.state.follow.genesisHash, cluster))
  if (key !== undefined) hold(draft, { ...ring, main: { key, since: draft.block.number } })
  return key
}

type Dispatch = Extract<ClusterOperation, { kind: 'DispatchKeys' }>

/** The gatekeepers hand out a cluster's key: at first to all its workers, later again to one that asked. @throws CONTRACT_ENGINE_FAILED */
export const onKeysDispatched = (draft: Draft, terms: Dispatch): void => {
  const { cluster: id, secretKeys } = terms.value
  const own = secretKeys.find(([pubkey]) => isOwn(draft, pubkey))?.[1]
  if (own === undefined) return
  const { membership, systemCode, runtimeVersion } = draft.state.clusters
  if (draft.state.gatekeeper?.listed === true) return reportFailure(draft, id, 'NoClusterOnGatekeeper')
  const other = draft.state.cluster?.id ?? draft.state.joining?.cluster ?? membership?.cluster
  if (other !== undefined && !bytesEqual(other, id)) return reportFailure(draft, id, 'DuplicatedClusterDeploy')
  // Keys that were on their way when this worker was removed: the cluster goes on without it.
  if (membership === undefined) return
  const key = takeMain(draft, id, own)
  if (runningCluster(draft) !== undefined) return
  if (draft.state.joining !== undefined) return
  const epochs = membershipOf(draft)?.epochs ?? []
  if (key !== undefined) return deployCluster(draft, key, { terms, systemCode, runtimeVersion, epochs })
  const deploy = { terms, index: draft.cluster.index, systemCode, runtimeVersion, epochs }
  beginWaiting(draft, waitFor({ cluster: id, since: draft.block.number, why: 'the key of the cluster could not be opened', deploy }))
}

/** Between blocks: a worker that missed only the cluster's key and has it now deploys where that belongs, or goes on where it was, and does what followed. @throws CONTRACT_ENGINE_FAILED */
export const endWait = (draft: Draft): void => {
  const { joining, clusterKeys } = draft.state
  const key = clusterKeys?.main?.key
  if (joining === undefined || clusterKeys === undefined || key === undefined) return
  const { deploy, state, needs } = joining
  if (deploy !== undefined) return replayWaiting(draft, joining, deploy.epochs, () => deployCluster(draft, key, deploy))
  const isHeld = needs === undefined || clusterKeys.epochs.some(({ epoch }) => epoch === needs)
  const cluster = state === undefined || !isHeld ? undefined : resumeCluster(draft.crypto, state, clusterKeys)
  if (cluster === undefined) return
  setCluster(draft, cluster)
  replayWaiting(draft, joining, recordOf(cluster).epochs)
}

/** An epoch's secret for each worker of a cluster. */
export const onEpochKeys = (draft: Draft, { cluster, epoch, secretKeys }: ClusterEpochKeys): void => {
  const own = secretKeys.find(([pubkey]) => isOwn(draft, pubkey))?.[1]
  if (own !== undefined) draft.cluster.wasSentSecret = true
  if (membershipOf(draft, cluster) === undefined) return
  const ring = ringOf(draft, cluster)
  if (own === undefined || ring.epochs.some((one) => one.epoch === epoch)) return
  const key = open(draft, own, clusterEpochContext(draft.state.follow.genesisHash, { cluster, epoch }))
  if (key !== undefined) hold(draft, { ...ring, epochs: [...ring.epochs.filter((one) => one.epoch < epoch), { epoch, key, since: draft.block.number }] })
}

/** An epoch begins: the chain's public key of it must be the one of the secret that is held. The key that opened the secret is let go of soon. */
const onEpochBegan = (draft: Draft, { cluster, epoch, pubkey, retireAt }: Extract<ClusterNotice, { kind: 'EpochBegan' }>['value']): void => {
  const membership = membershipOf(draft, cluster)
  if (membership === undefined) return
  const { number, hash } = draft.block
  updateMembership(draft, { epochs: withEpoch(membership.epochs, { epoch, publicKey: pubkey, anchor: hash, since: number }, retireAt) })
  const ring = ringOf(draft, cluster)
  const isAnother = ring.epochs.some((one) => one.epoch === epoch && !bytesEqual(one.key.publicKey, pubkey))
  if (isAnother) hold(draft, { ...ring, epochs: ring.epochs.filter((one) => one.epoch !== epoch) })
  refreshEpochs(draft)
  const running = runningCluster(draft, cluster)
  if (running !== undefined) sayChannelKeys(draft, running.deployed.map(({ id }) => id))
}

/** The cluster told keys of its contracts. */
export const onAnnounced = (draft: Draft, { value: { epoch, keys } }: ClusterChannelEvent): void => {
  const membership = membershipOf(draft)
  if (membership !== undefined && keys.length > 0) updateMembership(draft, { epochs: withAnnounced(membership.epochs, epoch) })
}

/** What the chain told of clusters, except what running ones do about it. */
export const onFacts = (draft: Draft, notice: ClusterNotice): void => {
  switch (notice.kind) {
    case 'SystemCode': return updateFacts(draft, { systemCode: notice.value })
    case 'RuntimeVersion': return updateFacts(draft, { runtimeVersion: notice.value })
    case 'Parameters': return updateFacts(draft, { parameters: notice.value })
    case 'WorkerAdded': return onAdded(draft, notice.value.cluster, notice.value.worker)
    case 'EpochRequested':
      if (membershipOf(draft, notice.value.cluster) !== undefined) updateMembership(draft, { members: notice.value.workers.map(({ pubkey }) => pubkey) })
      return
    case 'EpochBegan': return onEpochBegan(draft, notice.value)
    case 'StateAgreed': return
  }
}

/** A worker leaves its cluster, or the cluster is no more. */
export const onEnded = (draft: Draft, operation: Extract<ClusterOperation, { kind: 'DestroyCluster' | 'RemoveWorker' }>): void => {
  if (operation.kind === 'DestroyCluster') leave(draft, operation.value, 'the cluster was destroyed')
  else withoutMember(draft, operation.value.clusterId, operation.value.worker)
}

/** Whether the gatekeepers have to send something again: the cluster's key, or an epoch for which this worker holds a key. */
const lacksKeys = (draft: Draft): boolean => {
  const membership = membershipOf(draft)
  const { joining, clusterKeys, cluster } = draft.state
  if (membership === undefined) return false
  if (joining !== undefined) return clusterKeys?.main === undefined
  const current = membership.epochs.at(-1)
  return cluster !== undefined && current !== undefined && !cluster.epochs.some(({ epoch }) => epoch === current.epoch)
}

/** After the last block of a step: asks for what is missing. */
export const askForKeys = (draft: Draft): void => {
  const membership = membershipOf(draft)
  if (membership === undefined || !lacksKeys(draft) || !isAnchored(draft.state)) return
  const { number } = draft.block
  if (membership.keysAskedAt !== undefined && number < membership.keysAskedAt + ASK_AGAIN_BLOCKS) return
  updateMembership(draft, { keysAskedAt: number })
  draft.effects.push(logEffect('warn', 'worker asks for its cluster\'s keys', { block: number }))
  send(draft, TOPICS.clusterKeyRequest, { cluster: membership.cluster })
}

/**
 * After the last block of a step in which an epoch's secret was sent to this worker, whether it was taken or not: the key that opens it is replaced, so that the
 * recorded message opens with none soon.
 */
export const rotateAfterSending = (draft: Draft): void => {
  if (draft.cluster.wasSentSecret && isAnchored(draft.state) && draft.state.keys.nextEcdh === undefined) beginRotation(draft)
}
