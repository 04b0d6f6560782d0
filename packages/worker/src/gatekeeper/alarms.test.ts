import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createPolicy, AttestationPolicy } from '@phalanx/attestation'
import { bytesEqual, toHex } from '@phalanx/primitives/bytes'
import type { Crypto } from '@phalanx/primitives/crypto'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { createMessage, Message, palletOrigin, TOPICS, type GatekeeperNotice, type MessageOrigin, type RegistrationEvidence } from '@phalanx/primitives/messages'
import type { Effect } from '../core/effects.ts'
import { channelOf } from '../core/mq.ts'
import { decodeCheckpoint, encodeCheckpoint, type LiveState } from '../core/state.ts'
import { assertLive, EMPTY_STATE, step, type Core } from '../core/step.ts'
import { createTestChain, type TestChain } from '../testing/chain.ts'
import { createTestCore } from '../testing/core.ts'
import type { RootAnswer } from './root-calls.ts'
import { Past, type GatekeeperState } from './state.ts'

const ENTROPY = new Uint8Array(32).fill(5)
const REGISTRY = palletOrigin('PhalaRegistry')
const GATEKEEPERS: MessageOrigin = { kind: 'Gatekeeper' }
const MASTER = new Uint8Array(32).fill(9)
let crypto: Crypto
let core: Core
let chain: TestChain
let state: LiveState
let effects: readonly Effect[]

beforeAll(async () => {
  crypto = await loadCrypto()
  core = createTestCore(crypto)
})

const apply = (input: Parameters<typeof step>[2]): void => {
  const result = step(core, state ?? EMPTY_STATE, input)
  state = assertLive(result.state)
  effects = result.effects
}
/** Blocks with these messages, the last justified, in one feed. */
const feed = (...blocks: readonly (readonly Message[])[]): void => {
  const from = chain.head.number + 1
  for (const messages of blocks) chain.add({ messages })
  apply({ kind: 'feed', value: { blocks: chain.feed(from), genesisHash: undefined, iterations: 0n, entropy: ENTROPY } })
}
const question = (): Extract<Effect, { kind: 'rootSecret' }>['value'] | undefined => effects.flatMap((effect) => (effect.kind === 'rootSecret' ? [effect.value] : []))[0]
const answer = (value: RootAnswer, ticket = question()?.ticket ?? 0n): void => apply({ kind: 'rootAnswer', value: { ticket, answer: value, entropy: ENTROPY } })
const gatekeeper = (): GatekeeperState => state.gatekeeper as GatekeeperState
const own = (): Uint8Array => state.keys.identity.publicKey
const held: RootAnswer = { kind: 'held', value: [{ rotationId: 0n, publicKey: MASTER }] }
const notice = (value: GatekeeperNotice): Message => createMessage(REGISTRY, TOPICS.gatekeeperNotice, value)
const launchMessage = (value: Parameters<typeof TOPICS.gatekeeperLaunch.payload.encode>[0]): Message => createMessage(REGISTRY, TOPICS.gatekeeperLaunch, value)
const sent = () => channelOf(state.egress, { kind: 'Worker', value: own() }).messages.map(({ message }) => message)
const votes = () => sent().filter(({ destination }) => bytesEqual(destination, TOPICS.gatekeeperVote.topic)).map(({ payload }) => TOPICS.gatekeeperVote.payload.decode(payload))
const hashOf = (vote: { readonly destination: Uint8Array; readonly payload: Uint8Array }): Uint8Array =>
  crypto.blake2b256(Message.encode({ sender: GATEKEEPERS, destination: vote.destination, payload: vote.payload }))
const random = (blockNumber: number, fill: number): Message =>
  createMessage(GATEKEEPERS, TOPICS.gatekeeperEvent, { kind: 'NewRandomNumber', value: { blockNumber, randomNumber: new Uint8Array(32).fill(fill), lastRandomNumber: new Uint8Array(32) } })
const value = (fill: number): RootAnswer => ({ kind: 'beacon', value: new Uint8Array(32).fill(fill) })

/** An active gatekeeper; block 5 has its first round. */
beforeEach(() => {
  chain = createTestChain(crypto)
  state = undefined as unknown as LiveState
  apply({ kind: 'init', value: { genesis: chain.genesisInfo, operator: undefined, entropy: ENTROPY } })
  feed([launchMessage({ kind: 'FirstGatekeeper', value: { pubkey: own(), ecdhPubkey: state.keys.ecdh.publicKey } })])
  expect(question()?.call.kind).toBe('launch')
  answer(held)
  feed([launchMessage({ kind: 'MasterPubkeyOnChain', value: { masterPubkey: MASTER } }), notice({ kind: 'Confirmed', value: { pubkey: own() } })], [], [])
})

describe('a gatekeeper', () => {
  test('reports the key it made and votes on what it finds', () => {
    expect(sent().map(({ destination }) => toHex(destination))).toEqual([toHex(TOPICS.registryEvent.topic)])
    feed([])
    expect(question()?.call).toEqual({ kind: 'beacon', value: { round: 5, last: new Uint8Array(32), epoch: 0n } })
    answer(value(1))
    expect(votes().map(({ block, index }) => [block, index])).toEqual([[5, 0]])
    feed([notice({ kind: 'Decided', value: { block: 5, index: 0, hash: hashOf(votes()[0] as never) } }), random(5, 1)])
    expect([gatekeeper().votes, gatekeeper().decided, gatekeeper().alarms]).toEqual([[], [], { beacon: 0, outcome: 0, unexpected: 0, unjudged: 0 }])
  })

  test('does not vote on what the feed shows as decided', () => {
    feed([], [], [random(5, 1)])
    answer(value(1))
    expect(votes()).toHaveLength(1)
    feed([], [], [notice({ kind: 'Decided', value: { block: 10, index: 0, hash: MASTER } })])
    expect(gatekeeper().decided).toHaveLength(1)
    answer(value(2))
    expect(votes()).toHaveLength(1)
    expect(gatekeeper().alarms.outcome).toBe(1)
  })

  test.each([1, 3])('asks one question at a time, in order, %i blocks to a feed, each round after the value before', (size) => {
    for (let i = 0; i < 12; i += size) feed(...Array.from({ length: size }, () => []))
    // The question under way is the first; another feed adds nothing.
    expect(gatekeeper().tasks.map((task) => task.kind === 'Beacon' && task.value.round)).toEqual([5, 10, 15])
    const { ticket } = gatekeeper()
    answer(value(1), ticket)
    expect(question()?.call).toEqual({ kind: 'beacon', value: { round: 10, last: new Uint8Array(32).fill(1), epoch: 0n } })
    answer(value(2), ticket)
    expect(gatekeeper().beacon.round).toBe(5)
    answer(value(2), ticket + 1n)
    expect(gatekeeper().beacon).toEqual({ round: 10, value: new Uint8Array(32).fill(2) })
  })

  test('asks again with the next feed after a failure, and after a restart', () => {
    feed([])
    answer({ kind: 'failed', value: { code: 'SEAL_WRITE_FAILED' } })
    expect(question()).toBeUndefined()
    feed([])
    expect(question()?.call.kind).toBe('beacon')
    const restored = decodeCheckpoint(encodeCheckpoint(state))
    const { identity } = state.keys
    state = undefined as unknown as LiveState
    apply({ kind: 'resume', value: { identity, genesisHash: chain.genesisHash, restored, entropy: ENTROPY } })
    const { ticket } = gatekeeper()
    expect(question()?.call.kind).toBe('inventory')
    answer(value(7), ticket - 1n)
    expect(gatekeeper().asking).toBe(ticket)
    answer(held, ticket)
    expect(question()?.call.kind).toBe('beacon')
    answer(value(7))
    expect(votes().map(({ block }) => block)).toEqual([5])
  })

  test('whose key is gone asks for it and for nothing else', () => {
    feed([])
    answer({ kind: 'missing', value: [] })
    expect(question()).toBeUndefined()
    expect(gatekeeper().tasks).toHaveLength(1)
    expect(votes()).toEqual([])
  })

  describe('without its key', () => {
    const anchored = (epoch: bigint, ecdhPubkey: Uint8Array): Message => createMessage(REGISTRY, TOPICS.registryNotice, { kind: 'EcdhKeyAnchored', value: { pubkey: own(), epoch, ecdhPubkey } })
    const requests = () => sent().filter(({ destination }) => bytesEqual(destination, TOPICS.gatekeeperKeyRequest.topic)).map(({ payload }) => TOPICS.gatekeeperKeyRequest.payload.decode(payload).ecdhPubkey)

    test('asks for it while a rotation is under way, too', () => {
      feed([anchored(0n, state.keys.ecdh.publicKey), launchMessage({ kind: 'RotateMasterKey', value: { rotationId: 1n, gkIdentities: [] } })])
      expect(requests()).toEqual([])
      answer({ kind: 'missing', value: [] })
      expect(requests()).toEqual([state.keys.ecdh.publicKey])
    })

    test('takes back at once what said that it holds it, and then waits for an answer', () => {
      feed([anchored(0n, state.keys.ecdh.publicKey)])
      answer({ kind: 'missing', value: [] })
      feed([notice({ kind: 'Confirmed', value: { pubkey: own() } })])
      expect(requests()).toHaveLength(2)
      feed([], [], [])
      expect(requests()).toHaveLength(2)
    })

    test('does not ask for it under an ECDH key that the chain knows no more when the request arrives', () => {
      feed([anchored(0n, state.keys.ecdh.publicKey)])
      apply({ kind: 'rotateEcdh', value: { entropy: ENTROPY } })
      answer({ kind: 'missing', value: [] }, gatekeeper().ticket)
      feed([])
      expect(requests()).toEqual([])
      const next = state.keys.nextEcdh?.publicKey as Uint8Array
      feed([anchored(1n, next)])
      expect(requests()).toEqual([next])
    })

    test.each([['votes', 'holds', [0n, 1n], ['RotatedMasterPubkey']], ['does not vote', 'lacks', [1n], []]] as const)('%s for a rotated key where it %s those before', (_does, _has, ids, expected) => {
      const share = { ecdhPubkey: MASTER, encryptedKey: new Uint8Array(80), iv: new Uint8Array(12) }
      const value = { rotationId: 1n, secretKeys: [[own(), share] as const], sender: MASTER, sig: new Uint8Array(64) }
      feed([launchMessage({ kind: 'RotateMasterKey', value: { rotationId: 1n, gkIdentities: [] } }), createMessage(GATEKEEPERS, TOPICS.keyDistribution, { kind: 'MasterKeyRotation', value })])
      expect(question()?.call.kind).toBe('accept')
      answer({ kind: 'held', value: ids.map((rotationId) => ({ rotationId, publicKey: MASTER })) })
      const found = votes().filter(({ destination }) => bytesEqual(destination, TOPICS.gatekeeperRegistryEvent.topic))
      expect(found.map(({ payload }) => TOPICS.gatekeeperRegistryEvent.payload.decode(payload).kind)).toEqual(expected)
    })
  })

  test.each([['opens', false], ['forgets, when the rotation was given up,', true]])('%s a rotated key that it could not open when it came, once it is given the key before', (_does, isCancelled) => {
    const share = (fill: number) => ({ ecdhPubkey: new Uint8Array(32).fill(fill), encryptedKey: new Uint8Array(80), iv: new Uint8Array(12) })
    const ecdhPubkey = state.keys.ecdh.publicKey
    const value = { rotationId: 1n, secretKeys: [[own(), share(1)] as const], sender: MASTER, sig: new Uint8Array(64) }
    feed([
      launchMessage({ kind: 'RotateMasterKey', value: { rotationId: 1n, gkIdentities: [{ pubkey: own(), ecdhPubkey }] } }),
      createMessage(GATEKEEPERS, TOPICS.keyDistribution, { kind: 'MasterKeyRotation', value }),
    ])
    expect(question()?.call).toMatchObject({ kind: 'accept', value: { keys: [[1n, share(1)]], sealedTo: ecdhPubkey } })
    answer({ kind: 'held', value: [] })
    expect(question()).toBeUndefined()
    state = { ...state, gatekeeper: decodeCheckpoint(encodeCheckpoint(state)).gatekeeper }
    const { iv, encryptedKey } = share(2)
    const given = createMessage(GATEKEEPERS, TOPICS.keyDistribution, { kind: 'MasterKeyDistribution', value: { dest: own(), ecdhPubkey: share(2).ecdhPubkey, encryptedMasterKey: encryptedKey, iv } })
    feed([...(isCancelled ? [notice({ kind: 'RotationCancelled', value: { rotationId: 1n } })] : []), given])
    expect(question()?.call).toMatchObject({ kind: 'accept', value: { keys: [[0n, share(2)]] } })
    answer(held)
    if (!isCancelled) {
      expect(question()?.call).toMatchObject({ kind: 'accept', value: { keys: [[1n, share(1)]], sealedTo: ecdhPubkey } })
      answer(held)
    }
    // One try is all there is: what waited for a key comes next.
    expect(question()?.call.kind).toBe(isCancelled ? 'beacon' : 'rotate')
  })

  test('that holds a newer key only computes no round before those of the older one, and asks for the older', () => {
    const next = new Uint8Array(32).fill(4)
    feed([launchMessage({ kind: 'RotateMasterKey', value: { rotationId: 1n, gkIdentities: [] } })])
    answer({ kind: 'missing', value: [] })
    feed([launchMessage({ kind: 'MasterPubkeyRotated', value: { masterPubkey: next } })], [], [], [], [])
    const restored = decodeCheckpoint(encodeCheckpoint(state))
    const { identity } = state.keys
    state = undefined as unknown as LiveState
    apply({ kind: 'resume', value: { identity, genesisHash: chain.genesisHash, restored, entropy: ENTROPY } })
    answer({ kind: 'held', value: [{ rotationId: 1n, publicKey: next }] })
    expect(gatekeeper().tasks.map((task) => task.kind === 'Beacon' && [task.value.round, task.value.epoch])).toEqual([[5, 0n], [10, 1n]])
    expect(question()).toBeUndefined()
    expect(sent().some(({ destination, payload }) => bytesEqual(destination, TOPICS.registryEvent.topic) && payload.at(-1) === 4)).toBe(false)
  })

  test('that lost its past has votes on what comes after it has caught up only: what number an outcome before that has it cannot know', () => {
    const since = chain.head.number
    const { launchedAt = 0, epochs, seen, economics, clusters } = gatekeeper()
    if (economics === undefined) throw new Error('it has a past')
    const bytes = Past.encode({ launchedAt, epochs, seen, economics, clusters })
    state = { ...state, gatekeeper: { ...gatekeeper(), economics: undefined, joining: { since, blocks: [], parts: [] } } }
    feed([], [], [])
    feed([createMessage({ kind: 'Gatekeeper' }, TOPICS.gatekeeperState, { block: since, part: 0, parts: 1, bytes })])
    expect([since, chain.head.number, gatekeeper().joining]).toEqual([4, 8, undefined])
    answer(value(1))
    expect([gatekeeper().beacon.round, votes()]).toEqual([5, []])
    feed([], [])
    answer(value(2))
    expect(votes().map(({ block, index }) => [block, index])).toEqual([[10, 0]])
  })

  test('is forgotten when it is taken off the list, secrets first', () => {
    feed([createMessage(REGISTRY, TOPICS.gatekeeperChange, { kind: 'Unregistered', value: { pubkey: own() } })])
    expect(question()?.call).toEqual({ kind: 'retire', value: { block: 5 } })
    answer({ kind: 'held', value: [] })
    expect(state.gatekeeper).toBeUndefined()
  })

  test('hears nothing in its own name, nor what others say in a pallet\'s', () => {
    const stranger: MessageOrigin = { kind: 'Worker', value: MASTER }
    const before = gatekeeper()
    feed([
      createMessage(stranger, TOPICS.gatekeeperChange, { kind: 'Unregistered', value: { pubkey: own() } }),
      createMessage(stranger, TOPICS.gatekeeperNotice, { kind: 'Suspended', value: { pubkey: own() } }),
      createMessage(REGISTRY, TOPICS.keyDistribution, { kind: 'MasterKeyDistribution', value: { dest: own(), ecdhPubkey: MASTER, encryptedMasterKey: new Uint8Array(80), iv: new Uint8Array(12) } }),
      { ...random(5, 1), sender: REGISTRY },
    ])
    expect(gatekeeper()).toMatchObject({ listed: before.listed, confirmedAt: before.confirmedAt, expected: [] })
  })
})

describe('an alarm is raised by', () => {
  test('an outcome that the others found otherwise', () => {
    feed([])
    answer(value(1))
    feed([notice({ kind: 'Decided', value: { block: 5, index: 0, hash: MASTER } })])
    expect(gatekeeper().alarms).toEqual({ beacon: 0, outcome: 1, unexpected: 0, unjudged: 0 })
    expect(effects).toContainEqual(expect.objectContaining({ kind: 'log', value: expect.objectContaining({ level: 'error', data: { block: 5, alarm: 'outcome' } }) }))
  })

  test('a beacon value on the chain that is not ours, whichever comes first', () => {
    feed([])
    answer(value(1))
    feed([random(5, 2)], [], [], [], [])
    expect(gatekeeper().alarms.beacon).toBe(1)
    feed([random(10, 3)])
    answer(value(2), gatekeeper().ticket)
    expect(gatekeeper().alarms.beacon).toBe(2)
  })

  test('an outcome that never arose here', () => {
    feed([], [notice({ kind: 'Decided', value: { block: 5, index: 7, hash: MASTER } })])
    answer(value(1))
    for (let block = 0; block < 70; block++) {
      feed([])
      if (question() !== undefined) answer(value(block))
    }
    expect(gatekeeper().alarms).toMatchObject({ unexpected: 1, outcome: 0 })
  })

  test('evidence whose collateral or policy was not sent', () => {
    const evidence: RegistrationEvidence = { pubkey: MASTER, info: new Uint8Array(3), report: new Uint8Array(3), collateral: undefined, policy: MASTER, attachments: [] }
    feed([createMessage(REGISTRY, TOPICS.registrationEvidence, evidence)])
    expect([gatekeeper().alarms.unjudged, votes()]).toEqual([1, []])
  })
})

describe('evidence', () => {
  test('that is no evidence is refused with the decoder\'s code', () => {
    const policy = AttestationPolicy.encode(createPolicy({ kinds: [], roots: [] }))
    const evidence: RegistrationEvidence = { pubkey: MASTER, info: new Uint8Array(3), report: new Uint8Array(3).fill(255), collateral: undefined, policy: crypto.blake2b256(policy), attachments: [policy] }
    feed([createMessage(REGISTRY, TOPICS.registrationEvidence, evidence)])
    const [vote] = votes()
    const verdict = TOPICS.registrationVerdict.payload.decode(vote?.payload as Uint8Array)
    expect(verdict).toMatchObject({ pubkey: MASTER, registeredAt: 5, accepted: false, confidenceLevel: 0 })
    expect(verdict.code).toMatch(/^CODEC_/)
  })
})
