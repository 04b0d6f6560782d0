/** Utility: batches, derived accounts, other origins. */
import { utf8 } from '@phalanx/primitives/bytes'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { describe, expect, test } from 'vitest'
import type { RuntimeCall } from '../../frame/context.ts'
import { NONE, ROOT, signed } from '../../frame/origin.ts'
import { createTestChain, devAccount } from '../../frame/testing.ts'
import { balances } from '../balances/pallet.ts'
import { EXISTENTIAL_DEPOSIT as ED } from '../balances/declaration.ts'
import { account } from '../system/storage.ts'
import { system } from '../system/pallet.ts'
import { timestamp } from '../timestamp/pallet.ts'
import { derivativeAccount, BATCHED_CALLS_MAX, utility } from './pallet.ts'

const crypto = await loadCrypto()
const [alice, bob, eve] = ['Alice', 'Bob', 'Eve'].map((name) => devAccount(crypto, name).publicKey) as [Uint8Array, Uint8Array, Uint8Array]
const hex = (value: Uint8Array): string => `0x${Buffer.from(value).toString('hex')}`
const START = 100n * ED
const start = () =>
  createTestChain({
    pallets: [{ index: 1, pallet: system }, { index: 2, pallet: utility }, { index: 4, pallet: timestamp }, { index: 7, pallet: balances }],
    genesis: { Balances: { balances: [[hex(alice), START.toString()], [hex(bob), START.toString()]] } },
  }, { crypto })
const pay = (to: Uint8Array, value: bigint): RuntimeCall => balances.call('transferAllowDeath', { dest: { kind: 'Id', value: to }, value })
const names = (events: readonly { readonly name: string }[]): readonly string[] => events.map(({ name }) => name)
const tooMuch = pay(bob, 1000n * ED)

describe('utility.batch', () => {
  test('keeps what succeeded before the failure', () => {
    const chain = start()
    expect(names(chain.assertOk(utility.call('batch', { calls: [pay(bob, ED), pay(bob, ED)] }), signed(alice)))).toEqual(['Transfer', 'ItemCompleted', 'Transfer', 'ItemCompleted', 'BatchCompleted'])
    const events = chain.assertOk(utility.call('batch', { calls: [pay(bob, ED), tooMuch, pay(bob, ED)] }), signed(alice))
    expect(names(events)).toEqual(['Transfer', 'ItemCompleted', 'BatchInterrupted'])
    expect(events.at(-1)?.value).toEqual({ index: 1, error: { kind: 'Token', value: { kind: 'FundsUnavailable' } } })
    expect(account.get(chain.ctx, bob).data.free).toBe(START + 3n * ED)
  })

  test('refuses too many calls and unsigned ones', () => {
    const chain = start()
    const calls = Array.from({ length: BATCHED_CALLS_MAX + 1 }, () => system.call('remark', { remark: utf8('') }))
    chain.assertNoop(utility.call('batch', { calls }), signed(alice), 'Utility.TooManyCalls')
    chain.assertNoop(utility.call('batch', { calls: [] }), NONE, 'BadOrigin')
  })

  test('weighs as much as its calls', () => {
    const { callInfo } = start().runtime.parts.services
    const one = callInfo(pay(bob, ED)).weight.refTime
    expect(callInfo(utility.call('batch', { calls: [pay(bob, ED), pay(bob, ED)] })).weight.refTime).toBeGreaterThan(2n * one)
  })
})

describe('utility.batchAll', () => {
  test('undoes everything when one call fails, and does not nest', () => {
    const chain = start()
    chain.assertOk(utility.call('batchAll', { calls: [pay(bob, ED), pay(eve, ED)] }), signed(alice))
    chain.assertNoop(utility.call('batchAll', { calls: [pay(bob, ED), tooMuch] }), signed(alice), 'Token.FundsUnavailable')
    chain.assertNoop(utility.call('batchAll', { calls: [utility.call('batchAll', { calls: [] })] }), signed(alice), 'System.CallFiltered')
    chain.assertNoop(utility.call('batchAll', { calls: Array.from({ length: BATCHED_CALLS_MAX + 1 }, () => pay(bob, 1n)) }), signed(alice), 'Utility.TooManyCalls')
    chain.assertNoop(utility.call('batchAll', { calls: [] }), NONE, 'BadOrigin')
  })
})

describe('utility.forceBatch', () => {
  test('goes on after failures', () => {
    const chain = start()
    const events = chain.assertOk(utility.call('forceBatch', { calls: [pay(bob, ED), tooMuch, pay(bob, ED)] }), signed(alice))
    expect(names(events)).toEqual(['Transfer', 'ItemCompleted', 'ItemFailed', 'Transfer', 'ItemCompleted', 'BatchCompletedWithErrors'])
    chain.assertNoop(utility.call('forceBatch', { calls: Array.from({ length: BATCHED_CALLS_MAX + 1 }, () => pay(bob, 1n)) }), signed(alice), 'Utility.TooManyCalls')
  })
})

describe('utility.asDerivative', () => {
  test('acts as an account of its own', () => {
    const chain = start()
    const derived = derivativeAccount(crypto, alice, 5)
    chain.assertNoop(utility.call('asDerivative', { index: 5, call: pay(bob, ED) }), signed(alice), 'Token.FundsUnavailable')
    chain.assertOk(pay(derived, 10n * ED), signed(alice))
    chain.assertOk(utility.call('asDerivative', { index: 5, call: pay(bob, ED) }), signed(alice))
    expect(account.get(chain.ctx, derived).data.free).toBe(9n * ED)
    chain.assertNoop(utility.call('asDerivative', { index: 5, call: pay(bob, ED) }), ROOT, 'BadOrigin')
  })
})

describe('utility.dispatchAs', () => {
  test('is root\'s and reports the result', () => {
    const chain = start()
    const call = utility.call('dispatchAs', { asOrigin: { kind: 'system', value: { kind: 'Signed', value: alice } }, call: pay(bob, ED) })
    chain.assertNoop(call, signed(alice), 'BadOrigin')
    expect(names(chain.assertOk(call, ROOT))).toEqual(['Transfer', 'DispatchedAs'])
  })
})

describe('utility.withWeight', () => {
  test('is root\'s and counts with the given weight', () => {
    const chain = start()
    const call = utility.call('withWeight', { call: system.call('killStorage', { keys: [] }), weight: { refTime: 5n, proofSize: 6n } })
    expect(chain.runtime.parts.services.callInfo(call).weight).toEqual({ refTime: 5n, proofSize: 6n })
    chain.assertNoop(call, signed(alice), 'BadOrigin')
    chain.assertOk(call, ROOT)
    chain.assertNoop(utility.call('withWeight', { call: system.call('setCode', { code: utf8('') }), weight: { refTime: 5n, proofSize: 6n } }), ROOT, 'System.FailedToExtractRuntimeVersion')
  })
})

describe('calls in calls', () => {
  test('stop at the depth that the codec allows', () => {
    const chain = start()
    let call = system.call('remark', { remark: utf8('') })
    for (let i = 0; i < 100; i++) call = utility.call('batch', { calls: [call] })
    const bytes = chain.runtime.parts.enums.RuntimeCall.encode(call)
    expect(() => chain.runtime.parts.enums.RuntimeCall.decode(bytes)).toThrow(expect.objectContaining({ code: 'CODEC_DEPTH_EXCEEDED' }))
  })
})
