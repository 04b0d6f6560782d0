/** Owns the reading of a relay state: what the worker needs next, and how people are told. Pure; decides nothing. */
import type { ChainView, RelayState, Status, WorkerView } from './state.ts'

/** What a worker needs next; the first that applies. */
export type Situation =
  | 'unknown' | 'noChain' | 'otherChain' | 'workerHalted' | 'uninitialized' | 'chainBehind' | 'behind' | 'unregistered' | 'unanchored' | 'settled'

/** Blocks a worker may lag without being called syncing: it is fed as they come, and a busy machine is no news. */
const LAG_TOLERATED = 2
const LAG_TOLERATED_RUNNING = 16

/** States of a worker that only an operator ends. */
const HALTED_STATES: readonly string[] = ['halted', 'outdated']

/** Whether the worker will go no further by itself. */
export const isHalted = (worker: WorkerView): boolean => HALTED_STATES.includes(worker.state)

const headOf = (chain: ChainView): number => (chain.kind === 'at' ? chain.head : 0)

const situationWithLag = (state: RelayState, tolerated: number): Situation => {
  const { worker, chain } = state
  if (worker === undefined) return 'unknown'
  if (isHalted(worker)) return 'workerHalted'
  if (chain.kind === 'none') return 'noChain'
  if (chain.kind === 'other') return 'otherChain'
  if (!worker.initialized) return 'uninitialized'
  if (state.next > chain.head + 1) return 'chainBehind'
  if (state.next + tolerated <= chain.head) return 'behind'
  if (!worker.registered) return 'unregistered'
  return worker.anchored ? 'settled' : 'unanchored'
}

/** What the worker needs next. */
export const situationOf = (state: RelayState): Situation => situationWithLag(state, 0)

/** Whether a worker that counts is no more than moments behind: on a busy machine it may stay so, and what it says is about blocks that are there. */
export const isNearHead = (state: RelayState): boolean => {
  const situation = situationWithLag(state, LAG_TOLERATED_RUNNING)
  return situation === 'settled' || situation === 'unanchored'
}

/** Where the registration stands, in words. */
const describeRegistration = (state: RelayState): Status => {
  const { stage, failure, takenAt } = state.registration
  const phase = 'registering'
  if (failure !== undefined) return { phase, ...failure }
  switch (stage) {
    case 'attest': return { phase, reason: 'waiting for the worker\'s attestation' }
    case 'submit': return { phase, reason: 'evidence is on its way to the chain' }
    case 'seen': return { phase, reason: `the chain took the registration at block ${takenAt}; waiting for the worker to see it` }
  }
}

const trouble = (state: RelayState): Status | undefined => {
  const { worker, chain, failure } = state
  if (worker === undefined) return failure === undefined ? undefined : { phase: 'connecting', ...failure }
  if (isHalted(worker)) {
    return { phase: 'halted', code: 'RELAY_WORKER_HALTED', reason: `the worker is ${worker.state}: ${worker.reason}`, fix: 'See the worker\'s log; it stops by itself only when going on would be unsafe.' }
  }
  if (chain.kind === 'none') {
    if (chain.isAwaited) return { phase: 'connecting', reason: 'waiting for a node to answer' }
    return { phase: worker.registered ? 'degraded' : 'connecting', ...chain.failure }
  }
  if (chain.kind === 'other') {
    return {
      phase: 'halted', code: 'RELAY_GENESIS_MISMATCH',
      reason: `the worker follows the chain with genesis ${worker.genesis ?? 'unknown'}, the nodes serve ${chain.genesis}`,
      fix: 'Give the relay a node of the worker\'s chain; or, if the chain was started anew, start the worker with an empty base path.',
    }
  }
  if (failure !== undefined) return { phase: 'degraded', ...failure }
  if (worker.initialized && state.next > chain.head + 1) {
    return {
      phase: 'degraded', code: 'RELAY_CHAIN_BEHIND',
      reason: `the worker has already seen block ${state.next - 1}, the nodes have only ${chain.head}`,
      fix: 'Wait until a node has caught up, or give another one; if blocks were lost for good, start the worker with an empty base path.',
    }
  }
  return undefined
}

/** Phase and reason of a state. */
export const describeState = (state: RelayState): Status => {
  const found = trouble(state)
  if (found !== undefined) return found
  const head = headOf(state.chain)
  const egress = state.egressTrouble ?? Object.values(state.refusedSenders)[0]?.failure ?? state.egressGap
  const tolerated = state.worker?.registered === true && state.worker.anchored ? LAG_TOLERATED_RUNNING : LAG_TOLERATED
  switch (situationWithLag(state, tolerated)) {
    case 'unknown': return { phase: 'connecting', reason: 'asking the worker for its state' }
    case 'uninitialized': return { phase: 'initialising', reason: 'handing the worker its chain' }
    case 'behind': return { phase: 'syncing', reason: `block ${Math.max(0, state.next - 1)} of ${head}` }
    case 'unregistered': return describeRegistration(state)
    case 'unanchored':
      return egress === undefined
        ? { phase: 'announcing', reason: 'the worker\'s fresh ECDH key waits for its finalised announcement' }
        : { phase: 'announcing', ...egress }
    default:
      if (state.registration.failure !== undefined) return { phase: 'degraded', ...state.registration.failure }
      if (state.joinFailure !== undefined) return { phase: 'degraded', ...state.joinFailure }
      return egress === undefined
        ? { phase: 'running', reason: `follows block ${Math.max(0, state.next - 1)}` }
        : { phase: 'degraded', ...egress }
  }
}
