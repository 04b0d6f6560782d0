/** Owns what a block hands to workers besides its state: dispatched messages and changed sequences. The message queue fills it. */
import type { Message, MessageOrigin } from '@phalanx/primitives/messages'
import type { SequenceAck } from './runtime-api.ts'
import { transientList } from './transient.ts'

/** Every message dispatched in the block, `^` topics too, in order. */
export const dispatchedMessages = transientList<Message>('messages of the block')

/** Every acceptance of a message in the block; the last of a sender counts. */
export const acceptedSequences = transientList<{ readonly sender: MessageOrigin; readonly next: bigint }>('acks of the block')

/** The block's acks: each sender once with its last next sequence, in order of first change. `idOf` gives a sender's encoded form as a key. */
export const mergeAcks = (accepted: readonly SequenceAck[], idOf: (sender: MessageOrigin) => string): readonly SequenceAck[] => {
  const merged = new Map<string, SequenceAck>()
  for (const ack of accepted) merged.set(idOf(ack.sender), ack)
  return [...merged.values()]
}
