/** Assets: making, managing, sending and approving assets; what is too little to exist. */
import { toHex, utf8 } from '@phalanx/primitives/bytes'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { describe, expect, test } from 'vitest'
import { ROOT, signed } from '../../frame/origin.ts'
import { createTestChain, devAccount, type TestChain } from '../../frame/testing.ts'
import { balances } from '../balances/pallet.ts'
import { system } from '../system/pallet.ts'
import { account as systemAccount } from '../system/storage.ts'
import { timestamp } from '../timestamp/pallet.ts'
import { DEPOSITS } from './declaration.ts'
import { assets } from './pallet.ts'
import { account, approvals, asset, metadata } from './storage.ts'

const crypto = await loadCrypto()
const [alice, bob, eve, stranger] = ['Alice', 'Bob', 'Eve', 'Stranger'].map((name) => devAccount(crypto, name).publicKey) as [Uint8Array, Uint8Array, Uint8Array, Uint8Array]
const id = (value: Uint8Array) => ({ kind: 'Id', value }) as const
const U128_MAX = (1n << 128n) - 1n
const START = 10n ** 16n
const MIN = 10n

const start = (): TestChain => createTestChain({
  pallets: [{ index: 0, pallet: assets }, { index: 1, pallet: system }, { index: 4, pallet: timestamp }, { index: 7, pallet: balances }],
  genesis: { Balances: { balances: [alice, bob, eve].map((who) => [toHex(who), START.toString()]) } },
}, { crypto })
/** A chain with asset 1 of Alice: 1,000 units hers. */
const withAsset = (): TestChain => {
  const chain = start()
  chain.assertOk(assets.call('create', { id: 1, admin: id(alice), minBalance: MIN }), signed(alice))
  chain.assertOk(assets.call('mint', { id: 1, beneficiary: id(alice), amount: 1000n }), signed(alice))
  return chain
}
const balance = (chain: TestChain, who: Uint8Array, of = 1): bigint | undefined => account.get(chain.ctx, of, who)?.balance
const reserved = (chain: TestChain, who: Uint8Array): bigint => systemAccount.get(chain.ctx, who).data.reserved
const send = (target: Uint8Array, amount: bigint, of = 1) => assets.call('transfer', { id: of, target: id(target), amount })

describe('assets.create and assets.forceCreate', () => {
  test('make an asset, with a deposit or by root', () => {
    const chain = start()
    chain.assertOk(assets.call('create', { id: 1, admin: id(bob), minBalance: MIN }), signed(alice))
    chain.assertEvents([{ pallet: 'Assets', name: 'Created', value: { assetId: 1, creator: alice, owner: bob } }])
    expect([asset.get(chain.ctx, 1)?.owner, asset.get(chain.ctx, 1)?.admin, reserved(chain, alice)]).toEqual([alice, bob, DEPOSITS.asset])
    chain.assertOk(assets.call('forceCreate', { id: 2, owner: id(bob), isSufficient: true, minBalance: 1n }), ROOT)
    chain.assertEvents([{ pallet: 'Assets', name: 'ForceCreated', value: { assetId: 2, owner: bob } }])
  })

  test('refuse an id in use, no minimum, no money, the wrong origin', () => {
    const chain = withAsset()
    const create = (changes: object) => assets.call('create', { id: 3, admin: id(alice), minBalance: MIN, ...changes })
    chain.assertNoop(create({ id: 1 }), signed(bob), 'Assets.InUse')
    chain.assertNoop(create({ minBalance: 0n }), signed(bob), 'Assets.MinBalanceZero')
    chain.assertNoop(create({}), signed(stranger), 'Balances.InsufficientBalance')
    chain.assertNoop(create({}), ROOT, 'BadOrigin')
    chain.assertNoop(create({ admin: { kind: 'Index', value: 0 } }), signed(bob), 'CannotLookup')
    const force = (changes: object) => assets.call('forceCreate', { id: 3, owner: id(alice), isSufficient: false, minBalance: MIN, ...changes })
    chain.assertNoop(force({ id: 1 }), ROOT, 'Assets.InUse')
    chain.assertNoop(force({ minBalance: 0n }), ROOT, 'Assets.MinBalanceZero')
    chain.assertNoop(force({}), signed(alice), 'BadOrigin')
  })
})

describe('assets.mint and assets.burn', () => {
  test('change balances and the supply', () => {
    const chain = withAsset()
    chain.assertOk(assets.call('mint', { id: 1, beneficiary: id(bob), amount: 50n }), signed(alice))
    chain.assertEvents([{ pallet: 'Assets', name: 'Issued', value: { assetId: 1, owner: bob, amount: 50n } }])
    chain.assertOk(assets.call('burn', { id: 1, who: id(bob), amount: 45n }), signed(alice))
    chain.assertEvents([{ pallet: 'Assets', name: 'Burned', value: { assetId: 1, owner: bob, balance: 50n } }])
    expect([balance(chain, bob), asset.get(chain.ctx, 1)?.supply]).toEqual([undefined, 1000n])
  })

  test('refuse others, unknown assets, too little and too much', () => {
    const chain = withAsset()
    const mint = (beneficiary: Uint8Array, amount: bigint, of = 1) => assets.call('mint', { id: of, beneficiary: id(beneficiary), amount })
    chain.assertNoop(mint(bob, 50n), signed(bob), 'Assets.NoPermission')
    chain.assertNoop(mint(bob, 50n, 9), signed(alice), 'Assets.Unknown')
    chain.assertNoop(mint(bob, MIN - 1n), signed(alice), 'Token.BelowMinimum')
    chain.assertNoop(mint(stranger, 50n), signed(alice), 'Token.CannotCreate')
    chain.assertNoop(mint(alice, U128_MAX), signed(alice), 'Arithmetic.Overflow')
    chain.assertNoop(mint(bob, U128_MAX), signed(alice), 'Arithmetic.Overflow')
    const burn = (who: Uint8Array, of = 1) => assets.call('burn', { id: of, who: id(who), amount: 1n })
    chain.assertNoop(burn(alice), signed(bob), 'Assets.NoPermission')
    chain.assertNoop(burn(alice, 9), signed(alice), 'Assets.Unknown')
    chain.assertNoop(burn(bob), signed(alice), 'Assets.NoAccount')
  })
})

describe('assets.transfer, assets.transferKeepAlive and assets.forceTransfer', () => {
  test('move units; what is too little to stay goes along', () => {
    const chain = withAsset()
    chain.assertOk(send(bob, 100n), signed(alice))
    chain.assertEvents([{ pallet: 'Assets', name: 'Transferred', value: { assetId: 1, from: alice, to: bob, amount: 100n } }])
    chain.assertOk(assets.call('transferKeepAlive', { id: 1, target: id(eve), amount: 90n }), signed(bob))
    chain.assertOk(assets.call('forceTransfer', { id: 1, source: id(eve), dest: id(alice), amount: 85n }), signed(alice))
    chain.assertEvents([{ pallet: 'Assets', name: 'Transferred', value: { assetId: 1, from: eve, to: alice, amount: 90n } }])
    expect([balance(chain, alice), balance(chain, bob), balance(chain, eve)]).toEqual([990n, 10n, undefined])
    chain.assertOk(send(bob, 10n), signed(bob))
    chain.assertOk(send(alice, 0n), signed(bob))
  })

  test('refuse more than there is, and what would end an account or cannot begin one', () => {
    const chain = withAsset()
    chain.assertNoop(send(bob, 1001n), signed(alice), 'Assets.BalanceLow')
    chain.assertNoop(send(alice, 1001n), signed(alice), 'Assets.BalanceLow')
    chain.assertNoop(send(bob, 1n), signed(eve), 'Assets.NoAccount')
    chain.assertNoop(send(bob, 1n, 9), signed(alice), 'Assets.Unknown')
    chain.assertNoop(send(bob, 1n), signed(alice), 'Token.BelowMinimum')
    const keep = assets.call('transferKeepAlive', { id: 1, target: id(bob), amount: 995n })
    chain.assertNoop(keep, signed(alice), 'Assets.WouldDie')
    chain.assertNoop(assets.call('transferKeepAlive', { id: 1, target: id(bob), amount: 1001n }), signed(alice), 'Assets.BalanceLow')
    chain.assertNoop(assets.call('forceTransfer', { id: 1, source: id(alice), dest: id(bob), amount: 50n }), signed(bob), 'Assets.NoPermission')
  })

  test('a balance of a sufficient asset keeps an account alive by itself', () => {
    const chain = start()
    chain.assertOk(assets.call('forceCreate', { id: 2, owner: id(alice), isSufficient: true, minBalance: MIN }), ROOT)
    chain.assertOk(assets.call('mint', { id: 2, beneficiary: id(stranger), amount: 50n }), signed(alice))
    expect(systemAccount.get(chain.ctx, stranger).sufficients).toBe(1)
    chain.assertOk(send(bob, 50n, 2), signed(stranger))
    expect(systemAccount.has(chain.ctx, stranger)).toBe(false)
    expect(chain.events().filter(({ name }) => name === 'NewAccount' || name === 'KilledAccount')).toHaveLength(2)
  })
})

describe('assets.freeze, assets.thaw, assets.freezeAsset and assets.thawAsset', () => {
  test('keep from spending until thawed', () => {
    const chain = withAsset()
    chain.assertOk(assets.call('freeze', { id: 1, who: id(alice) }), signed(alice))
    chain.assertNoop(send(bob, 50n), signed(alice), 'Assets.Frozen')
    chain.assertOk(assets.call('thaw', { id: 1, who: id(alice) }), signed(alice))
    chain.assertOk(assets.call('freezeAsset', { id: 1 }), signed(alice))
    chain.assertNoop(send(bob, 50n), signed(alice), 'Assets.AssetNotLive')
    chain.assertNoop(assets.call('freezeAsset', { id: 1 }), signed(alice), 'Assets.AssetNotLive')
    chain.assertNoop(assets.call('mint', { id: 1, beneficiary: id(bob), amount: 50n }), signed(alice), 'Assets.AssetNotLive')
    chain.assertOk(assets.call('thawAsset', { id: 1 }), signed(alice))
    chain.assertOk(send(bob, 50n), signed(alice))
  })

  test('refuse others, holders of nothing, and assets that are not frozen', () => {
    const chain = withAsset()
    for (const name of ['freeze', 'thaw'] as const) {
      chain.assertNoop(assets.call(name, { id: 1, who: id(alice) }), signed(bob), 'Assets.NoPermission')
      chain.assertNoop(assets.call(name, { id: 1, who: id(bob) }), signed(alice), 'Assets.NoAccount')
      chain.assertNoop(assets.call(name, { id: 9, who: id(bob) }), signed(alice), 'Assets.Unknown')
    }
    for (const name of ['freezeAsset', 'thawAsset'] as const) {
      chain.assertNoop(assets.call(name, { id: 1 }), signed(bob), 'Assets.NoPermission')
      chain.assertNoop(assets.call(name, { id: 9 }), signed(bob), 'Assets.Unknown')
    }
    chain.assertNoop(assets.call('thawAsset', { id: 1 }), signed(alice), 'Assets.NotFrozen')
  })
})

describe('assets.transferOwnership, assets.setTeam, assets.setMetadata and assets.clearMetadata', () => {
  const name = (text: string, symbol = 'S') => assets.call('setMetadata', { id: 1, name: utf8(text), symbol: utf8(symbol), decimals: 12 })

  test('change who manages an asset and what it is called; deposits follow', () => {
    const chain = withAsset()
    chain.assertOk(name('Gold'), signed(alice))
    const deposit = DEPOSITS.metadataBase + 5n * DEPOSITS.metadataByte
    expect([metadata.get(chain.ctx, 1).deposit, reserved(chain, alice)]).toEqual([deposit, DEPOSITS.asset + deposit])
    chain.assertOk(name('Au', ''), signed(alice))
    chain.assertOk(assets.call('transferOwnership', { id: 1, owner: id(bob) }), signed(alice))
    chain.assertEvents([{ pallet: 'Assets', name: 'OwnerChanged', value: { assetId: 1, owner: bob } }])
    chain.assertOk(assets.call('transferOwnership', { id: 1, owner: id(bob) }), signed(bob))
    chain.assertOk(assets.call('setTeam', { id: 1, issuer: id(bob), admin: id(eve), freezer: id(alice) }), signed(bob))
    expect(asset.get(chain.ctx, 1)).toMatchObject({ owner: bob, issuer: bob, admin: eve, freezer: alice })
    chain.assertOk(assets.call('clearMetadata', { id: 1 }), signed(bob))
    expect([reserved(chain, alice), reserved(chain, bob), metadata.has(chain.ctx, 1)]).toEqual([0n, DEPOSITS.asset, false])
  })

  test('refuse others, long names and what is not there', () => {
    const chain = withAsset()
    chain.assertNoop(assets.call('transferOwnership', { id: 1, owner: id(bob) }), signed(bob), 'Assets.NoPermission')
    chain.assertNoop(assets.call('transferOwnership', { id: 9, owner: id(bob) }), signed(bob), 'Assets.Unknown')
    chain.assertNoop(assets.call('transferOwnership', { id: 1, owner: id(stranger) }), signed(alice), 'Balances.DeadAccount')
    chain.assertNoop(assets.call('setTeam', { id: 1, issuer: id(bob), admin: id(bob), freezer: id(bob) }), signed(bob), 'Assets.NoPermission')
    chain.assertNoop(assets.call('setTeam', { id: 9, issuer: id(bob), admin: id(bob), freezer: id(bob) }), signed(bob), 'Assets.Unknown')
    chain.assertNoop(name('x'.repeat(51)), signed(alice), 'Assets.BadMetadata')
    chain.assertNoop(name('x', 'y'.repeat(51)), signed(alice), 'Assets.BadMetadata')
    chain.assertNoop(name('x'), signed(bob), 'Assets.NoPermission')
    chain.assertNoop(assets.call('setMetadata', { id: 9, name: utf8('x'), symbol: utf8('x'), decimals: 0 }), signed(alice), 'Assets.Unknown')
    chain.assertNoop(assets.call('clearMetadata', { id: 1 }), signed(alice), 'Assets.Unknown')
    chain.assertNoop(assets.call('clearMetadata', { id: 1 }), signed(bob), 'Assets.NoPermission')
    chain.assertOk(name('x'), signed(alice))
    metadata.mutate(chain.ctx, 1, (old) => ({ ...old, isFrozen: true }))
    chain.assertNoop(name('y'), signed(alice), 'Assets.NoPermission')
    chain.assertNoop(assets.call('clearMetadata', { id: 1 }), signed(alice), 'Assets.NoPermission')
  })
})

describe('assets.approveTransfer, assets.cancelApproval and assets.transferApproved', () => {
  const approve = (amount: bigint, of = 1) => assets.call('approveTransfer', { id: of, delegate: id(bob), amount })
  const spend = (amount: bigint) => assets.call('transferApproved', { id: 1, owner: id(alice), destination: id(eve), amount })

  test('let a delegate spend so much and no more', () => {
    const chain = withAsset()
    chain.assertOk(approve(60n), signed(alice))
    chain.assertOk(approve(40n), signed(alice))
    expect(reserved(chain, alice)).toBe(DEPOSITS.asset + DEPOSITS.approval)
    chain.assertOk(spend(70n), signed(bob))
    chain.assertEvents([{ pallet: 'Assets', name: 'TransferredApproved', value: { assetId: 1, owner: alice, delegate: bob, destination: eve, amount: 70n } }])
    chain.assertNoop(spend(31n), signed(bob), 'Assets.Unapproved')
    chain.assertOk(spend(30n), signed(bob))
    expect([balance(chain, eve), reserved(chain, alice), approvals.has(chain.ctx, 1, alice, bob), asset.get(chain.ctx, 1)?.approvals]).toEqual([100n, DEPOSITS.asset, false, 0])
  })

  test('can be cancelled', () => {
    const chain = withAsset()
    chain.assertOk(approve(60n), signed(alice))
    chain.assertOk(assets.call('cancelApproval', { id: 1, delegate: id(bob) }), signed(alice))
    chain.assertEvents([{ pallet: 'Assets', name: 'ApprovalCancelled', value: { assetId: 1, owner: alice, delegate: bob } }])
    chain.assertNoop(spend(1n), signed(bob), 'Assets.Unapproved')
  })

  test('refuse what is not there, frozen assets and no money', () => {
    const chain = withAsset()
    chain.assertNoop(approve(1n, 9), signed(alice), 'Assets.Unknown')
    chain.assertNoop(approve(1n), signed(stranger), 'Balances.InsufficientBalance')
    chain.assertNoop(assets.call('cancelApproval', { id: 1, delegate: id(bob) }), signed(alice), 'Assets.Unknown')
    chain.assertOk(approve(5000n), signed(alice))
    chain.assertNoop(spend(1001n), signed(bob), 'Assets.BalanceLow')
    chain.assertOk(assets.call('freezeAsset', { id: 1 }), signed(alice))
    chain.assertNoop(approve(1n), signed(alice), 'Assets.AssetNotLive')
    chain.assertNoop(assets.call('cancelApproval', { id: 1, delegate: id(bob) }), signed(alice), 'Assets.AssetNotLive')
  })
})
