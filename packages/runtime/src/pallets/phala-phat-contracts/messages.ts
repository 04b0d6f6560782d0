/** Owns the messages that the pallet acts on: of workers about their cluster, of gatekeepers about keys, of clusters about contracts (cluster_contracts.md section 3). */
import { bytesEqual } from '@phalanx/primitives/bytes'
import { TOPICS, type ClusterRegistryEvent, type Message, type MessageOrigin, type WorkerClusterReport } from '@phalanx/primitives/messages'
import type { Context } from '../../frame/context.ts'
import { decodePayload } from '../phala-registry/decode-payload.ts'
import { clusterKeys } from '../phala-registry/storage.ts'
import { learnContract } from './contracts.ts'
import { phatParts, type PhatContext } from './declaration.ts'
import { beginEpoch, learnContractKeys } from './epochs.ts'
import { isMember } from './membership.ts'
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

const onChannel = (ctx: PhatContext, sender: MessageOrigin, payload: Uint8Array): void => {
  const event = decodePayload(TOPICS.clusterChannel.payload, payload)
  if (event.kind === 'ContractPubkeys') return learnContractKeys(ctx, ensureCluster(ctx, sender), event.value)
  ensureGatekeepers(ctx, sender)
  beginEpoch(ctx, event.value)
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
  [TOPICS.clusterChannel.topic, onChannel],
  [TOPICS.clusterState.topic, (ctx, sender, payload) => takeStateReport(ctx, ensureWorker(ctx, sender), decodePayload(TOPICS.clusterState.payload, payload))],
]

/** Offers a message to the pallet; other topics pass. Refusals fail and are undone by the caller. */
export const onPhatMessage = (context: Context, { sender, destination, payload }: Message): void => {
  const found = HANDLERS.find(([topic]) => bytesEqual(topic, destination))
  if (found !== undefined) found[1](phatParts.in(context), sender, payload)
}
