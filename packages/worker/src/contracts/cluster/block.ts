/**
 * Owns the cluster's part in executing blocks: what a worker hears of clusters, commands of contracts, and what is done when a block or a step ends. Workers
 * without a cluster keep a few facts and pass through.
 */
import type { MessageAck } from '@phalanx/primitives/chain'
import { bytesEqual } from '@phalanx/primitives/bytes'
import { TOPICS, type ClusterNotice, type ClusterOperation, type Message, type MessageOrigin } from '@phalanx/primitives/messages'
import { subscribe, type Subscriber } from '../../core/mq.ts'
import type { Draft } from '../../system/draft.ts'
import { fillGaps, noteCounted } from './channel.ts'
import { deliverCommand } from './commands.ts'
import { endBlock, startBlock } from './block-end.ts'
import { bufferBlock, noteAgreed } from './joining.ts'
import { askForKeys, endWait, onAnnounced, onClusterEvent, onEnded, onEpochKeys, onFacts, onKeysDispatched } from './keys.ts'
import { runInstantiation, runOperation, takeSystemCode } from './operations.ts'
import { compareAgreed, sendReports } from './reports.ts'
import { membershipOf } from './work.ts'

const isPallet = (sender: MessageOrigin): boolean => sender.kind === 'Pallet'
const isGatekeeper = (sender: MessageOrigin): boolean => sender.kind === 'Gatekeeper'

const onDispatched = (draft: Draft, operation: ClusterOperation): void => {
  if (operation.kind === 'DispatchKeys') onKeysDispatched(draft, operation)
}

const onOperation = (draft: Draft, operation: ClusterOperation): void => {
  switch (operation.kind) {
    case 'DispatchKeys': return
    case 'DestroyCluster':
    case 'RemoveWorker': return onEnded(draft, operation)
    case 'UploadResource':
    case 'Deposit': return runOperation(draft, operation)
  }
}

const onNotice = (draft: Draft, notice: ClusterNotice): void => {
  onFacts(draft, notice)
  if (notice.kind === 'SystemCode') takeSystemCode(draft, notice.value.code)
  if (notice.kind !== 'StateAgreed' || membershipOf(draft, notice.value.cluster) === undefined) return
  compareAgreed(draft, notice.value)
  noteAgreed(draft, notice.value)
}

/** Whether a sender is the cluster of this worker. */
export const isOwnCluster = (draft: Draft, sender: MessageOrigin): boolean => {
  const membership = membershipOf(draft)
  return sender.kind === 'Cluster' && membership !== undefined && bytesEqual(sender.value, membership.cluster)
}

/** What a worker listens to because of clusters. */
export const clusterSubscribers: readonly Subscriber<Draft>[] = [
  subscribe(TOPICS.clusterEvent, isPallet, onClusterEvent),
  subscribe(TOPICS.clusterOperation, isGatekeeper, onDispatched),
  subscribe(TOPICS.clusterOperation, isPallet, onOperation),
  subscribe(TOPICS.contractOperation, isPallet, runInstantiation),
  subscribe(TOPICS.clusterNotice, isPallet, onNotice),
  subscribe(TOPICS.clusterEpochKeys, isPallet, onEpochKeys),
  {
    topic: TOPICS.clusterChannel.topic,
    deliver: (draft, { sender, payload }) => { if (isOwnCluster(draft, sender)) onAnnounced(draft, TOPICS.clusterChannel.payload.decode(payload)) },
  },
]

/** Before a block's messages. */
export const beginClusterBlock = (draft: Draft, acks: readonly MessageAck[]): void => {
  startBlock(draft)
  for (const { sender, next } of acks) if (isOwnCluster(draft, sender)) noteCounted(draft, next)
}

/** Offers a message to contracts, after everybody else heard it. @throws CONTRACT_ENGINE_FAILED */
export const deliverToContracts = (draft: Draft, message: Message): void => deliverCommand(draft, message)

/** After a block's messages. @throws CONTRACT_ENGINE_FAILED */
export const endClusterBlock = (draft: Draft, messages: readonly Message[]): void => {
  endBlock(draft)
  bufferBlock(draft, messages)
  endWait(draft)
}

/** After the last block of a step. */
export const settleCluster = (draft: Draft): void => {
  sendReports(draft)
  fillGaps(draft)
  askForKeys(draft)
}
