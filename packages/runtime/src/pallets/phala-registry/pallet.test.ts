import { toHex } from '@phalanx/primitives/bytes'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { TOPICS, wrapSignedContent, WorkerEndpointPayload, type Message, type RegistryNotice } from '@phalanx/primitives/messages'
import { beforeEach, describe, expect, test } from 'vitest'
import type { RuntimeCall } from '../../frame/context.ts'
import { ROOT, signed } from '../../frame/origin.ts'
import { devAccount } from '../../frame/testing.ts'
import { collectiveOrigin } from '../collective/origin.ts'
import { loggedMessages } from '../phala-mq/block-log.ts'
import { phalaMq } from '../phala-mq/pallet.ts'
import { benchmarkScore } from './messages.ts'
import { phalaRegistry } from './pallet.ts'
import * as storage from './storage.ts'
import { createRegistryTestbed, type TestWorker } from './testing.ts'

const crypto = await loadCrypto()
const anyone = signed(devAccount(crypto, 'Alice').publicKey)
const MEASUREMENT = new Uint8Array(68).fill(9)
const council = (ayes: number, members: number) => collectiveOrigin('Council', { kind: 'Members', value: [ayes, members] })
let bed = createRegistryTestbed(crypto)
let w = bed.worker('w')
const sequences = new Map<string, bigint>()

beforeEach(() => {
  bed = createRegistryTestbed(crypto)
  w = bed.worker('w')
  sequences.clear()
})

const notices = (): readonly RegistryNotice[] =>
  loggedMessages(bed.chain.ctx)
    .filter(({ destination }: Message) => toHex(destination) === toHex(TOPICS.registryNotice.topic))
    .map(({ payload }) => TOPICS.registryNotice.payload.decode(payload))

/** Sends a worker's message with its next sequence; what the registry says shows in events and storage. */
const send = (who: TestWorker, ...message: [topic: 'bench', start: bigint, iterations: bigint] | [topic: 'ecdh', epoch: bigint, key: Uint8Array] | [topic: 'master', key: Uint8Array]): void => {
  const name = toHex(who.pubkey)
  const sequence = sequences.get(name) ?? 0n
  sequences.set(name, sequence + 1n)
  const signedMessage =
    message[0] === 'bench' ? bed.signedMessage(who, TOPICS.registryEvent, { kind: 'BenchReport', value: { startTime: message[1], iterations: message[2] } }, sequence)
    : message[0] === 'ecdh' ? bed.signedMessage(who, TOPICS.ecdhKey, { epoch: message[1], ecdhPubkey: message[2] }, sequence)
    : bed.signedMessage(who, TOPICS.registryEvent, { kind: 'MasterPubkey', value: { masterPubkey: message[1] } }, sequence)
  bed.chain.assertOk(phalaMq.call('syncOffchainMessage', { signedMessage }), anyone)
}

const register = (who: TestWorker, salt = 0): void => void bed.chain.assertOk(bed.registration(who, { salt }), anyone)

describe('every governance call', () => {
  test.each<[string, RuntimeCall]>([
    ['forceSetBenchmarkDuration', phalaRegistry.call('forceSetBenchmarkDuration', { value: 1 })],
    ['forceRegisterTopicPubkey', phalaRegistry.call('forceRegisterTopicPubkey', { topic: MEASUREMENT, pubkey: MEASUREMENT })],
    ['registerGatekeeper', phalaRegistry.call('registerGatekeeper', { gatekeeper: w.pubkey })],
    ['unregisterGatekeeper', phalaRegistry.call('unregisterGatekeeper', { gatekeeper: w.pubkey })],
    ['rotateMasterKey', phalaRegistry.call('rotateMasterKey')],
    ['addPruntime', phalaRegistry.call('addPruntime', { pruntimeHash: MEASUREMENT })],
    ['removePruntime', phalaRegistry.call('removePruntime', { pruntimeHash: MEASUREMENT })],
    ['addRelaychainGenesisBlockHash', phalaRegistry.call('addRelaychainGenesisBlockHash', { genesisBlockHash: new Uint8Array(32) })],
    ['removeRelaychainGenesisBlockHash', phalaRegistry.call('removeRelaychainGenesisBlockHash', { genesisBlockHash: new Uint8Array(32) })],
    ['setMinimumPruntimeVersion', phalaRegistry.call('setMinimumPruntimeVersion', { major: 1, minor: 2, patch: 3 })],
    ['setPruntimeConsensusVersion', phalaRegistry.call('setPruntimeConsensusVersion', { version: 0 })],
    ['setTrustedNtpServers', phalaRegistry.call('setTrustedNtpServers', { ntpServers: ['time.example'] })],
  ])('%s refuses an account and less than half of the council', (_name, call) => {
    bed.chain.assertNoop(call, anyone, 'BadOrigin')
    bed.chain.assertNoop(call, council(1, 3), 'BadOrigin')
  })

  test('is the council\'s too, by half of its members; what stands outside the rules is root\'s alone', () => {
    bed.chain.assertOk(phalaRegistry.call('setMinimumPruntimeVersion', { major: 1, minor: 2, patch: 3 }), council(2, 4))
    bed.chain.assertNoop(phalaRegistry.call('forceRegisterTopicPubkey', { topic: MEASUREMENT, pubkey: MEASUREMENT }), council(3, 3), 'BadOrigin')
    bed.chain.assertNoop(phalaRegistry.call('forceRegisterWorker', { ...w, operator: undefined }), council(3, 3), 'BadOrigin')
  })
})

describe('registry.forceSetBenchmarkDuration and registry.forceRegisterTopicPubkey', () => {
  test('store what governance says', () => {
    bed.chain.assertOk(phalaRegistry.call('forceSetBenchmarkDuration', { value: 5 }), ROOT)
    bed.chain.assertOk(phalaRegistry.call('forceRegisterTopicPubkey', { topic: MEASUREMENT, pubkey: w.pubkey }), ROOT)
    expect(storage.benchmarkDuration.get(bed.chain.ctx)).toBe(5)
    expect(storage.topicKey.get(bed.chain.ctx, MEASUREMENT)).toEqual(w.pubkey)
  })
})

describe('registry.addPruntime and registry.removePruntime', () => {
  const add = phalaRegistry.call('addPruntime', { pruntimeHash: MEASUREMENT })
  const remove = phalaRegistry.call('removePruntime', { pruntimeHash: MEASUREMENT })

  test('admit and dismiss a measurement, and tell the workers', () => {
    const { chain } = bed
    chain.nextBlock()
    chain.assertOk(add, ROOT)
    expect(storage.measurementAddedAt.get(chain.ctx, MEASUREMENT)).toBe(2)
    chain.assertNoop(add, ROOT, 'PhalaRegistry.PRuntimeAlreadyExists')
    chain.assertOk(remove, ROOT)
    expect(storage.measurementAddedAt.has(chain.ctx, MEASUREMENT)).toBe(false)
    expect(notices()).toEqual([{ kind: 'MeasurementAllowed', value: MEASUREMENT }, { kind: 'MeasurementRemoved', value: MEASUREMENT }])
    chain.assertNoop(remove, ROOT, 'PhalaRegistry.PRuntimeNotFound')
  })

  test('refuse nothing as a measurement, and more than the list holds', () => {
    bed.chain.assertNoop(phalaRegistry.call('addPruntime', { pruntimeHash: new Uint8Array(0) }), ROOT, 'PhalaRegistry.InvalidInput')
    storage.allowList.set(bed.chain.ctx, Array.from({ length: storage.LIST_ENTRIES_MAX }, (_, i) => Uint8Array.of(i & 255, i >> 8)))
    bed.chain.assertNoop(add, ROOT, 'PhalaRegistry.ListFull')
  })
})

describe('registry.addRelaychainGenesisBlockHash and registry.removeRelaychainGenesisBlockHash', () => {
  const genesisBlockHash = new Uint8Array(32).fill(5)
  const add = phalaRegistry.call('addRelaychainGenesisBlockHash', { genesisBlockHash })
  const remove = phalaRegistry.call('removeRelaychainGenesisBlockHash', { genesisBlockHash })

  test('an admitted genesis may be named in a registration', () => {
    const { chain } = bed
    const call = bed.registration(w, { info: { genesisBlockHash } })
    chain.assertNoop(call, anyone, 'PhalaRegistry.GenesisBlockHashRejected')
    chain.assertOk(add, ROOT)
    chain.assertNoop(add, ROOT, 'PhalaRegistry.GenesisBlockHashAlreadyExists')
    chain.assertOk(call, anyone)
    chain.assertOk(remove, ROOT)
    chain.assertNoop(remove, ROOT, 'PhalaRegistry.GenesisBlockHashNotFound')
    storage.genesisAllowList.set(chain.ctx, Array.from({ length: storage.LIST_ENTRIES_MAX }, (_, i) => new Uint8Array(32).fill(i)))
    chain.assertNoop(phalaRegistry.call('addRelaychainGenesisBlockHash', { genesisBlockHash: crypto.blake2b256(genesisBlockHash) }), ROOT, 'PhalaRegistry.ListFull')
  })
})

describe('registry.setMinimumPruntimeVersion, registry.setPruntimeConsensusVersion and registry.setTrustedNtpServers', () => {
  test('store, emit and tell the workers', () => {
    const { chain } = bed
    chain.nextBlock()
    storage.maxKnownConsensusVersion.set(chain.ctx, { version: 1, count: 1 })
    chain.assertOk(phalaRegistry.call('setMinimumPruntimeVersion', { major: 1, minor: 2, patch: 3 }), ROOT)
    chain.assertEvents([{ pallet: 'PhalaRegistry', name: 'MinimumPRuntimeVersionChangedTo', value: [1, 2, 3] }])
    chain.assertOk(phalaRegistry.call('setPruntimeConsensusVersion', { version: 1 }), ROOT)
    chain.assertEvents([{ pallet: 'PhalaRegistry', name: 'PRuntimeConsensusVersionChangedTo', value: [1] }])
    chain.assertOk(phalaRegistry.call('setTrustedNtpServers', { ntpServers: ['time.example'] }), ROOT)
    expect(notices()).toEqual([{ kind: 'MinimumVersion', value: [1, 2, 3] }, { kind: 'ConsensusVersion', value: 1 }, { kind: 'TrustedNtpServers', value: ['time.example'] }])
    expect([storage.minimumVersion.get(chain.ctx), storage.consensusVersion.get(chain.ctx), storage.trustedNtpServers.get(chain.ctx)]).toEqual([[1, 2, 3], 1, ['time.example']])
  })

  test('a consensus version that no worker knows is refused', () => {
    bed.chain.assertNoop(phalaRegistry.call('setPruntimeConsensusVersion', { version: 1 }), ROOT, 'PhalaRegistry.InvalidConsensusVersion')
  })
})

describe('registry.updateWorkerEndpoint', () => {
  const NOW = 1_760_000_000_000n
  const update = (change: Partial<WorkerEndpointPayload> & { signature?: Uint8Array } = {}): RuntimeCall => {
    const { signature, ...fields } = change
    const endpointPayload: WorkerEndpointPayload = { pubkey: w.pubkey, versionedEndpoints: { kind: 'V1', value: ['http://127.0.0.1:8100'] }, signingTime: NOW - 1n, ...fields }
    const message = wrapSignedContent('endpointInfo', WorkerEndpointPayload.encode(endpointPayload))
    return phalaRegistry.call('updateWorkerEndpoint', { endpointPayload, signature: signature ?? crypto.sr25519.sign(w.secret, message, new Uint8Array(32)) })
  }

  test('publishes what a registered worker signed', () => {
    register(w)
    bed.chain.assertOk(update(), anyone)
    expect(storage.endpoints.get(bed.chain.ctx, w.pubkey)).toEqual({ kind: 'V1', value: ['http://127.0.0.1:8100'] })
    bed.chain.assertOk(update({ signingTime: NOW - 14_400_000n }), anyone)
  })

  test.each([
    ['a short signature', { signature: new Uint8Array(10) }, 'InvalidSignatureLength'],
    ['a wrong signature', { signature: new Uint8Array(64) }, 'InvalidSignature'],
    ['another worker\'s key', { pubkey: devAccount(crypto, 'Bob').publicKey }, 'InvalidSignature'],
    ['a signing time of now', { signingTime: NOW }, 'InvalidEndpointSigningTime'],
    ['a signing time over four hours ago', { signingTime: NOW - 14_400_001n }, 'InvalidEndpointSigningTime'],
  ])('refuses %s', (_name, change, error) => {
    register(w)
    bed.chain.assertNoop(update(change), anyone, `PhalaRegistry.${error}`)
  })

  test('refuses a worker that is not registered, and a caller that is no account', () => {
    bed.chain.assertNoop(update(), anyone, 'PhalaRegistry.InvalidPubKey')
    bed.chain.assertNoop(update(), ROOT, 'BadOrigin')
  })
})

describe('benchmark reports', () => {
  test.each([
    [10_000n, 1000n, 600],
    [1_999n, 100n, 600],
    [999n, 10n, 60],
    [1n, 0n, 0],
    [1000n, 10n ** 9n, 6000],
    [1000n, 1n << 40n, 0],
  ])('in %i ms, %i iterations make a score of %i', (elapsedMs, iterations, score) => expect(benchmarkScore({ elapsedMs, iterations })).toBe(score))

  test('set the score of a registered worker', () => {
    register(w)
    send(w, 'bench', 1_760_000_000_000n - 2000n, 100n)
    expect(storage.workers.get(bed.chain.ctx, w.pubkey)?.initialScore).toBe(300)
    expect(bed.chain.events()).toContainEqual({ pallet: 'PhalaRegistry', name: 'InitialScoreSet', value: { pubkey: w.pubkey, initScore: 300 } })
  })

  test('from the future changes nothing, of a stranger does not arrive', () => {
    register(w)
    send(w, 'bench', 1_760_000_000_000n, 100n)
    expect(storage.workers.get(bed.chain.ctx, w.pubkey)?.initialScore).toBeUndefined()
    const signedMessage = bed.signedMessage(bed.worker('stranger'), TOPICS.registryEvent, { kind: 'BenchReport', value: { startTime: 1n, iterations: 100n } }, 0n)
    bed.chain.assertNoop(phalaMq.call('syncOffchainMessage', { signedMessage }), anyone, 'PhalaRegistry.WorkerNotFound')
  })
})

describe('ECDH key announcements', () => {
  test('anchor a fresh key under a higher epoch', () => {
    register(w)
    const fresh = bed.worker('fresh').ecdhPubkey
    send(w, 'ecdh', 3n, fresh)
    expect(storage.workers.get(bed.chain.ctx, w.pubkey)?.ecdhPubkey).toEqual(fresh)
    expect(storage.ecdhKeys.get(bed.chain.ctx, w.pubkey, 3n)).toEqual({ ecdhPubkey: fresh, announcedAt: 1 })
    expect(storage.ecdhEpoch.get(bed.chain.ctx, w.pubkey)).toBe(3n)
    expect(notices().at(-1)).toEqual({ kind: 'EcdhKeyAnchored', value: { pubkey: w.pubkey, epoch: 3n, ecdhPubkey: fresh } })
  })

  test('of an old epoch or a bad key change nothing', () => {
    register(w)
    const before = storage.workers.get(bed.chain.ctx, w.pubkey)
    send(w, 'ecdh', 0n, bed.worker('fresh').ecdhPubkey)
    send(w, 'ecdh', 1n, w.pubkey)
    send(w, 'ecdh', 1n, new Uint8Array(32).fill(255))
    expect(storage.workers.get(bed.chain.ctx, w.pubkey)).toEqual(before)
    expect(storage.ecdhEpoch.get(bed.chain.ctx, w.pubkey)).toBe(0n)
  })
})

describe('registry.registerGatekeeper, registry.unregisterGatekeeper and registry.rotateMasterKey', () => {
  const call = (who: TestWorker) => phalaRegistry.call('registerGatekeeper', { gatekeeper: who.pubkey })
  const leave = (who: TestWorker) => phalaRegistry.call('unregisterGatekeeper', { gatekeeper: who.pubkey })
  const rotate = phalaRegistry.call('rotateMasterKey')
  const topics = (): readonly string[] => loggedMessages(bed.chain.ctx).map(({ destination }) => String.fromCharCode(...destination)).filter((name) => name.startsWith('phala/gatekeeper'))

  test('launch, join, rotate and leave', () => {
    const { chain } = bed
    const second = bed.worker('second')
    chain.assertNoop(call(w), ROOT, 'PhalaRegistry.WorkerNotFound')
    register(w)
    register(second)
    chain.assertNoop(rotate, ROOT, 'PhalaRegistry.MasterKeyUninitialized')
    chain.assertOk(call(w), ROOT)
    chain.assertNoop(call(second), ROOT, 'PhalaRegistry.MasterKeyUninitialized')
    const master = bed.worker('master').pubkey
    send(second, 'master', master)
    expect(storage.gatekeeperMasterPubkey.get(chain.ctx)).toBeUndefined()
    send(w, 'master', master)
    expect(storage.gatekeeperMasterPubkey.get(chain.ctx)).toEqual(master)
    expect(storage.gatekeeperLaunchedAt.get(chain.ctx)).toEqual([1, 1_760_000_000n])
    send(w, 'master', second.pubkey)
    expect(storage.gatekeeperMasterPubkey.get(chain.ctx)).toEqual(master)
    chain.assertOk(call(second), ROOT)
    chain.assertOk(leave(second), ROOT)
    chain.assertNoop(leave(second), ROOT, 'PhalaRegistry.InvalidGatekeeper')
    chain.assertNoop(leave(w), ROOT, 'PhalaRegistry.CannotRemoveLastGatekeeper')
    chain.assertOk(rotate, ROOT)
    expect(storage.masterKeyRotationLock.get(chain.ctx)).toBe(1n)
    for (const blocked of [rotate, call(second), leave(w)]) chain.assertNoop(blocked, ROOT, 'PhalaRegistry.MasterKeyInRotation')
    expect(topics()).toEqual(['phala/gatekeeper/launch', 'phala/gatekeeper/launch', 'phala/gatekeeper/change', 'phala/gatekeeper/change', 'phala/gatekeeper/launch'])
  })
})

describe('genesis', () => {
  test('workers without evidence need a simulated chain', () => {
    const genesis = { workers: [{ pubkey: toHex(w.pubkey), ecdhPubkey: toHex(w.ecdhPubkey), operator: null }], gatekeepers: [toHex(w.pubkey)] }
    expect(() => createRegistryTestbed(crypto, { simulated: false, genesis })).toThrow(expect.objectContaining({ code: 'CHAIN_SPEC_DEVELOPMENT_ONLY' }))
    bed = createRegistryTestbed(crypto, { genesis })
    expect(storage.gatekeeper.get(bed.chain.ctx)).toEqual([w.pubkey])
    expect(storage.workerAddedAt.has(bed.chain.ctx, w.pubkey)).toBe(false)
  })
})
