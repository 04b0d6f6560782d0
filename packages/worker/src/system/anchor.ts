/**
 * Owns the announcement of the fresh ECDH key. The key counts only once the chain's final notice names it; until then an announcement
 * of it waits in the egress queue, in the place of any older announcement, and is repeated when the chain took one without anchoring ours.
 */
import { bytesEqual } from '@phalanx/primitives/bytes'
import { TOPICS, type SignedMessage } from '@phalanx/primitives/messages'
import { channelOf, replaceMessage } from '../core/mq.ts'
import type { LiveState } from '../core/state.ts'
import { ownMessage, send, updateSystem, workerOrigin, type Draft } from './draft.ts'

/** Blocks between two announcements, so that a chain that refuses them is not flooded. */
const REPEAT_AFTER_BLOCKS = 2

/** Whether the ECDH key in use is the one that the chain anchored last. */
export const isAnchored = (state: LiveState): boolean => {
  const { anchor } = state.system
  return anchor !== undefined && bytesEqual(anchor.ecdhPubkey, state.keys.ecdh.publicKey)
}

const waitingAnnouncement = (state: LiveState): SignedMessage | undefined =>
  channelOf(state.egress, workerOrigin(state.keys.identity.publicKey)).messages.find(({ message }) => bytesEqual(message.destination, TOPICS.ecdhKey.topic))

/** Makes sure that an announcement of the newest key is on its way if the chain knows this worker under another one. */
export const ensureAnnounced = (draft: Draft): void => {
  const { state } = draft
  const { anchor, registration, announcedAt } = state.system
  const newest = state.keys.nextEcdh ?? state.keys.ecdh
  if ((registration === undefined && anchor === undefined) || (anchor !== undefined && bytesEqual(anchor.ecdhPubkey, newest.publicKey))) return
  const announcement = { epoch: (anchor?.epoch ?? 0n) + 1n, ecdhPubkey: newest.publicKey }
  const waiting = waitingAnnouncement(state)
  if (waiting === undefined) {
    if (announcedAt !== undefined && draft.block.number < announcedAt + REPEAT_AFTER_BLOCKS) return
    send(draft, TOPICS.ecdhKey, announcement)
  } else {
    const message = ownMessage(draft, TOPICS.ecdhKey, announcement)
    if (bytesEqual(message.payload, waiting.message.payload)) return
    draft.state = { ...state, egress: replaceMessage(state.egress, waiting, message, draft.signer) }
  }
  updateSystem(draft, { announcedAt: draft.block.number })
}
