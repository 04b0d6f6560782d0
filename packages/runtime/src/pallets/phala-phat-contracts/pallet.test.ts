import { beforeEach, describe, expect, test } from 'vitest'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { UNIT } from '@phalanx/primitives/fixed'
import { BUILTIN_SYSTEM_CODE, clusterAccountOf, clusterIdOf, commandTopicOf, contractIdOf, TOPICS } from '@phalanx/primitives/messages'
import { ROOT, signed } from '../../frame/origin.ts'
import { balanceOf } from '../balances/account.ts'
import { balancesParts } from '../balances/declaration.ts'
import { startComputing, stopComputing } from '../phala-computation/sessions.ts'
import { slashByLevel } from '../phala-computation/slashing.ts'
import { sessions, slashClocks, stakes } from '../phala-computation/storage.ts'
import { STAKE, type TestSession } from '../phala-computation/testing.ts'
import { loggedMessages } from '../phala-mq/block-log.ts'
import { clusterKeys, evidenceSentAt } from '../phala-registry/storage.ts'
import { hostsContracts } from './membership.ts'
import { phalaPhatContracts } from './pallet.ts'
import * as storage from './storage.ts'
import { createPhatTestbed, fails, filled, type PhatTestbed } from './testing.ts'

const crypto = await loadCrypto()
const ALICE = filled(1)
let bed: PhatTestbed
let a: TestSession
let b: TestSession
const call = phalaPhatContracts.call

beforeEach(() => {
  bed = createPhatTestbed(crypto)
  a = bed.worker('a')
  b = bed.worker('b')
})

describe('phatContracts.addCluster', () => {
  test('assigns the workers, takes the deposit and asks the gatekeepers for keys', () => {
    const { chain, owner } = bed
    const id = bed.cluster([a, b])
    expect(id).toEqual(clusterIdOf(1n))
    const codeHash = crypto.blake2b256(BUILTIN_SYSTEM_CODE)
    const systemContract = contractIdOf(crypto, { deployer: owner, codeHash, clusterId: id, salt: filled(0, 0) })
    expect(storage.clusters.get(chain.ctx, id)).toEqual({ owner, permission: { kind: 'Public' }, systemContract, gasPrice: 1n, depositPerItem: 2n, depositPerByte: 3n })
    expect(storage.clusterWorkers.get(chain.ctx, id)).toEqual([a.worker, b.worker])
    expect(storage.clusterByWorkers.get(chain.ctx, b.worker)).toEqual(id)
    expect(storage.contracts.get(chain.ctx, systemContract)).toEqual({ deployer: owner, cluster: id })
    expect(balanceOf(balancesParts.in(chain.ctx), clusterAccountOf(crypto, id)).free).toBe(10n * UNIT)
    const [deploy] = bed.heard(TOPICS.clusterEvent)
    expect(deploy?.value).toMatchObject({ owner, cluster: id, deposit: 10n * UNIT, treasuryAccount: bed.treasury })
    expect(deploy?.value.workers.map(({ pubkey }) => pubkey)).toEqual([a.worker, b.worker])
    expect(bed.events('ClusterCreated')).toEqual([{ cluster: id, systemContract }])
    expect(bed.heard(TOPICS.clusterNotice).at(-1)).toMatchObject({ kind: 'EpochRequested', value: { cluster: id, epoch: 1n } })
  })

  test('refuses bad wishes', () => {
    const { chain } = bed
    const low = bed.worker('low', 3500n * UNIT)
    const idle = bed.bound('idle')
    chain.assertNoop(bed.addCluster([a.worker]), signed(bed.owner), 'BadOrigin')
    chain.assertNoop(bed.addCluster([]), ROOT, fails('NoWorkerSpecified'))
    chain.assertNoop(bed.addCluster([filled(9)]), ROOT, fails('WorkerNotFound'))
    chain.assertNoop(bed.addCluster([a.worker, a.worker]), ROOT, fails('WorkerIsBusy'))
    chain.assertNoop(bed.addCluster([low.worker]), ROOT, fails('WorkerNotStaked'))
    chain.assertNoop(bed.addCluster([idle.worker]), ROOT, fails('WorkerNotStaked'))
    chain.assertNoop(bed.addCluster([bed.prepare('free').worker]), ROOT, fails('WorkerNotStaked'))
    chain.assertNoop(bed.addCluster([a.worker], { deposit: 10_000n * UNIT }), ROOT, 'Token.FundsUnavailable')
    bed.cluster([a])
    chain.assertNoop(bed.addCluster([a.worker, b.worker]), ROOT, fails('WorkerIsBusy'))
  })

  test('refuses workers that are silent or not vouched for', () => {
    const { chain } = bed
    sessions.mutate(chain.ctx, a.session, (info) => info && { ...info, state: { kind: 'WorkerUnresponsive' } })
    chain.assertNoop(bed.addCluster([a.worker]), ROOT, fails('WorkerNotStaked'))
    evidenceSentAt.set(chain.ctx, b.worker, 1)
    chain.assertNoop(bed.addCluster([b.worker]), ROOT, 'PhalaRegistry.WorkerNotVouchedFor')
  })

  test('needs a system code', () => {
    const empty = createPhatTestbed(crypto, { genesis: { systemCode: '0x' } })
    const one = empty.worker('a')
    empty.chain.assertNoop(empty.addCluster([one.worker]), ROOT, fails('NoPinkSystemCode'))
  })

  test('serves workers with exactly the least stake', () => {
    storage.clusterMinStake.set(bed.chain.ctx, STAKE)
    bed.cluster([a])
    stakes.set(bed.chain.ctx, b.session, STAKE - 1n)
    bed.chain.assertNoop(bed.addCluster([b.worker]), ROOT, fails('WorkerNotStaked'))
  })
})

describe('phatContracts.clusterUploadResource', () => {
  const upload = (clusterId: Uint8Array, length: number, kind: 'InkCode' | 'SidevmCode' | 'IndeterministicInkCode' = 'InkCode') =>
    call('clusterUploadResource', { clusterId, resourceType: { kind }, resourceData: filled(1, length) })

  test('passes code on up to the limit', () => {
    const id = bed.cluster([a])
    bed.chain.assertOk(upload(id, 2 * 1024 * 1024, 'IndeterministicInkCode'), signed(bed.user))
    expect(bed.heard(TOPICS.clusterOperation).at(-1)).toMatchObject({ kind: 'UploadResource', value: { origin: bed.user, clusterId: id, resourceType: { kind: 'IndeterministicInkCode' } } })
    bed.chain.assertNoop(upload(id, 2 * 1024 * 1024 + 1), signed(bed.user), fails('PayloadTooLarge'))
  })

  test('refuses strangers, unknown clusters and side programs', () => {
    const id = bed.cluster([a], { permission: { kind: 'OnlyOwner', value: bed.owner } })
    bed.chain.assertNoop(upload(id, 1), signed(bed.user), fails('ClusterPermissionDenied'))
    bed.chain.assertNoop(upload(filled(9), 1), signed(bed.user), fails('ClusterNotFound'))
    bed.chain.assertNoop(upload(id, 1, 'SidevmCode'), signed(bed.owner), fails('SidevmNotSupported'))
    bed.chain.assertNoop(upload(id, 1), ROOT, 'BadOrigin')
    bed.chain.assertOk(upload(id, 1), signed(bed.owner))
  })
})

describe('phatContracts.transferToCluster', () => {
  test('moves tokens to the cluster and tells it', () => {
    const id = bed.cluster([a])
    bed.chain.assertOk(call('transferToCluster', { amount: 5n * UNIT, clusterId: id, destAccount: ALICE }), signed(bed.user))
    expect(balanceOf(balancesParts.in(bed.chain.ctx), clusterAccountOf(crypto, id)).free).toBe(15n * UNIT)
    expect(bed.heard(TOPICS.clusterOperation)).toEqual([{ kind: 'Deposit', value: { clusterId: id, account: ALICE, amount: 5n * UNIT } }])
    expect(bed.events('Transfered')).toEqual([{ cluster: id, account: ALICE, amount: 5n * UNIT }])
  })

  test('refuses a cluster that does not exist, and more than one has', () => {
    const id = bed.cluster([a])
    bed.chain.assertNoop(call('transferToCluster', { amount: UNIT, clusterId: filled(9), destAccount: ALICE }), signed(bed.user), fails('ClusterNotFound'))
    bed.chain.assertNoop(call('transferToCluster', { amount: 1000n * UNIT, clusterId: id, destAccount: ALICE }), signed(bed.user), 'Token.NotExpendable')
  })
})

describe('phatContracts.pushContractMessage', () => {
  const push = (contractId: Uint8Array, deposit: bigint) => call('pushContractMessage', { contractId, payload: filled(5, 3), deposit })

  test('sends the payload as it is, in the caller\'s name, after the deposit', () => {
    const id = bed.cluster([a])
    const contract = bed.contract(id, 7)
    bed.chain.assertOk(push(contract, UNIT), signed(bed.user))
    const [deposit, command] = loggedMessages(bed.chain.ctx).slice(-2)
    expect(TOPICS.clusterOperation.payload.decode(deposit?.payload as Uint8Array)).toEqual({ kind: 'Deposit', value: { clusterId: id, account: bed.user, amount: UNIT } })
    expect(command).toEqual({ sender: { kind: 'AccountId', value: bed.user }, destination: commandTopicOf(contract).topic, payload: filled(5, 3) })
  })

  test('needs a known contract only for a deposit', () => {
    bed.chain.assertNoop(push(filled(9), 1n), signed(bed.user), fails('ContractNotFound'))
    bed.chain.assertOk(push(filled(9), 0n), signed(bed.user))
  })
})

describe('phatContracts.instantiateContract', () => {
  const wish = (clusterId: Uint8Array, change: object = {}) => call('instantiateContract', {
    codeIndex: { kind: 'WasmCode', value: filled(2) }, data: filled(3, 4), salt: filled(4, 2), clusterId, transfer: 1n, gasLimit: 2n, storageDepositLimit: 3n, deposit: UNIT, ...change,
  })

  test('keeps the contract and tells the cluster, after the deposit', () => {
    const id = bed.cluster([a])
    const contract = contractIdOf(crypto, { deployer: bed.user, codeHash: filled(2), clusterId: id, salt: filled(4, 2) })
    bed.chain.assertOk(wish(id), signed(bed.user))
    bed.chain.assertEvents([{ pallet: 'PhalaPhatContracts', name: 'Instantiating', value: { contract, cluster: id, deployer: bed.user } }])
    expect(storage.contracts.get(bed.chain.ctx, contract)).toEqual({ deployer: bed.user, cluster: id })
    expect(bed.heard(TOPICS.clusterOperation).map(({ kind }) => kind)).toEqual(['Deposit'])
    expect(bed.heard(TOPICS.contractOperation)[0]?.value).toMatchObject({ transfer: 1n, gasLimit: 2n, storageDepositLimit: 3n, contractInfo: { deployer: bed.user, clusterId: id } })
    bed.chain.assertNoop(wish(id), signed(bed.user), fails('DuplicatedContract'))
    bed.chain.assertOk(wish(id, { salt: filled(5, 1) }), signed(bed.user))
  })

  test('refuses strangers and unknown clusters', () => {
    const id = bed.cluster([a], { permission: { kind: 'OnlyOwner', value: bed.owner } })
    bed.chain.assertNoop(wish(id), signed(bed.user), fails('ClusterPermissionDenied'))
    bed.chain.assertNoop(wish(filled(9)), signed(bed.user), fails('ClusterNotFound'))
    bed.chain.assertNoop(wish(id, { deposit: 10_000n * UNIT }), signed(bed.owner), 'Token.FundsUnavailable')
  })
})

describe('phatContracts.clusterDestroy', () => {
  test('frees the workers, forgets the key and tells the cluster', () => {
    const id = bed.cluster([a])
    bed.giveKey(id, filled(5))
    bed.beginEpoch(id, 1n)
    bed.report(a, id, bed.chain.ctx.block.number - 1, 1)
    bed.chain.assertNoop(call('clusterDestroy', { cluster: id }), signed(bed.owner), 'BadOrigin')
    bed.chain.assertOk(call('clusterDestroy', { cluster: id }), ROOT)
    expect(clusterKeys.has(bed.chain.ctx, id)).toBe(false)
    expect(bed.heard(TOPICS.clusterOperation)).toEqual([{ kind: 'DestroyCluster', value: id }])
    bed.chain.assertNoop(call('clusterDestroy', { cluster: id }), ROOT, fails('ClusterNotFound'))
    expect([...storage.epochQueue.keys(bed.chain.ctx)]).toEqual([])
    expect(bed.cluster([a])).toEqual(clusterIdOf(2n))
  })
})

describe('phatContracts.setPinkSystemCode', () => {
  test('takes effect when the next block begins', () => {
    const { chain } = bed
    expect(storage.pinkSystemCode.get(chain.ctx)).toEqual([1, BUILTIN_SYSTEM_CODE])
    chain.assertOk(call('setPinkSystemCode', { code: filled(1, 9) }), ROOT)
    expect(storage.pinkSystemCode.get(chain.ctx)[0]).toBe(1)
    chain.nextBlock()
    expect(storage.pinkSystemCode.get(chain.ctx)).toEqual([2, filled(1, 9)])
    expect(storage.pinkSystemCodeHash.get(chain.ctx)).toEqual(crypto.blake2b256(filled(1, 9)))
    expect(storage.nextPinkSystemCode.has(chain.ctx)).toBe(false)
    expect(bed.heard(TOPICS.clusterNotice)).toEqual([{ kind: 'SystemCode', value: { version: 2, code: filled(1, 9) } }])
    chain.assertNoop(call('setPinkSystemCode', { code: filled(1, 0) }), ROOT, fails('NoPinkSystemCode'))
    chain.assertNoop(call('setPinkSystemCode', { code: filled(1, 1) }), signed(bed.user), 'BadOrigin')
  })
})

test('phatContracts.setPinkRuntimeVersion keeps the version and tells workers', () => {
  bed.chain.assertOk(call('setPinkRuntimeVersion', { version: [1, 2] }), ROOT)
  expect(storage.pinkRuntimeVersion.get(bed.chain.ctx)).toEqual([1, 2])
  expect(bed.heard(TOPICS.clusterNotice)).toEqual([{ kind: 'RuntimeVersion', value: [1, 2] }])
  bed.chain.assertNoop(call('setPinkRuntimeVersion', { version: [1, 2] }), signed(bed.user), 'BadOrigin')
})

describe('phatContracts.addWorkerToCluster', () => {
  const add = (workerPubkey: Uint8Array, clusterId: Uint8Array) => call('addWorkerToCluster', { workerPubkey, clusterId })

  test('lets the owner take a worker in', () => {
    const id = bed.cluster([a])
    bed.chain.assertOk(add(b.worker, id), signed(bed.owner))
    expect(bed.events('WorkerAddedToCluster')).toEqual([{ worker: b.worker, cluster: id }])
    expect(bed.heard(TOPICS.clusterNotice).at(-1)).toMatchObject({ kind: 'WorkerAdded', value: { cluster: id, worker: { pubkey: b.worker } } })
    bed.chain.assertNoop(add(b.worker, id), signed(bed.owner), fails('WorkerIsBusy'))
  })

  test('refuses strangers, unknown clusters and workers, and too little stake', () => {
    const id = bed.cluster([a])
    bed.chain.assertNoop(add(b.worker, id), signed(bed.user), fails('ClusterPermissionDenied'))
    bed.chain.assertNoop(add(b.worker, filled(9)), signed(bed.owner), fails('ClusterNotFound'))
    bed.chain.assertNoop(add(filled(9), id), signed(bed.owner), fails('WorkerNotFound'))
    stopComputing(bed.chain.ctx, b.session)
    bed.chain.assertNoop(add(b.worker, id), signed(bed.owner), fails('WorkerNotStaked'))
  })

  test('refuses more workers than a cluster may have', () => {
    const id = bed.cluster([a])
    storage.clusterWorkers.set(bed.chain.ctx, id, Array.from({ length: 256 }, (_, i) => filled(i)))
    bed.chain.assertNoop(add(b.worker, id), signed(bed.owner), fails('ClusterFull'))
  })
})

describe('phatContracts.removeWorkerFromCluster', () => {
  const remove = (workerPubkey: Uint8Array, clusterId: Uint8Array) => call('removeWorkerFromCluster', { workerPubkey, clusterId })

  test('removes a worker, which may come back, and asks for another epoch', () => {
    const id = bed.cluster([a, b])
    bed.chain.assertOk(remove(b.worker, id), signed(bed.owner))
    expect(storage.clusterWorkers.get(bed.chain.ctx, id)).toEqual([a.worker])
    expect(bed.heard(TOPICS.clusterOperation)).toEqual([{ kind: 'RemoveWorker', value: { clusterId: id, worker: b.worker } }])
    expect(bed.heard(TOPICS.clusterNotice).at(-1)).toMatchObject({ kind: 'EpochRequested', value: { epoch: 2n, workers: [{ pubkey: a.worker }] } })
    bed.chain.assertOk(call('addWorkerToCluster', { workerPubkey: b.worker, clusterId: id }), signed(bed.owner))
    expect(storage.clusterByWorkers.get(bed.chain.ctx, b.worker)).toEqual(id)
  })

  test('refuses strangers and workers of elsewhere', () => {
    const id = bed.cluster([a])
    const other = bed.cluster([b])
    bed.chain.assertNoop(remove(a.worker, id), signed(bed.user), fails('ClusterPermissionDenied'))
    bed.chain.assertNoop(remove(b.worker, id), signed(bed.owner), fails('WorkerNotFound'))
    bed.chain.assertNoop(remove(a.worker, other), signed(bed.owner), fails('WorkerNotFound'))
    bed.chain.assertNoop(remove(a.worker, filled(9)), signed(bed.owner), fails('ClusterNotFound'))
  })
})

test('phatContracts.cleanupRemovedWorkers drops workers that are not in the cluster', () => {
  const id = bed.cluster([a, b])
  storage.clusterByWorkers.remove(bed.chain.ctx, b.worker)
  bed.chain.assertNoop(call('cleanupRemovedWorkers', { clusterId: id }), signed(bed.owner), 'BadOrigin')
  bed.chain.assertOk(call('cleanupRemovedWorkers', { clusterId: id }), ROOT)
  expect(storage.clusterWorkers.get(bed.chain.ctx, id)).toEqual([a.worker])
})

describe('phatContracts.setClusterMinStake', () => {
  test('is never zero, and raised it costs those with less their place', () => {
    const id = bed.cluster([a, bed.worker('rich', 2n * STAKE)])
    bed.chain.assertNoop(call('setClusterMinStake', { minStake: 0n }), ROOT, fails('InvalidParameter'))
    bed.chain.assertNoop(call('setClusterMinStake', { minStake: 1n }), signed(bed.user), 'BadOrigin')
    bed.chain.assertOk(call('setClusterMinStake', { minStake: STAKE + 1n }), ROOT)
    expect(storage.clusterWorkers.get(bed.chain.ctx, id)).toHaveLength(1)
    expect(bed.events('WorkerLeftCluster')).toEqual([{ worker: a.worker, cluster: id, reason: { kind: 'StakeTooLow' } }])
    expect(() => createPhatTestbed(crypto, { genesis: { clusterMinStake: '0' } })).toThrow(expect.objectContaining({ code: 'CHAIN_SPEC_INCONSISTENT' }) as Error)
    expect(() => createPhatTestbed(crypto, { genesis: { graceBlocks: 20 } })).toThrow(expect.objectContaining({ code: 'CHAIN_SPEC_INCONSISTENT' }) as Error)
  })

  test('is above zero where a chain spec says nothing', () => expect(storage.CLUSTER_MIN_STAKE).toBeGreaterThan(0n))

  test('a worker whose session stops leaves, and may enter again', () => {
    const id = bed.cluster([a, b])
    stopComputing(bed.chain.ctx, a.session)
    bed.chain.tryState()
    expect(bed.events('WorkerLeftCluster')).toEqual([{ worker: a.worker, cluster: id, reason: { kind: 'SessionStopped' } }])
    expect(storage.clusterWorkers.get(bed.chain.ctx, id)).toEqual([b.worker])
    expect(bed.heard(TOPICS.clusterOperation)).toEqual([{ kind: 'RemoveWorker', value: { clusterId: id, worker: a.worker } }])
    sessions.mutate(bed.chain.ctx, a.session, (info) => info && { ...info, state: { kind: 'Ready' } })
    stakes.remove(bed.chain.ctx, a.session)
    startComputing(bed.chain.ctx, a.session, STAKE)
    bed.chain.assertOk(call('addWorkerToCluster', { workerPubkey: a.worker, clusterId: id }), signed(bed.owner))
  })

  test('a worker slashed below it leaves; one that keeps enough stays', () => {
    const id = bed.cluster([a])
    slashByLevel(bed.chain.ctx, a.session, 3)
    expect(storage.clusterWorkers.get(bed.chain.ctx, id)).toEqual([a.worker])
    slashByLevel(bed.chain.ctx, a.session, 4)
    bed.chain.tryState()
    expect(bed.events('WorkerLeftCluster')).toEqual([{ worker: a.worker, cluster: id, reason: { kind: 'StakeTooLow' } }])
  })

  test('a silent worker stays', () => {
    const id = bed.cluster([a])
    bed.update({ offline: [a.worker] })
    bed.chain.tryState()
    expect(storage.clusterWorkers.get(bed.chain.ctx, id)).toEqual([a.worker])
  })

  test('the stake of a worker is at risk once a contract runs in its cluster', () => {
    const id = bed.cluster([a])
    expect(hostsContracts(bed.chain.ctx, a.worker)).toBe(false)
    bed.contract(id, 7)
    expect(hostsContracts(bed.chain.ctx, a.worker)).toBe(true)
    expect(hostsContracts(bed.chain.ctx, b.worker)).toBe(false)
    for (const one of [a, b]) bed.heartbeat(one, { nClusters: 0 })
    bed.update({ offline: [a.worker, b.worker] })
    expect([a, b].map((one) => slashClocks.has(bed.chain.ctx, one.session)), 'whatever its heartbeats say').toEqual([true, false])
  })
})

test('phatContracts.setClusterParameters sets sane parameters only', () => {
  const parameters = { rotationPeriodBlocks: 9, graceBlocks: 3, reportIntervalBlocks: 2 }
  bed.chain.assertOk(call('setClusterParameters', { parameters }), ROOT)
  expect(storage.clusterParameters.get(bed.chain.ctx)).toEqual(parameters)
  expect(bed.heard(TOPICS.clusterNotice)).toEqual([{ kind: 'Parameters', value: parameters }])
  for (const change of [{ graceBlocks: 9 }, { reportIntervalBlocks: 0 }, { graceBlocks: 0 }, { rotationPeriodBlocks: 10_000_001 }]) {
    bed.chain.assertNoop(call('setClusterParameters', { parameters: { ...parameters, ...change } }), ROOT, fails('InvalidParameter'))
  }
  bed.chain.assertNoop(call('setClusterParameters', { parameters }), signed(bed.user), 'BadOrigin')
})
