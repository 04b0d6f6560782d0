/** Proxy: acting for others, at once, after announcements, and for accounts without a key. */
import { utf8 } from '@phalanx/primitives/bytes'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { describe, expect, test } from 'vitest'
import type { RuntimeCall } from '../../frame/context.ts'
import { ROOT, signed } from '../../frame/origin.ts'
import { createTestChain, devAccount, type TestChain } from '../../frame/testing.ts'
import { balances } from '../balances/pallet.ts'
import { EXISTENTIAL_DEPOSIT as ED } from '../balances/declaration.ts'
import { account } from '../system/storage.ts'
import { system } from '../system/pallet.ts'
import { timestamp } from '../timestamp/pallet.ts'
import { utility } from '../utility/pallet.ts'
import { isSuperset } from './filters.ts'
import { proxy, pureAccount } from './pallet.ts'
import { announcements, PENDING_MAX, PROXIES_MAX, proxies, type ProxyType } from './storage.ts'

const crypto = await loadCrypto()
const [alice, bob, eve] = ['Alice', 'Bob', 'Eve'].map((name) => devAccount(crypto, name).publicKey) as [Uint8Array, Uint8Array, Uint8Array]
const id = (value: Uint8Array) => ({ kind: 'Id', value }) as const
const hex = (value: Uint8Array): string => `0x${Buffer.from(value).toString('hex')}`
const START = 10_000n * ED
const ANY: ProxyType = { kind: 'Any' }
const NON_TRANSFER: ProxyType = { kind: 'NonTransfer' }
const start = () =>
  createTestChain({
    pallets: [{ index: 1, pallet: system }, { index: 2, pallet: utility }, { index: 4, pallet: timestamp }, { index: 7, pallet: balances }, { index: 34, pallet: proxy }],
    genesis: { Balances: { balances: [alice, bob, eve].map((who) => [hex(who), START.toString()]) } },
  }, { crypto })
const pay = balances.call('transferKeepAlive', { dest: id(eve), value: ED })
const remark = system.call('remarkWithEvent', { remark: utf8('x') })
const add = (delegate: Uint8Array, proxyType: ProxyType = ANY, delay = 0): RuntimeCall => proxy.call('addProxy', { delegate: id(delegate), proxyType, delay })
const act = (call: RuntimeCall, forceProxyType?: ProxyType): RuntimeCall => proxy.call('proxy', { real: id(alice), forceProxyType, call })
const result = (chain: TestChain): unknown => (chain.events().at(-1)?.value as { readonly result: unknown }).result
const FILTERED = { ok: false, error: { kind: 'Module', value: { index: 1, error: Uint8Array.of(5, 0, 0, 0) } } }
const reserved = (chain: TestChain, who: Uint8Array): bigint => account.get(chain.ctx, who).data.reserved

describe('proxy.addProxy and proxy.removeProxy', () => {
  test('take and give back the deposit', () => {
    const chain = start()
    chain.assertOk(add(bob), signed(alice))
    chain.assertEvents([{ pallet: 'Proxy', name: 'ProxyAdded', value: { delegator: alice, delegatee: bob, proxyType: ANY, delay: 0 } }])
    expect(reserved(chain, alice)).toBe(21n * ED)
    chain.assertOk(add(eve), signed(alice))
    expect(reserved(chain, alice)).toBe(22n * ED)
    chain.assertOk(proxy.call('removeProxy', { delegate: id(bob), proxyType: ANY, delay: 0 }), signed(alice))
    chain.assertOk(proxy.call('removeProxy', { delegate: id(eve), proxyType: ANY, delay: 0 }), signed(alice))
    expect([reserved(chain, alice), proxies.has(chain.ctx, alice)]).toEqual([0n, false])
  })

  test('refuse oneself, doubles, too many and what is not there', () => {
    const chain = start()
    chain.assertNoop(add(alice), signed(alice), 'Proxy.NoSelfProxy')
    chain.assertNoop(proxy.call('removeProxy', { delegate: id(bob), proxyType: ANY, delay: 0 }), signed(alice), 'Proxy.NotFound')
    chain.assertOk(add(bob), signed(alice))
    chain.assertNoop(add(bob), signed(alice), 'Proxy.Duplicate')
    for (let i = 1; i < PROXIES_MAX; i++) chain.dispatch(add(new Uint8Array(32).fill(i)), signed(alice))
    chain.assertNoop(add(eve), signed(alice), 'Proxy.TooMany')
    chain.assertNoop(add(eve), ROOT, 'BadOrigin')
  })
})

describe('proxy.proxy', () => {
  test('acts for the account within its type', () => {
    const chain = start()
    chain.assertNoop(act(pay), signed(bob), 'Proxy.NotProxy')
    chain.assertOk(add(bob), signed(alice))
    chain.assertOk(act(pay), signed(bob))
    expect(account.get(chain.ctx, eve).data.free).toBe(START + ED)
    chain.assertOk(add(eve, NON_TRANSFER), signed(alice))
    chain.assertOk(act(pay), signed(eve))
    expect(result(chain)).toEqual(FILTERED)
    chain.assertOk(act(utility.call('batchAll', { calls: [pay] })), signed(eve))
    expect(result(chain)).toEqual(FILTERED)
    chain.assertOk(act(remark), signed(eve))
    expect(result(chain)).toEqual({ ok: true, value: [] })
    chain.assertNoop(act(remark, ANY), signed(eve), 'Proxy.NotProxy')
    chain.assertOk(act(remark, NON_TRANSFER), signed(eve))
  })

  test('does not let a proxy gain permissions', () => {
    const chain = start()
    chain.assertOk(add(bob, NON_TRANSFER), signed(alice))
    for (const call of [add(eve, ANY), proxy.call('removeProxies'), utility.call('batch', { calls: [add(eve, ANY)] })]) {
      chain.assertOk(act(call), signed(bob))
      expect(proxies.get(chain.ctx, alice)[0]).toHaveLength(1)
    }
    chain.assertOk(act(add(eve, NON_TRANSFER)), signed(bob))
    expect(proxies.get(chain.ctx, alice)[0]).toHaveLength(2)
  })

  test('waits for an announcement where there is a delay', () => {
    const chain = start()
    chain.assertOk(add(bob, ANY, 2), signed(alice))
    chain.assertNoop(act(pay), signed(bob), 'Proxy.Unannounced')
  })
})

describe('proxy.removeProxies', () => {
  test('gives the whole deposit back', () => {
    const chain = start()
    chain.assertOk(add(bob), signed(alice))
    chain.assertOk(add(eve), signed(alice))
    chain.assertOk(proxy.call('removeProxies'), signed(alice))
    expect([reserved(chain, alice), proxies.has(chain.ctx, alice)]).toEqual([0n, false])
  })
})

describe('announcements', () => {
  const hashOf = (chain: TestChain, call: RuntimeCall): Uint8Array => crypto.blake2b256(chain.runtime.parts.enums.RuntimeCall.encode(call))
  const due = (call: RuntimeCall): RuntimeCall => proxy.call('proxyAnnounced', { delegate: id(bob), real: id(alice), forceProxyType: undefined, call })

  test('proxy.announce and proxy.proxyAnnounced: a call runs once its delay is over, and once only', () => {
    const chain = start()
    chain.assertNoop(proxy.call('announce', { real: id(alice), callHash: hashOf(chain, pay) }), signed(bob), 'Proxy.NotProxy')
    chain.assertOk(add(bob, ANY, 2), signed(alice))
    chain.assertOk(proxy.call('announce', { real: id(alice), callHash: hashOf(chain, pay) }), signed(bob))
    expect(reserved(chain, bob)).toBe(22n * ED)
    chain.assertNoop(due(pay), signed(eve), 'Proxy.Unannounced')
    chain.nextBlock(2)
    chain.assertNoop(due(remark), signed(eve), 'Proxy.Unannounced')
    chain.assertOk(due(pay), signed(eve))
    expect([account.get(chain.ctx, eve).data.free, reserved(chain, bob)]).toEqual([START + ED, 0n])
    chain.assertNoop(due(pay), signed(eve), 'Proxy.Unannounced')
  })

  test('proxy.removeAnnouncement and proxy.rejectAnnouncement take them back', () => {
    const chain = start()
    const callHash = hashOf(chain, pay)
    chain.assertOk(add(bob, ANY, 2), signed(alice))
    for (let i = 0; i < 2; i++) chain.assertOk(proxy.call('announce', { real: id(alice), callHash: hashOf(chain, i === 0 ? pay : remark) }), signed(bob))
    chain.assertNoop(proxy.call('removeAnnouncement', { real: id(alice), callHash }), signed(eve), 'Proxy.NotFound')
    chain.assertNoop(proxy.call('rejectAnnouncement', { delegate: id(bob), callHash }), signed(eve), 'Proxy.NotFound')
    chain.assertOk(proxy.call('removeAnnouncement', { real: id(alice), callHash }), signed(bob))
    chain.assertOk(proxy.call('rejectAnnouncement', { delegate: id(bob), callHash: hashOf(chain, remark) }), signed(alice))
    expect(announcements.has(chain.ctx, bob)).toBe(false)
  })

  test('are limited', () => {
    const chain = start()
    chain.assertOk(add(bob, ANY, 2), signed(alice))
    const announce = proxy.call('announce', { real: id(alice), callHash: hashOf(chain, pay) })
    for (let i = 0; i < PENDING_MAX; i++) chain.dispatch(announce, signed(bob))
    chain.assertNoop(announce, signed(bob), 'Proxy.TooMany')
  })
})

describe('proxy.createPure and proxy.killPure', () => {
  test('make an account that only its proxies control, and end it', () => {
    const chain = start()
    const create = proxy.call('createPure', { proxyType: ANY, delay: 0, index: 3 })
    chain.assertOk(create, signed(alice))
    const pure = pureAccount({ crypto }, alice, { height: 1, extrinsicIndex: 0, proxyType: ANY, index: 3 })
    chain.assertEvents([{ pallet: 'Proxy', name: 'PureCreated', value: { pure, who: alice, proxyType: ANY, disambiguationIndex: 3 } }])
    chain.assertNoop(create, signed(alice), 'Proxy.Duplicate')
    chain.assertOk(balances.call('transferKeepAlive', { dest: id(pure), value: 5n * ED }), signed(alice))
    chain.assertOk(proxy.call('proxy', { real: id(pure), forceProxyType: undefined, call: pay }), signed(alice))
    expect(account.get(chain.ctx, pure).data.free).toBe(4n * ED)
    const kill = proxy.call('killPure', { spawner: id(alice), proxyType: ANY, index: 3, height: 1, extIndex: 0 })
    chain.assertNoop(kill, signed(alice), 'Proxy.NoPermission')
    chain.assertOk(proxy.call('proxy', { real: id(pure), forceProxyType: undefined, call: kill }), signed(alice))
    expect([proxies.has(chain.ctx, pure), reserved(chain, alice)]).toEqual([false, 0n])
  })
})

test('types of proxies form an order with Any on top', () => {
  const kinds: readonly ProxyType[] = [ANY, NON_TRANSFER, { kind: 'CancelProxy' }, { kind: 'Governance' }, { kind: 'StakePoolManager' }]
  for (const a of kinds) {
    expect(isSuperset({ a, b: a })).toBe(true)
    expect(isSuperset({ a: ANY, b: a })).toBe(true)
    if (a.kind !== 'Any') expect(isSuperset({ a, b: ANY })).toBe(false)
  }
  expect(isSuperset({ a: NON_TRANSFER, b: { kind: 'StakePoolManager' } })).toBe(false)
})
