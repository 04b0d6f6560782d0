/** PhalaVault: delegating through a vault, the owner's part of profits, forced shutdowns. */
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { fixed } from '@phalanx/primitives/fixed'
import { describe, expect, test } from 'vitest'
import { ROOT } from '../../frame/origin.ts'
import { phalaStakePoolV2 as stake } from '../phala-stake-pool-v2/pallet.ts'
import { createStakeTestbed, people, UNIT } from '../phala-stake-pool-v2/testing.ts'
import { updateBase, updateVault, vaultOf } from '../phala-base-pool/pools.ts'
import { VALUE_SUBSCRIBERS_MAX } from '../phala-base-pool/types.ts'
import { netValue } from '../phala-wrapped-balances/net-value.ts'
import { moveWpha } from '../phala-wrapped-balances/wpha.ts'
import { phalaVault as vault } from './pallet.ts'
import { vaultLocks } from './storage.ts'

const crypto = await loadCrypto()
const [alice, bob, eve, stranger] = people(crypto, 'Alice', 'Bob', 'Eve', 'Stranger') as [Uint8Array, Uint8Array, Uint8Array, Uint8Array]
const D = UNIT
const WORKER = new Uint8Array(32).fill(9)
const GRACE = 604_800n

/** Vault 0 of Alice, stake pool 1 of Bob with a worker; Alice, Bob and Eve hold 500 wrapped PHA each. */
const start = () => {
  const bed = createStakeTestbed(crypto, { people: [alice, bob, eve].map((who) => [who, 1000n * D]) })
  for (const who of [alice, bob, eve]) bed.wrap(who, 500n * D)
  bed.ok(vault.call('create'), alice)
  bed.ok(stake.call('create'), bob)
  bed.register(WORKER, bob)
  bed.ok(stake.call('addWorker', { pid: 1n, pubkey: WORKER }), bob)
  return bed
}
const contribute = (amount: bigint, pid = 0n) => vault.call('contribute', { pid, amount })
const withdraw = (shares: bigint, pid = 0n) => vault.call('withdraw', { pid, shares })
const invest = (amount: bigint) => stake.call('contribute', { pid: 1n, amount, asVault: 0n })
const compute = (amount: bigint) => stake.call('startComputing', { pid: 1n, worker: WORKER, stake: amount })
const commission = (payoutCommission: number | undefined, pid = 0n) => vault.call('setPayoutPref', { pid, payoutCommission })
const gain = vault.call('maybeGainOwnerShares', { vaultPid: 0n })
const claim = (shares: bigint, target = eve) => vault.call('claimOwnerShares', { vaultPid: 0n, target, shares })
const checkVault = vault.call('checkAndMaybeForceWithdraw', { vaultPid: 0n })

test('phalaVault.create makes a vault with a collection of its own', () => {
  const { chain, base } = start()
  expect(vaultOf(chain.ctx, 0n)).toMatchObject({ commission: undefined, ownerShares: 0n, investPools: [], lastSharePriceCheckpoint: 10n ** 12n })
  expect([base(0n).cid, base(1n).cid, base(0n).owner]).toEqual([10_000, 10_001, alice])
  chain.assertNoop(vault.call('create'), ROOT, 'BadOrigin')
})

describe('phalaVault.contribute and phalaVault.withdraw', () => {
  test('buy shares and give them back', () => {
    const { chain, ok, wpha, shares } = start()
    const events = ok(contribute(100n * D), eve)
    expect(events.at(-1)).toEqual({ pallet: 'PhalaVault', name: 'Contribution', value: { pid: 0n, user: eve, amount: 100n * D, shares: 100n * D } })
    expect(netValue(chain.ctx, eve)).toBe(500n * D)
    ok(withdraw(40n * D), eve)
    expect([wpha(eve), shares(0n, eve)]).toEqual([440n * D, 60n * D])
  })

  test('refuse too little, too much, no shares, and pools of the other kind', () => {
    const { ok, refused } = start()
    refused(contribute(10n ** 10n - 1n), eve, 'PhalaVault.InsufficientContribution')
    refused(contribute(501n * D), eve, 'PhalaVault.InsufficientBalance')
    refused(contribute((1n << 128n) - 1n), eve, 'PhalaVault.InsufficientBalance')
    refused(contribute(D), stranger, 'PhalaVault.AssetAccountNotExist')
    refused(contribute(D, 1n), eve, 'PhalaBasePool.PoolTypeNotMatch')
    refused(contribute(D, 9n), eve, 'PhalaBasePool.PoolDoesNotExist')
    refused(withdraw(D), eve, 'PhalaVault.NoNftToWithdraw')
    refused(withdraw(D, 1n), eve, 'PhalaBasePool.PoolTypeNotMatch')
    ok(contribute(100n * D), eve)
    refused(withdraw(100n * D + 1n), eve, 'PhalaVault.NoEnoughShareToClaim')
    refused(withdraw(1000n), eve, 'PhalaVault.NoEnoughShareToClaim')
    refused(withdraw(0n), eve, 'PhalaVault.NoEnoughShareToClaim')
  })
})

describe('phalaVault.setPayoutPref, phalaVault.maybeGainOwnerShares and phalaVault.claimOwnerShares', () => {
  /** A profit of half the vault's value. */
  const withProfit = (ppm: number) => {
    const bed = start()
    bed.ok(commission(ppm), alice)
    bed.ok(contribute(100n * D), eve)
    bed.ok(invest(100n * D), alice)
    bed.ok(compute(100n * D), bob)
    bed.reward(WORKER, fixed.fromInteger(50))
    return bed
  }

  test('profits before a change are settled at the old rate', () => {
    const { chain, ok, shares } = withProfit(500_000)
    const events = ok(commission(undefined), alice)
    expect(events.map(({ name }) => name)).toEqual(['OwnerSharesGained', 'VaultCommissionSet'])
    expect(vaultOf(chain.ctx, 0n)).toMatchObject({ ownerShares: 20n * D, commission: undefined, lastSharePriceCheckpoint: 1_250_000_000_000n })
    ok(claim(5n * D), alice)
    ok(claim(15n * D), alice)
    chain.assertEvents([{ pallet: 'PhalaVault', name: 'OwnerSharesClaimed', value: { pid: 0n, user: alice, shares: 15n * D } }])
    expect([shares(0n, eve), vaultOf(chain.ctx, 0n).ownerShares]).toEqual([120n * D, 0n])
  })

  test('no gain without a profit', () => {
    const { chain, ok } = start()
    ok(contribute(100n * D), eve)
    expect(ok(gain, alice)).toEqual([])
    updateVault(chain.ctx, 0n, () => ({ lastSharePriceCheckpoint: 0n }))
    ok(gain, alice)
    expect(vaultOf(chain.ctx, 0n).lastSharePriceCheckpoint).toBe(10n ** 12n)
  })

  test('refuse others, the same rate, more than all, nothing, and too many shares', () => {
    const { refused } = withProfit(500_000)
    refused(commission(1), bob, 'PhalaVault.UnauthorizedPoolOwner')
    refused(commission(500_000), alice, 'PhalaVault.CommissionNotChanged')
    refused(commission(1_000_001), alice, 'PhalaVault.InvalidCommission')
    refused(commission(1, 1n), alice, 'PhalaBasePool.PoolTypeNotMatch')
    refused(gain, bob, 'PhalaVault.UnauthorizedPoolOwner')
    refused(vault.call('maybeGainOwnerShares', { vaultPid: 9n }), bob, 'PhalaBasePool.PoolDoesNotExist')
    refused(claim(1n), bob, 'PhalaVault.UnauthorizedPoolOwner')
    refused(claim(1n), alice, 'PhalaVault.NoEnoughShareToClaim')
    refused(claim(0n), alice, 'PhalaVault.NoRewardToClaim')
  })
})

describe('phalaVault.checkAndMaybeForceWithdraw', () => {
  /** Everything of the vault computes, and Eve waits for half of hers. */
  const waiting = () => {
    const bed = start()
    bed.ok(contribute(100n * D), eve)
    bed.ok(invest(100n * D), alice)
    bed.ok(compute(100n * D), bob)
    bed.ok(withdraw(50n * D), eve)
    return bed
  }
  const last = (bed: ReturnType<typeof start>) => bed.chain.events().at(-1)

  test('withdraws everything where a request waits longer than the grace period', () => {
    const bed = waiting()
    const { chain, ok, refused, pass, base, wpha } = bed
    pass(GRACE)
    ok(checkVault, bob)
    expect(vaultLocks.has(chain.ctx, 0n)).toBe(false)
    pass(1n)
    ok(checkVault, bob)
    expect(last(bed)).toEqual({ pallet: 'PhalaVault', name: 'ForceShutdown', value: { pid: 0n, reason: { kind: 'NoEnoughReleasingStake' } } })
    expect(base(1n).withdrawQueue).toHaveLength(1)
    refused(invest(D), alice, 'PhalaStakePoolv2.VaultIsLocked')
    ok(checkVault, bob)
    // The pool's own grace period passes, its worker is stopped and reclaimed; the vault is paid and pays.
    pass(GRACE + 1n)
    ok(stake.call('checkAndMaybeForceWithdraw', { pid: 1n }), bob)
    pass(GRACE)
    ok(stake.call('reclaimPoolWorker', { pid: 1n, worker: WORKER }), bob)
    ok(checkVault, bob)
    expect([wpha(eve), base(0n).withdrawQueue, vaultLocks.has(chain.ctx, 0n)]).toEqual([450n * D, [], false])
  })

  test('three grace periods are the most that anyone waits', () => {
    const bed = waiting()
    bed.ok(stake.call('withdraw', { pid: 1n, shares: 100n * D, asVault: 0n }), alice)
    bed.pass(3n * GRACE)
    bed.ok(checkVault, bob)
    expect(vaultLocks.has(bed.chain.ctx, 0n)).toBe(false)
    bed.pass(1n)
    bed.ok(checkVault, bob)
    expect(last(bed)).toEqual({ pallet: 'PhalaVault', name: 'ForceShutdown', value: { pid: 0n, reason: { kind: 'Waiting3xGracePeriod' } } })
  })

  test('drops pools where the vault has next to nothing, and burns that', () => {
    const { chain, ok, base, pass } = waiting()
    ok(stake.call('withdraw', { pid: 1n, shares: 100n * D - 500n, asVault: 0n }), alice)
    ok(stake.call('contribute', { pid: 1n, amount: 100n * D, asVault: undefined }), bob)
    expect([base(1n).withdrawQueue, base(1n).totalShares]).toEqual([[], 100n * D + 500n])
    // The vault has 100 PHA free now. Eve's new request is for more than that.
    updateBase(chain.ctx, 0n, ({ withdrawQueue }) => ({ withdrawQueue: withdrawQueue.map((entry) => ({ ...entry, startTime: 0n })) }))
    moveWpha(chain.ctx, { from: base(0n).poolAccountId, to: eve, amount: 100n * D - 1000n })
    pass(1n)
    ok(checkVault, bob)
    expect([vaultOf(chain.ctx, 0n).investPools, base(1n).totalShares]).toEqual([[], 100n * D])
  })

  test('an emptied or worthless pool keeps no vault from being checked', () => {
    const { chain, ok } = waiting()
    updateBase(chain.ctx, 1n, () => ({ totalValue: 0n }))
    ok(checkVault, bob)
  })

  test('refuses vaults that are not', () => {
    const { chain, refused } = waiting()
    refused(vault.call('checkAndMaybeForceWithdraw', { vaultPid: 1n }), bob, 'PhalaBasePool.PoolTypeNotMatch')
    refused(vault.call('checkAndMaybeForceWithdraw', { vaultPid: 9n }), bob, 'PhalaBasePool.PoolDoesNotExist')
    chain.assertNoop(checkVault, ROOT, 'BadOrigin')
  })
})

test('a pool takes so many vaults and no more', () => {
  const { chain, ok, refused } = start()
  ok(contribute(100n * D), eve)
  updateBase(chain.ctx, 1n, () => ({ valueSubscribers: Array.from({ length: VALUE_SUBSCRIBERS_MAX }, (_, i) => BigInt(i + 100)) }))
  refused(invest(D), alice, 'PhalaBasePool.TooManySubscribers')
})
