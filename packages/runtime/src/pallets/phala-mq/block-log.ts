/** Owns what a block gathers for its PHLX digest: every message dispatched and every sequence it moved. Gone when the block ends, undone with failed calls. */
import { bytesToKey } from '@phalanx/primitives/bytes'
import type { MessageAck } from '@phalanx/primitives/chain'
import { MessageOrigin, type Message } from '@phalanx/primitives/messages'
import type { StorageHost } from '../../frame/overlay.ts'
import { acceptedSequences as sequences, dispatchedMessages as messages } from '../../frame/outputs.ts'

/** Notes a dispatched message. */
export const logMessage = (host: StorageHost, message: Message): void => messages.append(host, message)

/** Notes that the chain now expects `next` from a sender. */
export const logSequence = (host: StorageHost, ack: MessageAck): void => sequences.append(host, ack)

/** All messages of the block so far, in order. */
export const loggedMessages = (host: StorageHost): readonly Message[] => messages.all(host)

/** The last sequence of each sender that the block moved, in order of first change. */
export const loggedAcks = (host: StorageHost): readonly MessageAck[] => {
  const bySender = new Map<string, MessageAck>()
  for (const ack of sequences.all(host)) bySender.set(bytesToKey(MessageOrigin.encode(ack.sender)), ack)
  return [...bySender.values()]
}
