/** PhalaBasePool: whitelists, descriptions, reimbursements; the queue's bounds and the prices that are refused. */
import { bigintToLe, toHex, utf8 } from '@phalanx/primitives/bytes'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { describe, expect, test } from 'vitest'
import { ROOT, signed } from '../../frame/origin.ts'
import { SUBSIDY_ACCOUNT } from '../phala-computation/accounts.ts'
import { phalaStakePoolV2 as stake } from '../phala-stake-pool-v2/pallet.ts'
import { createStakeTestbed, people, UNIT } from '../phala-stake-pool-v2/testing.ts'
import { balances } from '../balances/pallet.ts'
import { account } from '../system/storage.ts'
import { mintShares, setShares, shareNftsOf, sharesOf } from './nfts.ts'
import { MIGRATION_ACCOUNT, phalaBasePool } from './pallet.ts'
import { updateBase } from './pools.ts'
import { contributionWhitelists, DESCRIPTION_MAX, poolDescriptions, reimbursements, WHITELIST_MAX } from './storage.ts'
import { ISSUER } from './accounts.ts'
import { WITHDRAW_QUEUE_MAX } from './types.ts'

const crypto = await loadCrypto()
const [alice, bob, eve] = people(crypto, 'Alice', 'Bob', 'Eve') as [Uint8Array, Uint8Array, Uint8Array]
const D = UNIT
const le = (value: bigint): Uint8Array => bigintToLe(value, 16)

/** A pool of Alice; Alice, Bob and Eve hold 500 wrapped PHA each. */
const start = () => {
  const bed = createStakeTestbed(crypto, { people: [alice, bob, eve].map((who) => [who, 1000n * D]) })
  for (const who of [alice, bob, eve]) bed.wrap(who, 500n * D)
  bed.ok(stake.call('create'), alice)
  return bed
}
const contribute = (amount: bigint) => stake.call('contribute', { pid: 0n, amount, asVault: undefined })
const withdraw = (shares: bigint) => stake.call('withdraw', { pid: 0n, shares, asVault: undefined })

describe('phalaBasePool.addStakerToWhitelist and phalaBasePool.removeStakerFromWhitelist', () => {
  const add = (staker: Uint8Array, pid = 0n) => phalaBasePool.call('addStakerToWhitelist', { pid, staker })
  const remove = (staker: Uint8Array, pid = 0n) => phalaBasePool.call('removeStakerFromWhitelist', { pid, staker })

  test('only listed accounts and the owner may delegate while there is a list', () => {
    const { chain, ok, refused } = start()
    ok(add(bob), alice)
    chain.assertEvents([
      { pallet: 'PhalaBasePool', name: 'PoolWhitelistCreated', value: { pid: 0n } },
      { pallet: 'PhalaBasePool', name: 'PoolWhitelistStakerAdded', value: { pid: 0n, staker: bob } },
    ])
    ok(contribute(D), bob)
    ok(contribute(D), alice)
    refused(contribute(D), eve, 'PhalaBasePool.NotInContributeWhitelist')
    ok(remove(bob), alice)
    chain.assertEvents([
      { pallet: 'PhalaBasePool', name: 'PoolWhitelistStakerRemoved', value: { pid: 0n, staker: bob } },
      { pallet: 'PhalaBasePool', name: 'PoolWhitelistDeleted', value: { pid: 0n } },
    ])
    ok(contribute(D), eve)
  })

  test('refuse others, doubles, strangers, too many, and pools that are not', () => {
    const { chain, ok, refused } = start()
    refused(add(bob), bob, 'PhalaBasePool.UnauthorizedPoolOwner')
    refused(add(bob, 9n), alice, 'PhalaBasePool.PoolDoesNotExist')
    refused(remove(bob), bob, 'PhalaBasePool.UnauthorizedPoolOwner')
    refused(remove(bob), alice, 'PhalaBasePool.NoWhitelistCreated')
    refused(remove(bob, 9n), alice, 'PhalaBasePool.PoolDoesNotExist')
    ok(add(bob), alice)
    refused(add(bob), alice, 'PhalaBasePool.AlreadyInContributeWhitelist')
    refused(remove(eve), alice, 'PhalaBasePool.NotInContributeWhitelist')
    contributionWhitelists.set(chain.ctx, 0n, Array.from({ length: WHITELIST_MAX }, (_, i) => new Uint8Array(32).fill(i)))
    refused(add(eve), alice, 'PhalaBasePool.ExceedWhitelistMaxLen')
    chain.assertNoop(add(eve), ROOT, 'BadOrigin')
  })
})

describe('phalaBasePool.setPoolDescription', () => {
  const describePool = (description: Uint8Array, pid = 0n) => phalaBasePool.call('setPoolDescription', { pid, description })
  test('keeps what the owner says', () => {
    const { chain, ok } = start()
    ok(describePool(utf8('fast machines')), alice)
    expect(poolDescriptions.get(chain.ctx, 0n)).toEqual(utf8('fast machines'))
  })
  test('refuses others, too long texts, and pools that are not', () => {
    const { refused } = start()
    refused(describePool(utf8('x')), bob, 'PhalaBasePool.UnauthorizedPoolOwner')
    refused(describePool(utf8('x'), 9n), alice, 'PhalaBasePool.PoolDoesNotExist')
    refused(describePool(new Uint8Array(DESCRIPTION_MAX + 1)), alice, 'PhalaBasePool.ExceedMaxDescriptionLen')
  })
})

describe('phalaBasePool.setReimbursements and phalaBasePool.claimReimbursement', () => {
  const set = (amount: bigint, add = false) => phalaBasePool.call('setReimbursements', { input: [[bob, 0n, amount]], add })
  const claim = phalaBasePool.call('claimReimbursement', { pid: 0n, target: eve })
  test('the migration account sets, the account claims wrapped PHA', () => {
    const { chain, ok, refused, wpha } = start()
    ok(set(2n * D), MIGRATION_ACCOUNT)
    ok(set(3n * D, true), MIGRATION_ACCOUNT)
    expect(reimbursements.get(chain.ctx, [bob, 0n])).toBe(5n * D)
    ok(claim, bob)
    expect(wpha(eve)).toBe(505n * D)
    refused(claim, bob, 'PhalaBasePool.NoReimbursementToClaim')
    ok(set((1n << 128n) - 1n), MIGRATION_ACCOUNT)
    ok(set(5n, true), MIGRATION_ACCOUNT)
    expect(reimbursements.get(chain.ctx, [bob, 0n])).toBe((1n << 128n) - 1n)
  })
  test('refuse others, and a wallet that cannot pay', () => {
    const { chain, ok, refused } = start()
    refused(set(1n), alice, 'PhalaBasePool.NotMigrationRoot')
    refused(claim, bob, 'PhalaBasePool.NoReimbursementToClaim')
    ok(set(5n), MIGRATION_ACCOUNT)
    refused(phalaBasePool.call('claimReimbursement', { pid: 0n, target: MIGRATION_ACCOUNT }), bob, 'Token.BelowMinimum')
    ok(set(5n * D), MIGRATION_ACCOUNT)
    const all = account.get(chain.ctx, SUBSIDY_ACCOUNT).data.free
    chain.assertOk(balances.call('forceTransfer', { source: { kind: 'Id', value: SUBSIDY_ACCOUNT }, dest: { kind: 'Id', value: eve }, value: all - D }), ROOT)
    refused(claim, bob, 'PhalaBasePool.InternalSubsidyPoolCannotWithdraw')
  })
})

describe('the queue of withdrawals', () => {
  test('a new request takes the place of the old one, at the end', () => {
    const { chain, ok, pool, base, register, pass, shares } = start()
    const worker = new Uint8Array(32).fill(1)
    register(worker, alice)
    ok(stake.call('addWorker', { pid: 0n, pubkey: worker }), alice)
    for (const who of [alice, bob]) ok(contribute(100n * D), who)
    ok(stake.call('startComputing', { pid: 0n, worker, stake: 200n * D }), alice)
    ok(withdraw(40n * D), alice)
    ok(withdraw(50n * D), bob)
    pass(100n)
    const first = base(0n).withdrawQueue[0]
    ok(withdraw(70n * D), alice)
    expect(base(0n).withdrawQueue.map(({ user }) => user)).toEqual([bob, alice])
    expect(base(0n).withdrawQueue[1]?.startTime).toBe((first?.startTime ?? 0n) + 100n)
    expect([shares(0n, alice), sharesOf(chain.ctx, { cid: 10_000, nft: base(0n).withdrawQueue[1]?.nftId ?? -1 })]).toEqual([30n * D, 70n * D])
    expect(pool(0n).basepool.totalShares).toBe(200n * D)
  })

  test('takes so many requests and no more', () => {
    const { chain, ok, refused, base } = start()
    ok(contribute(100n * D), bob)
    const { ctx } = chain
    const entry = (i: number) => ({ user: new Uint8Array(32).fill(i % 256), startTime: 0n, nftId: mintShares(ctx, base(0n), ISSUER, 1n) })
    updateBase(ctx, 0n, ({ totalShares }) => ({ totalShares: totalShares + BigInt(WITHDRAW_QUEUE_MAX), withdrawQueue: Array.from({ length: WITHDRAW_QUEUE_MAX }, (_, i) => entry(i)) }))
    refused(withdraw(D), bob, 'PhalaBasePool.WithdrawQueueFull')
  })

  test('requests worth less than wrapped PHA can be are burnt, and the rest is worth more', () => {
    const { chain, ok, base } = start()
    for (const who of [alice, bob]) ok(contribute(100n * D), who)
    ok(withdraw(2000n), bob)
    chain.assertEvents([
      { pallet: 'PhalaBasePool', name: 'Withdrawal', value: { pid: 0n, user: bob, amount: 0n, shares: 0n, burntShares: 2000n } },
      { pallet: 'RmrkCore', name: 'PropertySet', value: { collectionId: 10_000, maybeNftId: 1, key: utf8('stake-info'), value: le(100n * D - 2000n) } },
    ])
    expect([base(0n).totalShares, base(0n).totalValue]).toEqual([200n * D - 2000n, 200n * D])
  })

  test('worthless shares are burnt', () => {
    const { chain, ok, base, shares } = start()
    ok(contribute(100n * D), bob)
    const [nft] = shareNftsOf(chain.ctx, 10_000, bob)
    setShares(chain.ctx, { cid: 10_000, nft: nft ?? -1 }, 3000n)
    updateBase(chain.ctx, 0n, () => ({ totalShares: 3000n, totalValue: 5n }))
    ok(withdraw(2000n), bob)
    expect([base(0n).totalShares, shares(0n, bob), base(0n).withdrawQueue]).toEqual([1000n, 1000n, []])
  })
})

describe('a price that cannot be reckoned with', () => {
  test('refuses delegations', () => {
    const { chain, ok, refused } = start()
    ok(contribute(100n * D), bob)
    updateBase(chain.ctx, 0n, () => ({ totalValue: 0n }))
    refused(contribute(D), alice, 'PhalaBasePool.PoolBankrupt')
    updateBase(chain.ctx, 0n, () => ({ totalShares: 10n ** 27n, totalValue: 1n }))
    refused(contribute(D), alice, 'PhalaBasePool.InvalidSharePrice')
    updateBase(chain.ctx, 0n, () => ({ totalShares: 10n ** 31n * 2n, totalValue: 10n ** 31n * 2n }))
    refused(contribute(D), alice, 'PhalaBasePool.InvalidSharePrice')
    updateBase(chain.ctx, 0n, () => ({ totalShares: 4000n, totalValue: 10n ** 20n }))
    refused(contribute(D), alice, 'PhalaBasePool.InvalidSharePrice')
    chain.assertNoop(contribute(D), signed(MIGRATION_ACCOUNT), 'PhalaStakePoolv2.InsufficientBalance')
    expect(toHex(ISSUER)).toMatch(/^0x62617365706f6f6c0+$/)
  })
})
