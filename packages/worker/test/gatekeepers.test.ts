import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { toHex } from '@phalanx/primitives/bytes'
import type { Crypto } from '@phalanx/primitives/crypto'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { TOPICS } from '@phalanx/primitives/messages'
import { phalaRegistryStorage as registry } from '@phalanx/runtime/storage'
import { beaconValues, createGatekeeperRig, isVouchedFor, launchGatekeepers, listGatekeeper, type GatekeeperRig } from './gatekeeper-rig.ts'

const KEY_FILE = 'master-key.seal'
const CHECKPOINTS = ['checkpoint-a.seal', 'checkpoint-b.seal']
let crypto: Crypto
let rig: GatekeeperRig
beforeAll(async () => {
  crypto = await loadCrypto()
})
beforeEach(async () => {
  rig = await createGatekeeperRig(crypto)
})

const rounds = (): readonly number[] => beaconValues(rig).map(({ blockNumber }) => blockNumber)
const call = (name: string, args: object = {}): Promise<void> => rig.asRoot({ pallet: 'PhalaRegistry', name, args })
const active = async (name: string): Promise<boolean> => (await rig.statusOf(name)).gatekeeper.startsWith('active')
const alarms = async (): Promise<readonly number[]> => Promise.all([...rig.workers.keys()].map(async (name) => (await rig.statusOf(name)).alarms))
/** The beacon goes on, and every vote given from now on is decided. */
const assertAtWork = async (names: readonly string[]): Promise<void> => {
  const before = rounds().length
  await rig.until('the beacon goes on', () => rounds().length >= before + 2)
  for (const name of names) expect((await rig.statusOf(name)).gatekeeper).toMatch(/^active/)
  expect(await alarms()).toEqual([...rig.workers.keys()].map(() => 0))
  expect(rig.read(registry.confirmedGatekeepers).map(([pubkey]) => toHex(pubkey)).sort()).toEqual(names.map((name) => toHex(rig.keyOf(name))).sort())
}
const files = (name: string, without: readonly string[]): (readonly [string, Uint8Array])[] =>
  [...(rig.workers.get(name)?.blobs.files ?? [])].filter(([file]) => !without.includes(file))

describe('the first gatekeeper', () => {
  test('makes the master key and runs the beacon every fifth block, each value following from the one before', async () => {
    await launchGatekeepers(rig, ['a'])
    await assertAtWork(['a'])
    const values = beaconValues(rig)
    expect(values.map(({ blockNumber }) => blockNumber % 5)).toEqual(values.map(() => 0))
    expect(values.slice(1).map(({ lastRandomNumber }) => toHex(lastRandomNumber))).toEqual(values.slice(0, -1).map(({ randomNumber }) => toHex(randomNumber)))
    expect(rig.read(registry.beacon)?.[0]).toBe(rounds().at(-1))
    const { gatekeeper } = await (rig.workers.get('a') as NonNullable<ReturnType<GatekeeperRig['workers']['get']>>).client.PhactoryAPI.GetInfo({})
    expect(gatekeeper).toEqual({ role: 2, masterPublicKey: toHex(rig.read(registry.gatekeeperMasterPubkey) as Uint8Array).slice(2) })
  })

  test('that crashes before the launch is on the chain, and loses its checkpoints, launches with the same key', async () => {
    await rig.start('a')
    await rig.register('a')
    await call('registerGatekeeper', { gatekeeper: rig.keyOf('a') })
    await rig.relay()
    expect(rig.workers.get('a')?.blobs.files.has(KEY_FILE)).toBe(true)
    const key = (rig.workers.get('a')?.blobs.files.get(KEY_FILE) as Uint8Array).slice()
    await rig.start('a', files('a', CHECKPOINTS))
    await rig.until('a is active', () => active('a'))
    expect(rig.workers.get('a')?.blobs.files.get(KEY_FILE)).toEqual(key)
    await assertAtWork(['a'])
  })
})

describe('a gatekeeper that joins', () => {
  test('is given key and past without following the chain again, and votes alike', async () => {
    await launchGatekeepers(rig, ['a', 'b', 'c'])
    await assertAtWork(['a', 'b', 'c'])
    expect(rig.fromGatekeepers(TOPICS.keyDistribution).map(({ payload }) => payload.kind)).toEqual(['MasterKeyDistribution', 'MasterKeyDistribution'])
  })

  test('goes on without the one that launched, which erases the key when it is dismissed', async () => {
    await launchGatekeepers(rig, ['a', 'b'])
    await call('unregisterGatekeeper', { gatekeeper: rig.keyOf('a') })
    await rig.relay(3)
    expect([(await rig.statusOf('a')).gatekeeper, rig.workers.get('a')?.blobs.files.has(KEY_FILE)]).toEqual(['none', false])
    await assertAtWork(['b'])
    await listGatekeeper(rig, 'a')
    await assertAtWork(['a', 'b'])
  })
})

describe('a gatekeeper that restarts', () => {
  beforeEach(() => launchGatekeepers(rig, ['a', 'b']))

  test('goes on from its checkpoint; what waited for its vote is decided then', async () => {
    const offline = rig.workers.get('b') as NonNullable<ReturnType<typeof rig.workers.get>>
    offline.isOnline = false
    const before = rounds().length
    await rig.relay(12)
    expect(rounds().length).toBeLessThanOrEqual(before + 1)
    await rig.start('b')
    await assertAtWork(['a', 'b'])
    expect(rounds()).toEqual(rounds().map((_, i) => (rounds()[0] as number) + 5 * i))
  })

  test('without checkpoint follows the chain again and finds what it found before', async () => {
    await rig.start('a', files('a', CHECKPOINTS))
    await assertAtWork(['a', 'b'])
  })

  test('without its key file is given the key again', async () => {
    await rig.start('b', files('b', [KEY_FILE]))
    await rig.until('b is suspended', () => rig.read(registry.confirmedGatekeepers).length === 1)
    await rig.until('b is active again', () => active('b'))
    await assertAtWork(['a', 'b'])
    expect(rig.workers.get('b')?.blobs.files.has(KEY_FILE)).toBe(true)
  })

  test('with a damaged key file is given the key again', async () => {
    await rig.start('b', [...files('b', [KEY_FILE]), [KEY_FILE, new Uint8Array(50)]])
    await rig.until('b is suspended', () => rig.read(registry.confirmedGatekeepers).length === 1)
    await rig.until('b is active again', () => active('b'))
    await assertAtWork(['a', 'b'])
  })
})

describe('a rotation of the master key', () => {
  beforeEach(() => launchGatekeepers(rig, ['a', 'b']))
  const rotated = (id: bigint): boolean => rig.read(registry.masterKeyRotationLock) === undefined && rig.read(registry.rotationCounter) === id

  test('gives all of them a fresh key, with which the beacon goes on', async () => {
    const before = rig.read(registry.gatekeeperMasterPubkey)
    await call('rotateMasterKey')
    await rig.until('the rotation ends', () => rotated(1n))
    expect(rig.read(registry.gatekeeperMasterPubkey)).not.toEqual(before)
    await assertAtWork(['a', 'b'])
    await call('rotateMasterKey')
    await rig.until('the next rotation ends', () => rotated(2n))
    await rig.start('c')
    await rig.register('c')
    await rig.until('c may serve', () => isVouchedFor(rig, 'c'))
    await listGatekeeper(rig, 'c')
    expect(rig.fromGatekeepers(TOPICS.keyDistribution).at(-1)?.payload.kind).toBe('MasterKeyHistory')
    await assertAtWork(['a', 'b', 'c'])
  })

  test('survives a crash of both at any block', async () => {
    for (let at = 0; at < 4; at++) {
      await call('rotateMasterKey')
      await rig.relay(at)
      await rig.start('a')
      await rig.start('b', files('b', CHECKPOINTS))
      await rig.until('the rotation ends', () => rotated(BigInt(at + 1)))
      await rig.until('both are active', async () => (await active('a')) && (await active('b')))
    }
    await assertAtWork(['a', 'b'])
  })

  test('is no matter of ECDH keys: those that change meanwhile leave nobody out', async () => {
    await call('rotateMasterKey')
    await rig.start('b')
    await rig.until('the rotation ends', () => rotated(1n))
    expect(rig.read(registry.confirmedGatekeepers)).toHaveLength(2)
    await assertAtWork(['a', 'b'])
  })

  test('whose key is lost by all that voted for it goes on with one that holds the key before and has had another ECDH key since', async () => {
    await launchGatekeepers(rig, ['c'])
    const kept = files('c', [])
    ;(rig.workers.get('c') as NonNullable<ReturnType<GatekeeperRig['workers']['get']>>).isOnline = false
    await call('rotateMasterKey')
    await rig.until('the rotation ends', () => rotated(1n))
    for (const name of ['a', 'b']) await rig.start(name, files(name, [KEY_FILE]))
    await rig.start('c', kept)
    await rig.until('all are active', async () => (await active('a')) && (await active('b')) && (await active('c')))
    await assertAtWork(['a', 'b', 'c'])
  })

  test('ends without one that lost its key file meanwhile, which asks for the keys at once', async () => {
    await call('rotateMasterKey')
    await rig.start('b', files('b', [KEY_FILE]))
    await rig.until('the rotation ends', () => rotated(1n))
    await rig.until('b is active', () => active('b'))
    await assertAtWork(['a', 'b'])
  })

  test('counts nobody as a holder that could not open the new key: the last one that could stays until it has passed it on', async () => {
    await launchGatekeepers(rig, ['c'])
    const kept = files('c', [])
    ;(rig.workers.get('c') as NonNullable<ReturnType<GatekeeperRig['workers']['get']>>).isOnline = false
    await call('rotateMasterKey')
    await rig.until('the rotation ends', () => rotated(1n))
    for (const name of ['a', 'b']) await call('unregisterGatekeeper', { gatekeeper: rig.keyOf(name) })
    await rig.relay()
    await rig.start('c', kept)
    await rig.until('c is active', () => active('c'))
    await assertAtWork(['b', 'c'])
  })
})

describe('evidence', () => {
  test('of every registration is judged again, and the verdict admits the worker', async () => {
    await launchGatekeepers(rig, ['a', 'b'])
    await rig.start('w')
    const before = rig.fromGatekeepers(TOPICS.registrationVerdict).length
    await rig.register('w')
    await rig.until('w may serve', () => isVouchedFor(rig, 'w'))
    const verdicts = rig.fromGatekeepers(TOPICS.registrationVerdict).slice(before)
    expect(verdicts.map(({ payload }) => [toHex(payload.pubkey), payload.accepted, payload.confidenceLevel])).toEqual([[toHex(rig.keyOf('w')), true, 1]])
    await assertAtWork(['a', 'b'])
  })
})

describe('the economy', () => {
  test('is replayed alike: a worker that does not answer is reported once, by both', async () => {
    await launchGatekeepers(rig, ['a', 'b'])
    const pubkey = new Uint8Array(32).fill(8)
    const event = (value: Parameters<typeof TOPICS.systemEvent.payload.encode>[0]): Promise<void> => rig.tell(TOPICS.systemEvent, value)
    await event({ kind: 'WorkerEvent', value: { pubkey, event: { kind: 'Registered', value: { confidenceLevel: 1 } } } })
    await event({ kind: 'WorkerEvent', value: { pubkey, event: { kind: 'Started', value: { sessionId: 1, initV: 3000n << 64n, initP: 100 } } } })
    await event({ kind: 'HeartbeatChallenge', value: { seed: 0n, onlineTarget: (1n << 256n) - 1n } })
    await rig.relay(9)
    const state = await (rig.workers.get('a') as NonNullable<ReturnType<typeof rig.workers.get>>).client.PhactoryAPI.GetWorkerState({ publicKey: pubkey })
    expect(state).toMatchObject({ registered: true, unresponsive: false, workingState: { sessionId: 1, paused: false }, tokenomicInfo: { vInit: '3000.00000000000000000000', confidenceLevel: 1 } })
    expect(state.waitingHeartbeats).toHaveLength(1)
    await rig.start('b')
    await rig.start('a', files('a', CHECKPOINTS))
    await rig.until('the worker is reported', () => rig.fromGatekeepers(TOPICS.workingUpdate).length > 0)
    const updates = rig.fromGatekeepers(TOPICS.workingUpdate).map(({ payload }) => payload)
    expect(updates).toHaveLength(1)
    expect(updates[0]?.offline.map(toHex)).toEqual([toHex(pubkey)])
    await assertAtWork(['a', 'b'])
  })
})
