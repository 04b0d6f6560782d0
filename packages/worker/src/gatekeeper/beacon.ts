/** Owns the gatekeepers' random beacon: a round every fifth block after the launch, each value following from the one before (computation.md section 9.7). */
import { bytesEqual } from '@phalanx/primitives/bytes'
import { TOPICS, type GatekeeperEvent } from '@phalanx/primitives/messages'
import type { Draft } from '../system/draft.ts'
import { addTask, gatekeeperOf, raiseAlarm, updateGatekeeper } from './draft.ts'
import { noteOutcome, takeOutcomeId } from './outcomes.ts'
import type { Epoch, GatekeeperState } from './state.ts'

/** Blocks between two rounds. */
const BEACON_BLOCKS = 5

/** The key that was in force after a block's messages. */
const epochAt = (state: GatekeeperState, block: number): Epoch | undefined => state.epochs.findLast(({ since }) => since <= block)

const addRound = (draft: Draft, round: number, index: number): void => {
  const state = gatekeeperOf(draft)
  const epoch = state === undefined ? undefined : epochAt(state, round)
  if (epoch !== undefined) addTask(draft, { kind: 'Beacon', value: { round, epoch: epoch.rotationId, index } })
}

/** At the end of a block: its round, if it has one. */
export const runBeacon = (draft: Draft): void => {
  const state = gatekeeperOf(draft)
  const block = draft.block.number
  if (state?.launchedAt === undefined || block <= state.launchedAt || block % BEACON_BLOCKS !== 0) return
  const { index } = takeOutcomeId(draft)
  if (state.joining === undefined) addRound(draft, block, index)
}

/** Catches up with the rounds between the last one on the chain and this block; they are computed and compared, not voted on. */
export const catchUpRounds = (draft: Draft): void => {
  const state = gatekeeperOf(draft)
  if (state?.launchedAt === undefined) return
  const first = Math.max(state.beacon.round, state.launchedAt) + 1
  for (let round = first + ((BEACON_BLOCKS - (first % BEACON_BLOCKS)) % BEACON_BLOCKS); round < draft.block.number; round += BEACON_BLOCKS) addRound(draft, round, 0)
}

/** A value was computed here. */
export const onBeaconValue = (draft: Draft, { round, index }: { readonly round: number; readonly index: number }, value: Uint8Array): void => {
  const state = gatekeeperOf(draft)
  if (state === undefined) return
  const expected = state.expected.find((one) => one.round === round)
  const last = state.beacon.value
  updateGatekeeper(draft, { beacon: { round, value }, expected: state.expected.filter((one) => one.round > round) })
  if (expected !== undefined && !bytesEqual(expected.value, value)) raiseAlarm(draft, 'beacon', round)
  noteOutcome(draft, { block: round, index }, TOPICS.gatekeeperEvent, { kind: 'NewRandomNumber', value: { blockNumber: round, randomNumber: value, lastRandomNumber: last } })
}

/** The chain carries a value: it is compared with the own one, now or once there is one. */
export const onRandomNumber = (draft: Draft, { blockNumber, randomNumber }: Extract<GatekeeperEvent, { kind: 'NewRandomNumber' }>['value']): void => {
  const state = gatekeeperOf(draft)
  if (state === undefined) return
  if (blockNumber > state.seen.round) updateGatekeeper(draft, { seen: { round: blockNumber, value: randomNumber } })
  if (blockNumber > state.beacon.round) updateGatekeeper(draft, { expected: [...state.expected, { round: blockNumber, value: randomNumber }] })
  else if (blockNumber === state.beacon.round && !bytesEqual(randomNumber, state.beacon.value)) raiseAlarm(draft, 'beacon', blockNumber)
}
