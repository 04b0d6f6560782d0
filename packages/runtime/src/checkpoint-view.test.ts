import { beforeEach, describe, expect, test } from 'vitest'
import { bytesEqual, bytesToKey } from '@phalanx/primitives/bytes'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { BUILTIN_SYSTEM_CODE } from '@phalanx/primitives/messages'
import { createTrie, readProof } from '@phalanx/primitives/trie'
import { checkpointKeys, readCheckpointView } from './checkpoint-view.ts'
import { ROOT, signed } from './frame/origin.ts'
import { phalaPhatContracts } from './pallets/phala-phat-contracts/pallet.ts'
import * as phat from './pallets/phala-phat-contracts/storage.ts'
import { createPhatTestbed, filled, type PhatTestbed } from './pallets/phala-phat-contracts/testing.ts'
import type { TestSession } from './pallets/phala-computation/testing.ts'
import { parentHash } from './pallets/system/storage.ts'

const crypto = await loadCrypto()
let bed: PhatTestbed
let a: TestSession
let b: TestSession
const read = (key: Uint8Array): Uint8Array | undefined => bed.chain.ctx.storage.get(bytesToKey(key))
const viewOf = (worker: Uint8Array | undefined) => readCheckpointView(crypto, read, worker)
const rotate = (cluster: Uint8Array) => bed.chain.assertOk(phalaPhatContracts.call('rotateClusterEpoch', { clusterId: cluster }), signed(bed.owner))

beforeEach(() => {
  bed = createPhatTestbed(crypto, { genesis: { runtimeVersion: [1, 3] } })
  a = bed.worker('a')
  b = bed.worker('b')
})

describe('what a checkpoint shows of clusters', () => {
  test('is code, version and parameters to everybody', () => {
    const expected = {
      systemCode: { version: 1, code: BUILTIN_SYSTEM_CODE }, runtimeVersion: [1, 3], parameters: { rotationPeriodBlocks: 20, graceBlocks: 5, reportIntervalBlocks: 10 },
    }
    expect(viewOf(undefined)).toMatchObject({ clusters: expected, own: undefined })
    expect(viewOf(a.worker)).toMatchObject({ clusters: expected, own: { cluster: undefined } })
    phat.pinkSystemCode.set(bed.chain.ctx, [0, new Uint8Array(0)])
    expect(viewOf(undefined).clusters.systemCode).toBeUndefined()
  })

  test('is a worker\'s own cluster with its members, whether it has a key, and its epochs with their anchors', () => {
    const id = bed.created([a, b])
    expect(viewOf(a.worker).own?.cluster).toEqual({ cluster: id, members: [a.worker, b.worker], isDeployed: false, epochs: [] })
    bed.dispatchKeys(id)
    bed.beginEpoch(id, 1n)
    const since = bed.chain.ctx.block.number
    const first = { epoch: 1n, pubkey: bed.epochKey(1n), since }
    expect(viewOf(b.worker).own?.cluster).toEqual({
      cluster: id, members: [a.worker, b.worker], isDeployed: true, epochs: [{ ...first, anchor: undefined, retireAt: undefined }] })
    parentHash.set(bed.chain.ctx, filled(9))
    bed.chain.nextBlock()
    const anchor = parentHash.get(bed.chain.ctx)
    rotate(id)
    bed.beginEpoch(id, 2n)
    expect(viewOf(a.worker).own?.cluster?.epochs).toEqual([
      { ...first, anchor, retireAt: since + 1 + 5 }, { epoch: 2n, pubkey: bed.epochKey(2n), since: since + 1, anchor: undefined, retireAt: undefined }])
    bed.chain.assertOk(phalaPhatContracts.call('clusterDestroy', { cluster: id }), ROOT)
    expect(viewOf(a.worker).own?.cluster).toBeUndefined()
  })

  test('is proven by the keys that are listed, also where the system code is as long as it may be', () => {
    const id = bed.cluster([a])
    bed.beginEpoch(id, 1n)
    const longest = filled(3, 2 * 1024 * 1024)
    phat.pinkSystemCode.set(bed.chain.ctx, [7, longest])
    const keys = checkpointKeys(crypto, read, a.worker)
    const entries = new Map(keys.flatMap((key) => {
      const value = read(key)
      return value === undefined ? [] : [[bytesToKey(key), [key, value] as const] as const]
    }))
    const state = createTrie({ crypto, version: 1 }).apply([...entries.values()])
    const reader = readProof({ crypto, root: state.root, proof: state.prove(keys) })
    const { clusters, own } = readCheckpointView(crypto, (key) => reader.get(key), a.worker)
    expect([clusters.systemCode?.version, bytesEqual(clusters.systemCode?.code ?? filled(0), longest)]).toEqual([7, true])
    expect(own?.cluster).toEqual(viewOf(a.worker).own?.cluster)
  })
})
