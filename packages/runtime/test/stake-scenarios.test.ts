/** Scenarios of the reference's own tests, published examples, and real pools of a chain (6-tokenomics): pools come out to the last planck. */
import { bigintToLe, concatBytes, toHex } from '@phalanx/primitives/bytes'
import { parseAccountAddress } from '@phalanx/primitives/crypto'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { balanceToFixed, divBalance, fixed, fixedOf, permillOf } from '@phalanx/primitives/fixed'
import { expect, test } from 'vitest'
import { describeVectors, readVectorJson } from '../../../tools/vectors.ts'
import { ISSUER, poolAccounts, sessionAccount } from '../src/pallets/phala-base-pool/accounts.ts'
import { mintShares, shareNftsOf } from '../src/pallets/phala-base-pool/nfts.ts'
import { updateBase, vaultOf } from '../src/pallets/phala-base-pool/pools.ts'
import { sharePrice, sharesFor, valueOf } from '../src/pallets/phala-base-pool/shares.ts'
import { phalaStakePoolV2 } from '../src/pallets/phala-stake-pool-v2/pallet.ts'
import { COOL_DOWN_SEC, createStakeTestbed, UNIT } from '../src/pallets/phala-stake-pool-v2/testing.ts'
import { phalaVault } from '../src/pallets/phala-vault/pallet.ts'
import { unmintableDust, WPHA_ACCOUNT } from '../src/pallets/phala-wrapped-balances/storage.ts'
import { moveWpha } from '../src/pallets/phala-wrapped-balances/wpha.ts'
import { account } from '../src/pallets/system/storage.ts'

const crypto = await loadCrypto()
const D = UNIT
const user = (id: number): Uint8Array => concatBytes(bigintToLe(BigInt(id), 8), new Uint8Array(24).fill(7))
const worker = (id: number): Uint8Array => new Uint8Array(32).fill(id)
const address = (text: string): Uint8Array => parseAccountAddress(crypto, text)
/** Least wrapped PHA on our chains. */
const MINIMUM = 10n ** 8n

interface Step {
  readonly expect: Readonly<Record<string, unknown>>
}
interface Scenario extends Step {
  readonly test: string
  readonly then?: readonly Step[]
}
/** Expectations of a scenario, one after another. */
const expectations = (name: string): readonly Readonly<Record<string, unknown>>[] => {
  const found = readVectorJson<{ readonly scenarios: readonly Scenario[] }>('6-tokenomics/pool-scenarios.json').scenarios.find((one) => one.test === name)
  if (found === undefined) throw new TypeError(`no scenario ${name}`)
  return [found.expect, ...(found.then ?? []).map((step) => step.expect)]
}

const createWorld = (wrapped: readonly number[] = [1, 2, 3]) => {
  const bed = createStakeTestbed(crypto, { people: [1, 2, 3, 4].map((id) => [user(id), 10_000n * D]), wrapped: { endowment: '0', minBalance: (10n ** 10n).toString() } })
  const { ok, refused } = bed
  for (const id of wrapped) bed.wrap(user(id), 500n * D)
  const stake = phalaStakePoolV2
  return {
    ...bed,
    createPool: (owner: number) => ok(stake.call('create'), user(owner)),
    addWorker(pid: bigint, owner: number, id: number) {
      bed.register(worker(id), user(owner))
      ok(stake.call('addWorker', { pid, pubkey: worker(id) }), user(owner))
    },
    contribute: (pid: bigint, who: number, amount: bigint, asVault?: bigint) => ok(stake.call('contribute', { pid, amount, asVault }), user(who)),
    contributeFails: (pid: bigint, who: number, amount: bigint, error: string, asVault?: bigint) => refused(stake.call('contribute', { pid, amount, asVault }), user(who), error),
    start: (pid: bigint, owner: number, id: number, amount: bigint) => ok(stake.call('startComputing', { pid, worker: worker(id), stake: amount }), user(owner)),
    commission: (pid: bigint, owner: number, ppm: number) => ok(stake.call('setPayoutPref', { pid, payoutCommission: ppm }), user(owner)),
  }
}

describeVectors('scenarios of the reference', () => {
  test('a reward of 0.00001 PHA is dust for owner and delegators', () => {
    const [wanted] = expectations('test_on_reward_dust')
    const { createPool, addWorker, commission, contribute, start, reward, wpha, pool, base, chain } = createWorld()
    createPool(1)
    addWorker(0n, 1, 1)
    commission(0n, 1, 500_000)
    contribute(0n, 1, 100n * D)
    start(0n, 1, 1, 100n * D)
    const before = account.get(chain.ctx, WPHA_ACCOUNT).data.free
    const events = reward(worker(1), fixedOf('0.00001'))
    for (const name of ['RewardToOwnerDismissedDust', 'RewardToDistributionDismissedDust']) {
      const { pid, amount } = wanted?.[name] as { readonly pid: number; readonly amount: number }
      expect(events).toContainEqual({ pallet: 'PhalaStakePoolv2', name, value: { pid: BigInt(pid), amount: BigInt(amount) } })
    }
    expect([wpha(pool(0n).ownerRewardAccount), wpha(base(0n).poolAccountId)].map(String)).toEqual([wanted?.['ownerRewardAccount'], wanted?.['poolAccount']])
    expect(account.get(chain.ctx, WPHA_ACCOUNT).data.free - before).toBe(9_999_999n)
  })

  test('a reward reaches the vault in its pool', () => {
    const [wanted] = expectations('test_on_reward_for_vault')
    const { ok, createPool, addWorker, commission, contribute, start, reward, wpha, pool, base, chain } = createWorld()
    ok(phalaVault.call('create'), user(3))
    createPool(1)
    addWorker(1n, 1, 1)
    commission(1n, 1, 500_000)
    ok(phalaVault.call('contribute', { pid: 0n, amount: 100n * D }), user(3))
    contribute(1n, 3, 50n * D, 0n)
    contribute(1n, 2, 50n * D)
    start(1n, 1, 1, 100n * D)
    reward(worker(1), fixed.fromInteger(100))
    expect({
      'pool1.ownerReward': wpha(pool(1n).ownerRewardAccount).toString(), 'pool1.freeStake(account)': wpha(base(1n).poolAccountId).toString(),
      'pool1.totalValue': base(1n).totalValue.toString(), 'pool1.totalShares': base(1n).totalShares.toString(),
      'vault0.totalValue': base(0n).totalValue.toString(), 'vault0.account': wpha(base(0n).poolAccountId).toString(), 'vault0.totalShares': base(0n).totalShares.toString(),
      'native balance of the wrapping account': account.get(chain.ctx, WPHA_ACCOUNT).data.free.toString(),
    }).toEqual(wanted)
  })

  test('a vault\'s owner gains shares from profits and claims them', () => {
    const [first, second, third, , last] = expectations('test_vault_owner_shares')
    const { ok, refused, createPool, addWorker, contribute, start, reward, wpha, base, chain, shares } = createWorld()
    const gain = () => ok(phalaVault.call('maybeGainOwnerShares', { vaultPid: 0n }), user(3))
    const ownerShares = (): string => vaultOf(chain.ctx, 0n).ownerShares.toString()
    ok(phalaVault.call('create'), user(3))
    ok(phalaVault.call('setPayoutPref', { pid: 0n, payoutCommission: 500_000 }), user(3))
    createPool(1)
    addWorker(1n, 1, 1)
    ok(phalaVault.call('contribute', { pid: 0n, amount: 100n * D }), user(3))
    contribute(1n, 3, 50n * D, 0n)
    gain()
    expect({ 'vault0.ownerShares': ownerShares() }).toEqual(first)
    contribute(1n, 2, 50n * D)
    start(1n, 1, 1, 100n * D)
    reward(worker(1), fixed.fromInteger(100))
    expect({
      'pool1.account': wpha(base(1n).poolAccountId).toString(), 'pool1.totalValue': base(1n).totalValue.toString(),
      'vault0.totalValue': base(0n).totalValue.toString(), 'vault0.account': wpha(base(0n).poolAccountId).toString(), 'vault0.totalShares': base(0n).totalShares.toString(),
    }).toEqual(second)
    gain()
    expect({ 'vault0.ownerShares': ownerShares(), 'vault0.totalShares': base(0n).totalShares.toString() }).toEqual(third)
    refused(phalaVault.call('claimOwnerShares', { vaultPid: 0n, target: user(4), shares: 50n * D }), user(3), 'PhalaVault.NoEnoughShareToClaim')
    ok(phalaVault.call('claimOwnerShares', { vaultPid: 0n, target: user(4), shares: 10n * D }), user(3))
    expect({ 'vault0.ownerShares': ownerShares(), 'shares of 4 in vault 0': shares(0n, user(4)).toString() }).toEqual(last)
  })

  test('delegations of accounts and vaults add up', () => {
    const [, second, third, , last] = expectations('test_contribute')
    const { ok, wrap, createPool, contribute, contributeFails, base, chain, shares, wpha } = createWorld([])
    createPool(1)
    contributeFails(0n, 1, 50n * D, 'PhalaStakePoolv2.InsufficientBalance')
    wrap(user(1), 500n * D)
    wrap(user(2), 500n * D)
    contribute(0n, 1, 50n * D)
    contribute(0n, 2, 50n * D)
    contribute(0n, 1, 30n * D)
    const items = (id: number): number => shareNftsOf(chain.ctx, base(0n).cid, user(id)).length
    const standing = (pid: bigint, name: string) => ({
      [`${name}.totalShares`]: base(pid).totalShares.toString(), [`${name}.totalValue`]: base(pid).totalValue.toString(),
      [`${name}.account`]: wpha(base(pid).poolAccountId).toString(),
    })
    expect({
      'share NFTs of 1': items(1), 'shares of 1': shares(0n, user(1)).toString(), 'share NFTs of 2': items(2), 'shares of 2': shares(0n, user(2)).toString(),
      ...standing(0n, 'pool0'),
    }).toEqual(second)
    ok(phalaVault.call('create'), user(1))
    ok(phalaVault.call('contribute', { pid: 1n, amount: 200n * D }), user(2))
    expect(standing(1n, 'vault1')).toEqual(third)
    contributeFails(0n, 2, 10n * D, 'PhalaStakePoolv2.UnauthorizedPoolOwner', 1n)
    contribute(0n, 1, 100n * D, 1n)
    const { 'pool0.account': _, ...pool0 } = standing(0n, 'pool0')
    expect({
      ...pool0, 'pool0.valueSubscribers': base(0n).valueSubscribers.map(Number), ...standing(1n, 'vault1'),
      'vault1.investPools': vaultOf(chain.ctx, 1n).investPools.map(Number),
    }).toEqual(last)
  })

  test('stake is locked while a worker computes and free after its cool-down', () => {
    const [wanted] = expectations('test_reclaim / test_stop_computing')
    const { ok, refused, pass, createPool, addWorker, contribute, start, wpha, pool, base } = createWorld()
    createPool(1)
    addWorker(0n, 1, 1)
    contribute(0n, 1, 100n * D)
    const both = () => [wpha(base(0n).poolAccountId), wpha(pool(0n).lockAccount)]
    expect(both()).toEqual([100n * D, 0n])
    start(0n, 1, 1, 100n * D)
    expect(both()).toEqual([0n, 100n * D])
    ok(phalaStakePoolV2.call('stopComputing', { pid: 0n, worker: worker(1) }), user(1))
    expect([both(), pool(0n).cdWorkers]).toEqual([[0n, 100n * D], [worker(1)]])
    pass(COOL_DOWN_SEC - 1n)
    const reclaim = phalaStakePoolV2.call('reclaimPoolWorker', { pid: 0n, worker: worker(1) })
    refused(reclaim, user(4), 'PhalaComputation.CoolDownNotReady')
    pass(1n)
    ok(reclaim, user(4))
    expect(both().map(String)).toEqual([wanted?.['final free'], wanted?.['final locked']])
    expect(pool(0n).cdWorkers).toEqual([])
  })

  test('a pool takes no more than its capacity', () => {
    const { ok, refused, createPool, addWorker, contribute, contributeFails, start, pool } = createWorld()
    const setCap = (cap: bigint, pid = 0n) => phalaStakePoolV2.call('setCap', { pid, cap })
    createPool(1)
    addWorker(0n, 1, 1)
    expect(pool(0n).cap).toBeUndefined()
    refused(setCap(1n, 100n), user(1), 'PhalaBasePool.PoolDoesNotExist')
    refused(setCap(1n), user(2), 'PhalaStakePoolv2.UnauthorizedPoolOwner')
    ok(setCap(100n * D), user(1))
    contribute(0n, 1, 10n * D)
    refused(setCap(9n * D), user(1), 'PhalaStakePoolv2.InadequateCapacity')
    contribute(0n, 1, 90n * D)
    contributeFails(0n, 2, 90n * D, 'PhalaStakePoolv2.StakeExceedsCapacity')
    start(0n, 1, 1, 100n * D)
    ok(phalaStakePoolV2.call('withdraw', { pid: 0n, shares: 100n * D, asVault: undefined }), user(1))
    contributeFails(0n, 2, 101n * D, 'PhalaStakePoolv2.StakeExceedsCapacity')
    contribute(0n, 2, 100n * D)
  })

  test('accounts of sessions and pools are the reference\'s', () => {
    const [wanted] = expectations('test_pool_subaccount')
    expect(toHex(sessionAccount({ crypto }, 1n, new Uint8Array(32)))).toBe(wanted?.['account'])
    const { pool, lock, ownerReward } = poolAccounts({ crypto }, 0n, user(1))
    expect([pool, lock, ownerReward].map((one) => one.length)).toEqual([32, 32, 32])
  })
})

describeVectors('published examples', () => {
  interface Example {
    readonly source: string
    readonly input?: { readonly delegations?: readonly number[]; readonly reward?: number; readonly mined?: number; readonly workerStake?: number; readonly free?: number; readonly withdraw?: number }
    readonly expect?: { readonly owner?: string; readonly delegators?: readonly string[]; readonly eachDelegator?: string; readonly paidNow?: number; readonly queued?: number }
    readonly rows?: readonly { readonly jackShares?: string }[]
  }
  const examples = () => readVectorJson<readonly Example[]>('6-tokenomics/docs-examples.json')
  const milli = (pha: string | undefined): bigint => permillOf(1000, BigInt(Math.round(Number(pha) * 1000)) * D)

  test('rewards are shared as the staking pages say', () => {
    for (const [at, ppm, reward] of [[0, 600_000, 10], [1, 400_000, 8]] as const) {
      const example = examples()[at]
      const delegations = example?.input?.delegations ?? []
      const bed = createStakeTestbed(crypto, { people: delegations.map((_, i) => [user(i + 1), 10_000n * D]) })
      const { ok } = bed
      ok(phalaStakePoolV2.call('create'), user(1))
      ok(phalaStakePoolV2.call('setPayoutPref', { pid: 0n, payoutCommission: ppm }), user(1))
      bed.register(worker(1), user(1))
      ok(phalaStakePoolV2.call('addWorker', { pid: 0n, pubkey: worker(1) }), user(1))
      for (const [i, amount] of delegations.entries()) {
        bed.wrap(user(i + 1), BigInt(amount) * D)
        ok(phalaStakePoolV2.call('contribute', { pid: 0n, amount: BigInt(amount) * D, asVault: undefined }), user(i + 1))
      }
      ok(phalaStakePoolV2.call('startComputing', { pid: 0n, worker: worker(1), stake: BigInt(example?.input?.workerStake ?? 1000) * D }), user(1))
      bed.reward(worker(1), fixed.fromInteger(reward))
      expect(bed.wpha(bed.pool(0n).ownerRewardAccount)).toBe(milli(example?.expect?.owner))
      const price = sharePrice(bed.base(0n)) ?? 0n
      for (const [i, amount] of delegations.entries()) {
        const gain = valueOf(price, bed.shares(0n, user(i + 1))) - BigInt(amount) * D
        const wanted = milli(example?.expect?.delegators?.[i] ?? example?.expect?.eachDelegator)
        expect([0n, 1n, 2n, 3n, 4n, 5n]).toContain(wanted - gain)
      }
    }
  })

  test('the share price and the owner\'s part of a vault are the published ones', () => {
    const row = examples()[2]?.rows?.[3]
    const price = sharePrice({ totalShares: 10_000n * D, totalValue: 10_050n * D })
    expect(Number(sharesFor(price, 3000n * D) / 10n ** 10n) / 100).toBe(Number(row?.jackShares))
    const profit = sharePrice({ totalShares: 10_000n * D, totalValue: 10_050n * D }) ?? 0n
    const checkout = 1_005_000_000_000n - permillOf(50_000, 5_000_000_000n)
    const owner = divBalance(13_050n * D, balanceToFixed(checkout)) - (10_000n * D + sharesFor(profit, 3000n * D))
    expect(Number(owner / 10n ** 10n) / 100).toBe(3.23)
  })

  test('half of a withdrawal is paid, half waits', () => {
    const { input, expect: wanted } = examples()[3] ?? {}
    const bed = createStakeTestbed(crypto, { people: [[user(1), 10_000n * D]] })
    bed.ok(phalaStakePoolV2.call('create'), user(1))
    bed.register(worker(1), user(1))
    bed.ok(phalaStakePoolV2.call('addWorker', { pid: 0n, pubkey: worker(1) }), user(1))
    bed.wrap(user(1), 6000n * D)
    bed.ok(phalaStakePoolV2.call('contribute', { pid: 0n, amount: 6000n * D, asVault: undefined }), user(1))
    bed.ok(phalaStakePoolV2.call('startComputing', { pid: 0n, worker: worker(1), stake: (6000n - BigInt(input?.free ?? 0)) * D }), user(1))
    bed.ok(phalaStakePoolV2.call('withdraw', { pid: 0n, shares: BigInt(input?.withdraw ?? 0) * D, asVault: undefined }), user(1))
    expect([bed.wpha(user(1)), bed.base(0n).totalValue]).toEqual([BigInt(wanted?.paidNow ?? -1) * D, (6000n - BigInt(wanted?.paidNow ?? -1)) * D])
    bed.pass(604_801n)
    bed.ok(phalaStakePoolV2.call('checkAndMaybeForceWithdraw', { pid: 0n }), user(1))
    expect(bed.pool(0n).cdWorkers).toHaveLength(1)
    bed.pass(604_800n)
    bed.ok(phalaStakePoolV2.call('reclaimPoolWorker', { pid: 0n, worker: worker(1) }), user(1))
    expect(bed.wpha(user(1))).toBe(4000n * D)
  })
})

describeVectors('pools of a real chain', () => {
  interface KhalaPool {
    readonly pid: number
    readonly owner: string
    readonly totalShares: string
    readonly totalStake: string
    readonly freeStake: string
    readonly releasingStake: string
    readonly withdrawQueue: readonly { readonly user: string; readonly shares: string; readonly startTime: number }[]
    readonly stakers: readonly { readonly user: string; readonly shares: string; readonly locked: string }[]
  }

  /** Loads a pool's shares, queue and stake into a test world. */
  const load = (pool: KhalaPool) => {
    const bed = createStakeTestbed(crypto, { people: [[user(1), 10n ** 24n]] })
    const { ctx } = bed.chain
    const [totalShares, totalValue] = [BigInt(pool.totalShares), BigInt(pool.totalStake)]
    bed.wrap(user(1), totalValue + UNIT)
    bed.ok(phalaStakePoolV2.call('create'), user(1))
    const { lockAccount, basepool } = bed.pool(0n)
    const queued = new Map(pool.withdrawQueue.map((one) => [one.user, BigInt(one.shares)]))
    const items = new Map<string, number>()
    for (const { user: who, shares } of pool.stakers) mintShares(ctx, basepool, address(who), BigInt(shares) - (queued.get(who) ?? 0n))
    for (const { user: who, shares } of pool.withdrawQueue) items.set(who, mintShares(ctx, basepool, ISSUER, BigInt(shares)))
    updateBase(ctx, 0n, () => ({
      totalShares, totalValue,
      withdrawQueue: pool.withdrawQueue.map((one) => ({ user: address(one.user), startTime: BigInt(one.startTime), nftId: items.get(one.user) ?? -1 })),
    }))
    const free = BigInt(pool.freeStake) >= MINIMUM ? BigInt(pool.freeStake) : 0n
    for (const [to, amount] of [[basepool.poolAccountId, free], [lockAccount, totalValue - free]] as const) {
      if (amount >= MINIMUM) moveWpha(ctx, { from: user(1), to, amount })
    }
    return bed
  }

  test('have our share prices, and our invariants hold on them', () => {
    const { pools } = readVectorJson<{ readonly pools: readonly KhalaPool[] }>('6-tokenomics/khala-pools.json')
    expect(pools).toHaveLength(42)
    let paid = 0
    for (const pool of pools) {
      const bed = load(pool)
      bed.chain.tryState()
      const price = sharePrice(bed.base(0n)) ?? 0n
      const { poolAccountId, totalShares, totalValue } = bed.base(0n)
      const worth = pool.stakers.reduce((sum, one) => sum + valueOf(price, BigInt(one.shares)), 0n)
      // Each conversion cuts off at 2^-48 PHA and the price at 2^-64 a share.
      expect(worth <= totalValue && totalValue - worth <= 2n * BigInt(pool.stakers.length) + (totalShares >> 44n), `pool ${pool.pid}: ${totalValue - worth}`).toBe(true)
      const held = (): bigint => [poolAccountId, bed.pool(0n).lockAccount, ...pool.stakers.map((one) => address(one.user))].reduce((sum, who) => sum + bed.wpha(who), 0n)
      const before = held() + unmintableDust.get(bed.chain.ctx)
      for (const { user: who, shares } of pool.stakers) {
        if (BigInt(shares) <= 1000n) continue
        bed.ok(phalaStakePoolV2.call('withdraw', { pid: 0n, shares: BigInt(shares), asVault: undefined }), address(who))
        if (bed.wpha(address(who)) > 0n) paid++
      }
      expect(held() + unmintableDust.get(bed.chain.ctx)).toBe(before)
      expect(bed.base(0n).totalShares <= totalShares).toBe(true)
    }
    expect(paid).toBeGreaterThan(20)
  })
})
