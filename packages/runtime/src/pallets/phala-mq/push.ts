/**
 * Owns sending: a message is noted in the block's log, from which the digest and OutboundMessages are made when the block ends.
 * Messages of pallets are not routed back to pallets: those call each other directly. Messages from outside are routed by pallet.ts.
 */
import type { TopicOf, Message } from '@phalanx/primitives/messages'
import { createMessage, palletOrigin } from '@phalanx/primitives/messages'
import type { StorageHost } from '../../frame/overlay.ts'
import { logMessage } from './block-log.ts'
import { queuedOutboundMessage } from './storage.ts'

/** Sends a pallet's message in this block. */
export const pushPalletMessage = <T>(host: StorageHost, pallet: string, to: TopicOf<T>, payload: T): void =>
  logMessage(host, createMessage(palletOrigin(pallet), to, payload))

/** Queues messages for the start of the first block: genesis builds run before any block. Many at once, since each time rewrites the queue. */
export const queueMessages = (host: StorageHost, messages: readonly Message[]): void => {
  const queued: readonly Message[] = queuedOutboundMessage.get(host) ?? []
  queuedOutboundMessage.set(host, [...queued, ...messages])
}

/** Queues a pallet's message for the start of the first block. */
export const queuePalletMessage = <T>(host: StorageHost, pallet: string, to: TopicOf<T>, payload: T): void =>
  queueMessages(host, [createMessage(palletOrigin(pallet), to, payload)])
