import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { fixed, fixedOf, FIXED_MAX, FIXED_ONE } from '@phalanx/primitives/fixed'
import { createMessage, palletOrigin, TOPICS, type Message, type TokenomicParameters } from '@phalanx/primitives/messages'
import { beforeEach, describe, expect, test } from 'vitest'
import { INITIAL_PARAMETERS } from './parameters.ts'
import { beginBlock, endBlock, onEconomicsMessage, type EconomicsOutcome } from './replay.ts'
import { createEconomics, economicsOf, type EconomicsState } from './state.ts'
import { economyMessages as messages } from './testing.ts'
import { instantPerformance, newWorker, WAITING_MAX } from './worker-record.ts'

const crypto = await loadCrypto()
const worker = new Uint8Array(32).fill(1)
const BLOCK_MS = 12_000n
const V = fixedOf('3000')
const MOST = fixed.mul(fixedOf('100'), fixedOf('1.2'))
let state: EconomicsState

const run = (block: number, input: readonly Message[] = []): EconomicsOutcome => {
  const draft = beginBlock(state, { block, nowMs: BigInt(block) * BLOCK_MS }, { crypto })
  for (const message of input) onEconomicsMessage(draft, message)
  const outcome = endBlock(draft)
  state = outcome.state
  return outcome
}
const known = () => economicsOf(state, worker) ?? expect.unreachable('the worker is known')
const started = (sessionId = 1): Message => messages.started(worker, { sessionId, initV: V, initP: 100 })
const challenge = (): Message => messages.challengeTo(crypto, worker)
const answer = (challengeBlock: number, change: { readonly sessionId?: number; readonly iterations?: bigint; readonly nClusters?: number; readonly challengeTime?: bigint } = {}): Message =>
  messages.heartbeat(worker, { sessionId: 1, challengeBlock, challengeTime: BigInt(challengeBlock) * BLOCK_MS, iterations: 2000n, nClusters: 0, nContracts: 0, ...change })

beforeEach(() => {
  state = createEconomics({ launched: true })
  run(1, [messages.registered(worker, 2)])
  run(2, [started()])
})

describe('heartbeats that the reference dies of', () => {
  test('one to a challenge that nobody asked is ignored with an alarm', () => {
    const before = known()
    const { update, alarms } = run(3, [answer(2)])
    expect(alarms).toEqual([{ kind: 'unknownChallenge', pubkey: worker, challengeBlock: 2 }])
    expect(update).toBeUndefined()
    expect(known().v > before.v).toBe(true)
  })

  test('one sent twice counts once', () => {
    run(3, [challenge()])
    const { update, alarms } = run(4, [answer(3), answer(3)])
    expect(update?.settle.length).toBe(1)
    expect(alarms.map(({ kind }) => kind)).toEqual(['unknownChallenge'])
  })

  test('one to the second of two challenges gives the first up', () => {
    run(3, [challenge()])
    run(4, [challenge()])
    const { update, alarms } = run(5, [answer(4)])
    expect(alarms).toEqual([{ kind: 'skippedChallenges', pubkey: worker, challengeBlock: 4, count: 1 }])
    expect(update?.settle.length).toBe(1)
    expect(known().worker.waiting).toEqual([])
  })

  test('one of an earlier session is taken off the queue and pays nothing', () => {
    run(3, [challenge()])
    const { update, alarms } = run(4, [answer(3, { sessionId: 7 })])
    expect([update, alarms, known().worker.waiting]).toEqual([undefined, [], []])
  })

  test('one of an unknown worker, or from another sender, is ignored', () => {
    run(3, [challenge()])
    const foreign = { ...answer(3), sender: { kind: 'Worker', value: new Uint8Array(32) } } as const
    const posed = { ...answer(3), sender: { kind: 'AccountId', value: worker } } as const
    expect(run(4, [foreign, posed]).update).toBeUndefined()
    expect(known().worker.waiting).toEqual([3])
  })

  test('counters and clocks that jump give at most 1.2 times the first performance, and never fail', () => {
    run(3, [challenge()])
    run(4, [answer(3, { iterations: (1n << 64n) - 1n, challengeTime: (1n << 64n) - 1n })])
    expect(known().worker.pInstant).toBe(MOST)
    run(5, [challenge()])
    run(6, [answer(5, { iterations: 0n })])
    expect(known().worker.pInstant).toBe(MOST)
    run(7, [challenge()])
    run(8, [answer(7, { iterations: 0n })])
    expect(known().worker.pInstant).toBe(0n)
  })
})

describe('performance', () => {
  const record = (change: object) => ({ ...newWorker({ pubkey: worker, hash: 0n, confidenceLevel: 1 }), pBench: fixedOf('100'), pInstant: fixedOf('90'), challengeTimeLast: 10_000n, iterationLast: 500n, ...change })
  test.each([
    ['time stood still', { nowMs: 10_000n, iterations: 900n }, fixedOf('90')],
    ['time went back', { nowMs: 9_000n, iterations: 900n }, fixedOf('90')],
    ['100 iterations in 10 s', { nowMs: 20_000n, iterations: 600n }, fixedOf('60')],
    ['the counter fell', { nowMs: 20_000n, iterations: 400n }, 0n],
  ])('%s', (_name, report, expected) => expect(instantPerformance(record({}), report)).toBe(expected))
})

describe('messages that are not for gatekeepers to act on', () => {
  test('parameters out of range leave the old ones in force, with an alarm', () => {
    const params: TokenomicParameters = { ...INITIAL_PARAMETERS, phaRate: FIXED_ONE, rigK: 0n, rigB: 0n, re: FIXED_ONE, k: 0n, kappa: 0n }
    const changed = (value: TokenomicParameters): Message => createMessage(palletOrigin('PhalaComputation'), TOPICS.gatekeeperEvent, { kind: 'TokenomicParametersChanged', value })
    const insane: readonly Partial<TokenomicParameters>[] = [{ rho: 0n }, { slashRate: FIXED_ONE + 1n }, { treasuryRatio: FIXED_MAX }, { vMax: 0n }, { heartbeatWindow: 0 }, { budgetPerBlock: FIXED_MAX }, { costK: FIXED_MAX }]
    for (const change of insane) expect(run(3, [changed({ ...params, ...change })]).alarms).toEqual([{ kind: 'parametersRefused' }])
    expect(state.parameters).toEqual(INITIAL_PARAMETERS)
    run(4, [changed({ ...params, treasuryRatio: fixedOf('0.25') })])
    expect([state.parameters.treasuryRatio, state.parameters.payoutRatio]).toEqual([fixedOf('0.25'), fixedOf('0.75')])
  })

  test('system events of workers and accounts, and payloads that cannot be read, are ignored', () => {
    const stop = messages.worker(worker, { kind: 'Stopped' })
    run(3, [{ ...stop, sender: { kind: 'Worker', value: worker } }, { ...stop, payload: Uint8Array.of(9) }, { ...answer(2), payload: new Uint8Array(0) }])
    expect(known().worker.session).toEqual({ sessionId: 1, paused: false })
  })

  test('a session of a worker that never registered does not begin', () => {
    run(3, [messages.started(new Uint8Array(32), { sessionId: 2, initV: V, initP: 1 })])
    expect(state.workers.length).toBe(1)
  })
})

describe('silence', () => {
  test('ends with the answer that was owed, and V stays in that block', () => {
    run(3, [challenge()])
    for (let block = 4; block <= 13; block++) expect(run(block).update).toBeUndefined()
    expect(run(14).update).toMatchObject({ blockNumber: 14, offline: [worker], settle: [] })
    expect(known().worker).toMatchObject({ unresponsive: true, missedChallenge: 3 })
    const slashed = known().v
    expect(run(15).update).toBeUndefined()
    expect(known().v < slashed).toBe(true)
    const before = known().v
    expect(run(16, [answer(3)]).update).toMatchObject({ offline: [], recoveredToOnline: [worker], settle: [] })
    expect([known().v, known().deductible, known().worker.unresponsive]).toEqual([before, 0n, false])
  })

  test('a paused worker is not challenged', () => {
    run(3, [messages.worker(worker, { kind: 'EnterUnresponsive' }), challenge()])
    expect(known().worker.waiting).toEqual([])
    run(4, [messages.worker(worker, { kind: 'ExitUnresponsive' }), challenge()])
    expect(known().worker.waiting).toEqual([4])
  })

  test('no more challenges wait than are kept', () => {
    const { alarms } = run(3, Array.from({ length: WAITING_MAX + 1 }, challenge))
    expect(alarms).toEqual([{ kind: 'challengesFull', pubkey: worker }])
  })
})

describe('a session that stops', () => {
  test('is settled without payout and earns nothing more', () => {
    const { update } = run(3, [messages.worker(worker, { kind: 'Stopped' })])
    expect(update?.settle).toEqual([{ pubkey: worker, v: known().v, payout: 0n, treasury: 0n }])
    const { v } = known()
    run(4)
    expect(known().v).toBe(v)
    expect(state.active).toEqual([])
  })
})

describe('before the launch', () => {
  test('workers and parameters are learned, nothing is earned, and everything begins with the master key', () => {
    state = createEconomics()
    run(1, [messages.registered(worker, 2)])
    run(2, [started(), challenge()])
    run(3)
    expect([known().v, known().worker.waiting]).toEqual([V, []])
    const launched = createMessage(palletOrigin('PhalaRegistry'), TOPICS.gatekeeperLaunch, { kind: 'MasterPubkeyOnChain', value: { masterPubkey: worker } })
    run(9, [launched])
    expect(state.launched).toBe(true)
    expect(known().worker.vUpdateBlock).toBe(9)
    expect(known().v > V).toBe(true)
    run(10, [challenge()])
    const { update } = run(11, [answer(10, { iterations: 400n })])
    expect(fixed.toText((update?.settle[0]?.payout ?? 0n) + 1n, 6)).toBe('160.000000')
  })
})
