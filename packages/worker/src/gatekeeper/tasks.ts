/** Owns the order in which the root secret is asked: one question at a time, those that need no key first. Owns what an answer leads to. */
import { KeyDistribution, TOPICS } from '@phalanx/primitives/messages'
import type { Draft } from '../system/draft.ts'
import { openingKeys } from '../system/rotation.ts'
import { onBeaconValue } from './beacon.ts'
import { onClusterSealed } from './clusters.ts'
import { epochNeeded, gatekeeperOf, isHeld, updateGatekeeper } from './draft.ts'
import { proposeKey, reportLaunch, retryCandidate } from './keys.ts'
import { abstain, noteOutcome } from './outcomes.ts'
import type { RootAnswer, RootCall } from './root-calls.ts'
import type { GatekeeperState, Task } from './state.ts'

const holdsEpoch = (state: GatekeeperState, rotationId: bigint): boolean => {
  const epoch = state.epochs.find((one) => one.rotationId === rotationId)
  return epoch !== undefined && isHeld(state, epoch)
}

const isPossible = (state: GatekeeperState, task: Task): boolean => {
  if (task.kind === 'Admit') return task.value.epochs.every(([rotationId]) => holdsEpoch(state, rotationId))
  const needed = epochNeeded(task)
  return needed === undefined || holdsEpoch(state, needed)
}

/** The first task that can be done: what needs no key stands first. Rounds of the beacon follow from each other, so none overtakes another. */
const nextTask = (state: GatekeeperState): Task | undefined => {
  let isBeaconWaiting = false
  for (const task of state.tasks) {
    if (task.kind === 'Beacon' && isBeaconWaiting) continue
    if (isPossible(state, task)) return task
    if (task.kind === 'Beacon') isBeaconWaiting = true
  }
  return undefined
}

const callOf = (draft: Draft, state: GatekeeperState, task: Task): RootCall => {
  switch (task.kind) {
    case 'Launch': return { kind: 'launch', value: task.value }
    case 'Inventory': return { kind: 'inventory' }
    case 'Beacon': return { kind: 'beacon', value: { round: task.value.round, epoch: task.value.epoch, last: state.beacon.value } }
    case 'Admit': return { kind: 'admit', value: { recipient: task.value.recipient, epochs: task.value.epochs.map(([rotationId, since]) => ({ rotationId, since })) } }
    case 'Accept': {
      const { block, keys, sealedTo } = task.value
      return { kind: 'accept', value: { block, keys, ecdh: ecdhKeys(draft), ...(sealedTo === undefined ? {} : { sealedTo }) } }
    }
    case 'Rotate': return { kind: 'rotate', value: task.value }
    case 'Retire': return { kind: 'retire', value: task.value }
    case 'SealCluster': return { kind: 'sealCluster', value: { cluster: task.value.cluster, epoch: task.value.epoch, recipients: task.value.recipients } }
  }
}

/** The key in use and those that may still be in use by others. */
const ecdhKeys = (draft: Draft) => openingKeys(draft.state.keys)

/** Asks the next question, unless one is under way. */
export const askRootSecret = (draft: Draft): void => {
  const state = gatekeeperOf(draft)
  if (state === undefined || state.asking !== undefined) return
  const task = nextTask(state)
  if (task === undefined) return
  const ticket = state.ticket + 1n
  // The question under way stands first, so that its answer finds it.
  const tasks = state.tasks[0] === task ? state.tasks : [task, ...state.tasks.filter((one) => one !== task)]
  updateGatekeeper(draft, { asking: ticket, ticket, tasks })
  draft.effects.push({ kind: 'rootSecret', value: { ticket, genesisHash: draft.state.follow.genesisHash, call: callOf(draft, state, task) } })
}

const onHeld = (draft: Draft, task: Task): void => {
  const state = gatekeeperOf(draft)
  if (state === undefined) return
  if (task.kind === 'Launch') return reportLaunch(draft)
  if (task.kind === 'Retire' && !state.listed) draft.state = { ...draft.state, gatekeeper: undefined }
  // A candidate that was just tried is not tried again for its own answer.
  if (task.kind === 'Inventory' || (task.kind === 'Accept' && task.value.sealedTo === undefined)) retryCandidate(draft)
  if (task.kind !== 'Accept' || task.value.rotation === undefined) return
  const { rotationId, outcome } = task.value.rotation
  const key = state.held.find((one) => one.rotationId === rotationId)
  // A vote says that this gatekeeper can admit others, for which it needs the keys of the past, too.
  const holdsPast = state.epochs.every((epoch) => epoch.rotationId === rotationId || isHeld(state, epoch))
  if (key === undefined || !holdsPast) abstain(draft, outcome)
  else noteOutcome(draft, outcome, TOPICS.gatekeeperRegistryEvent, { kind: 'RotatedMasterPubkey', value: { rotationId, masterPubkey: key.publicKey } })
}

const conclude = (draft: Draft, task: Task, answer: RootAnswer): void => {
  switch (answer.kind) {
    case 'held': return onHeld(draft, task)
    case 'beacon': return task.kind === 'Beacon' ? onBeaconValue(draft, task.value, answer.value) : undefined
    case 'admitted': return task.kind === 'Admit' ? noteOutcome(draft, task.value.outcome, TOPICS.keyDistribution, KeyDistribution.decode(answer.value)) : undefined
    case 'proposed': return task.kind === 'Rotate' ? proposeKey(draft, task.value.rotationId, answer.value) : undefined
    case 'clusterSealed': return task.kind === 'SealCluster' ? onClusterSealed(draft, task.value, answer.value) : undefined
    case 'missing':
    case 'failed': return undefined
  }
}

/**
 * An answer. One that is not to the question under way, from before a restart, is dropped. A question that failed, or whose key is
 * missing, stays: it is asked again with the next feed.
 */
export const onRootAnswer = (draft: Draft, { ticket, answer }: { readonly ticket: bigint; readonly answer: RootAnswer }): void => {
  const state = gatekeeperOf(draft)
  if (state === undefined || state.asking !== ticket) return
  const [task, ...rest] = state.tasks
  const isDone = answer.kind !== 'failed' && answer.kind !== 'missing'
  updateGatekeeper(draft, {
    asking: undefined, ...(isDone ? { tasks: rest } : {}), ...(answer.kind === 'held' || answer.kind === 'missing' ? { held: answer.value } : {}),
  })
  if (task !== undefined) conclude(draft, task, answer)
}
