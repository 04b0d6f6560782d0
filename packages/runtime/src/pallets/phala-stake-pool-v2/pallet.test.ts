/** PhalaStakePoolv2: pools, workers, stake, rewards, slashes; what each call refuses. */
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { balanceToFixed, fixed } from '@phalanx/primitives/fixed'
import { describe, expect, test } from 'vitest'
import { ROOT, signed } from '../../frame/origin.ts'
import { devAccount } from '../../frame/testing.ts'
import { asset } from '../assets/storage.ts'
import { balances } from '../balances/pallet.ts'
import { sessionAccount } from '../phala-base-pool/accounts.ts'
import { basePoolOf, updateBase, updateStakePool } from '../phala-base-pool/pools.ts'
import { sharePrice } from '../phala-base-pool/shares.ts'
import { POOL_WORKERS_MAX } from '../phala-base-pool/types.ts'
import { shareNfts } from '../phala-base-pool/storage.ts'
import { SUBSIDY_ACCOUNT } from '../phala-computation/accounts.ts'
import { phalaComputation } from '../phala-computation/pallet.ts'
import { sessionStake } from '../phala-computation/sessions.ts'
import { sessions, stakes } from '../phala-computation/storage.ts'
import { phalaVault } from '../phala-vault/pallet.ts'
import { INVEST_POOLS_MAX, stakerAccounts, WPHA_ASSET_ID } from '../phala-wrapped-balances/storage.ts'
import { burnWpha } from '../phala-wrapped-balances/wpha.ts'
import { account } from '../system/storage.ts'
import { TREASURY_ACCOUNT } from '../treasury/storage.ts'
import { stakePoolListener } from './listener.ts'
import { phalaStakePoolV2 as stake } from './pallet.ts'
import { legacyRewards, owedRewards, subAccountPreimages, workerAssignments } from './storage.ts'
import { COOL_DOWN_SEC, createStakeTestbed, people, UNIT } from './testing.ts'

const crypto = await loadCrypto()
const [alice, bob, eve] = people(crypto, 'Alice', 'Bob', 'Eve') as [Uint8Array, Uint8Array, Uint8Array]
const D = UNIT
const W = new Uint8Array(32).fill(1)
const V = new Uint8Array(32).fill(2)
const U128_MAX = (1n << 128n) - 1n
const GRACE = 604_800n

/** Pool 0 of Alice with worker W; Alice, Bob and Eve hold 500 wrapped PHA each. */
const start = (options: { readonly wallet?: bigint } = {}) => {
  const bed = createStakeTestbed(crypto, { people: [alice, bob, eve].map((who) => [who, 1000n * D]), ...options })
  for (const who of [alice, bob, eve]) bed.wrap(who, 500n * D)
  bed.ok(stake.call('create'), alice)
  bed.register(W, alice)
  bed.ok(addWorker(W), alice)
  return bed
}
const addWorker = (pubkey: Uint8Array, pid = 0n) => stake.call('addWorker', { pid, pubkey })
const removeWorker = (worker: Uint8Array, pid = 0n) => stake.call('removeWorker', { pid, worker })
const contribute = (amount: bigint, pid = 0n, asVault?: bigint) => stake.call('contribute', { pid, amount, asVault })
const withdraw = (shares: bigint, pid = 0n, asVault?: bigint) => stake.call('withdraw', { pid, shares, asVault })
const startOn = (amount: bigint, worker = W, pid = 0n) => stake.call('startComputing', { pid, worker, stake: amount })
const stop = (worker = W, pid = 0n) => stake.call('stopComputing', { pid, worker })
const reclaim = (worker = W, pid = 0n) => stake.call('reclaimPoolWorker', { pid, worker })
const restart = (amount: bigint, worker = W, pid = 0n) => stake.call('restartComputing', { pid, worker, stake: amount })
const check = (pid = 0n) => stake.call('checkAndMaybeForceWithdraw', { pid })
const NOT_OWNER = 'PhalaStakePoolv2.UnauthorizedPoolOwner'
const NO_POOL = 'PhalaBasePool.PoolDoesNotExist'

describe('phalaStakePoolV2.create, phalaStakePoolV2.setCap and phalaStakePoolV2.setPayoutPref', () => {
  const cap = (amount: bigint, pid = 0n) => stake.call('setCap', { pid, cap: amount })
  const pref = (payoutCommission: number | undefined, pid = 0n) => stake.call('setPayoutPref', { pid, payoutCommission })

  test('make and set up a pool', () => {
    const { chain, ok, pool } = start()
    const events = ok(stake.call('create'), bob)
    expect(events.map(({ pallet, name }) => `${pallet}.${name}`)).toEqual(['Uniques.Created', 'RmrkCore.CollectionCreated', 'PhalaStakePoolv2.PoolCreated'])
    ok(cap(5n * D, 1n), bob)
    ok(pref(250_000, 1n), bob)
    chain.assertEvents([{ pallet: 'PhalaStakePoolv2', name: 'PoolCommissionSet', value: { pid: 1n, commission: 250_000 } }])
    expect(pool(1n)).toMatchObject({ cap: 5n * D, payoutCommission: 250_000, workers: [] })
    ok(pref(undefined, 1n), bob)
    chain.assertEvents([{ pallet: 'PhalaStakePoolv2', name: 'PoolCommissionSet', value: { pid: 1n, commission: 0 } }])
  })

  test('refuse others, pools that are not, a cap below the value, more than everything', () => {
    const { chain, ok, refused } = start()
    ok(contribute(10n * D), bob)
    refused(cap(D), bob, NOT_OWNER)
    refused(cap(D, 9n), alice, NO_POOL)
    refused(cap(D), alice, 'PhalaStakePoolv2.InadequateCapacity')
    refused(pref(1), bob, NOT_OWNER)
    refused(pref(1_000_001), alice, 'PhalaStakePoolv2.InvalidCommission')
    ok(phalaVault.call('create'), alice)
    refused(pref(1, 1n), alice, 'PhalaBasePool.PoolTypeNotMatch')
    chain.assertNoop(stake.call('create'), ROOT, 'BadOrigin')
  })
})

describe('phalaStakePoolV2.addWorker and phalaStakePoolV2.removeWorker', () => {
  test('give a pool its workers', () => {
    const { chain, ok, pool } = start()
    chain.assertEvents([{ pallet: 'PhalaStakePoolv2', name: 'PoolWorkerAdded', value: { pid: 0n, worker: W, session: sessionAccount(chain.ctx, 0n, W) } }])
    expect([pool(0n).workers, workerAssignments.get(chain.ctx, W), subAccountPreimages.get(chain.ctx, sessionAccount(chain.ctx, 0n, W))]).toEqual([[W], 0n, [0n, W]])
    ok(removeWorker(W), alice)
    expect([pool(0n).workers, workerAssignments.has(chain.ctx, W)]).toEqual([[], false])
    ok(addWorker(W), alice)
  })

  test('addWorker refuses what is not registered, scored, operated, owned, new, or fits', () => {
    const { chain, ok, refused, register } = start()
    refused(addWorker(V), alice, 'PhalaStakePoolv2.WorkerNotRegistered')
    register(V, undefined)
    refused(addWorker(V), alice, 'PhalaStakePoolv2.UnauthorizedOperator')
    register(V, bob)
    refused(addWorker(V), alice, 'PhalaStakePoolv2.UnauthorizedOperator')
    refused(addWorker(V), bob, NOT_OWNER)
    refused(addWorker(V, 9n), bob, NO_POOL)
    refused(addWorker(W), alice, 'PhalaStakePoolv2.WorkerExists')
    ok(stake.call('create'), alice)
    refused(addWorker(W, 1n), alice, 'PhalaStakePoolv2.FailedToBindSessionAndWorker')
    register(V, alice)
    updateStakePool(chain.ctx, 1n, () => ({ workers: Array.from({ length: POOL_WORKERS_MAX }, (_, i) => new Uint8Array(32).fill(i + 10)) }))
    refused(addWorker(V, 1n), alice, 'PhalaStakePoolv2.WorkersExceedLimit')
    updateStakePool(chain.ctx, 1n, ({ workers }) => ({ workers: workers.slice(1), cdWorkers: workers.slice(0, 2) }))
    refused(addWorker(V, 1n), alice, 'PhalaStakePoolv2.WorkersExceedLimit')
  })

  test('addWorker refuses a worker without a benchmark', () => {
    const { refused, register } = start()
    register(V, alice, { unscored: true })
    refused(addWorker(V), alice, 'PhalaStakePoolv2.BenchmarkMissing')
  })

  test('removeWorker refuses others, strangers, other pools\' workers, and those at work', () => {
    const { chain, ok, refused } = start()
    refused(removeWorker(W), bob, NOT_OWNER)
    refused(removeWorker(W, 9n), alice, NO_POOL)
    refused(removeWorker(V), alice, 'PhalaStakePoolv2.WorkerDoesNotExist')
    ok(stake.call('create'), alice)
    refused(removeWorker(W, 1n), alice, 'PhalaStakePoolv2.WorkerInAnotherPool')
    ok(contribute(100n * D), bob)
    ok(startOn(100n * D), alice)
    refused(removeWorker(W), alice, 'PhalaStakePoolv2.WorkerIsNotReady')
    ok(stop(), alice)
    refused(removeWorker(W), alice, 'PhalaStakePoolv2.WorkerIsNotReady')
    const session = sessionAccount(chain.ctx, 0n, W)
    const info = sessions.get(chain.ctx, session)
    sessions.remove(chain.ctx, session)
    refused(removeWorker(W), alice, 'PhalaStakePoolv2.SessionDoesNotExist')
    expect(info).toBeDefined()
  })
})

describe('phalaStakePoolV2.contribute and phalaStakePoolV2.withdraw', () => {
  test('buy shares and give them back', () => {
    const { ok, wpha, shares, base } = start()
    const events = ok(contribute(100n * D), bob)
    expect(events.at(-1)).toEqual({ pallet: 'PhalaStakePoolv2', name: 'Contribution', value: { pid: 0n, user: bob, amount: 100n * D, shares: 100n * D, asVault: undefined } })
    ok(withdraw(30n * D), bob)
    expect([wpha(bob), shares(0n, bob), base(0n).totalValue]).toEqual([430n * D, 70n * D, 70n * D])
  })

  test('contribute refuses too little, too much, other vaults and wrong pools', () => {
    const { chain, ok, refused } = start()
    refused(contribute(10n ** 10n - 1n), bob, 'PhalaStakePoolv2.InsufficientContribution')
    refused(contribute(0n), bob, 'PhalaStakePoolv2.InsufficientContribution')
    refused(contribute(501n * D), bob, 'PhalaStakePoolv2.InsufficientBalance')
    refused(contribute(U128_MAX), bob, 'PhalaStakePoolv2.InsufficientBalance')
    refused(contribute(D, 9n), bob, NO_POOL)
    ok(phalaVault.call('create'), bob)
    refused(contribute(D, 1n), bob, 'PhalaBasePool.PoolTypeNotMatch')
    refused(contribute(D, 0n, 0n), bob, 'PhalaBasePool.PoolTypeNotMatch')
    refused(contribute(D, 0n, 9n), bob, NO_POOL)
    refused(contribute(D, 0n, 1n), eve, NOT_OWNER)
    refused(contribute(D, 0n, 1n), bob, 'PhalaStakePoolv2.InsufficientBalance')
    const investPools = Array.from({ length: INVEST_POOLS_MAX }, (_, i) => [BigInt(i + 10), 20_000 + i] as const)
    for (const [, cid] of investPools) shareNfts.set(chain.ctx, cid, eve, [0])
    stakerAccounts.set(chain.ctx, eve, { investPools, locked: 0n })
    refused(contribute(D), eve, 'PhalaWrappedBalances.TooManyPools')
  })

  test('withdraw refuses accounts without shares, dust, too much, other vaults', () => {
    const { ok, refused } = start()
    refused(withdraw(D), bob, 'PhalaStakePoolv2.NoNftToWithdraw')
    ok(contribute(100n * D), bob)
    for (const shares of [0n, 1000n, 100n * D + 1n, U128_MAX]) refused(withdraw(shares), bob, 'PhalaStakePoolv2.InvalidWithdrawalAmount')
    refused(withdraw(D, 9n), bob, NO_POOL)
    ok(phalaVault.call('create'), bob)
    refused(withdraw(D, 1n), bob, 'PhalaBasePool.PoolTypeNotMatch')
    refused(withdraw(D, 0n, 1n), eve, NOT_OWNER)
    refused(withdraw(D, 0n, 1n), bob, 'PhalaStakePoolv2.NoNftToWithdraw')
  })
})

describe('phalaStakePoolV2.startComputing, phalaStakePoolV2.stopComputing and phalaStakePoolV2.reclaimPoolWorker', () => {
  test('lock and free stake', () => {
    const { chain, ok, wpha, pool, base, pass } = start()
    ok(contribute(100n * D), bob)
    ok(startOn(60n * D), alice)
    chain.assertEvents([{ pallet: 'PhalaStakePoolv2', name: 'WorkingStarted', value: { pid: 0n, worker: W, amount: 60n * D } }])
    expect([wpha(base(0n).poolAccountId), wpha(pool(0n).lockAccount)]).toEqual([40n * D, 60n * D])
    ok(stop(), alice)
    expect(pool(0n).cdWorkers).toEqual([W])
    pass(COOL_DOWN_SEC)
    ok(reclaim(), eve)
    chain.assertEvents([{ pallet: 'PhalaStakePoolv2', name: 'WorkerReclaimed', value: { pid: 0n, worker: W } }])
    expect([wpha(base(0n).poolAccountId), pool(0n).cdWorkers]).toEqual([100n * D, []])
  })

  test('refuse others, strangers, stake that is not free, and the wrong time', () => {
    const { chain, ok, refused, pool, pass } = start()
    ok(contribute(100n * D), bob)
    refused(startOn(50n * D), bob, NOT_OWNER)
    refused(startOn(50n * D, W, 9n), alice, NO_POOL)
    refused(startOn(101n * D), alice, 'PhalaStakePoolv2.InsufficientFreeStake')
    refused(startOn(50n * D, V), alice, 'PhalaStakePoolv2.WorkerDoesNotExist')
    refused(startOn(0n), alice, 'PhalaComputation.InsufficientStake')
    refused(startOn(U128_MAX), alice, 'PhalaStakePoolv2.InsufficientFreeStake')
    refused(stop(), alice, 'PhalaComputation.WorkerNotComputing')
    ok(startOn(50n * D), alice)
    refused(startOn(50n * D), alice, 'PhalaComputation.WorkerNotReady')
    refused(stop(), bob, NOT_OWNER)
    refused(stop(W, 9n), alice, NO_POOL)
    refused(stop(V), alice, 'PhalaStakePoolv2.WorkerDoesNotExist')
    refused(reclaim(), alice, 'PhalaComputation.CoolDownNotReady')
    ok(stop(), alice)
    refused(stop(), alice, 'PhalaStakePoolv2.WorkerAlreadyStopped')
    refused(reclaim(), alice, 'PhalaComputation.CoolDownNotReady')
    refused(reclaim(V), alice, 'PhalaComputation.SessionNotFound')
    refused(reclaim(W, 9n), alice, NO_POOL)
    pass(COOL_DOWN_SEC)
    burnWpha(chain.ctx, pool(0n).lockAccount, D)
    updateBase(chain.ctx, 0n, ({ totalValue }) => ({ totalValue: totalValue - D }))
    stakes.set(chain.ctx, sessionAccount(chain.ctx, 0n, W), 50n * D)
    refused(reclaim(), alice, 'PhalaStakePoolv2.LockAccountStakeError')
  })
})

describe('phalaStakePoolV2.restartComputing', () => {
  test('adds stake to a worker at work', () => {
    const { chain, ok, wpha, base } = start()
    ok(contribute(200n * D), bob)
    ok(startOn(150n * D), alice)
    ok(restart(151n * D), alice)
    expect([wpha(base(0n).poolAccountId), sessionStake(chain.ctx, sessionAccount(chain.ctx, 0n, W))]).toEqual([49n * D, 151n * D])
  })

  test('refuses less or equal stake, more than there is, others, and a queue', () => {
    const { ok, refused } = start()
    ok(contribute(200n * D), bob)
    refused(restart(10n * D), alice, 'PhalaComputation.WorkerNotComputing')
    ok(startOn(150n * D), alice)
    refused(restart(150n * D), alice, 'PhalaStakePoolv2.CannotRestartWithLessStake')
    refused(restart(201n * D), alice, 'PhalaStakePoolv2.InsufficientFreeStake')
    refused(restart(151n * D), bob, NOT_OWNER)
    refused(restart(151n * D, W, 9n), alice, NO_POOL)
    refused(restart(151n * D, V), alice, 'PhalaStakePoolv2.WorkerDoesNotExist')
    ok(withdraw(100n * D), bob)
    refused(restart(151n * D), alice, 'PhalaStakePoolv2.WithdrawQueueNotEmpty')
  })

  test('refuses a worker that cools down', () => {
    const { ok, refused } = start()
    ok(contribute(200n * D), bob)
    ok(startOn(150n * D), alice)
    ok(stop(), alice)
    refused(restart(151n * D), alice, 'PhalaStakePoolv2.WorkerAlreadyStopped')
  })
})

describe('phalaStakePoolV2.checkAndMaybeForceWithdraw', () => {
  test('stops the workers when a withdrawal waited longer than the grace period', () => {
    const { ok, pool, pass, wpha } = start()
    ok(contribute(100n * D), bob)
    ok(startOn(100n * D), alice)
    ok(withdraw(100n * D), bob)
    pass(GRACE)
    ok(check(), eve)
    expect(pool(0n).cdWorkers).toEqual([])
    pass(1n)
    ok(check(), eve)
    expect(pool(0n).cdWorkers).toEqual([W])
    ok(check(), eve)
    pass(COOL_DOWN_SEC)
    ok(reclaim(), eve)
    expect(wpha(bob)).toBe(500n * D)
  })

  test('stake of a worker that its operator unbound counts as being released, and can be reclaimed', () => {
    const { chain, ok, pool, register, pass, wpha } = start()
    register(V, alice)
    ok(addWorker(V), alice)
    ok(contribute(200n * D), bob)
    ok(startOn(100n * D), alice)
    ok(startOn(100n * D, V), alice)
    ok(withdraw(100n * D), bob)
    chain.assertOk(phalaComputation.call('unbind', { session: sessionAccount(chain.ctx, 0n, W) }), signed(alice))
    expect([pool(0n).workers, pool(0n).cdWorkers, workerAssignments.has(chain.ctx, W)]).toEqual([[V], [W], false])
    pass(GRACE + 1n)
    ok(check(), eve)
    expect(pool(0n).cdWorkers).toEqual([W])
    ok(reclaim(), eve)
    expect([wpha(bob), pool(0n).cdWorkers]).toEqual([400n * D, []])
  })

  test('refuses pools that are not', () => {
    const { chain, ok, refused } = start()
    refused(check(9n), eve, NO_POOL)
    ok(phalaVault.call('create'), alice)
    refused(check(1n), eve, 'PhalaBasePool.PoolTypeNotMatch')
    chain.assertNoop(check(), ROOT, 'BadOrigin')
  })
})

describe('phalaStakePoolV2.claimOwnerRewards and phalaStakePoolV2.claimLegacyRewards', () => {
  const claim = (pid = 0n) => stake.call('claimOwnerRewards', { pid, target: eve })
  const legacy = stake.call('claimLegacyRewards', { pid: 0n, target: eve })

  test('pay wrapped PHA', () => {
    const { chain, ok, wpha, reward } = start()
    ok(stake.call('setPayoutPref', { pid: 0n, payoutCommission: 1_000_000 }), alice)
    ok(contribute(100n * D), bob)
    reward(W, fixed.fromInteger(7))
    chain.assertEvents([{ pallet: 'PhalaStakePoolv2', name: 'RewardReceived', value: { pid: 0n, toOwner: 7n * D, toStakers: 0n } }])
    ok(claim(), alice)
    chain.assertEvents([{ pallet: 'PhalaStakePoolv2', name: 'OwnerRewardsWithdrawn', value: { pid: 0n, user: alice, amount: 7n * D } }])
    legacyRewards.set(chain.ctx, [bob, 0n], 3n * D)
    ok(legacy, bob)
    expect(wpha(eve)).toBe(510n * D)
  })

  test('refuse others, nothing, dust, and a wallet that cannot pay', () => {
    const { chain, refused } = start()
    refused(claim(), bob, NOT_OWNER)
    refused(claim(9n), alice, NO_POOL)
    refused(claim(), alice, 'PhalaStakePoolv2.NoRewardToClaim')
    refused(legacy, bob, 'PhalaStakePoolv2.NoLegacyRewardToClaim')
    legacyRewards.set(chain.ctx, [bob, 0n], 3n)
    refused(stake.call('claimLegacyRewards', { pid: 0n, target: W }), bob, 'Token.BelowMinimum')
    legacyRewards.set(chain.ctx, [bob, 0n], 2_000_000n * D)
    refused(legacy, bob, 'PhalaStakePoolv2.InternalSubsidyPoolCannotWithdraw')
  })
})

describe('rewards', () => {
  test('are dismissed where nobody can have them', () => {
    const { ok, reward } = start()
    expect(reward(V, fixed.fromInteger(1))).toEqual([{ pallet: 'PhalaStakePoolv2', name: 'RewardDismissedNotInPool', value: { worker: V, amount: D } }])
    expect(reward(V, 0n)).toEqual([{ pallet: 'PhalaStakePoolv2', name: 'RewardDismissedNotInPool', value: { worker: V, amount: 0n } }])
    expect(reward(W, 0n)).toEqual([])
    expect(reward(W, balanceToFixed(1000n)).map(({ name }) => name)).toEqual(['RewardDismissedDust'])
    expect(reward(W, fixed.fromInteger(1))).toEqual([{ pallet: 'PhalaStakePoolv2', name: 'RewardDismissedNoShare', value: { pid: 0n, amount: D } }])
    ok(contribute(100n * D), bob)
    expect(reward(W, fixed.fromInteger(1)).at(-1)?.name).toBe('RewardReceived')
  })

  test('phalaStakePoolV2.payOwedReward: what the wallet could not pay is owed, and paid once it can', () => {
    const { chain, ok, refused, reward, base } = start({ wallet: 5n * D })
    const pay = (pid = 0n) => stake.call('payOwedReward', { pid })
    ok(contribute(100n * D), bob)
    refused(pay(), eve, 'PhalaStakePoolv2.NoOwedReward')
    refused(pay(9n), eve, NO_POOL)
    const before = account.get(chain.ctx, SUBSIDY_ACCOUNT).data.free
    expect(reward(W, fixed.fromInteger(5))).toEqual([{ pallet: 'PhalaStakePoolv2', name: 'RewardOwed', value: { pid: 0n, amount: 5n * D } }])
    reward(W, fixed.fromInteger(6))
    expect([owedRewards.get(chain.ctx, 0n), account.get(chain.ctx, SUBSIDY_ACCOUNT).data.free]).toEqual([11n * D, before])
    refused(pay(), eve, 'PhalaStakePoolv2.InternalSubsidyPoolCannotWithdraw')
    ok(balances.call('transferKeepAlive', { dest: { kind: 'Id', value: SUBSIDY_ACCOUNT }, value: 20n * D }), eve)
    ok(pay(), eve)
    chain.assertEvents([{ pallet: 'PhalaStakePoolv2', name: 'RewardReceived', value: { pid: 0n, toOwner: 0n, toStakers: 11n * D } }])
    expect([base(0n).totalValue, owedRewards.has(chain.ctx, 0n)]).toEqual([111n * D, false])
    owedRewards.set(chain.ctx, 0n, D)
    updateBase(chain.ctx, 0n, () => ({ totalShares: 0n }))
    refused(pay(), eve, 'PhalaStakePoolv2.PoolBankrupt')
  })
})

describe('slashes', () => {
  const slash = (bed: ReturnType<typeof start>, amount: bigint): void => {
    const { ctx } = bed.chain
    const session = sessionAccount(ctx, 0n, W)
    stakes.mutate(ctx, session, (held) => (held ?? 0n) - amount)
    stakePoolListener.onSlashed?.(ctx, { session, worker: W, amount })
    bed.chain.tryState()
  }

  test('lower the share price exactly and go to the treasury', () => {
    const bed = start()
    const { chain, ok, base, wpha, pool, pass } = bed
    ok(phalaVault.call('create'), eve)
    ok(phalaVault.call('contribute', { pid: 1n, amount: 100n * D }), eve)
    ok(contribute(100n * D, 0n, 1n), eve)
    ok(contribute(100n * D), bob)
    ok(startOn(200n * D), alice)
    const supply = asset.get(chain.ctx, WPHA_ASSET_ID)?.supply ?? 0n
    slash(bed, 20n * D)
    chain.assertEvents([{ pallet: 'PhalaStakePoolv2', name: 'PoolSlashed', value: { pid: 0n, amount: 20n * D } }])
    expect([base(0n).totalValue, base(1n).totalValue, wpha(pool(0n).lockAccount)]).toEqual([180n * D, 90n * D, 180n * D])
    expect(sharePrice(base(0n))).toBe(fixed.div(fixed.fromInteger(180), fixed.fromInteger(200)))
    expect([account.get(chain.ctx, TREASURY_ACCOUNT).data.free, supply - (asset.get(chain.ctx, WPHA_ASSET_ID)?.supply ?? 0n)]).toEqual([20n * D, 20n * D])
    ok(stop(), alice)
    pass(COOL_DOWN_SEC)
    ok(reclaim(), eve)
    expect(wpha(base(0n).poolAccountId)).toBe(180n * D)
  })

  test('too little for the treasury to begin with stays in the reserve', () => {
    const bed = start()
    bed.ok(contribute(100n * D), bob)
    bed.ok(startOn(100n * D), alice)
    slash(bed, 7n)
    expect([account.has(bed.chain.ctx, TREASURY_ACCOUNT), bed.base(0n).totalValue]).toEqual([false, 100n * D - 7n])
  })

  test('a pool that lost everything takes no delegations', () => {
    const bed = start()
    bed.ok(contribute(100n * D), bob)
    bed.ok(startOn(100n * D), alice)
    slash(bed, 100n * D)
    expect(bed.base(0n).totalValue).toBe(0n)
    bed.refused(contribute(D), eve, 'PhalaBasePool.PoolBankrupt')
  })
})

test('blocks of signed calls execute twice to the same root', () => {
  const owner = devAccount(crypto, 'Alice')
  const { chain, wrapped } = createStakeTestbed(crypto, { people: [[owner.publicKey, 1000n * D]] })
  const calls = [wrapped.call('wrap', { amount: 500n * D }), stake.call('create'), contribute(100n * D), withdraw(40n * D), contribute(10n * D)]
  chain.seal(calls.map((call, nonce) => chain.sign(call, owner, { nonce })))
  chain.seal([chain.sign(phalaVault.call('create'), owner)])
  chain.seal([chain.sign(phalaVault.call('contribute', { pid: 1n, amount: 50n * D }), owner)])
  const { totalShares, totalValue, withdrawQueue } = basePoolOf(chain.ctx, 0n)
  expect([totalShares, totalValue, withdrawQueue, basePoolOf(chain.ctx, 1n).totalValue]).toEqual([70n * D, 70n * D, [], 50n * D])
  chain.tryState()
})
