/**
 * Owns the gatekeeper's part in executing blocks: what it hears, and what it does when a block or a step ends. Workers that are no gatekeepers
 * pass through at no cost.
 */
import { TOPICS, type GatekeeperChange, type GatekeeperEvent, type GatekeeperNotice, type Message, type MessageOrigin } from '@phalanx/primitives/messages'
import { bytesEqual } from '@phalanx/primitives/bytes'
import { subscribe, type Subscriber } from '../core/mq.ts'
import { logEffect } from '../core/effects.ts'
import type { Draft } from '../system/draft.ts'
import { onRandomNumber, runBeacon } from './beacon.ts'
import { onClusterEvent, onClusterNotice, onClusterOperation, proposeEpochs } from './clusters.ts'
import { addTask, gatekeeperOf, updateGatekeeper } from './draft.ts'
import { keepBlock, onStatePart, sharePast } from './joining.ts'
import { ensureConfirmed, onKeys, onLaunch, onListed, onRotationCancelled, onUnlisted } from './keys.ts'
import { noteOutcome, onDecided, reviewOutcomes, sendVotes, takeOutcomeId } from './outcomes.ts'
import { replayBlock } from './replay.ts'
import { askRootSecret, onRootAnswer } from './tasks.ts'
import type { RootAnswer } from './root-calls.ts'
import { onEvidence } from './verdicts.ts'

const isPallet = (sender: MessageOrigin): boolean => sender.kind === 'Pallet'
const isGatekeeper = (sender: MessageOrigin): boolean => sender.kind === 'Gatekeeper'

const onChange = (draft: Draft, event: GatekeeperChange): void => (event.kind === 'Registered' ? onListed(draft, event.value) : onUnlisted(draft, event.value.pubkey))

const onEvent = (draft: Draft, event: GatekeeperEvent): void => {
  if (event.kind === 'NewRandomNumber') onRandomNumber(draft, event.value)
}

const onNotice = (draft: Draft, notice: GatekeeperNotice): void => {
  switch (notice.kind) {
    case 'Decided': return onDecided(draft, notice.value)
    case 'RotationCancelled': return onRotationCancelled(draft, notice.value)
    case 'Confirmed':
    case 'Suspended': {
      if (!bytesEqual(notice.value.pubkey, draft.state.keys.identity.publicKey)) return
      const isConfirmed = notice.kind === 'Confirmed'
      updateGatekeeper(draft, { confirmedAt: isConfirmed ? draft.block.number : undefined, reportedAt: undefined, votes: [], decided: [] })
      draft.effects.push(logEffect('info', isConfirmed ? 'gatekeeper is active' : 'gatekeeper is suspended', { block: draft.block.number }))
    }
  }
}

/** Hears only when the worker is a gatekeeper, so that others do not even decode. */
const forGatekeepers = (subscriber: Subscriber<Draft>): Subscriber<Draft> => ({
  topic: subscriber.topic,
  deliver: (draft, message) => { if (gatekeeperOf(draft) !== undefined) subscriber.deliver(draft, message) },
})

/** What a gatekeeper listens to. */
export const gatekeeperSubscribers: readonly Subscriber<Draft>[] = [
  subscribe(TOPICS.gatekeeperLaunch, isPallet, onLaunch),
  subscribe(TOPICS.gatekeeperChange, isPallet, onChange),
  forGatekeepers(subscribe(TOPICS.gatekeeperNotice, isPallet, onNotice)),
  forGatekeepers(subscribe(TOPICS.keyDistribution, isGatekeeper, onKeys)),
  forGatekeepers(subscribe(TOPICS.gatekeeperEvent, isGatekeeper, onEvent)),
  forGatekeepers(subscribe(TOPICS.gatekeeperState, isGatekeeper, onStatePart)),
  forGatekeepers(subscribe(TOPICS.registrationEvidence, isPallet, onEvidence)),
  forGatekeepers(subscribe(TOPICS.clusterEvent, isPallet, onClusterEvent)),
  forGatekeepers(subscribe(TOPICS.clusterNotice, isPallet, onClusterNotice)),
  forGatekeepers(subscribe(TOPICS.clusterOperation, isPallet, onClusterOperation)),
]

/** Before a block's messages. */
export const beginGatekeeperBlock = (draft: Draft): void => {
  if (gatekeeperOf(draft) !== undefined) updateGatekeeper(draft, { nextIndex: 0 })
}

const replay = (draft: Draft, messages: readonly Message[]): void => {
  const state = gatekeeperOf(draft)
  if (state?.economics === undefined || state.launchedAt === undefined || draft.block.number < state.launchedAt) return
  const { state: economics, update, alarms } = replayBlock(state.economics, { number: draft.block.number, timeMs: draft.block.timeMs, messages }, draft)
  updateGatekeeper(draft, { economics })
  for (const alarm of alarms) draft.effects.push(logEffect('warn', 'economy met an input that it ignores', { block: draft.block.number, rule: alarm.kind }))
  if (update !== undefined) noteOutcome(draft, takeOutcomeId(draft), TOPICS.workingUpdate, update)
}

/** After a block's messages: the economy, the beacon, the past for those who joined. */
export const endGatekeeperBlock = (draft: Draft, messages: readonly Message[]): void => {
  const state = gatekeeperOf(draft)
  if (state === undefined) return
  const wasJoining = state.joining !== undefined
  if (wasJoining) keepBlock(draft, messages)
  else replay(draft, messages)
  runBeacon(draft)
  sharePast(draft)
  reviewOutcomes(draft)
}

/** After the last block of a step, or after an answer: what is due is sent, what is open is asked. */
export const settleGatekeeper = (draft: Draft): void => {
  if (gatekeeperOf(draft) === undefined) return
  ensureConfirmed(draft)
  sendVotes(draft)
  proposeEpochs(draft)
  askRootSecret(draft)
}

/** After a restart: questions that were under way are asked again, and the keys are counted. */
export const resumeGatekeeper = (draft: Draft): void => {
  if (gatekeeperOf(draft) === undefined) return
  updateGatekeeper(draft, { asking: undefined })
  addTask(draft, { kind: 'Inventory' })
  settleGatekeeper(draft)
}

/** An answer of the root secret. After a failure the next question waits for the next feed. */
export const answerGatekeeper = (draft: Draft, answered: { readonly ticket: bigint; readonly answer: RootAnswer }): void => {
  onRootAnswer(draft, answered)
  if (gatekeeperOf(draft) === undefined) return
  ensureConfirmed(draft)
  sendVotes(draft)
  if (answered.answer.kind !== 'failed') askRootSecret(draft)
}
