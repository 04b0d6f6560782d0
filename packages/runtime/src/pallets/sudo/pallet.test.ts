/** Sudo: root by a key, and only by it. */
import { utf8 } from '@phalanx/primitives/bytes'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { codeOf } from '@phalanx/primitives/testing'
import { describe, expect, test } from 'vitest'
import { ROOT, signed } from '../../frame/origin.ts'
import { createTestChain, devAccount } from '../../frame/testing.ts'
import { system } from '../system/pallet.ts'
import { timestamp } from '../timestamp/pallet.ts'
import { sudo } from './pallet.ts'
import { key } from './storage.ts'

const crypto = await loadCrypto()
const [alice, bob] = ['Alice', 'Bob'].map((name) => devAccount(crypto, name).publicKey) as [Uint8Array, Uint8Array]
const id = (value: Uint8Array) => ({ kind: 'Id', value }) as const
const hex = (value: Uint8Array): string => `0x${Buffer.from(value).toString('hex')}`
const start = (withKey = true, simulated = true) =>
  createTestChain({
    pallets: [{ index: 1, pallet: system }, { index: 4, pallet: timestamp }, { index: 22, pallet: sudo }], genesis: { Sudo: withKey ? { key: hex(alice) } : {} }, simulated,
  }, { crypto })

const rootOnly = system.call('killStorage', { keys: [utf8('k')] })
const failing = system.call('setCode', { code: utf8('x') })
const remark = system.call('remarkWithEvent', { remark: utf8('hi') })

describe('sudo.sudo', () => {
  test('makes a call as root, free of charge, and reports its result', () => {
    const chain = start()
    expect(chain.dispatch(sudo.call('sudo', { call: rootOnly }), signed(alice))).toEqual({ ok: true, post: { paysFee: false } })
    chain.assertEvents([{ pallet: 'Sudo', name: 'Sudid', value: { sudoResult: { ok: true, value: [] } } }])
    chain.assertOk(sudo.call('sudo', { call: failing }), signed(alice))
    expect(chain.events().at(-1)?.value).toMatchObject({ sudoResult: { ok: false, error: { kind: 'Module', value: { index: 1 } } } })
  })

  test('is refused to everybody else', () => {
    start().assertNoop(sudo.call('sudo', { call: rootOnly }), signed(bob), 'Sudo.RequireSudo')
    start().assertNoop(sudo.call('sudo', { call: rootOnly }), ROOT, 'BadOrigin')
    start(false).assertNoop(sudo.call('sudo', { call: rootOnly }), signed(alice), 'Sudo.RequireSudo')
  })
})

describe('sudo.sudoUncheckedWeight', () => {
  test('counts with the given weight', () => {
    const chain = start()
    const call = sudo.call('sudoUncheckedWeight', { call: rootOnly, weight: { refTime: 77n, proofSize: 0n } })
    expect(chain.runtime.parts.services.callInfo(call).weight).toEqual({ refTime: 77n, proofSize: 0n })
    chain.assertOk(call, signed(alice))
    chain.assertNoop(call, signed(bob), 'Sudo.RequireSudo')
  })
})

describe('sudo.sudoAs', () => {
  test('makes a call as another account', () => {
    const chain = start()
    const events = chain.assertOk(sudo.call('sudoAs', { who: id(bob), call: remark }), signed(alice))
    expect(events.map(({ name }) => name)).toEqual(['Remarked', 'SudoAsDone'])
    expect(events[0]?.value).toMatchObject({ sender: bob })
    chain.assertNoop(sudo.call('sudoAs', { who: id(alice), call: remark }), signed(bob), 'Sudo.RequireSudo')
  })
})

describe('sudo.setKey', () => {
  test('hands the key over', () => {
    const chain = start()
    chain.assertNoop(sudo.call('setKey', { new: id(bob) }), signed(bob), 'Sudo.RequireSudo')
    chain.assertOk(sudo.call('setKey', { new: id(bob) }), signed(alice))
    chain.assertEvents([{ pallet: 'Sudo', name: 'KeyChanged', value: { old: alice, new: bob } }])
    chain.assertNoop(sudo.call('sudo', { call: rootOnly }), signed(alice), 'Sudo.RequireSudo')
  })
})

describe('sudo.removeKey', () => {
  test('ends it', () => {
    const chain = start()
    chain.assertNoop(sudo.call('removeKey'), signed(bob), 'Sudo.RequireSudo')
    chain.assertOk(sudo.call('removeKey'), signed(alice))
    expect(key.has(chain.ctx)).toBe(false)
    chain.assertNoop(sudo.call('sudo', { call: rootOnly }), signed(alice), 'Sudo.RequireSudo')
  })
})

test('a chain that is not for development has no key', () => {
  expect(codeOf(() => start(true, false))).toBe('CHAIN_SPEC_DEVELOPMENT_ONLY')
  expect(key.has(start(false, false).ctx)).toBe(false)
})
