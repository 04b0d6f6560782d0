import { toHex } from '@phalanx/primitives/bytes'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { wrapSignedContent } from '@phalanx/primitives/messages'
import { beforeEach, describe, expect, test } from 'vitest'
import { createEntropy } from '../../core/entropy.ts'
import type { ClusterMember } from '../../testing/cluster-member.ts'
import { ClusterWorld } from '../../testing/cluster-world.ts'
import { SCRIPT } from '../../testing/script-vm.ts'
import { ClusterStateRequest, requestClusterState, saveClusterState } from './snapshot.ts'

const crypto = await loadCrypto()
let bed: ClusterWorld
let contract: Uint8Array
let joiner: ClusterMember

const entropy = () => createEntropy(crypto, bed.random.bytes(32))
const count = Uint8Array.of(SCRIPT.count)
const refused = (reason: string) => expect.objectContaining({ code: 'CLUSTER_STATE_REFUSED', context: { reason: expect.stringContaining(reason) as string } })
const rootOf = (member: ClusterMember): string => (member.cluster === undefined ? 'none' : toHex(member.cluster.contracts.root))
const request = (): Uint8Array => requestClusterState(crypto, joiner.live, entropy()).encoded
const save = (encoded = request(), member = bed.worker(0)): Uint8Array => saveClusterState(crypto, member.live, encoded, entropy()).sealed
const load = (encoded: Uint8Array): void => {
  joiner.apply({ kind: 'loadClusterState', value: { encoded, entropy: bed.random.bytes(32) } })
}

beforeEach(() => {
  bed = new ClusterWorld(crypto, { seed: 'snapshot' })
  contract = bed.deploy()
  joiner = bed.hire()
  bed.rounds(4)
  bed.world.add(joiner.publicKey)
  bed.rounds(1)
  for (let i = 0; i < 3; i++) {
    bed.sendSealed({ contract, input: count })
    bed.rounds(2)
  }
})

describe('a member that joins', () => {
  test('replaces the key that opened what it was given, so that whoever recorded that opens nothing later', () => {
    const { ecdh } = joiner.live.keys
    load(save())
    expect(joiner.live.keys.nextEcdh).toBeDefined()
    bed.rounds(12)
    const { keys } = joiner.live
    expect([keys.ecdh, ...keys.formerEcdh.map(({ key }) => key)].map(({ publicKey }) => toHex(publicKey))).not.toContain(toHex(ecdh.publicKey))
  })

  test('takes over the agreed state, does what followed, and agrees with the others from then on', () => {
    expect(joiner.live.joining?.why).toContain('just added')
    load(save())
    expect(rootOf(joiner)).toBe(rootOf(bed.worker(0)))
    bed.sendSealed({ contract, input: count })
    bed.rounds(4)
    expect(rootOf(joiner)).toBe(rootOf(bed.worker(0)))
    bed.world.rotate()
    bed.rounds(3)
    bed.sendSealed({ contract, input: count })
    bed.rounds(4)
    expect(rootOf(joiner)).toBe(rootOf(bed.worker(0)))
    expect(bed.world.differing).toEqual([])
    expect(bed.world.agreed.at(-1)?.by).toBe(3)
  })

  test('has it after a crash, too', () => {
    load(save())
    joiner.start()
    bed.rounds(3)
    expect(rootOf(joiner)).toBe(rootOf(bed.worker(0)))
    expect(joiner.sealed).toBeDefined()
  })

  test('makes contracts\' channel keys under the same numbers as the others', () => {
    load(save())
    bed.sendSealed({ contract, input: Uint8Array.of(SCRIPT.make, 7) })
    bed.rounds(1)
    bed.workers[0]?.relay()
    const [, , , own] = bed.workers.map(({ live }) => live.egress.find(([sender]) => sender.kind === 'Cluster')?.[1].sequence)
    expect(own).toBe(bed.worker(0).live.egress.find(([sender]) => sender.kind === 'Cluster')?.[1].sequence)
    bed.rounds(2)
    expect(rootOf(joiner)).toBe(rootOf(bed.worker(0)))
  })
})

describe('a request is refused', () => {
  const altered = (change: Partial<ClusterStateRequest['request']>, signer = joiner): Uint8Array => {
    const known = ClusterStateRequest.decode(request())
    const changed = { ...known.request, ...change }
    const plain = ClusterStateRequest.encode({ request: changed, signature: known.signature })
    const body = plain.subarray(0, plain.length - 64)
    const signature = crypto.sr25519.sign(signer.live.keys.identity.secret.reveal(), wrapSignedContent('clusterStateRequest', body), bed.random.bytes(32))
    return ClusterStateRequest.encode({ request: changed, signature })
  }
  test('of whoever is no member', () => {
    const stranger = bed.hire()
    bed.rounds(3)
    expect(() => save(altered({ worker: stranger.publicKey }, stranger))).toThrow(refused('no other member'))
  })
  test('signed by another worker than it names', () => {
    expect(() => save(altered({}, bed.worker(1)))).toThrow(refused('not signed'))
  })
  test('of another chain, another cluster or another time', () => {
    expect(() => save(altered({ genesis: new Uint8Array(32) }))).toThrow(refused('another chain'))
    expect(() => save(altered({ cluster: new Uint8Array(32) }))).toThrow(refused('does not run here'))
    expect(() => save(altered({ block: bed.world.chain.head.number + 500 }))).toThrow(refused('it was made at block'))
  })
  test('for a state that is not agreed on yet', () => {
    expect(() => save(altered({ atLeast: bed.world.chain.head.number }))).toThrow(expect.objectContaining({ code: 'CLUSTER_STATE_NOT_YET' }))
  })
  test('of a worker that is in no cluster or runs it', () => {
    expect(() => requestClusterState(crypto, bed.worker(0).live, entropy())).toThrow(refused('waits for no cluster'))
  })
})

describe('a state is refused', () => {
  test('with any byte changed, sealed to another worker, or cut', () => {
    const sealed = save()
    for (const at of [0, 5, 40, 60, sealed.length - 1]) {
      const bytes = sealed.slice()
      bytes[at] = (bytes[at] ?? 0) ^ 1
      expect(() => load(bytes)).toThrow(expect.objectContaining({ code: expect.stringMatching(/CLUSTER_STATE_REFUSED|CODEC_/) as string }))
    }
    expect(() => load(sealed.subarray(0, 100))).toThrow(expect.objectContaining({ code: expect.stringMatching(/CODEC_/) as string }))
    expect(joiner.live.joining).toBeDefined()
  })

  test('where the member that gave it changed it: its root is not the agreed one', () => {
    const member = bed.worker(0)
    const { cluster } = member.live
    if (cluster?.agreed?.contracts === undefined) throw new Error('there is an agreed state')
    const contracts = cluster.agreed.contracts.apply([[Uint8Array.of(9, 9), Uint8Array.of(1)]])
    member.state = { ...member.live, cluster: { ...cluster, agreed: { ...cluster.agreed, contracts } } }
    expect(() => load(save())).toThrow(refused('but the members agreed on'))
  })

  test('that is older than what the worker kept', () => {
    const encoded = save()
    const { joining } = joiner.live
    if (joining === undefined) throw new Error('it waits')
    joiner.state = { ...joiner.live, joining: { ...joining, since: bed.world.chain.head.number + 5 } }
    expect(() => load(encoded)).toThrow(refused('is before block'))
  })
})

test('members that could not open an epoch\'s key are given it by the one that could, and do what they missed', () => {
  bed = new ClusterWorld(crypto, { seed: 'lost keys' })
  contract = bed.deploy()
  bed.world.rotate()
  bed.world.seal()
  const [holder, ...others] = bed.workers as [ClusterMember, ...ClusterMember[]]
  holder.sync()
  for (const one of others) {
    one.start()
    one.sync()
  }
  for (const worker of bed.workers) worker.relay()
  bed.world.seal()
  holder.sync()
  for (let i = 0; i < 2; i++) {
    bed.sendSealed({ contract, input: count })
    bed.rounds(1)
  }
  expect(others.map(({ live }) => live.joining?.needs)).toEqual([2n, 2n])
  for (const one of others) {
    const { encoded } = requestClusterState(crypto, one.live, entropy())
    one.apply({ kind: 'loadClusterState', value: { encoded: saveClusterState(crypto, holder.live, encoded, entropy()).sealed, entropy: bed.random.bytes(32) } })
  }
  expect(others.map(rootOf)).toEqual([rootOf(holder), rootOf(holder)])
  bed.rounds(4)
  expect(bed.world.differing).toEqual([])
  expect(others.map(rootOf)).toEqual([rootOf(holder), rootOf(holder)])
})

test('a worker that differs drops its state and joins again', () => {
  load(save())
  const { cluster } = joiner.live
  if (cluster === undefined) throw new Error('it runs')
  joiner.state = { ...joiner.live, cluster: { ...cluster, contracts: cluster.contracts.apply([[Uint8Array.of(1), Uint8Array.of(1)]]) } }
  bed.sendSealed({ contract, input: count })
  bed.rounds(4)
  expect(joiner.cluster?.differsSince).toBeDefined()
  joiner.apply({ kind: 'rejoinCluster', value: { entropy: bed.random.bytes(32) } })
  bed.sendSealed({ contract, input: count })
  bed.rounds(4)
  load(save())
  bed.rounds(2)
  expect(rootOf(joiner)).toBe(rootOf(bed.worker(0)))
  expect(joiner.cluster?.differsSince).toBeUndefined()
})
