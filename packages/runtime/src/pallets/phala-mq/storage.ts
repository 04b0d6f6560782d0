/** Owns the storage of PhalaMq (mq.md section 3). What only lives while a block is built is in block-log.ts. */
import { vec, u64 } from '@phalanx/primitives/codec'
import { Sr25519Public } from '@phalanx/primitives/chain'
import { Message, MessageOrigin, WorkerStanding } from '@phalanx/primitives/messages'
import { palletStorage } from '../../frame/storage.ts'

const storage = palletStorage('PhalaMq')

/** Next sequence expected from a sender outside the chain; missing is 0. */
export const offchainIngress = storage.map('OffchainIngress', {
  hasher: 'Twox64Concat', key: MessageOrigin, type: u64, doc: 'Next sequence number expected from each off-chain sender.',
})

/** Messages for the next block's start. */
export const queuedOutboundMessage = storage.value('QueuedOutboundMessage', {
  type: vec(Message), doc: 'Messages queued before the chain starts; dispatched when the first block begins.',
})

/** Messages dispatched to workers in this block. */
export const outboundMessages = storage.value('OutboundMessages', {
  type: vec(Message), default: [], doc: 'Messages dispatched off chain in this block.',
})

/** What the system events sent to each worker say in sum, so that a worker can begin at a checkpoint instead of hearing them again. */
export const workerStanding = storage.map('WorkerStanding', {
  hasher: 'Twox64Concat', key: Sr25519Public, type: WorkerStanding, doc: 'What the system events sent to a worker say in sum.',
})
