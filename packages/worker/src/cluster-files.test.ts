import { toHex } from '@phalanx/primitives/bytes'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { BUILTIN_SYSTEM_CODE, clusterIdOf, createMessage, palletOrigin, TOPICS, type ClusterOperation, type Message } from '@phalanx/primitives/messages'
import { beforeEach, describe, expect, test } from 'vitest'
import { CLUSTER_FILE } from './contracts/cluster/keyring.ts'
import { clusterEpochContext, clusterKeyContext, sealClusterSecret } from './gatekeeper/cluster-shares.ts'
import { createHarness, type WorkerHarness } from './testing.ts'

const crypto = await loadCrypto()
const PHAT = palletOrigin('PhalaPhatContracts')
const id = clusterIdOf(1n)
const cluster = crypto.sr25519.pairFromSeed(new Uint8Array(32).fill(3))
const epochKey = crypto.sr25519.pairFromSeed(new Uint8Array(32).fill(4))
const terms = { owner: new Uint8Array(32).fill(1), deposit: 10n ** 20n, gasPrice: 1n, depositPerItem: 1n, depositPerByte: 1n, treasuryAccount: new Uint8Array(32).fill(2) }
let harness: WorkerHarness
let pubkey: Uint8Array

const seal = async (...messages: readonly Message[]): Promise<void> => {
  harness.registry.seal({ messages })
  await harness.sync()
}
const ecdh = (): Uint8Array => harness.registry.anchor(pubkey)?.ecdhPubkey ?? pubkey
const operation = (value: ClusterOperation, sender: Message['sender'] = PHAT): Message => createMessage(sender, TOPICS.clusterOperation, value)
const dispatch = (): readonly Message[] => {
  const sealed = sealClusterSecret(crypto, { secret: cluster.secret, recipient: ecdh(), seed: new Uint8Array(32).fill(5), context: clusterKeyContext(harness.chain.genesisHash, id) })
  return [
    createMessage(PHAT, TOPICS.clusterNotice, { kind: 'SystemCode', value: { version: 1, code: BUILTIN_SYSTEM_CODE } }),
    createMessage(PHAT, TOPICS.clusterEvent, { kind: 'DeployCluster', value: { cluster: id, workers: [{ pubkey, ecdhPubkey: ecdh() }], ...terms } }),
    operation({ kind: 'DispatchKeys', value: { secretKeys: [[pubkey, sealed]], cluster: id, ...terms } }, { kind: 'Gatekeeper' }),
  ]
}
const beginEpoch = (epoch: bigint, retireAt: number): readonly Message[] => {
  const sealed = sealClusterSecret(crypto, { secret: epochKey.secret, recipient: ecdh(), seed: new Uint8Array(32).fill(6), context: clusterEpochContext(harness.chain.genesisHash, { cluster: id, epoch }) })
  return [
    createMessage(PHAT, TOPICS.clusterEpochKeys, { cluster: id, epoch, secretKeys: [[pubkey, sealed]] }),
    createMessage(PHAT, TOPICS.clusterNotice, { kind: 'EpochBegan', value: { cluster: id, epoch, pubkey: epochKey.publicKey, retireAt } }),
  ]
}
const info = async () => (await harness.client.PhactoryAPI.GetInfo({})).system
const status = () => harness.client.PhalanxAPI.Status({})

beforeEach(async () => {
  harness = await createHarness(crypto)
  await harness.register()
  pubkey = harness.worker.identity() ?? new Uint8Array(32)
})

describe('a worker\'s files of its cluster', () => {
  test('bring it back after a crash, without a message being opened again', async () => {
    await seal(...dispatch())
    await seal(...beginEpoch(1n, 0))
    expect(await info()).toMatchObject({ numberOfClusters: 1n, numberOfContracts: 1n })
    expect(harness.blobs.files.has(CLUSTER_FILE)).toBe(true)
    const before = harness.worker.exportState()
    await harness.start()
    expect(await info()).toMatchObject({ numberOfClusters: 1n, numberOfContracts: 1n })
    expect((await status()).clusterReason).toContain('runs 1 contracts')
    expect(before).toBeDefined()
  })

  test('bring it back when the worker was killed between sealing the secrets and the checkpoint', async () => {
    const earlier = new Map(harness.blobs.files)
    await seal(...dispatch())
    await seal(...beginEpoch(1n, 0))
    const later = harness.blobs.files.get(CLUSTER_FILE)
    harness.blobs.files.clear()
    for (const [name, bytes] of earlier) harness.blobs.files.set(name, bytes)
    harness.blobs.files.set(CLUSTER_FILE, later ?? new Uint8Array(0))
    await harness.start()
    expect(await info()).toMatchObject({ numberOfClusters: 0n })
    await harness.sync(1)
    expect(await info()).toMatchObject({ numberOfClusters: 1n, numberOfContracts: 1n })
    expect(harness.worker.status().state).not.toBe('halted')
  })

  test('a step whose secrets could not be sealed has not happened, and can be repeated', async () => {
    harness.registry.seal({ messages: dispatch() })
    harness.blobs.failWrites = true
    await expect(harness.sync()).rejects.toThrow()
    expect(await info()).toMatchObject({ numberOfClusters: 0n })
    harness.blobs.failWrites = false
    await harness.sync()
    expect(await info()).toMatchObject({ numberOfClusters: 1n })
  })

  test('are removed when it leaves; it goes on as a worker', async () => {
    await seal(...dispatch())
    await seal(operation({ kind: 'RemoveWorker', value: { clusterId: id, worker: pubkey } }))
    expect(harness.blobs.files.has(CLUSTER_FILE)).toBe(false)
    expect(await info()).toMatchObject({ numberOfClusters: 0n, numberOfContracts: 0n })
    await harness.relay(3)
    await harness.start()
    expect(await info()).toMatchObject({ numberOfClusters: 0n })
    expect((await status()).clusterReason).toBeUndefined()
  })

  test('that are damaged are left as they are; the worker asks for the keys, and goes on with them', async () => {
    await seal(...dispatch())
    const file = (harness.blobs.files.get(CLUSTER_FILE) ?? new Uint8Array(0)).slice()
    file[file.length - 1] = (file.at(-1) ?? 0) ^ 1
    harness.blobs.files.set(CLUSTER_FILE, file)
    await harness.start()
    expect((await status()).clusterReason).toContain('secrets of the cluster are lost')
    expect(toHex(harness.blobs.files.get(CLUSTER_FILE) ?? new Uint8Array(0))).toBe(toHex(file))
    await harness.relay(6)
    const asked = harness.registry.taken(pubkey).filter(({ message }) => toHex(message.destination) === toHex(TOPICS.clusterKeyRequest.topic))
    expect(asked).toHaveLength(1)
    await seal(...dispatch().slice(-1))
    expect(await info()).toMatchObject({ numberOfClusters: 1n, numberOfContracts: 1n })
    expect(toHex(harness.blobs.files.get(CLUSTER_FILE) ?? new Uint8Array(0))).not.toBe(toHex(file))
  })

  test('a worker of a running cluster does not hand out its state to strangers, nor asks for any', async () => {
    await seal(...dispatch())
    await expect(harness.client.PhactoryAPI.GenerateClusterStateRequest({})).rejects.toMatchObject({ context: { code: 'CLUSTER_STATE_REFUSED' } })
    await expect(harness.client.PhactoryAPI.SaveClusterState({ receiver: '', minBlockNumber: 0, signature: '', encodedRequest: new Uint8Array(10) })).rejects.toThrow()
    await expect(harness.client.PhactoryAPI.LoadClusterState({ blockNumber: 0, filename: '', encodedState: new Uint8Array(10) })).rejects.toMatchObject({ context: { code: 'CLUSTER_STATE_REFUSED' } })
  })
})
