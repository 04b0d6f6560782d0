/**
 * Owns the life of a session (computation.md section 4): bound to a worker, computing, cooling down, reclaimed, unbound. The stake pool
 * drives it; it moves no tokens.
 */
import { TOPICS, type WorkerEvent } from '@phalanx/primitives/messages'
import type { Context } from '../../frame/context.ts'
import { pushPalletMessage } from '../phala-mq/push.ts'
import { now } from '../timestamp/storage.ts'
import { COMPUTATION, computationParts, type ComputationContext } from './declaration.ts'
import { ensureKnownToGatekeepers, ensureMayCompute, registeredWorker } from './duties.ts'
import { initialV, minimalStake } from './formulas.ts'
import { introduceWorker } from './introductions.ts'
import { computationListeners } from './listeners.ts'
import { endSlashing } from './slashing.ts'
import * as storage from './storage.ts'
import type { SessionInfo, WorkerState } from './types.ts'

/** Least benchmark score of a worker that computes. */
export const INIT_P_MIN = 50

/** Seconds since 1970 that the block claims. */
export const nowSeconds = (ctx: Context): bigint => now.get(ctx) / 1000n

/** Whether the state is one of computing: answering or unresponsive. */
export const isComputing = (state: WorkerState): boolean => state.kind === 'WorkerIdle' || state.kind === 'WorkerUnresponsive'

const isIdleForGood = (state: WorkerState): boolean => state.kind === 'Ready' || state.kind === 'WorkerCoolingDown'

/** Tells a worker what happened to it. */
export const tellWorker = (ctx: Context, pubkey: Uint8Array, event: WorkerEvent): void =>
  pushPalletMessage(ctx, COMPUTATION, TOPICS.systemEvent, { kind: 'WorkerEvent', value: { pubkey, event } })

const ensureSession = (ctx: ComputationContext, session: Uint8Array): SessionInfo => storage.sessions.get(ctx, session) ?? ctx.fail('SessionNotFound')

/** A session account and the worker it is about. */
export interface SessionAndWorker {
  readonly session: Uint8Array
  readonly worker: Uint8Array
}

/**
 * Gives a session its worker. Fails with WorkerNotRegistered, WorkerReregisterNeeded, WorkerMayNotServe, BenchmarkMissing,
 * DuplicateBoundSession, DuplicateBoundWorker, WorkerNotReady.
 */
export const bindSession = (context: Context, { session, worker }: SessionAndWorker): void => {
  const ctx = computationParts.in(context)
  const info = registeredWorker(ctx, worker)
  ensureKnownToGatekeepers(ctx, worker)
  ensureMayCompute(ctx, worker)
  if (info.initialScore === undefined) ctx.fail('BenchmarkMissing')
  if (storage.sessionBindings.has(ctx, session)) ctx.fail('DuplicateBoundSession')
  if (storage.workerBindings.has(ctx, worker)) ctx.fail('DuplicateBoundWorker')
  const previous = storage.sessions.get(ctx, session)
  if (previous !== undefined && previous.state.kind !== 'Ready') ctx.fail('WorkerNotReady')
  storage.sessionBindings.set(ctx, session, worker)
  storage.workerBindings.set(ctx, worker, session)
  const time = nowSeconds(ctx)
  storage.sessions.set(ctx, session, {
    state: { kind: 'Ready' }, ve: 0n, v: 0n, vUpdatedAt: time, coolDownStart: 0n, stats: { totalReward: 0n },
    benchmark: { pInit: 0, pInstant: 0, iterations: 0n, workingStartTime: time, challengeTimeLast: 0n },
  })
  ctx.emit('SessionBound', { session, worker })
}

/**
 * Takes a session's worker away, stopping it first where it computes. `notify`: tell the listeners (not where the caller is the stake pool).
 * Fails with SessionNotBound.
 */
export const unbindSession = (context: Context, session: Uint8Array, { notify }: { readonly notify: boolean }): void => {
  const ctx = computationParts.in(context)
  const worker = storage.sessionBindings.get(ctx, session) ?? ctx.fail('SessionNotBound')
  const force = !isIdleForGood(ensureSession(ctx, session).state)
  if (force) stopComputing(ctx, session)
  storage.sessionBindings.remove(ctx, session)
  storage.workerBindings.remove(ctx, worker)
  ctx.emit('SessionUnbound', { session, worker })
  if (notify) for (const listener of computationListeners()) listener.onUnbound?.(context, { session, worker, force })
}

/**
 * Starts a bound session with a stake in plancks that the caller has locked. Fails with SessionNotFound, SessionNotBound, WorkerNotReady,
 * InternalErrorCannotStartWithExistingStake, WorkerNotRegistered, WorkerMayNotServe, BenchmarkMissing, BenchmarkTooLow, InsufficientStake,
 * TooMuchStake, InternalErrorBadTokenomicParameters.
 */
export const startComputing = (context: Context, session: Uint8Array, stake: bigint): void => {
  const ctx = computationParts.in(context)
  const info = ensureSession(ctx, session)
  const worker = storage.sessionBindings.get(ctx, session) ?? ctx.fail('SessionNotBound')
  if (info.state.kind !== 'Ready') ctx.fail('WorkerNotReady')
  if (storage.stakes.has(ctx, session)) ctx.fail('InternalErrorCannotStartWithExistingStake')
  const { initialScore, confidenceLevel } = registeredWorker(ctx, worker)
  ensureMayCompute(ctx, worker)
  const p = initialScore ?? ctx.fail('BenchmarkMissing')
  if (p < INIT_P_MIN) ctx.fail('BenchmarkTooLow')
  const params = storage.tokenomicParameters.get(ctx) ?? ctx.fail('InternalErrorBadTokenomicParameters')
  if (stake < minimalStake(params, p)) ctx.fail('InsufficientStake')
  const ve = initialV(params, { stake, p, confidenceLevel })
  if (ve > params.vMax) ctx.fail('TooMuchStake')
  const sessionId = storage.nextSessionId.get(ctx)
  storage.nextSessionId.set(ctx, (sessionId + 1) % 2 ** 32)
  storage.stakes.set(ctx, session, stake)
  storage.sessions.set(ctx, session, {
    ...info, state: { kind: 'WorkerIdle' }, ve, v: ve, vUpdatedAt: nowSeconds(ctx), benchmark: { ...info.benchmark, pInit: p },
  })
  storage.sessionRuns.set(ctx, session, {
    sessionId, startedAt: ctx.block.number, hostsContracts: false, lastChallenge: undefined, lastHeartbeatAt: undefined,
    unresponsiveSince: undefined, missedChallenge: undefined, slashed: 0n,
  })
  storage.onlineWorkers.mutate(ctx, (count) => count + 1)
  introduceWorker(ctx, worker, confidenceLevel)
  tellWorker(ctx, worker, { kind: 'Started', value: { sessionId, initV: ve, initP: p } })
  ctx.emit('WorkerStarted', { session, initV: ve, initP: p })
}

/** Stops a computing session, which cools down from now on. Fails with SessionNotFound, SessionNotBound, WorkerNotComputing. */
export const stopComputing = (context: Context, session: Uint8Array): void => {
  const ctx = computationParts.in(context)
  const worker = storage.sessionBindings.get(ctx, session) ?? ctx.fail('SessionNotBound')
  if (!isComputing(ensureSession(ctx, session).state)) ctx.fail('WorkerNotComputing')
  endSlashing(ctx, session)
  storage.sessions.set(ctx, session, { ...ensureSession(ctx, session), state: { kind: 'WorkerCoolingDown' }, coolDownStart: nowSeconds(ctx) })
  storage.onlineWorkers.mutate(ctx, (count) => count - 1)
  const stopped = { session, worker, stake: sessionStake(ctx, session), slashed: storage.sessionRuns.get(ctx, session)?.slashed ?? 0n }
  for (const listener of computationListeners()) listener.onStopped?.(context, stopped)
  tellWorker(ctx, worker, { kind: 'Stopped' })
  ctx.emit('WorkerStopped', { session })
}

/**
 * Takes a cooled session's stake off the books: the caller unlocks `originalStake`. `slashed` is 0 as in the reference, since slashes are handed
 * over when they happen (`onSlashed`) and are not in `originalStake` any more; the event tells both of the whole run. Fails with SessionNotFound,
 * CoolDownNotReady.
 */
export const reclaimSession = (
  context: Context, session: Uint8Array, { checkCoolDown }: { readonly checkCoolDown: boolean },
): { readonly originalStake: bigint; readonly slashed: bigint } => {
  const ctx = computationParts.in(context)
  const info = ensureSession(ctx, session)
  if (info.state.kind !== 'WorkerCoolingDown') ctx.fail('CoolDownNotReady')
  if (checkCoolDown && nowSeconds(ctx) < info.coolDownStart + storage.coolDownPeriod.get(ctx)) ctx.fail('CoolDownNotReady')
  storage.sessions.set(ctx, session, { ...info, state: { kind: 'Ready' }, coolDownStart: 0n })
  const slashed = storage.sessionRuns.take(ctx, session)?.slashed ?? 0n
  const originalStake = storage.stakes.take(ctx, session) ?? 0n
  ctx.emit('WorkerReclaimed', { session, originalStake: originalStake + slashed, slashed })
  return { originalStake, slashed: 0n }
}

/** Stake of a session that computes or cools down, less what was slashed; 0 otherwise. */
export const sessionStake = (ctx: Context, session: Uint8Array): bigint => storage.stakes.get(ctx, session) ?? 0n

/** Session of a worker. */
export const sessionOf = (ctx: Context, worker: Uint8Array): Uint8Array | undefined => storage.workerBindings.get(ctx, worker)

/** A worker's evidence counts no longer: a computing session of it stops. The worker stays bound and may start again once it has registered. */
export const onWorkerEvicted = (context: Context, worker: Uint8Array): void => {
  const session = sessionOf(context, worker)
  const info = session === undefined ? undefined : storage.sessions.get(context, session)
  if (session !== undefined && info !== undefined && isComputing(info.state)) stopComputing(context, session)
}
