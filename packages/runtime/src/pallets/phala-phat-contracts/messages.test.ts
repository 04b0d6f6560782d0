import { beforeEach, describe, expect, test } from 'vitest'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { createMessage, messageSigningPayload, TOPICS, type MessageOrigin } from '@phalanx/primitives/messages'
import { ROOT, signed } from '../../frame/origin.ts'
import { devAccount } from '../../frame/testing.ts'
import type { TestSession } from '../phala-computation/testing.ts'
import { phalaMq } from '../phala-mq/pallet.ts'
import { routeMessage } from '../phala-mq/routing.ts'
import { clusterKeys, contractKeys } from '../phala-registry/storage.ts'
import { phatParts } from './declaration.ts'
import { phalaPhatContracts } from './pallet.ts'
import { pruneStateReports, REPORT_WINDOW_BLOCKS } from './state-reports.ts'
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

describe('a cluster\'s key', () => {
  test('is learned from the gatekeepers and never changes', () => {
    bed.giveKey(id, filled(5))
    expect(clusterKeys.get(bed.chain.ctx, id)).toEqual(filled(5))
    expect(bed.events('ClusterPubkeyAvailable')).toEqual([{ cluster: id, pubkey: filled(5) }])
    bed.giveKey(id, filled(5))
    expect(() => bed.giveKey(id, filled(6))).toThrow(fails('ClusterKeyMismatch'))
    expect(() => bed.giveKey(filled(9), filled(5))).toThrow(fails('ClusterNotFound'))
  })

  test.each([['a worker', () => workerOrigin(session(a))], ['a cluster', () => clusterOrigin(id)], ['an account', (): MessageOrigin => ({ kind: 'AccountId', value: filled(1) })]])(
    'is not learned from %s', (_, sender) => {
      expect(() => bed.say(sender(), TOPICS.clusterRegistryEvent, { kind: 'PubkeyAvailable', value: { cluster: id, pubkey: filled(5) } })).toThrow(fails('InvalidSender'))
    })

  test('a message that cannot be read changes nothing', () => {
    expect(() => bed.say(bed.gatekeepers, { topic: TOPICS.clusterRegistryEvent.topic, payload: { encode: () => filled(1, 3) } as never }, undefined)).toThrow()
    routeMessage(bed.chain.ctx, { sender: bed.gatekeepers, destination: TOPICS.clusterRegistryEvent.topic, payload: filled(1, 3) })
    expect(clusterKeys.has(bed.chain.ctx, id)).toBe(false)
  })

  test('arrives by the queue\'s routing', () => {
    routeMessage(bed.chain.ctx, createMessage(bed.gatekeepers, TOPICS.clusterRegistryEvent, { kind: 'PubkeyAvailable', value: { cluster: id, pubkey: filled(5) } }))
    expect(clusterKeys.has(bed.chain.ctx, id)).toBe(true)
  })
})

describe('workers\' reports of deployment', () => {
  const report = (one: TestSession | undefined, cluster = id, pubkey = filled(5)): void =>
    bed.say(workerOrigin(session(one)), TOPICS.workerClusterReport, { kind: 'ClusterDeployed', value: { id: cluster, pubkey } })

  test('become events', () => {
    bed.giveKey(id, filled(5))
    report(a)
    expect(bed.events('ClusterDeployed')).toEqual([{ cluster: id, pubkey: filled(5), worker: session(a).worker }])
    bed.say(workerOrigin(session(b)), TOPICS.workerClusterReport, { kind: 'ClusterDeploymentFailed', value: { id } })
    expect(bed.events('ClusterDeploymentFailed')).toEqual([{ cluster: id, worker: session(b).worker }])
  })

  test('are refused from others, about others, with another key, before the key', () => {
    expect(() => report(a)).toThrow(fails('ClusterNotDeployed'))
    bed.giveKey(id, filled(5))
    expect(() => report(a, id, filled(6))).toThrow(fails('ClusterKeyMismatch'))
    expect(() => report(a, filled(9))).toThrow(fails('InvalidSender'))
    expect(() => report(bed.worker('d'))).toThrow(fails('InvalidSender'))
    expect(() => bed.say(bed.gatekeepers, TOPICS.workerClusterReport, { kind: 'ClusterDeploymentFailed', value: { id } })).toThrow(fails('InvalidSender'))
  })
})

describe('contracts\' keys', () => {
  const tell = (contract: number, change: { readonly cluster?: Uint8Array; readonly pubkey?: number } = {}): void =>
    bed.say(clusterOrigin(change.cluster ?? id), TOPICS.contractRegistryEvent, {
      kind: 'PubkeyAvailable', value: { contract: filled(contract), pubkey: filled(change.pubkey ?? contract + 1), deployer: filled(3) } })

  test('are kept, listed once, and the contract with them', () => {
    tell(7)
    tell(7)
    expect(contractKeys.get(bed.chain.ctx, filled(7))).toEqual(filled(8))
    expect(storage.clusterContracts.get(bed.chain.ctx, id)).toEqual([filled(7)])
    expect(storage.contracts.get(bed.chain.ctx, filled(7))).toEqual({ deployer: filled(3), cluster: id })
    expect(bed.events('ContractPubkeyAvailable')).toEqual([{ contract: filled(7), cluster: id, pubkey: filled(8) }])
    expect(bed.events('Instantiated')).toEqual([{ contract: filled(7), cluster: id, deployer: filled(3) }])
    bed.chain.tryState()
  })

  test('keep the deployer that the chain knows', () => {
    const { systemContract } = storage.clusters.get(bed.chain.ctx, id) ?? { systemContract: filled(0) }
    bed.say(clusterOrigin(id), TOPICS.contractRegistryEvent, { kind: 'PubkeyAvailable', value: { contract: systemContract, pubkey: filled(8), deployer: filled(3) } })
    expect(storage.contracts.get(bed.chain.ctx, systemContract)?.deployer).toEqual(bed.owner)
    expect(storage.clusterContracts.get(bed.chain.ctx, id)).toEqual([systemContract])
  })

  test('do not change, and no cluster takes another\'s contract', () => {
    const other = bed.cluster([bed.worker('d')])
    tell(7)
    expect(() => tell(7, { pubkey: 9 })).toThrow(fails('ContractKeyMismatch'))
    expect(() => tell(7, { cluster: other })).toThrow(fails('DuplicatedContract'))
    expect(() => tell(8, { cluster: filled(9) })).toThrow(fails('ClusterNotFound'))
    expect(() => bed.say(workerOrigin(session(a)), TOPICS.contractRegistryEvent, {
      kind: 'PubkeyAvailable', value: { contract: filled(1), pubkey: filled(2), deployer: filled(3) } })).toThrow(fails('InvalidSender'))
  })

  test('arrive by the queue, signed with the cluster\'s key, while the cluster lives', () => {
    const { publicKey, secret } = devAccount(crypto, 'Cluster')
    const handIn = (contract: number, sequence: bigint, key = secret) => {
      const message = createMessage(clusterOrigin(id), TOPICS.contractRegistryEvent, {
        kind: 'PubkeyAvailable', value: { contract: filled(contract), pubkey: filled(contract + 1), deployer: filled(3) } })
      const signature = crypto.sr25519.sign(key, messageSigningPayload(message, sequence), filled(1))
      return phalaMq.call('syncOffchainMessage', { signedMessage: { message, sequence, signature } })
    }
    bed.chain.assertNoop(handIn(7, 0n), signed(bed.user), 'PhalaRegistry.UnknownCluster')
    bed.giveKey(id, publicKey)
    bed.chain.assertOk(handIn(7, 0n), signed(bed.user))
    expect(contractKeys.get(bed.chain.ctx, filled(7))).toEqual(filled(8))
    bed.chain.assertNoop(handIn(8, 0n), signed(bed.user), 'PhalaMq.BadSequence')
    bed.chain.assertNoop(handIn(8, 1n, devAccount(crypto, 'Other').secret), signed(bed.user), 'PhalaRegistry.InvalidSignature')
    bed.chain.assertOk(phalaPhatContracts.call('clusterDestroy', { cluster: id }), ROOT)
    bed.chain.assertNoop(handIn(8, 1n), signed(bed.user), 'PhalaRegistry.UnknownCluster')
  })

  test('fill a cluster', () => {
    storage.clusterContracts.set(bed.chain.ctx, id, Array.from({ length: storage.CONTRACTS_PER_CLUSTER_MAX }, () => filled(0)))
    expect(() => tell(7)).toThrow(fails('ClusterFull'))
  })
})

describe('state reports', () => {
  const at = (): number => bed.chain.ctx.block.number - 1

  test('of more than half agree; late ones that differ are named', () => {
    bed.report(session(a), id, at(), 1)
    expect(bed.events('ClusterStateAgreed')).toEqual([])
    bed.report(session(b), id, at(), 1)
    const state = { stateRoot: filled(1), receiptsRoot: filled(0) }
    expect(bed.events('ClusterStateAgreed')).toEqual([{ cluster: id, block: at(), ...state }])
    expect(storage.agreedState.get(bed.chain.ctx, id)).toEqual({ block: at(), state })
    expect(bed.notices('StateAgreed')).toEqual([{ kind: 'StateAgreed', value: { cluster: id, block: at(), ...state } }])
    bed.report(session(c), id, at(), 2)
    expect(bed.events('WorkerStateDiffers')).toEqual([{ cluster: id, block: at(), worker: session(c).worker }])
    expect(bed.events('ClusterStateAgreed')).toHaveLength(1)
  })

  test('that differ before the others agree are named when they do', () => {
    bed.report(session(a), id, at(), 2)
    bed.report(session(b), id, at(), 1)
    expect(bed.events('WorkerStateDiffers')).toEqual([])
    bed.report(session(c), id, at(), 1)
    expect(bed.events('WorkerStateDiffers')).toEqual([{ cluster: id, block: at(), worker: session(a).worker }])
  })

  test('that all differ raise an alarm and agree on nothing', () => {
    for (const [i, one] of [a, b, c].entries()) bed.report(session(one), id, at(), i)
    expect(bed.events('ClusterStateDisputed')).toEqual([{ cluster: id, block: at() }])
    expect(storage.agreedState.has(bed.chain.ctx, id)).toBe(false)
  })

  test('of a worker that left count no more', () => {
    bed.report(session(c), id, at(), 1)
    bed.chain.assertOk(phalaPhatContracts.call('removeWorkerFromCluster', { workerPubkey: session(c).worker, clusterId: id }), signed(bed.owner))
    bed.report(session(a), id, at(), 1)
    expect(bed.events('ClusterStateAgreed')).toEqual([])
    bed.report(session(b), id, at(), 1)
    expect(bed.events('ClusterStateAgreed')).toHaveLength(1)
  })

  test('of a member that joined are waited for once it has told its first', () => {
    const [e, f] = [bed.worker('e'), bed.worker('f')]
    const one = bed.cluster([e])
    bed.chain.assertOk(phalaPhatContracts.call('addWorkerToCluster', { workerPubkey: f.worker, clusterId: one }), signed(bed.owner))
    bed.report(e, one, at() - 1, 1)
    expect(storage.agreedState.get(bed.chain.ctx, one)?.block).toBe(at() - 1)
    bed.report(f, one, at(), 2)
    bed.report(e, one, at(), 1)
    expect(storage.agreedState.get(bed.chain.ctx, one)?.block).toBe(at() - 1)
    expect(bed.events('ClusterStateDisputed')).toEqual([{ cluster: one, block: at() }])
  })

  test('of members that have been silent for long are not waited for', () => {
    const now = bed.chain.ctx.block as { number: number }
    bed.report(session(a), id, at(), 1)
    now.number += 60
    bed.report(session(a), id, at(), 1)
    expect(bed.events('ClusterStateAgreed')).toEqual([])
    now.number++
    bed.report(session(a), id, at(), 1)
    expect(bed.events('ClusterStateAgreed')).toHaveLength(1)
  })

  test('of an earlier block do not replace a later state', () => {
    bed.chain.nextBlock()
    for (const one of [a, b]) bed.report(session(one), id, at(), 2)
    for (const one of [a, b]) bed.report(session(one), id, at() - 1, 1)
    expect(storage.agreedState.get(bed.chain.ctx, id)?.block).toBe(at())
  })

  test('are refused twice, from others, about the present and the distant past', () => {
    bed.report(session(a), id, at(), 1)
    expect(() => bed.report(session(a), id, at(), 2)).toThrow(fails('AlreadyReported'))
    expect(() => bed.report(bed.worker('d'), id, at(), 1)).toThrow(fails('InvalidSender'))
    expect(() => bed.report(session(a), filled(9), at(), 1)).toThrow(fails('ClusterNotFound'))
    expect(() => bed.report(session(a), id, at() + 1, 1)).toThrow(fails('StateReportOutOfRange'))
    expect(() => bed.say(bed.gatekeepers, TOPICS.clusterState, { cluster: id, block: at(), stateRoot: filled(1), receiptsRoot: filled(1) })).toThrow(fails('InvalidSender'))
  })

  test('are forgotten after the window, in which alone they are taken', () => {
    const block = at()
    bed.report(session(a), id, block, 1)
    const later = bed.chain.ctx.block as { number: number }
    const present = later.number
    later.number = block + REPORT_WINDOW_BLOCKS
    expect(pruneStateReports(phatParts.in(bed.chain.ctx))).toBe(0)
    bed.report(session(b), id, block, 2)
    later.number++
    expect(() => bed.report(session(c), id, block, 1)).toThrow(fails('StateReportOutOfRange'))
    expect(pruneStateReports(phatParts.in(bed.chain.ctx))).toBe(1)
    expect([...storage.stateReports.keys(bed.chain.ctx)]).toEqual([])
    later.number = present
  })
})
