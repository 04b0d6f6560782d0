import { beforeEach, describe, expect, test } from 'vitest'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { createMessage, messageSigningPayload, palletOrigin, TOPICS } from '@phalanx/primitives/messages'
import { ROOT, signed } from '../../frame/origin.ts'
import { devAccount } from '../../frame/testing.ts'
import type { TestSession } from '../phala-computation/testing.ts'
import { loggedMessages } from '../phala-mq/block-log.ts'
import { phalaMq } from '../phala-mq/pallet.ts'
import { confirmedGatekeepers, gatekeeper, workers } from '../phala-registry/storage.ts'
import { parentHash } from '../system/storage.ts'
import { KEY_REQUEST_INTERVAL_BLOCKS } from './keys.ts'
import { phalaPhatContracts } from './pallet.ts'
import * as storage from './storage.ts'
import { clusterOrigin, createPhatTestbed, fails, filled, session, workerOrigin, type PhatTestbed } from './testing.ts'

const crypto = await loadCrypto()
let bed: PhatTestbed
let [a, b, c]: TestSession[] = []
let id: Uint8Array

beforeEach(() => {
  bed = createPhatTestbed(crypto)
  ;[a, b, c] = ['a', 'b', 'c'].map((name) => bed.worker(name))
  id = bed.cluster([session(a), session(b), session(c)])
})

describe('epochs', () => {
  const last = <T>(list: readonly T[]): T | undefined => list.at(-1)
  const remove = (one: TestSession | undefined): void => {
    bed.chain.assertOk(phalaPhatContracts.call('removeWorkerFromCluster', { workerPubkey: session(one).worker, clusterId: id }), signed(bed.owner))
  }

  test('are asked for as soon as the workers were sent the cluster\'s key, and the key until it was sent', () => {
    const { chain } = bed
    const fresh = bed.created([bed.worker('d')])
    expect(storage.clusterEpoch.get(chain.ctx, fresh)).toEqual({ current: 0n, since: 0, requested: 0n, dueBlock: chain.ctx.block.number + 30 })
    const [, first] = bed.heard(TOPICS.clusterEvent)
    chain.assertNoop(phalaPhatContracts.call('rotateClusterEpoch', { clusterId: fresh }), signed(bed.owner), fails('ClusterNotDeployed'))
    expect(() => bed.propose(bed.candidate(fresh, 0n))).toThrow(fails('EpochNotRequested'))
    chain.nextBlock(30)
    expect(bed.heard(TOPICS.clusterEvent)).toEqual([first])
    bed.dispatchKeys(fresh)
    expect(last(bed.notices('EpochRequested'))).toMatchObject({ value: { cluster: fresh, epoch: 1n, workers: [{}] } })
    bed.dispatchKeys(fresh)
    expect(storage.clusterEpoch.get(chain.ctx, fresh)?.requested).toBe(1n)
    chain.nextBlock(30)
    expect(bed.heard(TOPICS.clusterEvent)).toEqual([])
  })

  test('are not begun by anybody\'s word that keys were sent', () => {
    const fresh = bed.created([bed.worker('d')])
    const terms = { owner: bed.owner, deposit: 0n, gasPrice: 1n, depositPerItem: 2n, depositPerByte: 3n, treasuryAccount: bed.treasury }
    for (const sender of [workerOrigin(session(a)), clusterOrigin(fresh)])
      expect(() => bed.say(sender, TOPICS.clusterOperation, { kind: 'DispatchKeys', value: { cluster: fresh, secretKeys: [], ...terms } })).toThrow(fails('InvalidSender'))
    bed.dispatchKeys(filled(9))
    expect(storage.clusterEpoch.has(bed.chain.ctx, filled(9))).toBe(false)
  })

  test('keys that were sent to somebody who left meanwhile, or of a cluster that is no more, are followed by word of that', () => {
    const told = () => bed.heard(TOPICS.clusterOperation)
    const [d, e] = [bed.worker('d'), bed.worker('e')]
    const fresh = bed.created([d, e])
    const leave = () => phalaPhatContracts.call('removeWorkerFromCluster', { workerPubkey: d.worker, clusterId: fresh })
    bed.chain.assertOk(leave(), signed(bed.owner))
    bed.dispatchKeys(fresh, [d.worker, e.worker])
    bed.chain.nextBlock()
    expect(told()).toEqual([{ kind: 'RemoveWorker', value: { clusterId: fresh, worker: d.worker } }])
    bed.dispatchKeys(fresh, [d.worker])
    bed.chain.assertOk(phalaPhatContracts.call('addWorkerToCluster', { workerPubkey: d.worker, clusterId: fresh }), signed(bed.owner))
    bed.chain.nextBlock()
    expect(told(), 'it came back meanwhile').toEqual([])
    bed.chain.assertOk(phalaPhatContracts.call('clusterDestroy', { cluster: fresh }), ROOT)
    bed.dispatchKeys(fresh, [d.worker, e.worker])
    bed.chain.nextBlock()
    expect(told()).toEqual([{ kind: 'DestroyCluster', value: fresh }])
    bed.chain.nextBlock()
    expect(told()).toEqual([])
  })

  test('a cluster that loses a worker before it has a key asks for the key only', () => {
    const [d, e] = [bed.worker('d'), bed.worker('e')]
    const fresh = bed.created([d, e])
    bed.chain.assertOk(phalaPhatContracts.call('removeWorkerFromCluster', { workerPubkey: d.worker, clusterId: fresh }), signed(bed.owner))
    expect(storage.clusterEpoch.get(bed.chain.ctx, fresh)?.requested).toBe(0n)
    bed.chain.nextBlock(30)
    expect(last(bed.heard(TOPICS.clusterEvent))?.value.workers).toMatchObject([{ pubkey: e.worker }])
  })

  test('begin with the first proper proposal, whose shares go to the workers before they are told', () => {
    const { chain } = bed
    const began = chain.ctx.block.number
    const proposal = bed.candidate(id, 1n)
    bed.propose(proposal)
    const { pubkey, secretKeys } = proposal
    expect(storage.clusterEpoch.get(chain.ctx, id)).toEqual({ current: 1n, since: began, requested: 1n, dueBlock: began + 20 })
    expect(storage.clusterChannelKeys.get(chain.ctx, id, 1n)).toEqual({ pubkey, since: began })
    expect(loggedMessages(chain.ctx).slice(-2)).toEqual([
      createMessage(palletOrigin('PhalaPhatContracts'), TOPICS.clusterEpochKeys, { cluster: id, epoch: 1n, secretKeys }),
      createMessage(palletOrigin('PhalaPhatContracts'), TOPICS.clusterNotice, { kind: 'EpochBegan', value: { cluster: id, epoch: 1n, pubkey, retireAt: began + 5 } }),
    ])
    expect(bed.events('EpochCandidateChosen')).toEqual([{ cluster: id, epoch: 1n, gatekeeper: bed.gatekeeper }])
  })

  test('take no second proposal, which changes nothing and fails nowhere', () => {
    bed.beginEpoch(id, 1n)
    const messages = loggedMessages(bed.chain.ctx).length
    bed.propose(bed.candidate(id, 1n, { pubkey: bed.epochKey(9n) }))
    bed.propose(bed.candidate(id, 1n, { pubkey: filled(255), secretKeys: [] }))
    expect(loggedMessages(bed.chain.ctx)).toHaveLength(messages)
    expect(storage.clusterChannelKeys.get(bed.chain.ctx, id, 1n)?.pubkey).toEqual(bed.epochKey(1n))
  })

  test('cost a gatekeeper nothing to propose, by the queue', () => {
    const handIn = (one: TestSession, name: string, sequence: bigint) => {
      const message = createMessage(workerOrigin(one), TOPICS.clusterEpochCandidate, bed.candidate(id, 1n))
      const signature = crypto.sr25519.sign(devAccount(crypto, name).secret, messageSigningPayload(message, sequence), filled(1))
      return bed.chain.dispatch(phalaMq.call('syncOffchainMessage', { signedMessage: { message, sequence, signature } }), signed(bed.user))
    }
    const d = bed.worker('d')
    gatekeeper.set(bed.chain.ctx, [d.worker])
    confirmedGatekeepers.set(bed.chain.ctx, [[d.worker, 1]])
    expect(handIn(session(a), 'a', 0n).post.paysFee).toBe(true)
    expect(storage.clusterEpoch.get(bed.chain.ctx, id)?.current).toBe(0n)
    expect(handIn(d, 'd', 0n)).toMatchObject({ ok: true, post: { paysFee: false } })
    expect(storage.clusterEpoch.get(bed.chain.ctx, id)?.current).toBe(1n)
    // The shares stand before the proposal in the block, which is only logged once it was dealt with.
    const order = loggedMessages(bed.chain.ctx).map(({ sender, destination }) => `${sender.kind} ${new TextDecoder().decode(destination)}`)
    expect(order.slice(-3)).toEqual(['Pallet phalanx/cluster/epoch-key', 'Pallet phalanx/cluster/notice', 'Worker ^phalanx/cluster/epoch-candidate'])
  })

  test('refuse a proposal of others than confirmed gatekeepers', () => {
    expect(() => bed.propose(bed.candidate(id, 1n), session(a).worker)).toThrow('PhalaRegistry.GatekeeperNotConfirmed')
    for (const sender of [bed.gatekeepers, clusterOrigin(id)]) expect(() => bed.say(sender, TOPICS.clusterEpochCandidate, bed.candidate(id, 1n))).toThrow(fails('InvalidSender'))
  })

  test('refuse a proposal for another epoch or cluster, for other workers, with no key', () => {
    const { secretKeys } = bed.candidate(id, 1n)
    const [one, two, three] = secretKeys as [typeof secretKeys[0], typeof secretKeys[0], typeof secretKeys[0]]
    expect(() => bed.beginEpoch(id, 2n)).toThrow(fails('EpochNotRequested'))
    expect(() => bed.beginEpoch(id, 0n)).toThrow(fails('EpochNotRequested'))
    expect(() => bed.beginEpoch(filled(9), 1n)).toThrow(fails('ClusterNotFound'))
    const foreign = [filled(255), one[1]] as const
    for (const keys of [[], [one, two], [one, two, foreign], [one, two, three, foreign]])
      expect(() => bed.propose(bed.candidate(id, 1n, { secretKeys: keys }))).toThrow(fails('InvalidEpochCandidate'))
    expect(() => bed.propose(bed.candidate(id, 1n, { pubkey: filled(255) }))).toThrow(fails('InvalidEpochCandidate'))
    expect(storage.clusterEpoch.get(bed.chain.ctx, id)?.current).toBe(0n)
  })

  test('refuse proposals for a cluster without workers', () => {
    for (const one of [a, b, c]) remove(one)
    expect(() => bed.beginEpoch(id, 4n)).toThrow(fails('InvalidEpochCandidate'))
  })

  test('are asked for again when their time is over, and until they begin', () => {
    const { chain } = bed
    bed.beginEpoch(id, 1n)
    chain.nextBlock(19)
    expect(bed.notices('EpochRequested')).toEqual([])
    chain.nextBlock()
    expect(bed.notices('EpochRequested')).toMatchObject([{ value: { cluster: id, epoch: 2n, workers: [{}, {}, {}] } }])
    chain.nextBlock(30)
    expect(bed.notices('EpochRequested'), 'repeated while nobody answers').toMatchObject([{ value: { epoch: 2n } }])
    bed.beginEpoch(id, 2n)
    expect([...storage.clusterChannelKeys.keys(chain.ctx, id)]).toHaveLength(2)
  })

  test('keep the keys of two', () => {
    for (const epoch of [1n, 2n, 3n]) {
      bed.beginEpoch(id, epoch)
      bed.chain.assertOk(phalaPhatContracts.call('rotateClusterEpoch', { clusterId: id }), signed(bed.owner))
    }
    expect([...storage.clusterChannelKeys.keys(bed.chain.ctx, id)].map(([, epoch]) => epoch).sort()).toEqual([2n, 3n])
  })

  test('count until their grace is over, and are anchored in the block of their beginning', () => {
    const { chain } = bed
    const open = () => storage.openEpochs.get(chain.ctx, id)
    const next = (epoch: bigint): void => {
      chain.assertOk(phalaPhatContracts.call('rotateClusterEpoch', { clusterId: id }), signed(bed.owner))
      bed.beginEpoch(id, epoch)
    }
    const first = chain.ctx.block.number
    bed.beginEpoch(id, 1n)
    expect(open()).toEqual([{ epoch: 1n, pubkey: bed.epochKey(1n), since: first, anchor: undefined, retireAt: undefined }])
    chain.nextBlock()
    const anchor = parentHash.get(chain.ctx)
    expect(open()).toMatchObject([{ epoch: 1n, anchor }])
    chain.nextBlock()
    next(2n)
    expect(open()).toMatchObject([{ epoch: 1n, anchor, retireAt: first + 7 }, { epoch: 2n, since: first + 2, retireAt: undefined }])
    chain.nextBlock()
    next(3n)
    expect(open().map(({ epoch, retireAt }) => [epoch, retireAt])).toEqual([[1n, first + 7], [2n, first + 8], [3n, undefined]])
    chain.nextBlock(4)
    next(4n)
    expect(open().map(({ epoch }) => epoch)).toEqual([2n, 3n, 4n])
    chain.assertOk(phalaPhatContracts.call('clusterDestroy', { cluster: id }), ROOT)
    chain.nextBlock()
    expect([...storage.openEpochs.keys(chain.ctx)]).toEqual([])
  })

  test('an epoch asked for while a worker left is replaced by one that it does not know', () => {
    remove(c)
    expect(() => bed.beginEpoch(id, 1n)).toThrow(fails('EpochNotRequested'))
    bed.beginEpoch(id, 2n)
    expect(storage.clusterEpoch.get(bed.chain.ctx, id)?.current).toBe(2n)
  })

  test('phatContracts.rotateClusterEpoch asks for one in the owner\'s name only', () => {
    const rotate = (clusterId: Uint8Array) => phalaPhatContracts.call('rotateClusterEpoch', { clusterId })
    bed.chain.assertNoop(rotate(id), signed(bed.user), fails('ClusterPermissionDenied'))
    bed.chain.assertNoop(rotate(filled(9)), signed(bed.owner), fails('ClusterNotFound'))
    bed.chain.assertOk(rotate(id), signed(bed.owner))
    expect(bed.events('ClusterEpochRequested').at(-1)).toEqual({ cluster: id, epoch: 2n })
  })

  test('of more clusters than one block deals with are asked for over several blocks', () => {
    const { chain } = bed
    for (let i = 0; i < 40; i++) storage.clusters.set(chain.ctx, filled(100 + i), storage.clusters.get(chain.ctx, id) as never)
    for (let i = 0; i < 40; i++) {
      storage.clusterEpoch.set(chain.ctx, filled(100 + i), { current: 1n, since: 0, requested: 1n, dueBlock: chain.ctx.block.number + 1 })
      storage.epochQueue.set(chain.ctx, chain.ctx.block.number + 1, filled(100 + i), [])
    }
    chain.nextBlock()
    expect(bed.notices('EpochRequested')).toHaveLength(32)
    chain.nextBlock()
    expect(bed.notices('EpochRequested')).toHaveLength(8)
  })

  test('contracts have channel keys of the current one, told by their cluster', () => {
    const tell = (epoch: bigint, contract: number, pubkey: number, sender = clusterOrigin(id)): void =>
      bed.say(sender, TOPICS.clusterChannel, { kind: 'ContractPubkeys', value: { epoch, keys: [[filled(contract), filled(pubkey)]] } })
    bed.contract(id, 7)
    expect(() => tell(0n, 7, 1)).toThrow(fails('EpochNotRequested'))
    bed.beginEpoch(id, 1n)
    tell(1n, 7, 1)
    tell(1n, 7, 1)
    expect(storage.contractChannelKeys.get(bed.chain.ctx, filled(7), 1n)).toEqual(filled(1))
    expect(bed.events('ContractChannelKeysAvailable').at(-1)).toEqual({ cluster: id, epoch: 1n, contracts: 1 })
    expect(() => tell(1n, 7, 2)).toThrow(fails('ContractKeyMismatch'))
    expect(() => tell(2n, 7, 2)).toThrow(fails('EpochNotRequested'))
    expect(() => tell(1n, 8, 2)).toThrow(fails('ContractNotFound'))
    expect(() => tell(1n, 7, 1, workerOrigin(session(a)))).toThrow(fails('InvalidSender'))
    for (const epoch of [2n, 3n]) {
      bed.chain.assertOk(phalaPhatContracts.call('rotateClusterEpoch', { clusterId: id }), signed(bed.owner))
      bed.beginEpoch(id, epoch)
      tell(epoch, 7, Number(epoch))
    }
    expect([...storage.contractChannelKeys.keys(bed.chain.ctx, filled(7))].map(([, epoch]) => epoch).sort()).toEqual([2n, 3n])
  })
})

describe('requests for keys', () => {
  const request = (one: TestSession | undefined, cluster = id): void => bed.say(workerOrigin(session(one)), TOPICS.clusterKeyRequest, { cluster })
  const requested = (): bigint | undefined => storage.clusterEpoch.get(bed.chain.ctx, id)?.requested
  const identity = (one: TestSession | undefined) => ({ pubkey: session(one).worker, ecdhPubkey: workers.get(bed.chain.ctx, session(one).worker)?.ecdhPubkey })

  test('have the cluster\'s key sent again for the worker\'s present ECDH key, and an epoch begun that it knows', () => {
    bed.beginEpoch(id, 1n)
    const info = workers.get(bed.chain.ctx, session(a).worker)
    workers.set(bed.chain.ctx, session(a).worker, { ...info as NonNullable<typeof info>, ecdhPubkey: filled(77) })
    request(a)
    expect(bed.events('ClusterKeysRequested')).toEqual([{ worker: session(a).worker, cluster: id }])
    expect(bed.notices('WorkerAdded')).toEqual([{ kind: 'WorkerAdded', value: { cluster: id, worker: { pubkey: session(a).worker, ecdhPubkey: filled(77) } } }])
    request(b)
    expect(requested(), 'one epoch for both').toBe(1n)
    bed.chain.nextBlock()
    expect(bed.notices('EpochRequested')).toMatchObject([{ value: { epoch: 2n, workers: [{ ecdhPubkey: filled(77) }, {}, {}] } }])
    bed.chain.nextBlock()
    expect(bed.notices('EpochRequested')).toEqual([])
  })

  test('do not replace an epoch under way, which others wait for: another follows it', () => {
    request(a)
    bed.chain.nextBlock()
    expect(requested()).toBe(1n)
    bed.beginEpoch(id, 1n)
    bed.chain.nextBlock()
    expect(requested()).toBe(2n)
    bed.beginEpoch(id, 2n)
    bed.chain.nextBlock(19)
    expect(requested()).toBe(2n)
  })

  test('of an epoch that an owner\'s wish replaced meanwhile are met by that', () => {
    request(a)
    bed.chain.assertOk(phalaPhatContracts.call('rotateClusterEpoch', { clusterId: id }), signed(bed.owner))
    bed.beginEpoch(id, 2n)
    bed.chain.nextBlock()
    expect(requested()).toBe(2n)
  })

  test('are taken every twenty blocks from one worker', () => {
    request(a)
    expect(() => request(a)).toThrow(fails('KeysRequestedLately'))
    bed.chain.nextBlock(KEY_REQUEST_INTERVAL_BLOCKS - 1)
    expect(() => request(a)).toThrow(fails('KeysRequestedLately'))
    request(b)
    bed.chain.nextBlock()
    request(a)
    expect(bed.notices('WorkerAdded')).toEqual([{ kind: 'WorkerAdded', value: { cluster: id, worker: identity(a) } }])
  })

  test('are refused from others, before the cluster has keys, and are forgotten with the membership', () => {
    const d = bed.worker('d')
    expect(() => request(d)).toThrow(fails('InvalidSender'))
    expect(() => request(a, filled(9))).toThrow(fails('InvalidSender'))
    expect(() => bed.say(bed.gatekeepers, TOPICS.clusterKeyRequest, { cluster: id })).toThrow(fails('InvalidSender'))
    const fresh = bed.created([d])
    expect(() => request(d, fresh)).toThrow(fails('ClusterNotDeployed'))
    for (const one of [a, b]) request(one)
    bed.chain.assertOk(phalaPhatContracts.call('removeWorkerFromCluster', { workerPubkey: session(a).worker, clusterId: id }), signed(bed.owner))
    expect([...storage.keyRequestedAt.keys(bed.chain.ctx)]).toEqual([[session(b).worker]])
    bed.chain.assertOk(phalaPhatContracts.call('clusterDestroy', { cluster: id }), ROOT)
    expect([...storage.keyRequestedAt.keys(bed.chain.ctx)]).toEqual([])
    expect([...storage.epochRenewals.keys(bed.chain.ctx)]).toEqual([])
  })

  test('a worker that is added is sent the key and knows the next epoch', () => {
    bed.beginEpoch(id, 1n)
    const d = bed.worker('d')
    bed.chain.assertOk(phalaPhatContracts.call('addWorkerToCluster', { workerPubkey: d.worker, clusterId: id }), signed(bed.owner))
    expect(bed.notices('WorkerAdded')).toEqual([{ kind: 'WorkerAdded', value: { cluster: id, worker: identity(d) } }])
    bed.chain.nextBlock()
    expect(bed.notices('EpochRequested')).toMatchObject([{ value: { epoch: 2n, workers: [{}, {}, {}, { pubkey: d.worker }] } }])
    expect(() => request(d)).toThrow(fails('KeysRequestedLately'))
  })
})
