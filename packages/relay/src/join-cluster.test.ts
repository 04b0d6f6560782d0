import { concatBytes, toHex, utf8 } from '@phalanx/primitives/bytes'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { VersionedWorkerEndpoints } from '@phalanx/primitives/messages'
import { phalaPhatContractsStorage } from '@phalanx/runtime/storage'
import { beforeEach, expect, test } from 'vitest'
import { joinCluster, type JoinDependencies } from './join-cluster.ts'
import { createFakeWorker, type FakeWorker } from './testing.ts'

const crypto = await loadCrypto()
const cluster = new Uint8Array(32).fill(0xcc)
let workers: FakeWorker[]
let announced: Map<string, readonly string[]>

const prefixOf = (pallet: string, item: string): Uint8Array => utf8(`${pallet}.${item}.`)
const storage = (key: Uint8Array): Promise<Uint8Array | undefined> => {
  const at = (item: string, id: Uint8Array): string => toHex(concatBytes(item === 'ClusterWorkers' ? prefixOf('PhalaPhatContracts', item) : prefixOf('PhalaRegistry', item), crypto.twox64(id), id))
  if (toHex(key) === at('ClusterWorkers', cluster)) return Promise.resolve(phalaPhatContractsStorage.clusterWorkers.encode(workers.map(({ identity }) => identity)))
  const member = workers.find(({ identity }) => toHex(key) === at('Endpoints', identity))
  const urls = member === undefined ? undefined : announced.get(toHex(member.identity))
  return Promise.resolve(urls === undefined ? undefined : VersionedWorkerEndpoints.encode({ kind: 'V1', value: urls }))
}
const join = (options: { readonly peers?: JoinDependencies['peers']; readonly fraction?: number } = {}): Promise<void> => {
  const [joiner] = workers as [FakeWorker]
  return joinCluster({ cluster, identity: toHex(joiner.identity) }, {
    worker: joiner.client, node: { metadata: () => Promise.resolve({ storagePrefix: prefixOf }), storage } as unknown as JoinDependencies['node'], crypto,
    peers: options.peers ?? (() => []), fraction: options.fraction ?? 0, connectWorker: (url) => workers.find(({ client }) => client.url === url)?.client ?? createFakeWorker(url, 99).client,
  })
}

beforeEach(() => {
  workers = [1, 2, 3].map((seed) => createFakeWorker(`http://worker${seed}`, seed))
  announced = new Map()
  const [joiner] = workers as [FakeWorker]
  joiner.clusterAwaited = cluster
})

test('a worker at hand gives it, before any that announced an address', async () => {
  const [joiner, second, third] = workers as [FakeWorker, FakeWorker, FakeWorker]
  announced.set(toHex(second.identity), ['http://elsewhere'])
  await join({ peers: () => [{ identity: toHex(second.identity), url: second.client.url }] })
  expect(joiner.loaded.map(toHex)).toEqual([toHex(concatBytes(joiner.identity, second.identity))])
  expect(third.loaded).toEqual([])
})

test('the next member is asked where one does not answer or refuses', async () => {
  const [joiner, second, third] = workers as [FakeWorker, FakeWorker, FakeWorker]
  for (const one of [second, third]) announced.set(toHex(one.identity), ['ftp://nothing', one.client.url])
  second.isOffline = true
  await join()
  expect(joiner.loaded.map(toHex)).toEqual([toHex(concatBytes(joiner.identity, third.identity))])
})

test('nobody has it: the last reason is told', async () => {
  const [, second, third] = workers as [FakeWorker, FakeWorker, FakeWorker]
  await expect(join()).rejects.toMatchObject({ code: 'RELAY_CLUSTER_STATE_NONE', context: { reason: 'it has no other members with an address' } })
  for (const one of [second, third]) {
    announced.set(toHex(one.identity), [one.client.url])
    one.clusterAwaited = cluster
  }
  await expect(join({ fraction: 0.9 })).rejects.toMatchObject({ code: 'RELAY_CLUSTER_STATE_NONE', context: { reason: expect.stringContaining('http://worker2') as string } })
})
