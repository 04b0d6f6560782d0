/**
 * Owns how a new gatekeeper learns the past without following the chain again: the others send what their replay knew after the block in
 * which it was listed, a quorum vouches for the bytes, and the blocks since then are replayed on top.
 */
import { isAppError } from '@phalanx/primitives/errors'
import { concatBytes } from '@phalanx/primitives/bytes'
import { STATE_PART_BYTES_MAX, TOPICS, type GatekeeperStatePart, type Message } from '@phalanx/primitives/messages'
import { logEffect } from '../core/effects.ts'
import type { Draft } from '../system/draft.ts'
import { catchUpRounds } from './beacon.ts'
import { isClusterChange, withClusterChange } from './cluster-list.ts'
import { gatekeeperOf, updateGatekeeper } from './draft.ts'
import { noteOutcome, takeOutcomeId } from './outcomes.ts'
import { isEconomic, replayBlock } from './replay.ts'
import { JOINING_BLOCKS_MAX, Past, type GatekeeperState } from './state.ts'

/** Begins to keep blocks, from the one after this on. */
export const beginJoining = (draft: Draft): void => updateGatekeeper(draft, { joining: { since: draft.block.number, blocks: [], parts: [] } })

/** At the end of a block in which gatekeepers were listed: sends them the past, in parts that fit into messages. */
export const sharePast = (draft: Draft): void => {
  const state = gatekeeperOf(draft)
  if (state === undefined || state.joiners === 0) return
  updateGatekeeper(draft, { joiners: 0 })
  const { launchedAt, epochs, seen, economics, joining, clusters } = state
  if (launchedAt === undefined || economics === undefined || joining !== undefined) return
  const past = Past.encode({ launchedAt, epochs, seen, economics, clusters })
  const parts = Math.ceil(past.length / STATE_PART_BYTES_MAX)
  for (let part = 0; part < parts; part++) {
    const bytes = past.subarray(part * STATE_PART_BYTES_MAX, (part + 1) * STATE_PART_BYTES_MAX)
    noteOutcome(draft, takeOutcomeId(draft), TOPICS.gatekeeperState, { block: draft.block.number, part, parts, bytes })
  }
}

/** Keeps a block for later. Too many mean that nobody sends the past: it begins anew when the key is asked for again. */
export const keepBlock = (draft: Draft, messages: readonly Message[]): void => {
  const { joining } = gatekeeperOf(draft) ?? {}
  if (joining === undefined || draft.block.number <= joining.since) return
  const { number, timeMs } = draft.block
  const isFull = joining.blocks.length >= JOINING_BLOCKS_MAX
  if (isFull) updateGatekeeper(draft, { joining: undefined })
  else updateGatekeeper(draft, { joining: { ...joining, blocks: [...joining.blocks, { number, timeMs, messages: messages.filter((message) => isEconomic(message) || isClusterChange(message)) }] } })
}

const decodePast = (draft: Draft, bytes: Uint8Array) => {
  try {
    return Past.decode(bytes)
  } catch (error) {
    if (!isAppError(error)) throw error
    draft.effects.push(logEffect('error', 'past of the gatekeepers cannot be read', { block: draft.block.number, code: error.code }))
    return undefined
  }
}

const takePast = (draft: Draft, state: GatekeeperState, bytes: Uint8Array): void => {
  const past = decodePast(draft, bytes)
  if (past === undefined || state.joining === undefined) return
  const { since, blocks } = state.joining
  let { economics, clusters } = past
  for (const block of blocks) {
    economics = replayBlock(economics, block, draft).state
    for (const message of block.messages) clusters = withClusterChange(clusters, message, block.number)
  }
  const epochs = [...past.epochs, ...state.epochs.filter((epoch) => epoch.since > since)]
  const seen = state.seen.round > past.seen.round ? state.seen : past.seen
  // Who is confirmed and lost its past has votes from now on only: without it, nobody knows which numbers outcomes of the blocks until here have.
  const confirmedAt = state.confirmedAt === undefined ? undefined : draft.block.number
  updateGatekeeper(draft, { launchedAt: past.launchedAt, epochs, economics, seen, beacon: past.seen, joining: undefined, clusters, confirmedAt, votes: [], decided: [] })
  catchUpRounds(draft)
  draft.effects.push(logEffect('info', 'gatekeeper caught up with the others', { block: draft.block.number }))
}

/** A part of the past, as a quorum of gatekeepers vouched for it. */
export const onStatePart = (draft: Draft, { block, part, parts, bytes }: GatekeeperStatePart): void => {
  const state = gatekeeperOf(draft)
  if (state?.joining === undefined || state.joining.since !== block) return
  const known = [...state.joining.parts.filter(([at]) => at !== part), [part, bytes] as const].sort((a, b) => a[0] - b[0])
  if (known.length === parts) takePast(draft, state, concatBytes(...known.map(([, piece]) => piece)))
  else updateGatekeeper(draft, { joining: { ...state.joining, parts: known } })
}
