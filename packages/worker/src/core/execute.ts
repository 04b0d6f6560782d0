/** Owns the execution of final blocks: acks, then messages in order; after the last block, what depends on the newest state only. */
import { bytesEqual } from '@phalanx/primitives/bytes'
import type { MessageOrigin } from '@phalanx/primitives/messages'
import { beginClusterBlock, clusterSubscribers, deliverToContracts, endClusterBlock, isOwnCluster, settleCluster } from '../contracts/cluster/block.ts'
import { rotateAfterSending } from '../contracts/cluster/keys.ts'
import { beginGatekeeperBlock, endGatekeeperBlock, gatekeeperSubscribers, settleGatekeeper } from '../gatekeeper/block.ts'
import { ensureAnnounced } from '../system/anchor.ts'
import { askForResult } from '../system/benchmark.ts'
import type { Draft } from '../system/draft.ts'
import { systemSubscribers } from '../system/events.ts'
import { rotateWhereDue } from '../system/rotation.ts'
import { logEffect } from './effects.ts'
import type { PendingBlock } from './light-client.ts'
import { applyAcks, deliver, groupSubscribers } from './mq.ts'

const subscribers = groupSubscribers([...systemSubscribers, ...gatekeeperSubscribers, ...clusterSubscribers])

const executeBlock = (draft: Draft, block: PendingBlock): void => {
  draft.block = block
  const { messages, acks } = block.messages
  if (acks.length > 0) {
    const identity = draft.state.keys.identity.publicKey
    const isOurs = (sender: MessageOrigin): boolean => (sender.kind === 'Worker' && bytesEqual(sender.value, identity)) || isOwnCluster(draft, sender)
    draft.state = { ...draft.state, egress: applyAcks(draft.state.egress, acks, isOurs) }
  }
  beginGatekeeperBlock(draft)
  beginClusterBlock(draft, acks)
  messages.forEach((message, index) => {
    draft.cluster.index = index
    deliver(subscribers, draft, message, (code) => {
      draft.effects.push(logEffect('warn', 'message skipped: its payload does not decode', { block: block.number, index, code }))
    })
    deliverToContracts(draft, message)
  })
  endClusterBlock(draft, messages)
  endGatekeeperBlock(draft, messages)
}

/** Executes blocks in order; afterwards, once, says what is due of the cluster, announces the ECDH key and asks for a benchmark's result where they are due. */
export const executeBlocks = (draft: Draft, blocks: readonly PendingBlock[]): void => {
  for (const block of blocks) executeBlock(draft, block)
  settleCluster(draft)
  rotateWhereDue(draft)
  rotateAfterSending(draft)
  ensureAnnounced(draft)
  askForResult(draft)
  settleGatekeeper(draft)
}
