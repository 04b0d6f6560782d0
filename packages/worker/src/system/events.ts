/** Owns what a worker does on the chain's messages to it: system events about itself and notices of the registry. Accepted from pallets only. */
import { bytesEqual } from '@phalanx/primitives/bytes'
import { TOPICS, type MessageOrigin, type RegistryNotice, type SystemEvent, type WorkerEvent } from '@phalanx/primitives/messages'
import { logEffect } from '../core/effects.ts'
import { subscribe, type Subscriber } from '../core/mq.ts'
import { startBench } from './benchmark.ts'
import { updateSystem, type Draft } from './draft.ts'
import { answerChallenge } from './heartbeat.ts'
import { noteAnchored } from './rotation.ts'
import { ALLOWED_MEASUREMENTS_MAX, type SystemState } from './state.ts'

const isPallet = (sender: MessageOrigin): boolean => sender.kind === 'Pallet'

const setPaused = (draft: Draft, paused: boolean): void => {
  const { session } = draft.state.system
  if (session !== undefined && session.paused !== paused) updateSystem(draft, { session: { ...session, paused } })
  else draft.effects.push(logEffect('warn', 'responsiveness event does not fit the session', { block: draft.block.number }))
}

const onWorkerEvent = (draft: Draft, event: WorkerEvent): void => {
  const { system } = draft.state
  switch (event.kind) {
    case 'Registered':
      updateSystem(draft, { registration: { confidenceLevel: event.value.confidenceLevel, block: draft.block.number } })
      draft.effects.push(logEffect('info', 'registered on chain', { block: draft.block.number, confidence: event.value.confidenceLevel }))
      return
    case 'BenchStart': startBench(draft, event.value.duration); return
    case 'BenchScore': updateSystem(draft, { score: event.value, bench: undefined }); return
    case 'Started':
      updateSystem(draft, {
        session: { sessionId: event.value.sessionId, paused: false, startTimeMs: draft.block.timeMs, startIterations: system.iterations },
      })
      draft.effects.push({ kind: 'startBenchmark' })
      return
    case 'Stopped':
      updateSystem(draft, { session: undefined })
      if (system.bench === undefined) draft.effects.push({ kind: 'stopBenchmark' })
      return
    case 'EnterUnresponsive': setPaused(draft, true); return
    case 'ExitUnresponsive': setPaused(draft, false); return
  }
}

const onSystemEvent = (draft: Draft, event: SystemEvent): void => {
  if (event.kind === 'HeartbeatChallenge') answerChallenge(draft, event.value)
  else if (bytesEqual(event.value.pubkey, draft.state.keys.identity.publicKey)) onWorkerEvent(draft, event.value.event)
}

const without = (system: SystemState, measurement: Uint8Array): readonly Uint8Array[] =>
  system.allowedMeasurements.filter((entry) => !bytesEqual(entry, measurement))

const onNotice = (draft: Draft, notice: RegistryNotice): void => {
  const { system, keys } = draft.state
  switch (notice.kind) {
    case 'MinimumVersion': updateSystem(draft, { minimumVersion: notice.value }); return
    case 'ConsensusVersion': updateSystem(draft, { consensusVersion: notice.value }); return
    case 'MeasurementAllowed':
      updateSystem(draft, { allowedMeasurements: [...without(system, notice.value), notice.value].slice(-ALLOWED_MEASUREMENTS_MAX) })
      return
    case 'MeasurementRemoved': updateSystem(draft, { allowedMeasurements: without(system, notice.value) }); return
    case 'EcdhKeyAnchored': {
      const { pubkey, epoch, ecdhPubkey } = notice.value
      if (!bytesEqual(pubkey, keys.identity.publicKey)) return
      noteAnchored(draft, { epoch, ecdhPubkey })
      return
    }
    case 'WorkerEvicted': {
      const { pubkey, reason } = notice.value
      if (!bytesEqual(pubkey, keys.identity.publicKey)) return
      // The chain counts it no longer: showing it as unregistered is what makes the relay register it again.
      updateSystem(draft, { registration: undefined })
      draft.effects.push(logEffect('warn', 'the chain counts this worker\'s evidence no longer', { block: draft.block.number, reason: reason.kind }))
      return
    }
    case 'WorkerAttested':
    case 'PolicySet':
    case 'FamilyRevoked':
    case 'TrustedNtpServers': return
  }
}

/** What the system listens to. */
export const systemSubscribers: readonly Subscriber<Draft>[] = [
  subscribe(TOPICS.systemEvent, isPallet, onSystemEvent),
  subscribe(TOPICS.registryNotice, isPallet, onNotice),
]
