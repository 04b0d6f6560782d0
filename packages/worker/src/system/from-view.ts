/** Owns what a worker takes over from a proven view of the chain's state: the same that the messages since genesis would have left it with. */
import { NO_STANDING } from '@phalanx/primitives/messages'
import type { CheckpointView } from '@phalanx/runtime/storage'
import { takeClusterView } from '../contracts/cluster/from-view.ts'
import { applyAcks } from '../core/mq.ts'
import { ensureAnnounced } from './anchor.ts'
import { askForResult } from './benchmark.ts'
import { replaceUnseenKey } from './rotation.ts'
import { workerOrigin, type Draft } from './draft.ts'
import { ALLOWED_MEASUREMENTS_MAX, type SystemState } from './state.ts'

/** Standing by the view. What only the worker itself knows of a session or benchmark that goes on, it keeps. */
const systemOf = (before: SystemState, view: CheckpointView): SystemState => {
  const { registration, score, bench, session } = view.own?.standing ?? NO_STANDING
  const isSameBench = bench !== undefined && before.bench?.startTimeMs === bench.startTimeMs
  const isSameSession = session !== undefined && before.session?.sessionId === session.sessionId
  return {
    ...before, registration, score,
    bench: bench === undefined ? undefined : { ...bench, asked: isSameBench && before.bench?.asked === true },
    session: session === undefined ? undefined : { ...session, startIterations: isSameSession ? (before.session?.startIterations ?? before.iterations) : before.iterations },
    minimumVersion: view.minimumVersion,
    consensusVersion: view.consensusVersion,
    allowedMeasurements: view.allowedMeasurements.slice(-ALLOWED_MEASUREMENTS_MAX),
    anchor: view.own?.anchor,
  }
}

/** Puts the view in force; afterwards, as after any block, announces the ECDH key and asks for a benchmark's result where they are due. */
export const takeView = (draft: Draft, view: CheckpointView): void => {
  const { state } = draft
  const system = systemOf(state.system, view)
  const sender = workerOrigin(state.keys.identity.publicKey)
  const next = view.own?.nextSequence
  const egress = next === undefined ? state.egress : applyAcks(state.egress, [{ sender, next }], () => true)
  draft.state = { ...state, system, egress }
  takeClusterView(draft, view)
  if (system.bench !== undefined || system.session !== undefined) draft.effects.push({ kind: 'startBenchmark' })
  else if (state.system.bench !== undefined || state.system.session !== undefined) draft.effects.push({ kind: 'stopBenchmark' })
  replaceUnseenKey(draft)
  ensureAnnounced(draft)
  askForResult(draft)
}
