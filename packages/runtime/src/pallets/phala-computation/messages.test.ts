import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { balanceToFixed, UNIT } from '@phalanx/primitives/fixed'
import { createMessage, TOPICS } from '@phalanx/primitives/messages'
import { beforeEach, describe, expect, test } from 'vitest'
import { DispatchFailure } from '../../frame/dispatch-error.ts'
import { EXISTENTIAL_DEPOSIT } from '../balances/declaration.ts'
import { account } from '../system/storage.ts'
import { now } from '../timestamp/storage.ts'
import { TREASURY_ACCOUNT } from '../treasury/storage.ts'
import { workers } from '../phala-registry/storage.ts'
import { SUBSIDY_ACCOUNT } from './accounts.ts'
import { updateBenchmark } from './heartbeats.ts'
import { onComputationMessage } from './messages.ts'
import { startComputing, stopComputing } from './sessions.ts'
import * as storage from './storage.ts'
import { createComputationTestbed, STAKE, type ComputationTestbed, type TestSession } from './testing.ts'
import type { HeartbeatRefusal } from './types.ts'

const crypto = await loadCrypto()
let bed: ComputationTestbed
let one: TestSession
beforeEach(() => {
  bed = createComputationTestbed(crypto)
  one = bed.started('a')
  bed.chain.nextBlock()
})

const free = (who: Uint8Array): bigint => account.get(bed.chain.ctx, who).data.free
const lastEvent = () => bed.chain.events().filter(({ pallet }) => pallet === 'PhalaComputation').at(-1)

describe('a heartbeat', () => {
  test('updates performance and is noted', () => {
    bed.heartbeat(one, { iterations: 500n, nClusters: 2 })
    expect(lastEvent()).toEqual({ pallet: 'PhalaComputation', name: 'BenchmarkUpdated', value: { session: one.session, pInstant: 0 } })
    expect(bed.run(one)).toMatchObject({ lastChallenge: bed.chain.ctx.block.number - 1, lastHeartbeatAt: bed.chain.ctx.block.number, hostsContracts: true })
    bed.chain.nextBlock(2)
    bed.heartbeat(one, { iterations: 1000n })
    expect(bed.info(one).benchmark).toMatchObject({ pInstant: 1000, iterations: 1000n })
    expect(bed.run(one).hostsContracts).toBe(false)
  })

  const refused = (reason: HeartbeatRefusal['kind']): void => {
    expect(lastEvent()).toEqual({ pallet: 'PhalaComputation', name: 'HeartbeatRefused', value: { worker: one.worker, reason: { kind: reason } } })
  }
  const refusals: readonly [HeartbeatRefusal['kind'], string, () => void][] = [
    ['WorkerNotRegistered', 'of a worker that is not registered', () => { workers.remove(bed.chain.ctx, one.worker); bed.heartbeat(one) }],
    ['WorkerNotBound', 'of a worker without session', () => { storage.workerBindings.remove(bed.chain.ctx, one.worker); bed.heartbeat(one) }],
    ['NotComputing', 'of a session that cools down', () => { stopComputing(bed.chain.ctx, one.session); bed.heartbeat(one) }],
    ['OtherSession', 'for another session', () => bed.heartbeat(one, { sessionId: 9 })],
    ['FromTheFuture', 'to a challenge of this block', () => bed.heartbeat(one, { challengeBlock: bed.chain.ctx.block.number })],
    ['FromTheFuture', 'to a challenge of a later time', () => bed.heartbeat(one, { challengeTime: now.get(bed.chain.ctx) + 1n })],
    ['BeforeSession', 'to a challenge before the session', () => bed.heartbeat(one, { challengeBlock: 1 })],
    ['Repeated', 'sent twice', () => { bed.heartbeat(one); bed.heartbeat(one) }],
    ['TooEarly', 'within the second of the last challenge', () => {
      bed.heartbeat(one, { challengeTime: now.get(bed.chain.ctx), challengeBlock: bed.run(one).startedAt })
      bed.heartbeat(one)
    }],
  ]
  test.each(refusals)('is refused: %s, %s', (reason, _what, send) => {
    if (reason === 'TooEarly') bed.chain.nextBlock()
    send()
    refused(reason)
  })

  test('that is refused changes nothing', () => {
    const before = bed.info(one)
    bed.heartbeat(one, { sessionId: 9, nClusters: 1 })
    expect([bed.info(one), bed.run(one).hostsContracts]).toEqual([before, false])
  })

  test('that is late counts: the answer to a missed challenge brings a worker back', () => {
    const challengeBlock = bed.chain.ctx.block.number - 1
    bed.chain.nextBlock(50)
    bed.heartbeat(one, { challengeBlock, challengeTime: now.get(bed.chain.ctx) - 50_000n })
    expect(lastEvent()?.name).toBe('BenchmarkUpdated')
  })

  test('comes from workers only and must be readable', () => {
    const send = (message: Parameters<typeof onComputationMessage>[1]) => () => onComputationMessage(bed.chain.ctx, message)
    const event = { kind: 'Heartbeat', value: { sessionId: 0, challengeBlock: 0, challengeTime: 0n, iterations: 0n } } as const
    expect(send(createMessage({ kind: 'AccountId', value: one.worker }, TOPICS.workingReport, event))).toThrow(DispatchFailure)
    expect(send({ ...createMessage({ kind: 'Worker', value: one.worker }, TOPICS.workingReport, event), payload: Uint8Array.of(7) })).toThrow(DispatchFailure)
  })
})

describe('the published performance cases', () => {
  const fresh = (pInit: number) => ({ pInit, pInstant: 0, iterations: 0n, workingStartTime: 0n, challengeTimeLast: 0n })
  test('p_init 600: 660, then capped at 720', () => {
    const first = updateBenchmark(fresh(600), { nowSeconds: 100n, challengeSeconds: 100n, iterations: 11_000n })
    expect(first.pInstant).toBe(660)
    expect(updateBenchmark(first, { nowSeconds: 200n, challengeSeconds: 200n, iterations: 26_000n }).pInstant).toBe(720)
  })
  test('a counter that falls back: 60, then 0', () => {
    const first = updateBenchmark(fresh(100), { nowSeconds: 100n, challengeSeconds: 90n, iterations: 1000n })
    expect(first.pInstant).toBe(60)
    expect(updateBenchmark(first, { nowSeconds: 200n, challengeSeconds: 190n, iterations: 999n })).toMatchObject({ pInstant: 0, iterations: 999n })
  })
  test('a counter at its end is capped, not wrapped', () => {
    expect(updateBenchmark(fresh(100), { nowSeconds: 1n, challengeSeconds: 1n, iterations: (1n << 64n) - 1n }).pInstant).toBe(120)
  })
})

describe('an update of the gatekeepers', () => {
  test('marks workers offline and back, once each, and tells them', () => {
    bed.update({ blockNumber: 40, offline: [one.worker] })
    expect(bed.info(one).state.kind).toBe('WorkerUnresponsive')
    expect(bed.run(one)).toMatchObject({ unresponsiveSince: 40, missedChallenge: 29 })
    expect(bed.systemEvents().at(-1)).toMatchObject({ value: { event: { kind: 'EnterUnresponsive' } } })
    bed.update({ blockNumber: 41, offline: [one.worker] })
    expect(bed.run(one).unresponsiveSince).toBe(40)
    bed.update({ recoveredToOnline: [one.worker] })
    expect([bed.info(one).state.kind, bed.run(one).unresponsiveSince, bed.run(one).missedChallenge]).toEqual(['WorkerIdle', undefined, undefined])
    expect(bed.systemEvents().at(-1)).toMatchObject({ value: { event: { kind: 'ExitUnresponsive' } } })
    expect(bed.names()).toEqual(['WorkerEnterUnresponsive', 'WorkerEnterUnresponsive', 'WorkerExitUnresponsive'])
    bed.chain.tryState()
  })

  test('settles V, counts the reward and pays the treasury from the subsidy wallet', () => {
    const [wallet, treasury] = [free(SUBSIDY_ACCOUNT), free(TREASURY_ACCOUNT)]
    bed.chain.nextBlock()
    bed.update({ settle: [bed.settlement(one, { v: 77n, payout: 8n * UNIT, treasury: 2n * UNIT })] })
    expect(bed.info(one)).toMatchObject({ v: 77n, vUpdatedAt: now.get(bed.chain.ctx) / 1000n, stats: { totalReward: 8n * UNIT } })
    expect([free(SUBSIDY_ACCOUNT), free(TREASURY_ACCOUNT)]).toEqual([wallet - 2n * UNIT, treasury + 2n * UNIT])
    expect(lastEvent()).toEqual({ pallet: 'PhalaComputation', name: 'SessionSettled', value: { session: one.session, vBits: 77n, payoutBits: balanceToFixed(8n * UNIT) } })
  })

  test('drops a settlement that is not newer than the session\'s V', () => {
    const before = bed.info(one)
    bed.update({ timestampMs: before.vUpdatedAt * 1000n + 999n, settle: [bed.settlement(one, { v: 77n, treasury: UNIT })] })
    expect(lastEvent()?.name).toBe('SessionSettlementDropped')
    expect(bed.info(one)).toEqual(before)
  })

  test('skips unbound workers, and sessions that do not compute', () => {
    const other = bed.bound('b')
    const nobody = new Uint8Array(32)
    bed.chain.nextBlock()
    bed.update({ offline: [nobody, other.worker], recoveredToOnline: [nobody, other.worker], settle: [{ ...bed.settlement(one), pubkey: nobody }] })
    expect(bed.names()).toEqual([])
    expect(bed.info(other).state.kind).toBe('Ready')
  })

  test('keeps V and says so where the wallet cannot pay the treasury, and leaves the wallet alive', () => {
    bed = createComputationTestbed(crypto, { wallet: UNIT })
    one = bed.started('a')
    bed.chain.nextBlock(2)
    bed.update({ settle: [bed.settlement(one, { v: 5n, treasury: UNIT })] })
    expect(lastEvent()).toEqual({ pallet: 'PhalaComputation', name: 'InternalErrorWorkerSettleFailed', value: { worker: one.worker } })
    expect([bed.info(one).v, free(SUBSIDY_ACCOUNT)]).toEqual([5n, UNIT])
    bed.chain.nextBlock(2)
    bed.update({ settle: [bed.settlement(one, { v: 4n, treasury: UNIT - EXISTENTIAL_DEPOSIT })] })
    expect(lastEvent()?.name).toBe('SessionSettled')
  })

  test('counts as much reward as the counter holds', () => {
    bed.chain.nextBlock()
    storage.sessions.mutate(bed.chain.ctx, one.session, (info) => info && { ...info, stats: { totalReward: (1n << 128n) - 1n } })
    bed.update({ settle: [bed.settlement(one, { payout: UNIT })] })
    expect(bed.info(one).stats.totalReward).toBe((1n << 128n) - 1n)
  })

  test('comes from the gatekeepers only', () => {
    const update = createMessage({ kind: 'Worker', value: one.worker }, TOPICS.workingUpdate, { blockNumber: 1, timestampMs: 1n, offline: [one.worker], recoveredToOnline: [], settle: [] })
    expect(() => onComputationMessage(bed.chain.ctx, update)).toThrow(DispatchFailure)
  })

  test('of a worker that left and came back does not touch its new session before its time', () => {
    stopComputing(bed.chain.ctx, one.session)
    bed.chain.nextBlock()
    const other = bed.bound('b')
    startComputing(bed.chain.ctx, other.session, STAKE)
    bed.update({ settle: [bed.settlement(other, { v: 1n })] })
    expect(lastEvent()?.name).toBe('SessionSettlementDropped')
  })
})
