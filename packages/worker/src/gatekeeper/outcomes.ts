/**
 * Owns the gatekeeper's outcomes: each gets the number of its place in its block, is voted on while the chain has not decided, and is
 * compared with the decision. Does not own what outcomes say.
 */
import { bytesEqual } from '@phalanx/primitives/bytes'
import { createMessage, Message, TOPICS, type GatekeeperNotice, type TopicOf } from '@phalanx/primitives/messages'
import { send, type Draft } from '../system/draft.ts'
import { gatekeeperOf, mayVote, raiseAlarm, updateGatekeeper } from './draft.ts'
import type { GatekeeperState, OutcomeId } from './state.ts'

/** How long the chain takes votes on a block's outcomes. */
const WINDOW_BLOCKS = 1200
/** How long an outcome of the others may have no counterpart here while nothing is being computed. */
const PATIENCE_BLOCKS = 64

const isSame = (a: OutcomeId, b: OutcomeId): boolean => a.block === b.block && a.index === b.index

/** Number of the next outcome of the block being executed; equal on every gatekeeper, whether it votes or not. */
export const takeOutcomeId = (draft: Draft): OutcomeId => {
  const index = gatekeeperOf(draft)?.nextIndex ?? 0
  updateGatekeeper(draft, { nextIndex: index + 1 })
  return { block: draft.block.number, index }
}

/** Notes an outcome: to be voted on, or compared with what was decided meanwhile. */
export const noteOutcome = <T>(draft: Draft, id: OutcomeId, to: TopicOf<T>, payload: T): void => {
  const state = gatekeeperOf(draft)
  if (state === undefined || !mayVote(state, id.block)) return
  const message = createMessage({ kind: 'Gatekeeper' }, to, payload)
  const hash = draft.crypto.blake2b256(Message.encode(message))
  const known = state.decided.find((one) => isSame(one.id, id))
  if (known === undefined) {
    updateGatekeeper(draft, { votes: [...state.votes, { id, hash, message: { destination: message.destination, payload: message.payload } }] })
    return
  }
  updateGatekeeper(draft, { decided: state.decided.filter((one) => one !== known) })
  if (!bytesEqual(known.hash, hash)) raiseAlarm(draft, 'outcome', id.block)
}

/** Leaves an outcome to the others: it cannot be known here, and their decision is no cause for alarm. */
export const abstain = (draft: Draft, id: OutcomeId): void => {
  const state = gatekeeperOf(draft)
  if (state === undefined || !mayVote(state, id.block)) return
  const isDecided = state.decided.some((one) => isSame(one.id, id))
  if (isDecided) updateGatekeeper(draft, { decided: state.decided.filter((one) => !isSame(one.id, id)) })
  else updateGatekeeper(draft, { votes: [...state.votes, { id, hash: undefined, message: undefined }] })
}

/** The chain decided an outcome. */
export const onDecided = (draft: Draft, { block, index, hash }: Extract<GatekeeperNotice, { kind: 'Decided' }>['value']): void => {
  const state = gatekeeperOf(draft)
  const id = { block, index }
  if (state === undefined || !mayVote(state, block)) return
  const own = state.votes.find((vote) => isSame(vote.id, id))
  if (own === undefined) {
    updateGatekeeper(draft, { decided: [...state.decided, { id, hash }] })
    return
  }
  updateGatekeeper(draft, { votes: state.votes.filter((vote) => vote !== own) })
  if (own.hash !== undefined && !bytesEqual(own.hash, hash)) raiseAlarm(draft, 'outcome', block)
}

const withoutOld = (state: GatekeeperState, now: number): Partial<GatekeeperState> => {
  const oldest = now - WINDOW_BLOCKS
  const votes = state.votes.filter(({ id }) => id.block >= oldest)
  const decided = state.decided.filter(({ id }) => id.block >= oldest)
  return { ...(votes.length === state.votes.length ? {} : { votes }), ...(decided.length === state.decided.length ? {} : { decided }) }
}

/** After a block: forgets what is too old, and finds outcomes of the others that never arose here. */
export const reviewOutcomes = (draft: Draft): void => {
  const state = gatekeeperOf(draft)
  if (state === undefined || (state.votes.length === 0 && state.decided.length === 0)) return
  const now = draft.block.number
  updateGatekeeper(draft, withoutOld(state, now))
  if (state.tasks.length > 0 || state.joining !== undefined) return
  const foreign = state.decided.filter(({ id }) => id.block + PATIENCE_BLOCKS < now)
  if (foreign.length === 0) return
  updateGatekeeper(draft, { decided: state.decided.filter((one) => !foreign.includes(one)) })
  for (const { id } of foreign) raiseAlarm(draft, 'unexpected', id.block)
}

/** Sends the votes that have not been sent, at the end of a step: what a feed shows as decided needs no vote any more. */
export const sendVotes = (draft: Draft): void => {
  const state = gatekeeperOf(draft)
  if (state === undefined || !state.votes.some(({ message }) => message !== undefined)) return
  for (const { id, message } of state.votes) if (message !== undefined) send(draft, TOPICS.gatekeeperVote, { ...id, ...message })
  updateGatekeeper(draft, { votes: state.votes.map(({ id, hash }) => ({ id, hash, message: undefined })) })
}
