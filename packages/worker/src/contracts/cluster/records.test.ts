import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { createTrie } from '@phalanx/primitives/trie'
import { describe, expect, test } from 'vitest'
import { EMPTY_LOG_RING } from './log-ring.ts'
import { epochsAfter, isOpenAt, withAnnounced, withEpoch } from './epochs.ts'
import { contractsFrom, entriesOf, findDeployed, forgetInvocations, isSeen, putDeployed, readCluster, rememberInvocation, updateRecord, withRecord } from './records.ts'
import { findReceipt, withReceipts, type RecentReceipts } from './recent-receipts.ts'
import { Secret } from '@phalanx/primitives/crypto'
import type { ClusterState, DeployedContract, EpochFact } from './state.ts'

const crypto = await loadCrypto()
const filled = (byte: number): Uint8Array => new Uint8Array(32).fill(byte)
const contract = (byte: number, change: Partial<DeployedContract> = {}): DeployedContract => ({ id: filled(byte), publicKey: filled(byte + 1), deployer: filled(9), weight: 0, hook: undefined, ...change })

const created = (): ClusterState => ({
  id: filled(0), secret: new Secret(new Uint8Array(64)), publicKey: filled(1), epochs: [], deployed: [], nonces: [], receipts: [], logs: EMPTY_LOG_RING, runtimeVersion: [1, 0],
  systemCodeVersion: 1, eventChain: { number: 0n, hash: filled(0) }, reported: [], reportedUpTo: 0, agreed: undefined, differsSince: undefined, gaps: [],
  contracts: withRecord(createTrie({ crypto, version: 0 }), {
    publicKey: filled(1), runtimeVersion: [1, 0], systemCodeVersion: 1, eventChain: { number: 0n, hash: filled(0) }, sequence: 0n, epochs: [],
  }),
})

describe('records of a cluster', () => {
  test('come back from the entries of its state, under the same root', () => {
    let cluster = created()
    for (const byte of [5, 3, 200, 4]) cluster = putDeployed(cluster, contract(byte))
    cluster = putDeployed(cluster, contract(3, { weight: 7, hook: { selector: 0xdeadbeef, gasLimit: 5n } }))
    cluster = rememberInvocation(crypto, cluster, { from: filled(1), nonce: Uint8Array.of(1), block: 9 })
    cluster = rememberInvocation(crypto, cluster, { from: filled(1), nonce: Uint8Array.of(2), block: 4 })
    cluster = updateRecord(cluster, { sequence: 12n, runtimeVersion: [1, 2] })
    const again = contractsFrom(crypto, entriesOf(cluster.contracts))
    expect(again.root).toEqual(cluster.contracts.root)
    expect(readCluster(again)).toEqual({
      record: expect.objectContaining({ sequence: 12n, runtimeVersion: [1, 2] }) as unknown, deployed: cluster.deployed, nonces: cluster.nonces,
    })
    expect(cluster.deployed.map(({ id }) => id[0])).toEqual([3, 4, 5, 200])
    expect(findDeployed(cluster, filled(3))).toMatchObject({ weight: 7, hook: { selector: 0xdeadbeef } })
    expect(findDeployed(cluster, filled(6))).toBeUndefined()
    expect(cluster.nonces.map(({ block }) => block)).toEqual([4, 9])
    expect(readCluster(createTrie({ crypto, version: 0 }))).toBeUndefined()
  })

  test('hold a nonce as long as its invocation could count', () => {
    const invoked = { from: filled(1), nonce: Uint8Array.of(1) }
    const cluster = rememberInvocation(crypto, created(), { ...invoked, block: 10 })
    expect(isSeen(crypto, cluster, invoked)).toBe(true)
    expect(isSeen(crypto, cluster, { ...invoked, from: filled(2) })).toBe(false)
    expect(isSeen(crypto, forgetInvocations(cluster, 266), invoked)).toBe(true)
    const after = forgetInvocations(cluster, 267)
    expect(isSeen(crypto, after, invoked)).toBe(false)
    expect(after.contracts.root).toEqual(created().contracts.root)
  })
})

describe('epochs', () => {
  const fact = (epoch: bigint, since: number) => ({ epoch, publicKey: filled(Number(epoch)), anchor: filled(7), since })
  test('end with the grace after another began, and never later than that', () => {
    const two = withEpoch(withEpoch([], fact(1n, 10), 15), fact(2n, 20), 25)
    expect(two.map(({ retireAt }) => retireAt)).toEqual([25, undefined])
    const three = withEpoch(two, fact(3n, 22), 40)
    expect(three.map(({ retireAt }) => retireAt)).toEqual([25, 40, undefined])
    const [first] = withAnnounced(three, 1n) as [EpochFact, ...EpochFact[]]
    expect(isOpenAt(three[0] as EpochFact, 10)).toBe(false)
    expect([9, 10, 25, 26].map((block) => isOpenAt(first, block))).toEqual([false, true, true, false])
    expect(epochsAfter(three, 24)).toBe(three)
    expect(epochsAfter(three, 25).map(({ epoch }) => epoch)).toEqual([2n, 3n])
  })
})

describe('kept receipts', () => {
  const block = (number: number, bytes: number): RecentReceipts[number] => ({ block: number, root: filled(1), receipts: [{ contract: filled(1), commandHash: filled(number & 0xff), envelope: new Uint8Array(bytes) }] })
  test('are the newest that there is room for, and always those of the last block', () => {
    const recent = [1, 2, 3, 4].reduce<RecentReceipts>((all, number) => withReceipts(all, block(number, 3 * 1024 * 1024)), [])
    expect(recent.map((one) => one.block)).toEqual([3, 4])
    expect(withReceipts(recent, block(5, 20 * 1024 * 1024)).map((one) => one.block)).toEqual([5])
  })
  test('are found by contract and command; of a copy the first', () => {
    const recent = [block(1, 10), block(2, 10), { ...block(1, 20), block: 3 }]
    expect(findReceipt(recent, { contract: filled(1), commandHash: filled(1) })).toMatchObject({ block: { block: 1 }, index: 0 })
    expect(findReceipt(recent, { contract: filled(2), commandHash: filled(1) })).toBeUndefined()
  })
})
