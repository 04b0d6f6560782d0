/** Owns the worker's state in words: one name, one reason, and whether anything confidential is served. */
import { bytesEqual } from '@phalanx/primitives/bytes'
import type { WorkerStateName } from '../api/info.ts'
import type { Build, WorkerState } from '../core/state.ts'
import { isAnchored } from './anchor.ts'
import { retiredReason } from './gate.ts'

/** A state and why. `serving` is true in `registered` only. */
export interface StatusSummary {
  readonly state: WorkerStateName
  readonly reason: string
  readonly serving: boolean
}

const not = (state: WorkerStateName, reason: string): StatusSummary => ({ state, reason, serving: false })

const newestTrusted = (build: Build, genesisHash: Uint8Array): number =>
  build.anchors.reduce((newest, anchor) => (bytesEqual(anchor.genesisHash, genesisHash) ? Math.max(newest, anchor.number) : newest), 0)

/** Summary of a worker's state. */
export const summarize = (build: Build, state: WorkerState): StatusSummary => {
  if (state.kind === 'empty' && state.retired !== undefined) return not('halted', state.retired)
  if (state.kind === 'empty' && state.accepted !== undefined && state.sealed === undefined) return not('unsealed', 'waiting for the identity of its predecessor')
  if (state.kind === 'empty')
    return not('unsealed', state.sealed === undefined ? 'waiting for InitRuntime' : 'identity is unsealed, no usable checkpoint: waiting for InitRuntime')
  const stopped = state.halted ?? state.failed
  if (stopped !== undefined) return not('halted', stopped)
  const retired = retiredReason(build, state.system)
  if (retired !== undefined) return not('outdated', retired)
  const { head } = state.follow
  if (head.number === 0) return not('initialised', 'waiting for the first block')
  const trusted = newestTrusted(build, state.follow.genesisHash)
  if (head.number < trusted) return not('syncing', `followed to block ${head.number}, this build trusts nothing before block ${trusted}`)
  const { registration, anchor } = state.system
  if (registration === undefined) return not('syncing', `followed to block ${head.number}, own registration not seen yet`)
  if (!isAnchored(state))
    return not('anchoring', anchor === undefined
      ? `registered in block ${registration.block}, own ECDH key not anchored yet`
      : `the chain holds another ECDH key (epoch ${anchor.epoch}); the new one is announced and not final yet`)
  return { state: 'registered', reason: `registered with confidence level ${registration.confidenceLevel}, followed to block ${head.number}`, serving: true }
}
