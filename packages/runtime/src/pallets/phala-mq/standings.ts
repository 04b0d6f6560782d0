/** Owns the chain's sum of each worker's system events: what the worker knows of itself after having heard them all. */
import { bytesEqual } from '@phalanx/primitives/bytes'
import { isAppError } from '@phalanx/primitives/errors'
import { applyWorkerEvent, NO_STANDING, TOPICS, type Message, type SystemEvent } from '@phalanx/primitives/messages'
import type { StorageHost } from '../../frame/overlay.ts'
import { workerStanding } from './storage.ts'

const { topic, payload: payloadCodec } = TOPICS.systemEvent

/** The event, or undefined where workers skip the message, too. */
const eventOf = ({ sender, destination, payload }: Message): SystemEvent | undefined => {
  if (sender.kind !== 'Pallet' || !bytesEqual(destination, topic)) return undefined
  try {
    return payloadCodec.decode(payload)
  } catch (error) {
    if (isAppError(error)) return undefined
    throw error
  }
}

/** Adds a block's messages, in their order, when the block ends: its number and time (ms) are what workers will see. */
export const noteStandings = (host: StorageHost, messages: readonly Message[], at: { readonly number: number; readonly timeMs: bigint }): void => {
  for (const message of messages) {
    const event = eventOf(message)
    if (event?.kind !== 'WorkerEvent') continue
    const { pubkey, event: happened } = event.value
    workerStanding.set(host, pubkey, applyWorkerEvent(workerStanding.get(host, pubkey) ?? NO_STANDING, happened, at))
  }
}
