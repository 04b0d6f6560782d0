import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { fixedOf, UNIT } from '@phalanx/primitives/fixed'
import { beforeEach, describe, expect, test } from 'vitest'
import { ROOT, signed } from '../../frame/origin.ts'
import { devAccount } from '../../frame/testing.ts'
import { gatekeeperLaunchedAt, workerAddedAt, workers } from '../phala-registry/storage.ts'
import { initialV, minimalStake } from './formulas.ts'
import { phalaComputation } from './pallet.ts'
import { bindSession, onWorkerEvicted, reclaimSession, sessionOf, sessionStake, startComputing, stopComputing, unbindSession } from './sessions.ts'
import * as storage from './storage.ts'
import { createComputationTestbed, STAKE, type ComputationTestbed } from './testing.ts'

const crypto = await loadCrypto()
const DAY_MS = 86_400
let bed: ComputationTestbed
beforeEach(() => {
  bed = createComputationTestbed(crypto)
})

/** Runs an internal function as a call would, so that its failure can be asserted like a call's. */
const failing = (run: () => void): string => {
  bed.chain.ctx.storage.begin()
  try {
    run()
    return 'succeeded'
  } catch (error) {
    const { error: inner } = error as { readonly error: { readonly kind: string; readonly value: { readonly index: number; readonly error: Uint8Array } } }
    const found = Object.entries(phalaComputation.errors).find(([, { index }]) => index === inner.value.error[0])
    return found?.[0] ?? inner.kind
  } finally {
    bed.chain.ctx.storage.rollback()
  }
}

describe('binding', () => {
  test('gives a session its worker, once', () => {
    const one = bed.prepare('a')
    bindSession(bed.chain.ctx, one)
    expect(bed.names()).toEqual(['SessionBound'])
    expect(bed.info(one)).toMatchObject({ state: { kind: 'Ready' }, v: 0n, ve: 0n, benchmark: { pInit: 0, challengeTimeLast: 0n } })
    expect(sessionOf(bed.chain.ctx, one.worker)).toEqual(one.session)
    expect(failing(() => bindSession(bed.chain.ctx, one))).toBe('DuplicateBoundSession')
    expect(failing(() => bindSession(bed.chain.ctx, { ...one, session: new Uint8Array(32) }))).toBe('DuplicateBoundWorker')
  })

  test('refuses workers that are not registered, registered too early, without a score or without standing', () => {
    const { ctx } = bed.chain
    const one = bed.prepare('a')
    expect(failing(() => bindSession(ctx, { ...one, worker: new Uint8Array(32) }))).toBe('WorkerNotRegistered')
    expect(failing(() => { workerAddedAt.set(ctx, one.worker, 1); bindSession(ctx, one) })).toBe('WorkerReregisterNeeded')
    expect(failing(() => { workerAddedAt.remove(ctx, one.worker); bindSession(ctx, one) })).toBe('WorkerReregisterNeeded')
    expect(failing(() => { gatekeeperLaunchedAt.remove(ctx); bindSession(ctx, one) })).toBe('WorkerReregisterNeeded')
    expect(failing(() => { bindSession(ctx, bed.prepare('b', { score: undefined })) })).toBe('BenchmarkMissing')
    expect(failing(() => { workers.mutate(ctx, one.worker, (info) => info && { ...info, attestationProvider: { kind: 'Dcap' } as never }); bindSession(ctx, one) })).toBe('WorkerMayNotServe')
  })

  test('asks for no registration after the launch where the chain spec says so', () => {
    bed = createComputationTestbed(crypto, { genesis: { checkWorkerRegisterTime: false } })
    gatekeeperLaunchedAt.remove(bed.chain.ctx)
    bindSession(bed.chain.ctx, bed.prepare('a'))
    expect(bed.names()).toContain('SessionBound')
  })

  test('waits until a cooling session is reclaimed', () => {
    const one = bed.started('a')
    stopComputing(bed.chain.ctx, one.session)
    unbindSession(bed.chain.ctx, one.session, { notify: false })
    expect(failing(() => bindSession(bed.chain.ctx, one))).toBe('WorkerNotReady')
    reclaimSession(bed.chain.ctx, one.session, { checkCoolDown: false })
    bindSession(bed.chain.ctx, one)
    bed.chain.tryState()
  })
})

describe('starting', () => {
  test('sets V by stake, performance and confidence, and tells the worker', () => {
    const one = bed.bound('a')
    const params = storage.tokenomicParameters.get(bed.chain.ctx) as never
    startComputing(bed.chain.ctx, one.session, STAKE)
    const ve = initialV(params, { stake: STAKE, p: 1000, confidenceLevel: 1 })
    expect(bed.info(one)).toMatchObject({ state: { kind: 'WorkerIdle' }, ve, v: ve, benchmark: { pInit: 1000, pInstant: 0 } })
    expect(storage.onlineWorkers.get(bed.chain.ctx)).toBe(1)
    expect(bed.systemEvents().at(-1)).toEqual({ kind: 'WorkerEvent', value: { pubkey: one.worker, event: { kind: 'Started', value: { sessionId: 0, initV: ve, initP: 1000 } } } })
    expect(storage.nextSessionId.get(bed.chain.ctx)).toBe(1)
    bed.chain.tryState()
  })

  test('refuses for each reason of its own', () => {
    const { ctx } = bed.chain
    const one = bed.bound('a')
    const params = storage.tokenomicParameters.get(ctx)
    const least = minimalStake(params as never, 1000)
    expect(failing(() => startComputing(ctx, new Uint8Array(32), STAKE))).toBe('SessionNotFound')
    expect(failing(() => startComputing(ctx, one.session, least - 1n))).toBe('InsufficientStake')
    expect(failing(() => startComputing(ctx, one.session, 0n))).toBe('InsufficientStake')
    expect(failing(() => startComputing(ctx, one.session, 30_000n * UNIT))).toBe('TooMuchStake')
    expect(failing(() => startComputing(ctx, one.session, (1n << 128n) - 1n))).toBe('TooMuchStake')
    expect(failing(() => { storage.tokenomicParameters.remove(ctx); startComputing(ctx, one.session, STAKE) })).toBe('InternalErrorBadTokenomicParameters')
    expect(failing(() => { workers.mutate(ctx, one.worker, (info) => info && { ...info, initialScore: 49 }); startComputing(ctx, one.session, STAKE) })).toBe('BenchmarkTooLow')
    expect(failing(() => { workers.mutate(ctx, one.worker, (info) => info && { ...info, initialScore: undefined }); startComputing(ctx, one.session, STAKE) })).toBe('BenchmarkMissing')
    expect(failing(() => { workers.remove(ctx, one.worker); startComputing(ctx, one.session, STAKE) })).toBe('WorkerNotRegistered')
    expect(failing(() => { storage.stakes.set(ctx, one.session, 1n); startComputing(ctx, one.session, STAKE) })).toBe('InternalErrorCannotStartWithExistingStake')
    expect(failing(() => { startComputing(ctx, one.session, STAKE); startComputing(ctx, one.session, STAKE) })).toBe('WorkerNotReady')
    expect(failing(() => { unbindSession(ctx, one.session, { notify: false }); startComputing(ctx, one.session, STAKE) })).toBe('SessionNotBound')
    startComputing(ctx, one.session, least)
    expect(sessionStake(ctx, one.session)).toBe(least)
  })
})

describe('stopping, cooling down, reclaiming', () => {
  test('gives the stake back after the cool-down and not before', () => {
    const one = bed.started('a')
    expect(failing(() => reclaimSession(bed.chain.ctx, one.session, { checkCoolDown: false }))).toBe('CoolDownNotReady')
    stopComputing(bed.chain.ctx, one.session)
    expect(bed.info(one).state.kind).toBe('WorkerCoolingDown')
    expect(storage.onlineWorkers.get(bed.chain.ctx)).toBe(0)
    expect(failing(() => stopComputing(bed.chain.ctx, one.session))).toBe('WorkerNotComputing')
    bed.chain.assertOk(phalaComputation.call('setCoolDownExpiration', { period: 3n }), ROOT)
    bed.chain.nextBlock(2)
    expect(failing(() => reclaimSession(bed.chain.ctx, one.session, { checkCoolDown: true }))).toBe('CoolDownNotReady')
    bed.chain.nextBlock()
    expect(reclaimSession(bed.chain.ctx, one.session, { checkCoolDown: true })).toEqual({ originalStake: STAKE, slashed: 0n })
    expect(bed.info(one)).toMatchObject({ state: { kind: 'Ready' }, coolDownStart: 0n })
    expect(sessionStake(bed.chain.ctx, one.session)).toBe(0n)
    expect(failing(() => reclaimSession(bed.chain.ctx, new Uint8Array(32), { checkCoolDown: true }))).toBe('SessionNotFound')
    bed.chain.tryState()
  })

  test('waits seven days by default', () => expect(storage.coolDownPeriod.get(bed.chain.ctx)).toBe(7n * BigInt(DAY_MS)))

  test('a session without worker cannot be stopped or unbound', () => {
    expect(failing(() => stopComputing(bed.chain.ctx, new Uint8Array(32)))).toBe('SessionNotBound')
    expect(failing(() => unbindSession(bed.chain.ctx, new Uint8Array(32), { notify: true }))).toBe('SessionNotBound')
  })

  test('a later run gets an id of its own and keeps nothing of the earlier', () => {
    const one = bed.started('a')
    bed.chain.nextBlock()
    bed.heartbeat(one, { nClusters: 1 })
    stopComputing(bed.chain.ctx, one.session)
    reclaimSession(bed.chain.ctx, one.session, { checkCoolDown: false })
    startComputing(bed.chain.ctx, one.session, STAKE)
    expect(bed.run(one)).toEqual({
      sessionId: 1, startedAt: bed.chain.ctx.block.number, hostsContracts: false, lastChallenge: undefined, lastHeartbeatAt: undefined,
      unresponsiveSince: undefined, missedChallenge: undefined, slashed: 0n,
    })
  })
})

describe('computation.unbind', () => {
  const unbind = (session: Uint8Array) => phalaComputation.call('unbind', { session })

  test('is the operator\'s right, and stops a computing session', () => {
    const one = bed.started('a')
    bed.chain.assertNoop(unbind(new Uint8Array(32)), bed.operatorOf(one), 'PhalaComputation.SessionNotBound')
    bed.chain.assertNoop(unbind(one.session), signed(devAccount(crypto, 'Eve').publicKey), 'PhalaComputation.BadSender')
    bed.chain.assertNoop(unbind(one.session), ROOT, 'BadOrigin')
    bed.chain.assertOk(unbind(one.session), bed.operatorOf(one))
    expect(bed.names().slice(-2)).toEqual(['WorkerStopped', 'SessionUnbound'])
    expect(bed.info(one).state.kind).toBe('WorkerCoolingDown')
    expect(sessionOf(bed.chain.ctx, one.worker)).toBeUndefined()
  })

  test('needs a worker that the registry knows, with an operator', () => {
    const one = bed.started('a')
    workers.mutate(bed.chain.ctx, one.worker, (info) => info && { ...info, operator: undefined })
    bed.chain.assertNoop(unbind(one.session), bed.operatorOf(one), 'PhalaComputation.BadSender')
    workers.remove(bed.chain.ctx, one.worker)
    bed.chain.assertNoop(unbind(one.session), bed.operatorOf(one), 'PhalaComputation.WorkerNotRegistered')
  })
})

describe('a worker that the registry evicts', () => {
  test('stops computing and stays bound', () => {
    const one = bed.started('a')
    onWorkerEvicted(bed.chain.ctx, one.worker)
    expect(bed.info(one).state.kind).toBe('WorkerCoolingDown')
    expect(sessionOf(bed.chain.ctx, one.worker)).toEqual(one.session)
    onWorkerEvicted(bed.chain.ctx, one.worker)
    onWorkerEvicted(bed.chain.ctx, bed.prepare('other').worker)
    bed.chain.tryState()
  })
})

describe('V at the start', () => {
  const params = () => storage.tokenomicParameters.get(bed.chain.ctx) as NonNullable<ReturnType<typeof storage.tokenomicParameters.get>>
  test.each([[1, '1690.0000000000000000282'], [2, '1690.0000000000000000282'], [128, '1690.0000000000000000282'], [77, '1690.0000000000000000282'], [4, '1612.0000000000000000247'], [5, '1572.9999999999999999877']])(
    'of level %i with 1000 PHA and p 1000 is %s', (confidenceLevel, text) => {
      const ve = initialV(params(), { stake: 1000n * UNIT, p: 1000, confidenceLevel })
      const difference = ve - fixedOf(text)
      expect(difference >= -1n && difference <= 1n).toBe(true)
    })
})
