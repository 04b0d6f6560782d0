/** Owns the messages that the pallet acts on: of workers about their cluster, of gatekeepers about keys, of clusters about contracts (cluster_contracts.md section 3). */
import { bytesEqual } from '@phalanx/primitives/bytes'
import { TOPICS, type ClusterKeyRequest, type ClusterRegistryEvent, type Message, type MessageOrigin, type WorkerClusterReport } from '@phalanx/primitives/messages'
import type { Context } from '../../frame/context.ts'
import { decodePayload } from '../phala-registry/decode-payload.ts'
import { clusterKeys } from '../phala-registry/storage.ts'
import { learnContract } from './contracts.ts'
import { phatParts, type PhatContext } from './declaration.ts'
import { learnContractKeys, takeEpochCandidate } from './epochs.ts'
import { noteKeysSent, requestKeys } from './keys.ts'
import { isMember } from './members.ts'
import { takeStateReport } from './state-reports.ts'
import * as storage from './storage.ts'

const ensureWorker = (ctx: PhatContext, sender: MessageOrigin): Uint8Array => (sender.kind === 'Worker' ? sender.value : ctx.fail('InvalidSender'))

const ensureCluster = (ctx: PhatContext, sender: MessageOrigin): Uint8Array => (sender.kind === 'Cluster' ? sender.value : ctx.fail('InvalidSender'))

const ensureGatekeepers = (ctx: PhatContext, sender: MessageOrigin): void => {
  if (sender.kind !== 'Gatekeeper') ctx.fail('InvalidSender')
}

/** The reference believes any worker about any cluster; here it must be one of the cluster's. */
const onWorkerReport = (ctx: PhatContext, worker: Uint8Array, { kind, value }: WorkerClusterReport): void => {
  const { id: cluster } = value
  if (!isMember(ctx, { worker, cluster })) ctx.fail('InvalidSender')
  if (kind === 'ClusterDeploymentFailed') return ctx.emit('ClusterDeploymentFailed', { cluster, worker })
  const pubkey = clusterKeys.get(ctx, cluster) ?? ctx.fail('ClusterNotDeployed')
  if (!bytesEqual(pubkey, value.pubkey)) ctx.fail('ClusterKeyMismatch')
  ctx.emit('ClusterDeployed', { cluster, pubkey, worker })
}

/** A cluster keeps its key for life: contracts' keys and their secrets follow from it. */
const onClusterRegistry = (ctx: PhatContext, { value: { cluster, pubkey } }: ClusterRegistryEvent): void => {
  if (!storage.clusters.has(ctx, cluster)) ctx.fail('ClusterNotFound')
  const known = clusterKeys.get(ctx, cluster)
  if (known !== undefined && !bytesEqual(known, pubkey)) ctx.fail('ClusterKeyMismatch')
  clusterKeys.set(ctx, cluster, pubkey)
  ctx.emit('ClusterPubkeyAvailable', { cluster, pubkey })
}

/** Only the gatekeepers' own message of this topic concerns the chain: the rest it says itself. */
const onClusterOperation = (ctx: PhatContext, sender: MessageOrigin, payload: Uint8Array): void => {
  ensureGatekeepers(ctx, sender)
  const operation = decodePayload(TOPICS.clusterOperation.payload, payload)
  if (operation.kind !== 'DispatchKeys') return
  const { cluster, secretKeys } = operation.value
  noteKeysSent(ctx, cluster, secretKeys.map(([worker]) => worker))
}

const onKeyRequest = (ctx: PhatContext, worker: Uint8Array, { cluster }: ClusterKeyRequest): void => {
  if (!isMember(ctx, { worker, cluster })) ctx.fail('InvalidSender')
  requestKeys(ctx, cluster, worker)
}

type Handler = (ctx: PhatContext, sender: MessageOrigin, payload: Uint8Array) => void

const HANDLERS: readonly (readonly [topic: Uint8Array, handle: Handler])[] = [
  [TOPICS.workerClusterReport.topic, (ctx, sender, payload) =>
    onWorkerReport(ctx, ensureWorker(ctx, sender), decodePayload(TOPICS.workerClusterReport.payload, payload))],
  [TOPICS.clusterRegistryEvent.topic, (ctx, sender, payload) => {
    ensureGatekeepers(ctx, sender)
    onClusterRegistry(ctx, decodePayload(TOPICS.clusterRegistryEvent.payload, payload))
  }],
  [TOPICS.contractRegistryEvent.topic, (ctx, sender, payload) =>
    learnContract(ctx, ensureCluster(ctx, sender), decodePayload(TOPICS.contractRegistryEvent.payload, payload).value)],
  [TOPICS.clusterOperation.topic, onClusterOperation],
  [TOPICS.clusterEpochCandidate.topic, (ctx, sender, payload) =>
    takeEpochCandidate(ctx, ensureWorker(ctx, sender), decodePayload(TOPICS.clusterEpochCandidate.payload, payload))],
  [TOPICS.clusterKeyRequest.topic, (ctx, sender, payload) => onKeyRequest(ctx, ensureWorker(ctx, sender), decodePayload(TOPICS.clusterKeyRequest.payload, payload))],
  [TOPICS.clusterChannel.topic, (ctx, sender, payload) => learnContractKeys(ctx, ensureCluster(ctx, sender), decodePayload(TOPICS.clusterChannel.payload, payload).value)],
  [TOPICS.clusterState.topic, (ctx, sender, payload) => takeStateReport(ctx, ensureWorker(ctx, sender), decodePayload(TOPICS.clusterState.payload, payload))],
]

/** Offers a message to the pallet; other topics pass. Refusals fail and are undone by the caller. */
export const onPhatMessage = (context: Context, { sender, destination, payload }: Message): void => {
  const found = HANDLERS.find(([topic]) => bytesEqual(topic, destination))
  if (found !== undefined) found[1](phatParts.in(context), sender, payload)
}
