/** Owns small accesses to the gatekeeper's part of a draft. */
import { bytesEqual } from '@phalanx/primitives/bytes'
import { logEffect } from '../core/effects.ts'
import type { Draft } from '../system/draft.ts'
import type { Alarms, Epoch, GatekeeperState, Task } from './state.ts'

/** The gatekeeper's state; undefined where the worker is none. */
export const gatekeeperOf = (draft: Draft): GatekeeperState | undefined => draft.state.gatekeeper

/** Replaces part of it; nothing where the worker is no gatekeeper. */
export const updateGatekeeper = (draft: Draft, change: Partial<GatekeeperState>): void => {
  const { gatekeeper } = draft.state
  if (gatekeeper !== undefined) draft.state = { ...draft.state, gatekeeper: { ...gatekeeper, ...change } }
}

/** Epoch whose key a task needs; undefined where it needs none. */
export const epochNeeded = (task: Task): bigint | undefined => {
  switch (task.kind) {
    case 'Beacon': return task.value.epoch
    case 'Rotate': return task.value.epoch
    case 'SealCluster': return task.value.epoch
    case 'Admit': return task.value.epochs.at(-1)?.[0]
    case 'Launch':
    case 'Inventory':
    case 'Accept':
    case 'Retire': return undefined
  }
}

/** Adds a question for the root secret: those that need no key before all others, then in the order in which they arose. */
export const addTask = (draft: Draft, task: Task): void => {
  const state = gatekeeperOf(draft)
  if (state === undefined) return
  const firstLater = epochNeeded(task) === undefined ? state.tasks.findIndex((one, at) => epochNeeded(one) !== undefined && (at > 0 || state.asking === undefined)) : -1
  updateGatekeeper(draft, { tasks: firstLater === -1 ? [...state.tasks, task] : [...state.tasks.slice(0, firstLater), task, ...state.tasks.slice(firstLater)] })
}

/** Counts an alarm and says so. */
export const raiseAlarm = (draft: Draft, kind: keyof Alarms, block: number): void => {
  const state = gatekeeperOf(draft)
  if (state === undefined) return
  updateGatekeeper(draft, { alarms: { ...state.alarms, [kind]: state.alarms[kind] + 1 } })
  draft.effects.push(logEffect('error', 'alarm: this gatekeeper differs from the others', { block, alarm: kind }))
}

/** Whether the root secret holds an epoch's key. */
export const isHeld = (state: GatekeeperState, epoch: Pick<Epoch, 'rotationId' | 'publicKey'>): boolean =>
  state.held.some((key) => key.rotationId === epoch.rotationId && bytesEqual(key.publicKey, epoch.publicKey))

/** Whether our votes on outcomes of a block count. */
export const mayVote = (state: GatekeeperState, block: number): boolean => state.confirmedAt !== undefined && state.confirmedAt < block
