/** Balances: every call, every failure, and what other pallets do with tokens. */
import { utf8 } from '@phalanx/primitives/bytes'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { describe, expect, test } from 'vitest'
import { ROOT, signed } from '../../frame/origin.ts'
import { createTestChain, devAccount, type TestChain } from '../../frame/testing.ts'
import { decConsumers, incConsumers } from '../system/accounts.ts'
import { account } from '../system/storage.ts'
import { system } from '../system/pallet.ts'
import { NEW_LOGIC_FLAG } from '../system/types.ts'
import { timestamp } from '../timestamp/pallet.ts'
import { balanceOf, credit, totalBalance } from './account.ts'
import { mint, repatriateReserved, reserve, slash, unreserve } from './currency.ts'
import { balancesParts, EXISTENTIAL_DEPOSIT as ED, type BalancesContext } from './declaration.ts'
import { burnHeld, heldBalance, hold, release, setFreeze, setLock, transferHeld } from './holds.ts'
import { balances } from './pallet.ts'
import { inactiveIssuance, totalIssuance } from './storage.ts'

const crypto = await loadCrypto()
const [alice, bob, eve] = ['Alice', 'Bob', 'Eve'].map((name) => devAccount(crypto, name).publicKey) as [Uint8Array, Uint8Array, Uint8Array]
const id = (value: Uint8Array) => ({ kind: 'Id', value }) as const
const hex = (value: Uint8Array): string => `0x${Buffer.from(value).toString('hex')}`
const START = 100n * ED

const start = (): { readonly chain: TestChain; readonly ctx: BalancesContext } => {
  const chain = createTestChain({
    pallets: [{ index: 1, pallet: system }, { index: 4, pallet: timestamp }, { index: 7, pallet: balances }],
    genesis: { Balances: { balances: [[hex(alice), START.toString()], [hex(bob), START.toString()]] } },
  }, { crypto })
  return { chain, ctx: balancesParts.in(chain.ctx) }
}
const free = (ctx: BalancesContext, who: Uint8Array): bigint => balanceOf(ctx, who).free

describe('balances.transferAllowDeath', () => {
  test('moves tokens and says so', () => {
    const { chain, ctx } = start()
    const events = chain.assertOk(balances.call('transferAllowDeath', { dest: id(bob), value: 5n * ED }), signed(alice))
    expect(events).toEqual([{ pallet: 'Balances', name: 'Transfer', value: { from: alice, to: bob, amount: 5n * ED } }])
    expect([free(ctx, alice), free(ctx, bob)]).toEqual([95n * ED, 105n * ED])
  })

  test('creates the receiver from the existential deposit on', () => {
    const { chain, ctx } = start()
    chain.assertNoop(balances.call('transferAllowDeath', { dest: id(eve), value: ED - 1n }), signed(alice), 'Token.BelowMinimum')
    const events = chain.assertOk(balances.call('transferAllowDeath', { dest: id(eve), value: ED }), signed(alice))
    expect(events.map(({ name }) => name)).toEqual(['NewAccount', 'Endowed', 'Transfer'])
    expect(account.get(ctx, eve).providers).toBe(1)
  })

  test('removes the sender and loses its dust', () => {
    const { chain, ctx } = start()
    const events = chain.assertOk(balances.call('transferAllowDeath', { dest: id(bob), value: START - 1n }), signed(alice))
    expect(events.map(({ name }) => name)).toEqual(['KilledAccount', 'DustLost', 'Transfer'])
    expect(account.has(ctx, alice)).toBe(false)
    expect(totalIssuance.get(ctx)).toBe(2n * START - 1n)
  })

  test('refuses what the sender does not have, must keep, or nobody signed', () => {
    const { chain, ctx } = start()
    chain.assertNoop(balances.call('transferAllowDeath', { dest: id(bob), value: START + 1n }), signed(alice), 'Token.FundsUnavailable')
    chain.assertNoop(balances.call('transferAllowDeath', { dest: id(alice), value: START + 1n }), signed(alice), 'Token.FundsUnavailable')
    chain.assertNoop(balances.call('transferAllowDeath', { dest: id(bob), value: 1n }), ROOT, 'BadOrigin')
    chain.assertNoop(balances.call('transferAllowDeath', { dest: { kind: 'Index', value: 1 }, value: 1n }), signed(alice), 'CannotLookup')
    setFreeze(ctx, { who: alice, reason: utf8('freeze01') }, 90n * ED)
    chain.assertNoop(balances.call('transferAllowDeath', { dest: id(bob), value: 11n * ED }), signed(alice), 'Token.Frozen')
    setFreeze(ctx, { who: alice, reason: utf8('freeze01') }, 0n)
    incConsumers(ctx, alice)
    chain.assertNoop(balances.call('transferAllowDeath', { dest: id(bob), value: START }), signed(alice), 'Token.Frozen')
    decConsumers(ctx, alice)
    chain.assertOk(balances.call('transferAllowDeath', { dest: id(bob), value: START }), signed(alice))
  })

  test('refuses a sum above 128 bits', () => {
    const { chain, ctx } = start()
    account.set(ctx, bob, { ...account.get(ctx, bob), data: { ...balanceOf(ctx, bob), free: (1n << 128n) - 1n } })
    expect(chain.dispatch(balances.call('transferAllowDeath', { dest: id(bob), value: ED }), signed(alice))).toMatchObject({
      ok: false, error: { kind: 'Arithmetic', value: { kind: 'Overflow' } } })
  })
})

describe('balances.transferKeepAlive', () => {
  test('keeps the sender alive', () => {
    const { chain } = start()
    chain.assertNoop(balances.call('transferKeepAlive', { dest: id(bob), value: START }), signed(alice), 'Token.NotExpendable')
    chain.assertOk(balances.call('transferKeepAlive', { dest: id(bob), value: START - ED }), signed(alice))
  })
})

describe('balances.transferAll', () => {
  test('sends all, or all but the existential deposit', () => {
    const { chain, ctx } = start()
    chain.assertOk(balances.call('transferAll', { dest: id(eve), keepAlive: true }), signed(alice))
    expect([free(ctx, alice), free(ctx, eve)]).toEqual([ED, START - ED])
    chain.assertOk(balances.call('transferAll', { dest: id(eve), keepAlive: false }), signed(alice))
    expect([account.has(ctx, alice), free(ctx, eve)]).toEqual([false, START])
  })
})

describe('balances.forceTransfer', () => {
  test('is root\'s', () => {
    const { chain, ctx } = start()
    chain.assertNoop(balances.call('forceTransfer', { source: id(alice), dest: id(bob), value: ED }), signed(alice), 'BadOrigin')
    chain.assertOk(balances.call('forceTransfer', { source: id(alice), dest: id(bob), value: ED }), ROOT)
    expect(free(ctx, bob)).toBe(START + ED)
  })
})

describe('balances.forceUnreserve', () => {
  test('frees what is reserved, at most all of it', () => {
    const { chain, ctx } = start()
    reserve(ctx, alice, 10n * ED)
    chain.assertNoop(balances.call('forceUnreserve', { who: id(alice), amount: 1n }), signed(alice), 'BadOrigin')
    chain.assertOk(balances.call('forceUnreserve', { who: id(alice), amount: 20n * ED }), ROOT)
    expect(balanceOf(ctx, alice)).toMatchObject({ free: START, reserved: 0n })
    expect(account.get(ctx, alice).consumers).toBe(0)
  })
})

describe('balances.upgradeAccounts', () => {
  test('marks old accounts, and is free when most needed it', () => {
    const { chain, ctx } = start()
    account.set(ctx, alice, { ...account.get(ctx, alice), data: { ...balanceOf(ctx, alice), flags: 0n } })
    expect(chain.dispatch(balances.call('upgradeAccounts', { who: [alice, eve] }), signed(bob))).toEqual({ ok: true, post: { paysFee: true } })
    expect(balanceOf(ctx, alice).flags).toBe(NEW_LOGIC_FLAG)
    account.set(ctx, alice, { ...account.get(ctx, alice), data: { ...balanceOf(ctx, alice), flags: 0n } })
    expect(chain.dispatch(balances.call('upgradeAccounts', { who: [alice] }), signed(bob))).toEqual({ ok: true, post: { paysFee: false } })
    chain.assertEvents([{ pallet: 'Balances', name: 'Upgraded', value: { who: alice } }])
    chain.assertNoop(balances.call('upgradeAccounts', { who: [alice] }), ROOT, 'BadOrigin')
  })
})

describe('balances.forceSetBalance', () => {
  test('creates, changes and removes, and keeps the issuance right', () => {
    const { chain, ctx } = start()
    chain.assertNoop(balances.call('forceSetBalance', { who: id(eve), newFree: ED }), signed(alice), 'BadOrigin')
    chain.assertOk(balances.call('forceSetBalance', { who: id(eve), newFree: 7n * ED }), ROOT)
    expect(free(ctx, eve)).toBe(7n * ED)
    chain.assertOk(balances.call('forceSetBalance', { who: id(eve), newFree: ED - 1n }), ROOT)
    expect(account.has(ctx, eve)).toBe(false)
    chain.assertEvents([{ pallet: 'Balances', name: 'BalanceSet', value: { who: eve, free: 0n } }])
  })

  test('does not remove an account that something depends on', () => {
    const { chain, ctx } = start()
    incConsumers(ctx, alice)
    chain.assertNoop(balances.call('forceSetBalance', { who: id(alice), newFree: 0n }), ROOT, 'ConsumerRemaining')
  })
})

describe('balances.forceAdjustTotalIssuance', () => {
  test('moves the total only', () => {
    const { chain, ctx } = start()
    const up = { kind: 'Increase' } as const
    const down = { kind: 'Decrease' } as const
    chain.assertNoop(balances.call('forceAdjustTotalIssuance', { direction: up, delta: 5n }), signed(alice), 'BadOrigin')
    chain.assertNoop(balances.call('forceAdjustTotalIssuance', { direction: up, delta: 0n }), ROOT, 'Balances.DeltaZero')
    chain.assertNoop(balances.call('forceAdjustTotalIssuance', { direction: down, delta: 3n * START }), ROOT, 'Arithmetic.Underflow')
    inactiveIssuance.set(ctx, 2n * START)
    chain.assertNoop(balances.call('forceAdjustTotalIssuance', { direction: down, delta: 1n }), ROOT, 'Balances.IssuanceDeactivated')
    expect(chain.dispatch(balances.call('forceAdjustTotalIssuance', { direction: up, delta: 5n }), ROOT).ok).toBe(true)
    chain.assertEvents([{ pallet: 'Balances', name: 'TotalIssuanceForced', value: { old: 2n * START, new: 2n * START + 5n } }])
    expect(() => chain.tryState()).toThrow('total issuance')
  })
})

describe('balances.burn', () => {
  test('destroys own tokens', () => {
    const { chain, ctx } = start()
    chain.assertOk(balances.call('burn', { value: 3n * ED, keepAlive: true }), signed(alice))
    chain.assertEvents([{ pallet: 'Balances', name: 'Burned', value: { who: alice, amount: 3n * ED } }])
    expect(totalIssuance.get(ctx)).toBe(2n * START - 3n * ED)
    chain.assertNoop(balances.call('burn', { value: 97n * ED, keepAlive: true }), signed(alice), 'Token.NotExpendable')
    chain.assertOk(balances.call('burn', { value: 97n * ED, keepAlive: false }), signed(alice))
  })
})

describe('reserves', () => {
  test('move between accounts as far as they go', () => {
    const { chain, ctx } = start()
    reserve(ctx, alice, 10n * ED)
    expect(repatriateReserved(ctx, { from: alice, to: bob, amount: 4n * ED }, 'Free')).toBe(0n)
    expect(repatriateReserved(ctx, { from: alice, to: bob, amount: 4n * ED }, 'Reserved')).toBe(0n)
    expect(repatriateReserved(ctx, { from: alice, to: bob, amount: 4n * ED }, 'Free')).toBe(2n * ED)
    expect(balanceOf(ctx, bob)).toMatchObject({ free: START + 6n * ED, reserved: 4n * ED })
    expect(unreserve(ctx, bob, 5n * ED)).toBe(ED)
    expect(() => repatriateReserved(ctx, { from: alice, to: eve, amount: 1n }, 'Free')).not.toThrow()
    chain.tryState()
  })

  test('refuse more than is free and what is frozen', () => {
    const { ctx } = start()
    expect(() => reserve(ctx, alice, START + 1n)).toThrow('Balances.InsufficientBalance')
    expect(() => reserve(ctx, alice, START)).toThrow('Balances.InsufficientBalance')
    setLock(ctx, { who: alice, reason: utf8('lock0001') }, 99n * ED)
    expect(() => reserve(ctx, alice, 2n * ED)).toThrow('Balances.LiquidityRestrictions')
    expect(() => { reserve(ctx, bob, ED); repatriateReserved(ctx, { from: bob, to: eve, amount: ED }, 'Free') }).toThrow('Balances.DeadAccount')
  })
})

describe('holds, locks and freezes', () => {
  const reason = utf8('phala/sp')

  test('holds are named parts of the reserve', () => {
    const { chain, ctx } = start()
    hold(ctx, { who: alice, reason }, 10n * ED)
    expect([heldBalance(ctx, { who: alice, reason }), balanceOf(ctx, alice).reserved]).toEqual([10n * ED, 10n * ED])
    expect(release(ctx, { who: alice, reason }, 3n * ED)).toBe(3n * ED)
    expect(burnHeld(ctx, { who: alice, reason }, 2n * ED)).toBe(2n * ED)
    expect(transferHeld(ctx, { who: alice, reason }, bob, 9n * ED)).toBe(5n * ED)
    expect([totalBalance(ctx, alice), free(ctx, bob), account.get(ctx, alice).consumers]).toEqual([93n * ED, START + 5n * ED, 0])
    expect(() => hold(ctx, { who: alice, reason }, START)).toThrow('Balances.InsufficientBalance')
    hold(ctx, { who: alice, reason }, ED)
    expect(() => transferHeld(ctx, { who: alice, reason }, eve, ED)).toThrow('Balances.DeadAccount')
    chain.tryState()
  })

  test('the largest lock or freeze counts, and what is reserved satisfies it', () => {
    const { chain, ctx } = start()
    setLock(ctx, { who: alice, reason }, 60n * ED)
    setFreeze(ctx, { who: alice, reason }, 80n * ED)
    expect(balanceOf(ctx, alice).frozen).toBe(80n * ED)
    setFreeze(ctx, { who: alice, reason }, 0n)
    expect(balanceOf(ctx, alice).frozen).toBe(60n * ED)
    hold(ctx, { who: alice, reason }, 30n * ED)
    chain.assertOk(balances.call('transferAllowDeath', { dest: id(bob), value: 40n * ED }), signed(alice))
    setLock(ctx, { who: alice, reason }, 0n)
    expect(balanceOf(ctx, alice).frozen).toBe(0n)
    chain.assertEvents([{ pallet: 'Balances', name: 'Unlocked', value: { who: alice, amount: 60n * ED } }])
  })

  test('hold refuses what a lock needs', () => {
    const { ctx } = start()
    setLock(ctx, { who: alice, reason }, START)
    expect(() => hold(ctx, { who: alice, reason }, 50n * ED)).toThrow('Balances.LiquidityRestrictions')
  })
})

describe('issuance', () => {
  test('grows by minting and shrinks by slashing, which leaves the existential deposit', () => {
    const { chain, ctx } = start()
    mint(ctx, eve, 5n * ED)
    expect(slash(ctx, eve, 100n * ED)).toBe(4n * ED)
    expect([free(ctx, eve), totalIssuance.get(ctx)]).toEqual([ED, 2n * START + ED])
    expect(slash(ctx, eve, 1n)).toBe(0n)
    expect(() => credit(ctx, bob, 1n << 128n)).toThrow('Arithmetic.Overflow')
    chain.tryState()
  })
})

describe('genesis', () => {
  const spec = (list: unknown) => () => createTestChain({ pallets: [{ index: 1, pallet: system }, { index: 4, pallet: timestamp }, { index: 7, pallet: balances }], genesis: { Balances: list } }, { crypto })

  test.each([
    ['a balance below the existential deposit', { balances: [[hex(alice), '1']] }, 'CHAIN_SPEC_INCONSISTENT'],
    ['an account twice', { balances: [[hex(alice), '10000000000'], [hex(alice), '10000000000']] }, 'CHAIN_SPEC_INCONSISTENT'],
    ['a negative balance', { balances: [[hex(alice), '-1']] }, 'CHAIN_SPEC_MALFORMED'],
    ['a number that is not safe', { balances: [[hex(alice), 1e19]] }, 'CHAIN_SPEC_MALFORMED'],
    ['a short account', { balances: [['0x1234', '10000000000']] }, 'CHAIN_SPEC_MALFORMED'],
    ['a foreign field', { balances: [], more: 1 }, 'CHAIN_SPEC_UNKNOWN_FIELD'],
  ])('refuses %s', (_name, list, code) => {
    expect(spec(list)).toThrow(expect.objectContaining({ code }))
  })
})
