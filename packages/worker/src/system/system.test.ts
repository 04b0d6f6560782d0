import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { concatBytes } from '@phalanx/primitives/bytes'
import type { Crypto } from '@phalanx/primitives/crypto'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { TOPICS, createMessage, messageSigningPayload, palletOrigin, type Message, type RegistryNotice, type SystemEvent, type WorkerEvent } from '@phalanx/primitives/messages'
import type { Effect } from '../core/effects.ts'
import type { LiveState, WorkerState } from '../core/state.ts'
import { EMPTY_STATE, assertLive, step, type Core } from '../core/step.ts'
import { channelOf } from '../core/mq.ts'
import { createTestChain, createTestCore, type TestBlock, type TestChain } from '../testing.ts'
import { workerOrigin } from './draft.ts'
import { retiredReason } from './gate.ts'
import { isChallenged } from './heartbeat.ts'
import { INITIAL_SYSTEM } from './state.ts'
import { summarize } from './status.ts'

let crypto: Crypto
let core: Core
let chain: TestChain
let state: WorkerState
let effects: readonly Effect[]
const entropy = new Uint8Array(32)
beforeAll(async () => {
  crypto = await loadCrypto()
})
beforeEach(() => {
  core = createTestCore(crypto)
  chain = createTestChain(crypto)
  state = step(core, EMPTY_STATE, { kind: 'init', value: { genesis: chain.genesisInfo, operator: undefined, entropy } }).state
})

const live = (): LiveState => assertLive(state)
const me = (): Uint8Array => live().keys.identity.publicKey
const feed = (block: TestBlock = {}, iterations = 0n): void => {
  chain.add(block)
  const result = step(core, state, { kind: 'feed', value: { blocks: chain.feed(chain.head.number), genesisHash: undefined, iterations, entropy } })
  state = result.state
  effects = result.effects
}
const system = (event: SystemEvent): Message => createMessage(palletOrigin('PhalaRegistry'), TOPICS.systemEvent, event)
const about = (event: WorkerEvent, pubkey = me()): Message => system({ kind: 'WorkerEvent', value: { pubkey, event } })
const notice = (value: RegistryNotice): Message => createMessage(palletOrigin('PhalaRegistry'), TOPICS.registryNotice, value)
const challenge = (onlineTarget: bigint, seed = 0n): Message => system({ kind: 'HeartbeatChallenge', value: { seed, onlineTarget } })
const waiting = (): readonly Message[] => channelOf(live().egress, workerOrigin(me())).messages.map(({ message }) => message)
const EVERYONE = (1n << 256n) - 1n
const registered = (): readonly Message[] => [
  about({ kind: 'Registered', value: { confidenceLevel: 2 } }),
  notice({ kind: 'EcdhKeyAnchored', value: { pubkey: me(), epoch: 0n, ecdhPubkey: live().keys.ecdh.publicKey } }),
]

describe('registration', () => {
  test('is believed from pallets only, and for this worker only', () => {
    const event = about({ kind: 'Registered', value: { confidenceLevel: 2 } })
    feed({ messages: [{ ...event, sender: { kind: 'AccountId', value: new Uint8Array(32) } }, { ...event, sender: { kind: 'Worker', value: me() } }, about({ kind: 'Registered', value: { confidenceLevel: 2 } }, new Uint8Array(32))] })
    expect(summarize(core.build, state).state).toBe('syncing')
    feed({ messages: [event] })
    expect(live().system.registration).toEqual({ confidenceLevel: 2, block: 2 })
    expect(summarize(core.build, state).state).toBe('anchoring')
  })

  test('with the own key anchored is the only state that serves', () => {
    expect(summarize(core.build, EMPTY_STATE)).toMatchObject({ state: 'unsealed', serving: false })
    expect(summarize(core.build, state)).toMatchObject({ state: 'initialised', serving: false })
    feed({ messages: registered() })
    expect(summarize(core.build, state)).toMatchObject({ state: 'registered', serving: true })
    feed({ messages: [notice({ kind: 'EcdhKeyAnchored', value: { pubkey: me(), epoch: 3n, ecdhPubkey: new Uint8Array(32) } })] })
    expect(summarize(core.build, state)).toMatchObject({ state: 'anchoring', serving: false })
    expect(TOPICS.ecdhKey.payload.decode(waiting()[0]?.payload as Uint8Array)).toEqual({ epoch: 4n, ecdhPubkey: live().keys.ecdh.publicKey })
  })

  test('ends with this worker\'s eviction, not with another\'s, and comes back with a new registration', () => {
    const evicted = (pubkey: Uint8Array): Message => notice({ kind: 'WorkerEvicted', value: { pubkey, reason: { kind: 'FamilyRevoked' } } })
    feed({ messages: [...registered(), evicted(new Uint8Array(32))] })
    expect(summarize(core.build, state)).toMatchObject({ state: 'registered' })
    feed({ messages: [evicted(me())] })
    expect(live().system.registration).toBeUndefined()
    expect(summarize(core.build, state)).toMatchObject({ serving: false })
    feed({ messages: [about({ kind: 'Registered', value: { confidenceLevel: 2 } })] })
    expect(summarize(core.build, state)).toMatchObject({ state: 'registered', serving: true })
  })

  test('an announcement that the chain takes without anchoring is repeated, not at every block', () => {
    feed({ messages: [about({ kind: 'Registered', value: { confidenceLevel: 1 } })] })
    const sender = workerOrigin(me())
    feed({ acks: [{ sender, next: 1n }] })
    expect(waiting()).toEqual([])
    feed()
    expect(waiting().length).toBe(1)
    feed()
    expect(waiting().length).toBe(1)
  })

  test('an announcement that waits is replaced under its sequence when another key lands', () => {
    const land = (epoch: bigint): Message => notice({ kind: 'EcdhKeyAnchored', value: { pubkey: me(), epoch, ecdhPubkey: new Uint8Array(32) } })
    feed({ messages: [about({ kind: 'Registered', value: { confidenceLevel: 1 } }), land(0n)] })
    feed()
    feed({ messages: [land(7n)] })
    const channel = channelOf(live().egress, workerOrigin(me()))
    expect(channel.messages.map(({ sequence, message }) => [sequence, TOPICS.ecdhKey.payload.decode(message.payload).epoch])).toEqual([[0n, 8n]])
    const [only] = channel.messages
    expect(crypto.sr25519.verify(only?.signature as Uint8Array, messageSigningPayload(only?.message as Message, 0n), me())).toBe(true)
  })

  test('survives payloads that do not decode, with a line in the log', () => {
    feed({ messages: [{ ...about({ kind: 'Stopped' }), payload: Uint8Array.of(9) }, ...registered()] })
    expect(summarize(core.build, state).state).toBe('registered')
    expect(effects.find((effect) => effect.kind === 'log' && effect.value.level === 'warn')).toMatchObject({ value: { data: { block: 1, index: 0, code: 'CODEC_INVALID_VARIANT' } } })
  })
})

describe('benchmark', () => {
  const bench = (duration: number): Message => about({ kind: 'BenchStart', value: { duration } })

  test('is read after its blocks and reported once', () => {
    feed({ messages: [bench(2)] })
    expect(effects).toContainEqual({ kind: 'startBenchmark' })
    state = step(core, state, { kind: 'benchmarkResult', value: { startTimeMs: 1_800_000_001_000n, iterations: 1n, entropy } }).state
    expect(waiting()).toEqual([])
    feed()
    expect(effects).toEqual([])
    feed()
    expect(effects).toEqual([{ kind: 'readBenchmark', value: { startTimeMs: 1_800_000_001_000n, elapsedMs: 2000n } }])
    feed()
    expect(effects).toEqual([])
    const result = { startTimeMs: 1_800_000_001_000n, iterations: 42n, entropy }
    state = step(core, state, { kind: 'benchmarkResult', value: result }).state
    state = step(core, state, { kind: 'benchmarkResult', value: result }).state
    expect(waiting().map(({ payload }) => TOPICS.registryEvent.payload.decode(payload))).toEqual([{ kind: 'BenchReport', value: { startTime: result.startTimeMs, iterations: 42n } }])
  })

  test('that was scored already is not reported: it is history being replayed', () => {
    feed({ messages: [bench(0)] })
    feed({ messages: [about({ kind: 'BenchScore', value: 700 })] })
    state = step(core, state, { kind: 'benchmarkResult', value: { startTimeMs: 1_800_000_001_000n, iterations: 42n, entropy } }).state
    expect(waiting()).toEqual([])
    expect(live().system.score).toBe(700)
  })
})

describe('heartbeats', () => {
  const started = (): Message => about({ kind: 'Started', value: { sessionId: 5, initV: 1n, initP: 2 } })

  test('answer a challenge while registered, computing and responsive', () => {
    feed({ messages: [challenge(EVERYONE), started(), challenge(EVERYONE)] })
    expect(waiting()).toEqual([])
    feed({ messages: registered() }, 10n)
    feed({ messages: [challenge(EVERYONE)] }, 7n)
    expect(TOPICS.workingReport.payload.decode(waiting()[0]?.payload as Uint8Array)).toEqual({
      kind: 'HeartbeatV2', value: { sessionId: 5, challengeBlock: 3, challengeTime: 1_800_000_003_000n, iterations: 17n, nClusters: 0, nContracts: 0 },
    })
    feed({ messages: [about({ kind: 'EnterUnresponsive' }), challenge(EVERYONE)] })
    expect(waiting().length).toBe(1)
    feed({ messages: [about({ kind: 'ExitUnresponsive' }), challenge(EVERYONE)] })
    expect(waiting().length).toBe(2)
    feed({ messages: [about({ kind: 'Stopped' }), challenge(EVERYONE)] })
    expect(waiting().length).toBe(2)
    expect(effects).toContainEqual({ kind: 'stopBenchmark' })
  })

  test('are due when the hash, read big endian, XOR the seed is at most the target', () => {
    const hash = concatBytes(Uint8Array.of(1), new Uint8Array(30), Uint8Array.of(5))
    const value = (1n << 248n) + 5n
    expect(isChallenged(hash, { seed: 0n, onlineTarget: value })).toBe(true)
    expect(isChallenged(hash, { seed: 0n, onlineTarget: value - 1n })).toBe(false)
    expect(isChallenged(hash, { seed: value, onlineTarget: 0n })).toBe(true)
    expect(isChallenged(hash, { seed: value ^ 1n, onlineTarget: 0n })).toBe(false)
  })
})

describe('version rules', () => {
  const build = (): Core['build'] => ({ ...core.build, version: [1, 2, 3] })

  test.each([
    [[1, 2, 3], false], [[1, 2, 4], true], [[1, 3, 0], true], [[2, 0, 0], true], [[0, 9, 9], false], [[1, 1, 9], false],
  ] as const)('minimum %j retires 1.2.3: %s', (minimumVersion, retired) => {
    expect(retiredReason(build(), { ...INITIAL_SYSTEM, minimumVersion }) !== undefined).toBe(retired)
  })

  test('a listed measurement outweighs the minimum version, not the consensus version', () => {
    const listed = { ...INITIAL_SYSTEM, minimumVersion: [9, 0, 0] as const, allowedMeasurements: [concatBytes(core.build.measurement, new Uint8Array(36))] }
    expect(retiredReason(build(), listed)).toBeUndefined()
    expect(retiredReason(build(), { ...listed, consensusVersion: 1 })).toMatch(/consensus version 1/)
  })

  test('a retired worker says why, serves nothing and follows on', () => {
    feed({ messages: [...registered(), notice({ kind: 'MinimumVersion', value: [1, 0, 0] })] })
    expect(summarize(core.build, state)).toMatchObject({ state: 'outdated', serving: false, reason: 'the chain demands version 1.0.0, this is 0.1.0: upgrade the worker' })
    feed({ messages: [notice({ kind: 'MeasurementAllowed', value: core.build.measurement })] })
    expect(summarize(core.build, state).state).toBe('registered')
    feed({ messages: [notice({ kind: 'MeasurementRemoved', value: core.build.measurement })] })
    expect(summarize(core.build, state).state).toBe('outdated')
  })
})
