/** Owns the chain's sum of what each worker was told about itself: what the worker knows of itself after having heard them all. */
import { bytesEqual } from '@phalanx/primitives/bytes'
import { isAppError } from '@phalanx/primitives/errors'
import { applyWorkerEvent, NO_STANDING, TOPICS, type Message, type TopicOf } from '@phalanx/primitives/messages'
import type { StorageHost } from '../../frame/overlay.ts'
import { workerStanding } from './storage.ts'

/** The payload of a pallet's message on a topic, or undefined where workers skip the message, too. */
const payloadOf = <T>({ sender, destination, payload }: Message, { topic, payload: codec }: TopicOf<T>): T | undefined => {
  if (sender.kind !== 'Pallet' || !bytesEqual(destination, topic)) return undefined
  try {
    return codec.decode(payload)
  } catch (error) {
    if (isAppError(error)) return undefined
    throw error
  }
}

/** Adds a block's messages, in their order, when the block ends: its number and time (ms) are what workers will see. */
export const noteStandings = (host: StorageHost, messages: readonly Message[], at: { readonly number: number; readonly timeMs: bigint }): void => {
  for (const message of messages) {
    const notice = payloadOf(message, TOPICS.registryNotice)
    if (notice?.kind === 'WorkerEvicted') workerStanding.mutate(host, notice.value.pubkey, (standing) => standing && { ...standing, registration: undefined })
    const event = payloadOf(message, TOPICS.systemEvent)
    if (event?.kind !== 'WorkerEvent') continue
    const { pubkey, event: happened } = event.value
    workerStanding.set(host, pubkey, applyWorkerEvent(workerStanding.get(host, pubkey) ?? NO_STANDING, happened, at))
  }
}
