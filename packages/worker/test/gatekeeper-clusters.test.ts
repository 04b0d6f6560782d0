/** Gatekeepers on a real chain and real disks make keys for clusters; what their workers would receive is opened here. */
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { bytesEqual, compareBytes, toHex, utf8 } from '@phalanx/primitives/bytes'
import { Secret, type Crypto } from '@phalanx/primitives/crypto'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { clusterIdOf, TOPICS, type ClusterOperation, type WorkerIdentity } from '@phalanx/primitives/messages'
import { UNIT } from '@phalanx/primitives/fixed'
import { phalaPhatContractsStorage as phat, phalaRegistryStorage as registry } from '@phalanx/runtime/storage'
import { clusterEpochContext, clusterKeyContext, openClusterSecret } from '../src/gatekeeper/cluster-shares.ts'
import { createGatekeeperRig, isVouchedFor, launchGatekeepers, listGatekeeper, type GatekeeperRig } from './gatekeeper-rig.ts'

type DispatchedKeys = Extract<ClusterOperation, { kind: 'DispatchKeys' }>['value']

const CHECKPOINTS = ['checkpoint-a.seal', 'checkpoint-b.seal']
const [FIRST, SECOND] = [clusterIdOf(1n), clusterIdOf(2n)]
let crypto: Crypto
let rig: GatekeeperRig
beforeAll(async () => {
  crypto = await loadCrypto()
})
beforeEach(async () => {
  rig = await createGatekeeperRig(crypto)
})

const pair = (name: string) => {
  const { secret, publicKey } = crypto.sr25519.pairFromSeed(crypto.sha256(utf8(name)))
  return { publicKey, secret: new Secret(secret) }
}
/** A worker of a cluster; `start` tells its ECDH keys apart. */
const member = (name: string, start = 0): WorkerIdentity => ({ pubkey: pair(name).publicKey, ecdhPubkey: pair(`${name} ${start}`).publicKey })
const terms = { deposit: 1n, gasPrice: 2n, depositPerItem: 3n, depositPerByte: 4n, treasuryAccount: new Uint8Array(32).fill(5) }
const owner = new Uint8Array(32).fill(6)
/** Has the gatekeepers make a cluster's key for workers that the chain does not know; the cluster it knows, lest it tell them that there is none. */
const deploy = async (cluster: Uint8Array, workers: readonly WorkerIdentity[]): Promise<void> => {
  const info = phat.clusters.encode({ owner, permission: { kind: 'Public' }, systemContract: cluster, gasPrice: 0n, depositPerItem: 0n, depositPerByte: 0n })
  await rig.asRoot({ pallet: 'System', name: 'setStorage', args: { items: [[phat.clusters.key(crypto, cluster), info]] } })
  await rig.tell(TOPICS.clusterEvent, { kind: 'DeployCluster', value: { owner, cluster, workers, ...terms } })
}
const add = (cluster: Uint8Array, worker: WorkerIdentity): Promise<void> => rig.tell(TOPICS.clusterNotice, { kind: 'WorkerAdded', value: { cluster, worker } })
const published = (): readonly { readonly cluster: Uint8Array; readonly pubkey: Uint8Array }[] => rig.fromGatekeepers(TOPICS.clusterRegistryEvent).map(({ payload }) => payload.value)
const dispatched = (): readonly DispatchedKeys[] =>
  rig.fromGatekeepers(TOPICS.clusterOperation).flatMap(({ payload }) => (payload.kind === 'DispatchKeys' ? [payload.value] : []))
/** Public half of the secret that a worker finds among dispatched keys. */
const opened = ({ cluster, secretKeys }: DispatchedKeys, name: string, start = 0): Uint8Array | undefined => {
  const sealed = secretKeys.find(([worker]) => toHex(worker) === toHex(pair(name).publicKey))?.[1]
  const secret = sealed === undefined ? undefined : openClusterSecret(crypto, { keys: [pair(`${name} ${start}`)], sealed, context: clusterKeyContext(rig.genesisHash, cluster) })
  return secret === undefined ? undefined : crypto.sr25519.pairFromSecret(secret).publicKey
}
const alarms = async (): Promise<readonly number[]> => Promise.all([...rig.workers.keys()].map(async (name) => (await rig.statusOf(name)).alarms))
const assertQuiet = async (): Promise<void> => expect(await alarms()).toEqual([...rig.workers.keys()].map(() => 0))
const files = (name: string, without: readonly string[]): (readonly [string, Uint8Array])[] =>
  [...(rig.workers.get(name)?.blobs.files ?? [])].filter(([file]) => !without.includes(file))
const rotate = async (): Promise<void> => {
  const id = rig.read(registry.rotationCounter) + 1n
  await rig.asRoot({ pallet: 'PhalaRegistry', name: 'rotateMasterKey', args: {} })
  await rig.until('the rotation ends', () => rig.read(registry.masterKeyRotationLock) === undefined && rig.read(registry.rotationCounter) === id)
}

describe('the key of a cluster', () => {
  test('is the same by every gatekeeper, opens at every worker, and follows its publication', async () => {
    await launchGatekeepers(rig, ['a', 'b'])
    await deploy(FIRST, [member('x'), member('y')])
    await rig.until('keys are dispatched', () => dispatched().length === 1)
    const [event] = dispatched() as [DispatchedKeys]
    const [{ pubkey, cluster }] = published() as [ReturnType<typeof published>[number]]
    expect([cluster, event.cluster, event.owner]).toEqual([FIRST, FIRST, owner])
    expect({ ...terms, ...event }).toEqual(event)
    expect([opened(event, 'x'), opened(event, 'y')]).toEqual([pubkey, pubkey])
    expect(opened(event, 'x', 1)).toBeUndefined()
    const order = [TOPICS.clusterRegistryEvent, TOPICS.clusterOperation].map((topic) => rig.fromGatekeepers<unknown>(topic)[0]?.block ?? 0)
    expect(order).toEqual([...order].sort((one, other) => one - other))
    await assertQuiet()
  })

  test('waits for as many gatekeepers as agree on anything', async () => {
    await launchGatekeepers(rig, ['a', 'b'])
    const b = rig.workers.get('b') as NonNullable<ReturnType<typeof rig.workers.get>>
    b.isOnline = false
    await deploy(FIRST, [member('x')])
    await rig.relay(5)
    expect([published(), dispatched()]).toEqual([[], []])
    b.isOnline = true
    await rig.until('keys are dispatched', () => dispatched().length === 1)
    await assertQuiet()
  })

  test('goes to a worker that comes or asks later, and to it alone', async () => {
    await launchGatekeepers(rig, ['a', 'b'])
    await deploy(FIRST, [member('x')])
    await rig.until('keys are dispatched', () => dispatched().length === 1)
    await add(FIRST, member('z'))
    await add(FIRST, member('x', 1))
    await rig.until('keys are dispatched again', () => dispatched().length === 3)
    const [, late, again] = dispatched() as [DispatchedKeys, DispatchedKeys, DispatchedKeys]
    expect([late.secretKeys.length, again.secretKeys.length, published().length]).toEqual([1, 1, 1])
    expect([opened(late, 'z'), opened(again, 'x', 1)]).toEqual([published()[0]?.pubkey, published()[0]?.pubkey])
    await assertQuiet()
  })

  test('stays what it was when the master key changes; new clusters follow the new one', async () => {
    await launchGatekeepers(rig, ['a', 'b'])
    await deploy(FIRST, [member('x')])
    await rig.until('keys are dispatched', () => dispatched().length === 1)
    await rotate()
    await add(FIRST, member('z'))
    await deploy(FIRST, [member('x')])
    await deploy(SECOND, [member('y')])
    await rig.until('keys are dispatched', () => dispatched().length === 4)
    const [before, late, again, other] = dispatched() as [DispatchedKeys, DispatchedKeys, DispatchedKeys, DispatchedKeys]
    expect(again).toEqual(before)
    expect(opened(late, 'z')).toEqual(opened(before, 'x'))
    expect(published().map(({ pubkey }) => toHex(pubkey))).toEqual([opened(before, 'x'), opened(before, 'x'), opened(other, 'y')].map((key) => toHex(key as Uint8Array)))
    // Senders' keys tell from which master key a share was made.
    const senderOf = ({ secretKeys }: DispatchedKeys): string => toHex(secretKeys[0]?.[1].ecdhPubkey as Uint8Array)
    expect([senderOf(late), senderOf(other) === senderOf(before)]).toEqual([senderOf(before), false])
    await assertQuiet()
  })

  test('is left out for a worker whose ECDH key is the gatekeepers\' own, and the others have it', async () => {
    await launchGatekeepers(rig, ['a'])
    await deploy(FIRST, [member('x')])
    await rig.until('keys are dispatched', () => dispatched().length === 1)
    const stolen = dispatched()[0]?.secretKeys[0]?.[1].ecdhPubkey as Uint8Array
    await deploy(FIRST, [member('x'), { pubkey: pair('y').publicKey, ecdhPubkey: stolen }])
    await rig.until('keys are dispatched again', () => dispatched().length === 2)
    expect(dispatched()[1]?.secretKeys.map(([worker]) => worker)).toEqual([pair('x').publicKey])
    await assertQuiet()
  })
})

describe('gatekeepers that start again', () => {
  test('between the wish and its outcome, with and without checkpoints, come to the same keys', async () => {
    await launchGatekeepers(rig, ['a', 'b'])
    for (let at = 0; at < 3; at++) {
      await deploy(clusterIdOf(BigInt(at + 1)), [member('x')])
      await rig.relay(at)
      await rig.start('a')
      await rig.start('b', files('b', CHECKPOINTS))
      await rig.until('keys are dispatched', () => dispatched().length === at + 1)
      expect(opened(dispatched()[at] as DispatchedKeys, 'x')).toEqual(published()[at]?.pubkey)
    }
    await rig.start('a', files('a', CHECKPOINTS))
    await add(FIRST, member('z'))
    await rig.until('keys are dispatched', () => dispatched().length === 4)
    expect(opened(dispatched()[3] as DispatchedKeys, 'z')).toEqual(published()[0]?.pubkey)
    await assertQuiet()
  })

  test('one that joins later knows the clusters of the past, those made while it joined, and which are gone', async () => {
    await launchGatekeepers(rig, ['a'])
    await deploy(FIRST, [member('x')])
    await rotate()
    await rig.start('b')
    await rig.register('b')
    await rig.until('b may serve', () => isVouchedFor(rig, 'b'))
    await rig.asRoot({ pallet: 'PhalaRegistry', name: 'registerGatekeeper', args: { gatekeeper: rig.keyOf('b') } })
    await deploy(SECOND, [member('y')])
    await deploy(clusterIdOf(3n), [member('v')])
    await rig.tell(TOPICS.clusterOperation, { kind: 'DestroyCluster', value: clusterIdOf(3n) })
    await listGatekeeper(rig, 'b')
    const before = dispatched().length
    for (const [cluster, name] of [[FIRST, 'z'], [SECOND, 'w']] as const) await add(cluster, member(name))
    await rig.until('keys are dispatched', () => dispatched().length === before + 2)
    const [z, w] = dispatched().slice(-2) as [DispatchedKeys, DispatchedKeys]
    const keyOf = (cluster: Uint8Array): Uint8Array | undefined => published().find((one) => toHex(one.cluster) === toHex(cluster))?.pubkey
    expect([opened(z, 'z'), opened(w, 'w')]).toEqual([keyOf(FIRST), keyOf(SECOND)])
    await add(clusterIdOf(3n), member('v', 1))
    await rig.relay(5)
    expect(dispatched()).toHaveLength(before + 2)
    await assertQuiet()
  })
})

describe('channel keys of an epoch', () => {
  const request = (epoch: bigint, workers: readonly WorkerIdentity[]): Promise<void> =>
    rig.tell(TOPICS.clusterNotice, { kind: 'EpochRequested', value: { cluster: FIRST, epoch, workers } })
  const candidates = () => rig.fromWorkers(TOPICS.clusterEpochCandidate).map(({ payload }) => payload)

  test('are proposed once per request by every gatekeeper, each another, and open at the workers', async () => {
    await launchGatekeepers(rig, ['a', 'b'])
    const workers = [member('x'), member('y')]
    await request(3n, workers)
    await rig.relay(6)
    expect(candidates().map(({ cluster, epoch, secretKeys }) => [cluster, epoch, secretKeys.map(([worker]) => worker)])).toEqual(
      [0, 1].map(() => [FIRST, 3n, workers.map(({ pubkey }) => pubkey).sort(compareBytes)]))
    const context = clusterEpochContext(rig.genesisHash, { cluster: FIRST, epoch: 3n })
    for (const { pubkey, secretKeys } of candidates()) {
      const secrets = ['x', 'y'].map((name) => {
        const sealed = secretKeys.find(([worker]) => toHex(worker) === toHex(pair(name).publicKey))?.[1] as NonNullable<typeof secretKeys[0]>[1]
        return openClusterSecret(crypto, { keys: [pair(`${name} 0`)], sealed, context }) as Uint8Array
      })
      expect(secrets[0]).toEqual(secrets[1])
      expect(crypto.sr25519.pairFromSecret(secrets[0] as Uint8Array).publicKey).toEqual(pubkey)
    }
    const shares = candidates().flatMap(({ secretKeys }) => secretKeys.map(([, { ecdhPubkey }]) => toHex(ecdhPubkey)))
    expect(new Set([...shares, ...candidates().map(({ pubkey }) => toHex(pubkey))]).size).toBe(6)
    await request(3n, workers)
    await rig.relay(6)
    expect(new Set(candidates().map(({ pubkey }) => toHex(pubkey))).size).toBe(4)
    await assertQuiet()
  })

  test('are proposed by one that was away, unless they began meanwhile; not for nobody, nor for what is no key', async () => {
    await launchGatekeepers(rig, ['a'])
    const a = rig.workers.get('a') as NonNullable<ReturnType<typeof rig.workers.get>>
    a.isOnline = false
    await request(3n, [member('x')])
    await rig.relay()
    await rig.tell(TOPICS.clusterNotice, { kind: 'EpochBegan', value: { cluster: FIRST, epoch: 3n, pubkey: owner, retireAt: 100 } })
    await rig.relay()
    a.isOnline = true
    await rig.relay(4)
    expect(candidates()).toEqual([])
    await request(4n, [])
    await request(5n, [{ pubkey: owner, ecdhPubkey: new Uint8Array(32).fill(255) }])
    await rig.relay(4)
    expect(candidates()).toEqual([])
    a.isOnline = false
    await request(6n, [member('x')])
    await rig.relay(3)
    await rig.start('a')
    await rig.relay(4)
    expect(candidates().map(({ epoch }) => epoch)).toEqual([6n])
  })
})

describe('a cluster of workers with stake', () => {
  const CLUSTER_FILE = 'cluster.seal'
  const STAKE = 2000n * UNIT
  const of = (name: string) => rig.workers.get(name) as NonNullable<ReturnType<typeof rig.workers.get>>
  const read = <T, A extends readonly unknown[]>(item: { key(hasher: Crypto, ...args: A): Uint8Array; decode(bytes: Uint8Array | undefined): T }, ...args: A): T =>
    rig.read({ key: (hasher) => item.key(hasher, ...args), decode: (bytes) => item.decode(bytes) })
  const pool = (name: string, args: object): Promise<void> => rig.submit({ pallet: 'PhalaStakePoolv2', name, args })
  /** Starts a worker that computes with enough at stake. */
  const stake = async (name: string): Promise<void> => {
    await rig.start(name)
    await rig.register(name)
    await rig.until(`${name} may serve`, () => isVouchedFor(rig, name))
    const worker = rig.keyOf(name)
    const info = read(registry.workers, worker) as NonNullable<ReturnType<typeof registry.workers.decode>>
    const items = [[registry.workers.key(crypto, worker), registry.workers.encode({ ...info, initialScore: 100, operator: rig.owner })]]
    await rig.asRoot({ pallet: 'System', name: 'setStorage', args: { items } })
    await pool('addWorker', { pid: 0n, pubkey: worker })
    await pool('startComputing', { pid: 0n, worker, stake: STAKE })
    await rig.relay(2)
  }
  const epoch = (): bigint => read(phat.clusterEpoch, FIRST)?.current ?? 0n
  const members = (): readonly Uint8Array[] => read(phat.clusterWorkers, FIRST)
  const deployAll = async (): Promise<void> => {
    rig = await createGatekeeperRig(crypto, { PhalaComputation: { heartbeatPaused: true }, PhalaPhatContracts: { rotationPeriodBlocks: 40, graceBlocks: 10 } })
    await launchGatekeepers(rig, ['a', 'b'])
    await rig.submit({ pallet: 'PhalaWrappedBalances', name: 'wrap', args: { amount: 20_000n * UNIT } })
    await pool('create', {})
    await pool('contribute', { pid: 0n, amount: 20_000n * UNIT, asVault: undefined })
    for (const name of ['x', 'y']) await stake(name)
    await rig.asRoot({ pallet: 'PhalaPhatContracts', name: 'addCluster', args: {
      owner: rig.owner, permission: { kind: 'Public' }, deployWorkers: [rig.keyOf('x'), rig.keyOf('y')], deposit: UNIT, gasPrice: 0n, depositPerItem: 0n, depositPerByte: 0n,
      treasuryAccount: rig.owner,
    } })
    await rig.until('the first epoch begins', () => epoch() === 1n)
    await rig.relay()
  }

  test('is given its key and a first epoch, whose secret all members hold', async () => {
    await deployAll()
    expect(members()).toEqual([rig.keyOf('x'), rig.keyOf('y')])
    const [keys] = rig.fromGatekeepers(TOPICS.clusterOperation)
    const [proposal] = rig.fromWorkers(TOPICS.clusterEpochCandidate)
    expect(keys?.block).toBeLessThanOrEqual(proposal?.block ?? 0)
    expect(read(registry.clusterKeys, FIRST)).toEqual(published()[0]?.pubkey)
    expect(read(phat.clusterChannelKeys, FIRST, 1n)?.pubkey).toEqual(proposal?.payload.pubkey)
    for (const name of ['x', 'y']) expect(of(name).blobs.files.has(CLUSTER_FILE)).toBe(true)
    expect(rig.fromWorkers(TOPICS.clusterKeyRequest)).toEqual([])
    await assertQuiet()
  })

  test('sends its keys again to a member that lost them, and goes on with an epoch that it knows', async () => {
    await deployAll()
    await rig.start('y', files('y', [CLUSTER_FILE]))
    await rig.until('y asks', () => rig.fromWorkers(TOPICS.clusterKeyRequest).length === 1)
    await rig.until('another epoch begins', () => epoch() === 2n)
    await rig.relay()
    expect(dispatched().at(-1)?.secretKeys.map(([worker]) => worker)).toEqual([rig.keyOf('y')])
    expect(of('y').blobs.files.has(CLUSTER_FILE)).toBe(true)
    await rig.relay(30)
    expect([epoch(), rig.fromWorkers(TOPICS.clusterKeyRequest).length]).toEqual([2n, 1])
    await assertQuiet()
  })

  test('is known to a member that begins at a checkpoint of the chain, which is given its keys', async () => {
    await deployAll()
    const identity = rig.keyOf('y')
    await rig.start('y', files('y', [CLUSTER_FILE, ...CHECKPOINTS]), identity)
    expect((await rig.statusOf('y')).blockNumber).toBe(rig.height)
    await rig.until('y asks', () => rig.fromWorkers(TOPICS.clusterKeyRequest).length === 1)
    await rig.until('another epoch begins', () => epoch() === 2n)
    await rig.relay()
    expect(dispatched().at(-1)?.secretKeys.map(([worker]) => worker)).toEqual([identity])
    expect(of('y').blobs.files.has(CLUSTER_FILE)).toBe(true)
  })

  test('changes its keys in time and for a member that comes or goes', async () => {
    await deployAll()
    const since = rig.height
    await rig.until('another epoch begins', () => epoch() === 2n)
    expect(rig.height - since).toBeGreaterThan(30)
    await stake('z')
    await rig.submit({ pallet: 'PhalaPhatContracts', name: 'addWorkerToCluster', args: { workerPubkey: rig.keyOf('z'), clusterId: FIRST } })
    await rig.until('another epoch begins', () => epoch() === 3n)
    expect(dispatched().at(-1)?.secretKeys.map(([worker]) => worker)).toEqual([rig.keyOf('z')])
    expect(rig.fromWorkers(TOPICS.clusterEpochCandidate).at(-1)?.payload.secretKeys).toHaveLength(3)
    await rig.submit({ pallet: 'PhalaPhatContracts', name: 'removeWorkerFromCluster', args: { workerPubkey: rig.keyOf('x'), clusterId: FIRST } })
    await rig.until('another epoch begins', () => epoch() === 4n)
    const last = rig.fromWorkers(TOPICS.clusterEpochCandidate).at(-1)?.payload.secretKeys.map(([worker]) => worker) ?? []
    expect([last.length, last.some((worker) => bytesEqual(worker, rig.keyOf('x')))]).toEqual([2, false])
    await assertQuiet()
  })
})
