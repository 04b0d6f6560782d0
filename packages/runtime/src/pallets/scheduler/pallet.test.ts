/** Scheduler: calls made at their block, again and again, by priority, postponed, cancelled; and every refusal. */
import { utf8 } from '@phalanx/primitives/bytes'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { describe, expect, test } from 'vitest'
import type { RuntimeCall } from '../../frame/context.ts'
import { ROOT, signed } from '../../frame/origin.ts'
import { createTestChain, devAccount } from '../../frame/testing.ts'
import { balances } from '../balances/pallet.ts'
import { boundCall, peekCall } from '../preimage/preimages.ts'
import { preimage } from '../preimage/pallet.ts'
import { statusFor } from '../preimage/storage.ts'
import { system } from '../system/pallet.ts'
import { timestamp } from '../timestamp/pallet.ts'
import { utility } from '../utility/pallet.ts'
import { schedule } from './agendas.ts'
import { scheduler } from './pallet.ts'
import { agenda, incompleteSince, lookupName, SCHEDULED_PER_BLOCK_MAX } from './storage.ts'

const crypto = await loadCrypto()
const alice = devAccount(crypto, 'Alice').publicKey
const NAME = new Uint8Array(32).fill(7)

const start = () => createTestChain({
  pallets: [
    { index: 1, pallet: system }, { index: 2, pallet: utility }, { index: 4, pallet: timestamp }, { index: 7, pallet: balances },
    { index: 32, pallet: scheduler }, { index: 33, pallet: preimage },
  ],
}, { crypto })
type Chain = ReturnType<typeof start>

/** A call that only root may make and that leaves a mark: an account's balance. */
const mark = (n: number): RuntimeCall => balances.call('forceSetBalance', { who: { kind: 'Id', value: new Uint8Array(32).fill(n) }, newFree: 10n ** 12n })
const isMarked = (chain: Chain, n: number): boolean => chain.events().some(({ name, value }) => name === 'BalanceSet' && (value as { who: Uint8Array }).who[0] === n)
const weighing = (refTime: bigint, call: RuntimeCall): RuntimeCall => utility.call('withWeight', { call, weight: { refTime, proofSize: 0n } })
const at = (chain: Chain, distance: number): number => chain.ctx.block.number + distance
const once = { maybePeriodic: undefined, priority: 0 } as const
const names = (chain: Chain): readonly string[] => chain.events().filter(({ pallet }) => pallet === 'Scheduler').map(({ name }) => name)

describe('schedule, scheduleAfter, scheduleNamed: a call', () => {
  test('is made at its block as the origin that scheduled it, once', () => {
    const chain = start()
    chain.assertOk(scheduler.call('schedule', { when: at(chain, 2), ...once, call: mark(1) }), ROOT)
    chain.nextBlock()
    expect(isMarked(chain, 1)).toBe(false)
    chain.nextBlock()
    expect(isMarked(chain, 1)).toBe(true)
    expect(chain.events().find(({ name }) => name === 'Dispatched')?.value).toMatchObject({ result: { ok: true } })
    chain.nextBlock()
    expect(names(chain)).toEqual([])
    expect([...agenda.keys(chain.ctx)]).toEqual([])
  })

  test('counted from the next block runs one block later', () => {
    const chain = start()
    chain.assertOk(scheduler.call('scheduleAfter', { after: 0, ...once, call: mark(1) }), ROOT)
    chain.nextBlock()
    expect(isMarked(chain, 1)).toBe(true)
  })

  test('with a period runs as often as asked, and a named one keeps its name until the end', () => {
    const chain = start()
    chain.assertOk(scheduler.call('scheduleNamed', { id: NAME, when: at(chain, 1), maybePeriodic: [2, 3], priority: 0, call: mark(1) }), ROOT)
    const runs: number[] = []
    for (let i = 1; i <= 8; i++) {
      chain.nextBlock()
      if (isMarked(chain, 1)) runs.push(i)
    }
    expect(runs).toEqual([1, 3, 5])
    expect(lookupName.has(chain.ctx, NAME)).toBe(false)
  })

  test('too long to stand on the agenda is kept as a preimage for as long as it is needed', () => {
    const chain = start()
    const long = utility.call('batch', { calls: [mark(1), system.call('remark', { remark: new Uint8Array(500) })] })
    chain.assertOk(scheduler.call('schedule', { when: at(chain, 1), ...once, call: long }), ROOT)
    expect([...statusFor.keys(chain.ctx)]).toHaveLength(1)
    chain.nextBlock()
    expect(isMarked(chain, 1)).toBe(true)
    expect([...statusFor.keys(chain.ctx)]).toEqual([])
  })

  test('whose preimage never came is given up with an event', () => {
    const chain = start()
    const call = { kind: 'Lookup', value: { hash: new Uint8Array(32).fill(9), len: 200 } } as const
    schedule(chain.ctx, { kind: 'At', value: at(chain, 1) }, { maybeId: NAME, ...once, call, origin: { kind: 'system', value: { kind: 'Root' } } })
    expect(peekCall(chain.ctx, call)).toBeUndefined()
    chain.nextBlock()
    expect(names(chain)).toEqual(['CallUnavailable'])
    expect(lookupName.has(chain.ctx, NAME)).toBe(false)
  })

  test('heavier than any block is given up; one that finds no room waits, the more urgent goes first', () => {
    const chain = start()
    const add = (call: RuntimeCall, priority: number) => chain.assertOk(scheduler.call('schedule', { when: at(chain, 1), maybePeriodic: undefined, priority, call }), ROOT)
    add(weighing(10n ** 15n, mark(1)), 0)
    add(weighing(400_000_000_000n, mark(2)), 200)
    add(weighing(400_000_000_000n, mark(3)), 100)
    chain.nextBlock()
    expect(names(chain)).toEqual(['PermanentlyOverweight', 'Dispatched'])
    expect([isMarked(chain, 2), isMarked(chain, 3)]).toEqual([false, true])
    expect(incompleteSince.get(chain.ctx)).toBe(chain.ctx.block.number)
    chain.nextBlock()
    expect(isMarked(chain, 2)).toBe(true)
    expect(incompleteSince.get(chain.ctx)).toBeUndefined()
  })

  test('that cancels a later one of the same block does so', () => {
    const chain = start()
    const when = at(chain, 1)
    chain.assertOk(scheduler.call('schedule', { when, maybePeriodic: undefined, priority: 0, call: scheduler.call('cancelNamed', { id: NAME }) }), ROOT)
    chain.assertOk(scheduler.call('scheduleNamed', { id: NAME, when, maybePeriodic: undefined, priority: 1, call: mark(1) }), ROOT)
    chain.nextBlock()
    expect(isMarked(chain, 1)).toBe(false)
    expect(names(chain)).toEqual(['Canceled', 'Dispatched'])
  })

  test('whose next agenda is full ends with an event', () => {
    const chain = start()
    chain.assertOk(scheduler.call('schedule', { when: at(chain, 1), maybePeriodic: [1, 2], priority: 0, call: mark(1) }), ROOT)
    for (let i = 0; i < SCHEDULED_PER_BLOCK_MAX; i++) chain.assertOk(scheduler.call('schedule', { when: at(chain, 2), ...once, call: mark(2) }), ROOT)
    chain.nextBlock()
    expect(names(chain)).toEqual(['Dispatched', 'PeriodicFailed'])
  })
})

describe('cancel, cancelNamed: a task', () => {
  test('takes a task off, and its gap is used again when the agenda is full', () => {
    const chain = start()
    const when = at(chain, 5)
    const add = scheduler.call('schedule', { when, ...once, call: mark(1) })
    for (let i = 0; i < SCHEDULED_PER_BLOCK_MAX; i++) chain.assertOk(add, ROOT)
    chain.assertNoop(add, ROOT, 'Scheduler.FailedToSchedule')
    chain.assertOk(scheduler.call('cancel', { when, index: 3 }), ROOT)
    chain.assertOk(add, ROOT)
    expect(agenda.get(chain.ctx, when)).toHaveLength(SCHEDULED_PER_BLOCK_MAX)
  })

  test('is refused for what is not there, and a named task goes by its name', () => {
    const chain = start()
    const when = at(chain, 5)
    chain.assertNoop(scheduler.call('cancel', { when, index: 0 }), ROOT, 'Scheduler.NotFound')
    chain.assertNoop(scheduler.call('cancelNamed', { id: NAME }), ROOT, 'Scheduler.NotFound')
    const named = scheduler.call('scheduleNamed', { id: NAME, when, ...once, call: mark(1) })
    chain.assertOk(named, ROOT)
    chain.assertNoop(named, ROOT, 'Scheduler.FailedToSchedule')
    chain.assertNoop(scheduler.call('cancel', { when, index: 0 }), ROOT, 'Scheduler.Named')
    chain.assertOk(scheduler.call('cancelNamed', { id: NAME }), ROOT)
    expect(agenda.has(chain.ctx, when)).toBe(false)
  })
})

test('schedule, scheduleNamedAfter: only for root, and not for the past', () => {
  const chain = start()
  const call = (when: number) => scheduler.call('schedule', { when, ...once, call: mark(1) })
  chain.assertNoop(call(9), signed(alice), 'BadOrigin')
  chain.assertNoop(scheduler.call('scheduleNamedAfter', { id: NAME, after: 1, ...once, call: mark(1) }), signed(alice), 'BadOrigin')
  chain.assertNoop(call(chain.ctx.block.number), ROOT, 'Scheduler.TargetBlockNumberInPast')
  chain.assertNoop(scheduler.call('scheduleNamedAfter', { id: NAME, after: 0xffff_ffff, ...once, call: mark(1) }), ROOT, 'Scheduler.TargetBlockNumberInPast')
  chain.assertOk(scheduler.call('scheduleNamedAfter', { id: NAME, after: 1, ...once, call: mark(1) }), ROOT)
})

test('a bound call is read back as it was', () => {
  const chain = start()
  for (const call of [mark(1), system.call('remark', { remark: new Uint8Array(300) }), system.call('remark', { remark: utf8('x') })])
    expect(peekCall(chain.ctx, boundCall(chain.ctx, call))).toEqual(call)
  expect(peekCall(chain.ctx, { kind: 'Inline', value: utf8('no call') })).toBeUndefined()
})
