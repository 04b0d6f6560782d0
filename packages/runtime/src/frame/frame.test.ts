/** The frame as a whole: a chain of empty blocks, and calls that succeed, fail and roll back. */
import { bytesEqual, toHex, utf8 } from '@phalanx/primitives/bytes'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { describe, expect, test } from 'vitest'
import { balances } from '../pallets/balances/pallet.ts'
import { system } from '../pallets/system/pallet.ts'
import { timestamp } from '../pallets/timestamp/pallet.ts'
import { u8, vecUpTo } from '@phalanx/primitives/codec'
import { failToken } from './dispatch-error.ts'
import { ROOT, signed } from './origin.ts'
import { declarePallet, lateArgs } from './pallet.ts'
import { palletStorage } from './storage.ts'
import { addWeights, writes } from './weight.ts'
import { createTestChain, devAccount } from './testing.ts'

const crypto = await loadCrypto()
const pallets = [{ index: 1, pallet: system }, { index: 4, pallet: timestamp }]

describe('frame', () => {
  test('gives other roots in state version 0, and the same events', () => {
    const withBalances = [...pallets, { index: 7, pallet: balances }]
    const genesis = { Balances: { balances: [[toHex(devAccount(crypto, 'Alice').publicKey), '10000000000']] } }
    const [old, current] = ([0, 1] as const).map((stateVersion) => createTestChain({ pallets: withBalances, stateVersion, genesis }, { crypto }).seal([]))
    expect(old?.events).toEqual(current?.events)
    expect(old?.changes.length).toBe(current?.changes.length)
    expect(old?.header.stateRoot).not.toEqual(current?.header.stateRoot)
  })

  test('seals blocks that execute to the same root elsewhere', () => {
    const chain = createTestChain({ pallets }, { crypto })
    const first = chain.seal([])
    const second = chain.seal([])
    expect(second.header.number).toBe(2)
    expect(bytesEqual(first.header.stateRoot, second.header.stateRoot)).toBe(false)
  })

  test('runs calls in their own layer', () => {
    const chain = createTestChain({ pallets }, { crypto })
    const alice = devAccount(crypto, 'Alice')
    chain.assertOk(system.call('remarkWithEvent', { remark: utf8('hello') }), signed(alice.publicKey))
    chain.assertEvents([{ pallet: 'System', name: 'Remarked', value: { sender: alice.publicKey, hash: crypto.blake2b256(utf8('hello')) } }])
    chain.assertNoop(system.call('setCode', { code: utf8('x') }), signed(alice.publicKey), 'BadOrigin')
    chain.assertNoop(system.call('setCode', { code: utf8('x') }), { kind: 'Root' }, 'System.FailedToExtractRuntimeVersion')
    chain.nextBlock(3)
    expect(chain.ctx.block.number).toBe(4)
  })
})

describe('calls that carry calls', () => {
  const kit = palletStorage('Nest')
  const trace = kit.value('Trace', { type: vecUpTo(u8, 100), default: [] })
  let asked = 0
  const parts = declarePallet({
    name: 'Nest', crate: 'nest', storage: { trace },
    events: { Ran: { index: 0, doc: 'A call ran.', tuple: [u8] }, Done: { index: 1, doc: 'All is done.' } },
    errors: { Broken: { index: 4, doc: 'The call broke.' } },
  })
  const nest = parts.withCalls({
    write: {
      index: 0, doc: 'Write and perhaps fail.', args: { value: u8, ends: u8 }, weight: writes(1),
      dispatch(ctx, _origin, { value, ends }) {
        trace.mutate(ctx, (list) => [...list, value])
        ctx.emit('Ran', [value])
        if (ends === 1) ctx.fail('Broken')
        if (ends === 2) failToken('Frozen')
        if (ends === 3) throw new TypeError('our own mistake')
      },
    },
    inner: {
      index: 1, doc: 'Make a call and go on.', args: lateArgs(({ RuntimeCall }) => ({ call: RuntimeCall })),
      weight: ({ call }, tools) => { asked++; return addWeights(tools.callInfo(call).weight) },
      class: ({ call }, tools) => tools.callInfo(call).class,
      dispatch(ctx, origin, { call }) {
        ctx.runtime.dispatch(ctx, call, origin)
        ctx.emit('Done')
      },
    },
  })
  const chainOf = () => createTestChain({ pallets: [...pallets, { index: 60, pallet: nest }] }, { crypto })
  const write = (value: number, ends = 0) => nest.call('write', { value, ends })

  test('roll back what failed inside and keep the rest, events included', () => {
    const chain = chainOf()
    chain.assertOk(write(1), ROOT)
    chain.assertOk(nest.call('inner', { call: write(2, 1) }), ROOT)
    chain.assertOk(nest.call('inner', { call: nest.call('inner', { call: write(3) }) }), ROOT)
    expect(trace.get(chain.ctx)).toEqual([1, 3])
    expect(chain.events().slice(-5).map(({ name }) => name)).toEqual(['Ran', 'Done', 'Ran', 'Done', 'Done'])
    chain.assertNoop(write(9, 1), ROOT, 'Nest.Broken')
    chain.assertNoop(write(9, 2), ROOT, 'Token.Frozen')
  })

  test('a mistake of our own is no failed extrinsic', () => {
    expect(() => chainOf().dispatch(write(1, 3), ROOT)).toThrow(TypeError)
    const chain = chainOf()
    expect(() => chain.dispatch(nest.call('inner', { call: write(1, 3) }), ROOT)).toThrow(TypeError)
  })

  test('are weighed once, however deep they are nested', () => {
    const chain = chainOf()
    let call = write(1)
    for (let i = 0; i < 40; i++) call = nest.call('inner', { call })
    asked = 0
    expect(chain.runtime.parts.services.callInfo(call).weight).toEqual(writes(1))
    expect(asked).toBe(40)
  })

  test('a filter follows the origin through the layers', () => {
    const chain = chainOf()
    const alice = devAccount(crypto, 'Alice')
    const narrow = { ...signed(alice.publicKey), filter: ({ name }: { readonly name: string }) => name !== 'write' }
    chain.assertNoop(write(1), narrow, 'System.CallFiltered')
    chain.assertOk(nest.call('inner', { call: write(1) }), narrow)
    expect(trace.get(chain.ctx)).toEqual([])
  })
})

describe('declarations', () => {
  const spec = { doc: 'x', weight: writes(1), args: {}, dispatch() {} }

  test('refuse an index used twice and storage of another pallet', () => {
    expect(() => declarePallet({ name: 'A', crate: 'a', errors: { One: { index: 0, doc: '' }, Two: { index: 0, doc: '' } } })).toThrow('A error.Two')
    expect(() => declarePallet({ name: 'A', crate: 'a' }).withCalls({ one: { index: 0, ...spec }, two: { index: 0, ...spec } })).toThrow('A call.two')
    expect(() => declarePallet({ name: 'A', crate: 'a', storage: { item: palletStorage('B').value('Item', { type: u8 }) } })).toThrow('belongs to A')
    const pallet = declarePallet({ name: 'A', crate: 'a' }).withCalls({})
    expect(() => createTestChain({ pallets: [{ index: 1, pallet: system }, { index: 1, pallet }] }, { crypto })).toThrow('indices of their own')
  })
})
