/**
 * Owns the relay's state machine for one worker: `step(state, input) → [state, effects]`. No I/O, no clock, no randomness:
 * time and jitter come with the input. What a state means is situation.ts; what effects do is worker-driver.ts.
 */
import { backOffMs, type BackOff } from '@phalanx/sdk/back-off'
import { LANES, type Batch, type Effect, type EffectKind, type Failure, type Input, type Lane, type RegistrationState, type RelayState, type WorkerView } from './state.ts'
import { describeState, isHalted, isNearHead, situationOf } from './situation.ts'

const OPERATION_BACK_OFF: BackOff = { firstMs: 200, maxMs: 10_000 }
const EVIDENCE_BACK_OFF: BackOff = { firstMs: 100, maxMs: 5_000 }
const REGISTRATION_BACK_OFF: BackOff = { firstMs: 1_000, maxMs: 120_000 }
/** How long messages rest that failed, for the k-th failure in a row. */
export const EGRESS_BACK_OFF: BackOff = { firstMs: 500, maxMs: 30_000 }

/** How far behind a worker must be to go on at a checkpoint, unless told otherwise. */
const CHECKPOINT_AFTER_BLOCKS = 4096
/** Checkpoints tried in a row before blocks are fed for a while instead: whatever is wrong with them, the worker moves. */
const CHECKPOINT_TRIES = 4
/** How long a worker waits before other members of its cluster are asked again. */
const JOIN_BACK_OFF: BackOff = { firstMs: 2_000, maxMs: 30_000 }
const CHECKPOINT_BACK_OFF: BackOff = { firstMs: 60_000, maxMs: 3_600_000 }

/** How long a worker's own account stays good while nothing happens. */
const REFRESH_MS = 5_000
/** How long messages may wait in a pool before they are offered again. */
export const EGRESS_REPEAT_MS = 6_000
/** Blocks after which a registration that the worker does not see is tried anew. */
const REGISTRATION_BLOCKS_MAX = 16
/** How often the chain is asked until when it counts a worker's evidence, and how soon after a registration. */
const STANDING_MS = 60_000
const STANDING_FIRST_MS = 6_000
/** Batches fetched ahead of the feed. */
const BATCHES_AHEAD = 2
const LIMIT_FIRST = 256
const LIMIT_MAX = 2048

const NO_REGISTRATION: RegistrationState = { stage: 'attest', evidence: undefined, takenAt: 0, failures: 0, failure: undefined, retryAtMs: 0 }

const NO_FAILURE = { failures: 0, failure: undefined, failedEffect: undefined, isRefusal: false, retryAtMs: 0 } as const

/** State of a worker about which nothing is known. `endpoints` are the URLs to announce for it. */
export const createRelayState = (
  options: { readonly endpoints: readonly string[]; readonly nowMs: number; readonly checkpointAfterBlocks?: number | undefined },
): RelayState => ({
  endpoints: options.endpoints,
  checkpointAfterBlocks: options.checkpointAfterBlocks ?? CHECKPOINT_AFTER_BLOCKS, checkpointFailures: 0, checkpointRetryAtMs: 0,
  chain: { kind: 'none', isAwaited: true, failure: { code: 'RELAY_NODE_NONE', reason: 'no node has answered yet', fix: 'Wait, or check --node.' } },
  worker: undefined, isStale: true, askedAtMs: 0, next: 0, batches: [], limit: LIMIT_FIRST, avoid: [], busy: {},
  failures: 0, failure: undefined, failedEffect: undefined, isRefusal: false, retryAtMs: 0, registration: NO_REGISTRATION, standingAtMs: 0, renewAtMs: undefined,
  endpointsDone: options.endpoints.length === 0, endpointsRetryAtMs: 0, endpointFailures: 0,
  joinRetryAtMs: 0, joinFailures: 0, joinFailure: undefined,
  egressAt: -1, egressTrouble: undefined, egressGap: undefined, egressRetryAtMs: 0, egressFailures: 0, isEgressFailed: false, refusedSenders: {},
  status: { phase: 'connecting', reason: 'asking the worker for its state' }, sinceMs: options.nowMs,
})

/** Moves the machine: what happened goes in, what to do comes out. */
export const step = (state: RelayState, input: Input): readonly [RelayState, readonly Effect[]] => {
  const known = absorb(state, input)
  const effects = plan(known, input.nowMs)
  const busy = { ...known.busy }
  for (const effect of effects) busy[LANES[effect.kind]] = effect.kind
  const next = { ...known, busy }
  const status = describeState(next)
  return [{ ...next, status, sinceMs: status.phase === state.status.phase ? state.sinceMs : input.nowMs }, effects]
}

/** When the machine wants its next `tick`, if nothing happens before. */
export const wakeAtMs = (state: RelayState, nowMs: number): number => {
  const times = [
    state.retryAtMs, state.registration.retryAtMs, state.standingAtMs, state.renewAtMs ?? 0, state.endpointsRetryAtMs, state.joinRetryAtMs, state.egressRetryAtMs, state.askedAtMs + REFRESH_MS,
    ...Object.values(state.refusedSenders).map(({ retryAtMs }) => retryAtMs),
  ].filter((time) => time > nowMs)
  return Math.min(nowMs + REFRESH_MS, ...times)
}

const free = (state: RelayState, kind: EffectKind): RelayState => {
  const lane: Lane = LANES[kind]
  if (state.busy[lane] !== kind) return state
  const { [lane]: _done, ...busy } = state.busy
  return { ...state, busy }
}

/** An effect succeeded: the failure it had, or the broken contact on its lane, is over. */
const succeeded = (state: RelayState, kind: EffectKind): RelayState => {
  const freed = free(state, kind)
  const { failedEffect } = freed
  if (failedEffect === undefined) return freed
  const isOver = failedEffect === kind || (!freed.isRefusal && LANES[failedEffect] === LANES[kind])
  return isOver ? { ...freed, ...NO_FAILURE } : freed
}

const headOf = (state: RelayState): number => (state.chain.kind === 'at' ? state.chain.head : 0)

const absorb = (state: RelayState, input: Input): RelayState => {
  switch (input.kind) {
    case 'tick': return state
    case 'chain': return { ...state, chain: input.view }
    case 'info': return absorbInfo(succeeded(state, 'getInfo'), input)
    case 'initialized': return { ...succeeded(state, 'init'), isStale: true }
    case 'skipped': return absorbSkipped(state, input)
    case 'fed': return absorbFed(state, input)
    case 'fetched': return absorbFetched(succeeded(state, 'fetch'), input)
    case 'attested': return absorbAttested(succeeded(state, 'attest'), input)
    case 'registered': {
      const registration: RegistrationState = { ...NO_REGISTRATION, stage: 'seen', takenAt: headOf(state) }
      return { ...succeeded(state, 'register'), registration, renewAtMs: undefined, standingAtMs: input.nowMs + STANDING_FIRST_MS }
    }
    case 'standing': {
      const renewAtMs = input.renewInMs === undefined ? undefined : input.nowMs + input.renewInMs
      return { ...succeeded(state, 'standing'), renewAtMs, standingAtMs: input.nowMs + STANDING_MS }
    }
    case 'endpointsSet': return { ...succeeded(state, 'endpoints'), endpointsDone: true, endpointFailures: 0 }
    case 'joined': return { ...succeeded(state, 'join'), isStale: true, joinFailures: 0, joinFailure: undefined, joinRetryAtMs: input.nowMs + JOIN_BACK_OFF.firstMs }
    case 'egressed': return absorbEgressed(succeeded(state, 'egress'), input)
    case 'messageRefused': return absorbMessageRefused(state, input)
    case 'messageDelivered': return absorbMessageDelivered(state, input.sender)
    case 'failed': return absorbFailed(state, input)
  }
}

/** The batches that still help: a worker takes only feeds that begin exactly at the block it wants. */
const usableBatches = (batches: readonly Batch[], next: number): readonly Batch[] => {
  const left = batches.filter((batch) => batch.from >= next)
  return left[0]?.from === next ? left : []
}

/** Whether a worker's own account shows that what failed need not be done any more. */
const isMoot = (state: RelayState, worker: WorkerView, nowMs: number): boolean => {
  switch (state.failedEffect) {
    case 'init': return worker.initialized
    case 'attest': return worker.registered && !isRenewalDue(state, nowMs)
    case 'egress': return worker.pendingMessages === 0
    case 'feed':
    case 'skip':
    case 'fetch': return state.chain.kind === 'at' && worker.nextBlock > state.chain.head
    default: return false
  }
}

const absorbInfo = (before: RelayState, input: Input & { kind: 'info' }): RelayState => {
  const { worker } = input
  const state = isMoot(before, worker, input.nowMs) ? { ...before, ...NO_FAILURE } : before
  const isOther = state.worker?.identity !== worker.identity || !worker.initialized
  const hasMoved = state.next !== worker.nextBlock
  return {
    ...state, worker, isStale: false, askedAtMs: input.nowMs, next: worker.nextBlock,
    batches: hasMoved ? usableBatches(state.batches, worker.nextBlock) : state.batches,
    avoid: hasMoved ? [] : state.avoid,
    registration: isOther || (worker.registered && !isRenewalDue(state, input.nowMs)) ? NO_REGISTRATION : state.registration,
    ...(worker.registered && !isOther ? {} : { renewAtMs: undefined, standingAtMs: 0 }),
    endpointsDone: isOther ? state.endpoints.length === 0 : state.endpointsDone,
    ...(worker.clusterAwaited === undefined ? { joinFailures: 0, joinFailure: undefined } : {}),
    ...(worker.pendingMessages === 0 || isOther ? { egressTrouble: undefined, egressGap: undefined, egressFailures: 0, egressRetryAtMs: 0, refusedSenders: {} } : {}),
  }
}

/** Whatever head a node claims, the rest is fed: the next checkpoint is some time off. */
const absorbSkipped = (state: RelayState, input: Input & { kind: 'skipped' }): RelayState => {
  const next = input.syncedTo + 1
  if (next <= state.next) {
    const failure: Failure = { code: 'WORKER_NO_PROGRESS', reason: `the worker took a checkpoint and stays at block ${input.syncedTo}`, fix: 'See the worker\'s log.' }
    return absorbFailed(state, { kind: 'failed', effect: 'skip', failure, isRefusal: true, nowMs: input.nowMs, fraction: input.fraction })
  }
  return {
    ...succeeded(state, 'skip'), next, batches: [], avoid: [], isStale: true, checkpointFailures: 0, checkpointRetryAtMs: input.nowMs + CHECKPOINT_BACK_OFF.firstMs,
  }
}

const absorbFed = (state: RelayState, input: Input & { kind: 'fed' }): RelayState => {
  const next = input.syncedTo + 1
  if (next <= state.next) {
    const failure: Failure = { code: 'WORKER_NO_PROGRESS', reason: `the worker took blocks from ${state.next} and stays at ${input.syncedTo}`, fix: 'See the worker\'s log.' }
    return absorbFailed(state, { kind: 'failed', effect: 'feed', failure, isRefusal: true, nowMs: input.nowMs, fraction: input.fraction })
  }
  return {
    ...succeeded(state, 'feed'), next, avoid: [],
    batches: usableBatches(state.batches, next),
    limit: Math.min(LIMIT_MAX, state.limit * 2),
    isStale: state.isStale || next > headOf(state),
  }
}

const absorbFetched = (state: RelayState, input: Input & { kind: 'fetched' }): RelayState => {
  const { batch } = input
  const last = state.batches[state.batches.length - 1]
  const expected = last === undefined ? state.next : last.from + last.count
  return batch.from === expected ? { ...state, batches: [...state.batches, batch] } : state
}

const absorbAttested = (state: RelayState, input: Input & { kind: 'attested' }): RelayState => {
  const { runtimeInfo, report } = input
  if (report !== undefined) {
    const refused = state.registration.failure?.code === 'RELAY_ATTESTATION_AWAITED' ? { failures: 0, failure: undefined } : {}
    return { ...state, registration: { ...state.registration, ...refused, stage: 'submit', evidence: { runtimeInfo, report }, retryAtMs: 0 } }
  }
  const failures = state.registration.failures + 1
  const failure: Failure = {
    code: 'RELAY_ATTESTATION_AWAITED', reason: 'waiting for attestation: the worker has no evidence yet',
    fix: 'Nothing to do while blocks come; otherwise see the worker\'s log for its platform.',
  }
  const retryAtMs = input.nowMs + backOffMs(EVIDENCE_BACK_OFF, { failures, fraction: input.fraction })
  return { ...state, registration: { ...state.registration, failures, failure, retryAtMs } }
}

const absorbEgressed = (state: RelayState, input: Input & { kind: 'egressed' }): RelayState => {
  const repeatAtMs = input.nowMs + EGRESS_REPEAT_MS
  // Those that were tried again are on their way: not again before something is heard.
  const refusedSenders = Object.fromEntries(
    Object.entries(state.refusedSenders).map(([sender, refused]) => [sender, refused.retryAtMs <= input.nowMs ? { ...refused, retryAtMs: repeatAtMs } : refused]))
  const looked = { ...state, egressAt: headOf(state), egressGap: input.gap, isEgressFailed: false, refusedSenders }
  // What was tried again after trouble is not in a block yet: the trouble is over when it is.
  return input.underWay > 0 ? { ...looked, egressRetryAtMs: repeatAtMs } : { ...looked, egressTrouble: undefined, egressFailures: 0, egressRetryAtMs: repeatAtMs }
}

const egressFailed = (state: RelayState, failure: Failure, at: { readonly nowMs: number; readonly fraction: number }): RelayState => {
  const egressFailures = state.egressFailures + 1
  const egressRetryAtMs = at.nowMs + backOffMs(EGRESS_BACK_OFF, { failures: egressFailures, fraction: at.fraction })
  return { ...state, egressTrouble: failure, egressFailures, egressRetryAtMs, isEgressFailed: true }
}

const absorbMessageRefused = (state: RelayState, input: Input & { kind: 'messageRefused' }): RelayState => {
  const { sender, failure, nowMs, fraction } = input
  if (sender === undefined) return state.isEgressFailed ? state : egressFailed(state, failure, input)
  const failures = (state.refusedSenders[sender]?.failures ?? 0) + 1
  const refused = { failure, failures, retryAtMs: nowMs + backOffMs(EGRESS_BACK_OFF, { failures, fraction }) }
  return { ...state, refusedSenders: { ...state.refusedSenders, [sender]: refused } }
}

const absorbMessageDelivered = (state: RelayState, sender: string): RelayState => {
  const isOver = state.egressTrouble !== undefined
  const { [sender]: was, ...refusedSenders } = state.refusedSenders
  if (!isOver && was === undefined) return state
  // After trouble messages go one by one: the next may go at once.
  return { ...state, refusedSenders, egressTrouble: undefined, egressFailures: 0, egressRetryAtMs: 0 }
}

const absorbFailed = (state: RelayState, input: Input & { kind: 'failed' }): RelayState => {
  const freed = free(state, input.effect)
  const { failure, isRefusal, nowMs, fraction } = input
  if (input.effect === 'register') return registrationFailed(freed, input)
  if (input.effect === 'endpoints') {
    const endpointFailures = freed.endpointFailures + 1
    return { ...freed, endpointFailures, endpointsRetryAtMs: nowMs + backOffMs(REGISTRATION_BACK_OFF, { failures: endpointFailures, fraction }) }
  }
  if (input.effect === 'join') {
    const joinFailures = freed.joinFailures + 1
    return { ...freed, joinFailures, joinFailure: failure, joinRetryAtMs: nowMs + backOffMs(JOIN_BACK_OFF, { failures: joinFailures, fraction }) }
  }
  // Unknown validity is no trouble of the worker's: ask again later.
  if (input.effect === 'standing') return { ...freed, standingAtMs: nowMs + STANDING_FIRST_MS }
  if (input.effect === 'egress' && isRefusal) return egressFailed(freed, failure, input)
  const failures = freed.failures + 1
  const failed = {
    ...freed, failures, failure, failedEffect: input.effect, isRefusal,
    retryAtMs: nowMs + backOffMs(OPERATION_BACK_OFF, { failures, fraction }),
    // Whatever failed, the worker's own account decides how to go on.
    isStale: true, batches: [],
  }
  const { node } = input
  const avoid = node === undefined || state.avoid.includes(node) ? state.avoid : [...state.avoid, node]
  if (input.effect === 'skip' || (input.effect === 'init' && wantsCheckpoint(state, nowMs))) return { ...failed, avoid, ...checkpointFailed(state, input) }
  return input.effect === 'feed' && isRefusal ? { ...failed, avoid, limit: Math.max(1, state.limit >> 2) } : failed
}

const checkpointFailed = (state: RelayState, { nowMs, fraction }: Input): Pick<RelayState, 'checkpointFailures' | 'checkpointRetryAtMs'> => {
  const checkpointFailures = state.checkpointFailures + 1
  const beyond = checkpointFailures - CHECKPOINT_TRIES
  return { checkpointFailures, checkpointRetryAtMs: beyond < 0 ? 0 : nowMs + backOffMs(CHECKPOINT_BACK_OFF, { failures: beyond + 1, fraction }) }
}

/** Whether a registered worker's evidence should be made anew before it lapses. */
const isRenewalDue = (state: RelayState, nowMs: number): boolean => state.renewAtMs !== undefined && nowMs >= state.renewAtMs

/** Whether a worker that follows nothing yet, or is far behind, should go on at a checkpoint. */
const wantsCheckpoint = (state: RelayState, nowMs: number): boolean =>
  state.chain.kind === 'at' && state.chain.head - state.next >= state.checkpointAfterBlocks && nowMs >= state.checkpointRetryAtMs

const registrationFailed = (state: RelayState, input: Input & { kind: 'failed' }): RelayState => {
  const failures = state.registration.failures + 1
  const retryAtMs = input.nowMs + backOffMs(REGISTRATION_BACK_OFF, { failures, fraction: input.fraction })
  // Evidence that the chain refused is never shown again; what did not reach the chain is.
  const kept = input.isRefusal ? ({ stage: 'attest', evidence: undefined } as const) : {}
  return { ...state, registration: { ...state.registration, ...kept, failures, failure: input.failure, retryAtMs } }
}

/** Whether an effect must wait because the same thing failed a moment ago. */
const isHeldBack = (state: RelayState, kind: EffectKind, nowMs: number): boolean => {
  const { failedEffect } = state
  if (failedEffect === undefined || nowMs >= state.retryAtMs) return false
  if (!state.isRefusal && LANES[failedEffect] === LANES[kind]) return true
  return failedEffect === kind || (failedEffect === 'feed' && kind === 'fetch')
}

const plan = (state: RelayState, nowMs: number): readonly Effect[] => {
  const wanted = [planWorker(state, nowMs), planFetch(state, nowMs), planChain(state, nowMs)]
  return wanted.filter((effect): effect is Effect => effect !== undefined && state.busy[LANES[effect.kind]] === undefined && !isHeldBack(state, effect.kind, nowMs))
}

const planWorker = (state: RelayState, nowMs: number): Effect | undefined => {
  if (state.worker === undefined || state.isStale || nowMs >= state.askedAtMs + REFRESH_MS) return { kind: 'getInfo' }
  const situation = situationOf(state)
  switch (situation) {
    case 'uninitialized': return { kind: 'init', isAtCheckpoint: wantsCheckpoint(state, nowMs), avoid: state.avoid }
    case 'behind': {
      if (wantsCheckpoint(state, nowMs)) return { kind: 'skip', avoid: state.avoid }
      const late = planLateEgress(state, nowMs)
      if (late !== undefined) return late
      const [batch] = state.batches
      return batch !== undefined && batch.from === state.next ? { kind: 'feed', batch } : undefined
    }
    case 'unregistered': return planEvidence(state, nowMs)
    case 'unanchored':
    case 'settled': return planEgress(state, nowMs) ?? (isRenewalDue(state, nowMs) ? planEvidence(state, nowMs) : undefined)
    default: return undefined
  }
}

const planEvidence = (state: RelayState, nowMs: number): Effect | undefined => {
  const { stage, failures, retryAtMs, takenAt, failure } = state.registration
  if (nowMs < retryAtMs) return undefined
  const isForgotten = stage === 'seen' && headOf(state) > takenAt + REGISTRATION_BLOCKS_MAX
  if (stage !== 'attest' && !isForgotten) return undefined
  const isAwaited = failure?.code === 'RELAY_ATTESTATION_AWAITED'
  return { kind: 'attest', refresh: isForgotten || (!isAwaited && (failures > 0 || isRenewalDue(state, nowMs))) }
}

const planEgress = (state: RelayState, nowMs: number): Effect | undefined => {
  if (state.worker === undefined || state.worker.pendingMessages === 0) return undefined
  const isDue = nowMs >= state.egressRetryAtMs
  const isNew = state.egressTrouble === undefined && state.egressAt !== headOf(state)
  const refused = Object.entries(state.refusedSenders)
  const careful = refused.filter(([, { retryAtMs }]) => nowMs >= retryAtMs).map(([sender]) => sender)
  if (!isDue && !isNew && (careful.length === 0 || state.egressTrouble !== undefined)) return undefined
  return { kind: 'egress', careful, held: refused.filter(([, { retryAtMs }]) => nowMs < retryAtMs).map(([sender]) => sender) }
}

/** Messages of a worker to which blocks come faster than it takes them: now and then between two feeds, else nobody would ever hear of it. */
const planLateEgress = (state: RelayState, nowMs: number): Effect | undefined =>
  isNearHead(state) && nowMs >= state.egressRetryAtMs && !isHeldBack(state, 'egress', nowMs) ? planEgress(state, nowMs) : undefined

const planFetch = (state: RelayState, nowMs: number): Effect | undefined => {
  if (wantsCheckpoint(state, nowMs) || state.chain.kind !== 'at' || state.worker === undefined || !state.worker.initialized || isHalted(state.worker)) return undefined
  const last = state.batches[state.batches.length - 1]
  const from = last === undefined ? state.next : last.from + last.count
  if (state.batches.length >= BATCHES_AHEAD || from > state.chain.head) return undefined
  return { kind: 'fetch', from, limit: state.limit, avoid: state.avoid }
}

const planChain = (state: RelayState, nowMs: number): Effect | undefined => {
  const { evidence, stage, retryAtMs } = state.registration
  const isRegistered = state.worker?.registered === true && state.chain.kind === 'at'
  const isWanted = situationOf(state) === 'unregistered' || (isRegistered && isRenewalDue(state, nowMs))
  if (isWanted && stage === 'submit' && evidence !== undefined && nowMs >= retryAtMs) return { kind: 'register', evidence }
  if (isRegistered && !state.endpointsDone && nowMs >= state.endpointsRetryAtMs) return { kind: 'endpoints', urls: state.endpoints }
  const cluster = state.worker?.clusterAwaited
  if (cluster !== undefined && situationOf(state) === 'settled' && nowMs >= state.joinRetryAtMs) return { kind: 'join', cluster }
  if (situationOf(state) === 'settled' && nowMs >= state.standingAtMs) return { kind: 'standing' }
  return undefined
}
