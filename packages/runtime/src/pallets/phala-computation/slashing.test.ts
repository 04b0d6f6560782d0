import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { beforeEach, describe, expect, test } from 'vitest'
import { ROOT } from '../../frame/origin.ts'
import { phalaComputation } from './pallet.ts'
import { reclaimSession, sessionStake, stopComputing } from './sessions.ts'
import * as storage from './storage.ts'
import { createComputationTestbed, STAKE, type ComputationTestbed, type TestSession } from './testing.ts'

const crypto = await loadCrypto()
const INTERVAL = 5
/** 0.1 % of the stake per hour and second. */
const perSecond = (stake: bigint, seconds: bigint): bigint => (stake * 1000n * seconds) / (1_000_000n * 3600n)
let bed: ComputationTestbed
let one: TestSession
beforeEach(() => {
  bed = createComputationTestbed(crypto, { genesis: { slash: { intervalBlocks: INTERVAL } } })
  one = bed.started('a')
  bed.chain.nextBlock()
})

const stake = (): bigint => sessionStake(bed.chain.ctx, one.session)
/** The worker shows that it hosts a contract, and falls silent. */
const goOffline = (nClusters = 1): void => {
  bed.heartbeat(one, { nClusters })
  bed.update({ offline: [one.worker] })
}

describe('an offline worker', () => {
  test('keeps its stake while it hosts no contract', () => {
    goOffline(0)
    bed.chain.nextBlock(3 * INTERVAL)
    expect(stake()).toBe(STAKE)
  })

  test('loses 0.1 % of its stake per hour while it hosts one, every few blocks and for the rest when it returns', () => {
    goOffline()
    bed.chain.nextBlock(INTERVAL)
    expect(stake()).toBe(STAKE)
    bed.chain.nextBlock()
    let left = STAKE - perSecond(STAKE, BigInt(INTERVAL))
    expect(stake()).toBe(left)
    bed.chain.nextBlock(INTERVAL + 1)
    left -= perSecond(left, BigInt(INTERVAL))
    expect(stake()).toBe(left)
    bed.update({ recoveredToOnline: [one.worker] })
    left -= perSecond(left, 2n)
    expect(stake()).toBe(left)
    bed.chain.nextBlock(3 * INTERVAL)
    expect(stake()).toBe(left)
    bed.chain.tryState()
  })

  test('that stops is slashed to the last second and gives the rest back', () => {
    goOffline()
    bed.chain.nextBlock(2)
    stopComputing(bed.chain.ctx, one.session)
    const slashed = perSecond(STAKE, 2n)
    expect(stake()).toBe(STAKE - slashed)
    bed.chain.nextBlock(2 * INTERVAL)
    expect(reclaimSession(bed.chain.ctx, one.session, { checkCoolDown: false })).toEqual({ originalStake: STAKE - slashed, slashed: 0n })
    expect(bed.chain.events().at(-1)).toEqual({ pallet: 'PhalaComputation', name: 'WorkerReclaimed', value: { session: one.session, originalStake: STAKE, slashed } })
    bed.chain.tryState()
  })

  test('reported offline twice is slashed once', () => {
    goOffline()
    bed.update({ offline: [one.worker] })
    bed.chain.nextBlock(INTERVAL + 1)
    expect(stake()).toBe(STAKE - perSecond(STAKE, BigInt(INTERVAL)))
  })

  test('keeps its stake while slashing is off', () => {
    goOffline()
    bed.chain.assertOk(phalaComputation.call('setSlashParameters', { params: { ...storage.slashParameters.get(bed.chain.ctx), enabled: false } }), ROOT)
    bed.chain.nextBlock(3 * INTERVAL)
    expect(stake()).toBe(STAKE)
  })

  test('can lose everything and no more', () => {
    bed.chain.assertOk(phalaComputation.call('setSlashParameters', { params: { ...storage.slashParameters.get(bed.chain.ctx), level1PerHour: 1_000_000 } }), ROOT)
    storage.stakes.set(bed.chain.ctx, one.session, 1n)
    goOffline()
    bed.chain.nextBlock(INTERVAL + 2)
    expect(stake()).toBe(1n)
    storage.slashClocks.set(bed.chain.ctx, one.session, { ...(storage.slashClocks.get(bed.chain.ctx, one.session) ?? expect.unreachable('a clock runs')), slashedUntil: 0n })
    stopComputing(bed.chain.ctx, one.session)
    expect(stake()).toBe(0n)
    expect(reclaimSession(bed.chain.ctx, one.session, { checkCoolDown: false })).toEqual({ originalStake: 0n, slashed: 0n })
  })
})

describe('computation.slashSession', () => {
  const slash = (level: number, session = one.session) => phalaComputation.call('slashSession', { session, level })

  test.each([[1, 1000n], [2, 10_000n], [3, 100_000n], [4, 1_000_000n]])('level %i takes %s millionths', (level, ppm) => {
    const amount = (STAKE * ppm) / 1_000_000n
    expect(bed.chain.assertOk(slash(level), ROOT)).toEqual([{ pallet: 'PhalaComputation', name: 'SessionSlashed', value: { session: one.session, level, amount } }])
    expect(stake()).toBe(STAKE - amount)
  })

  test('refuses other levels, and sessions that hold no stake', () => {
    for (const level of [0, 5, 255]) bed.chain.assertNoop(slash(level), ROOT, 'PhalaComputation.InvalidSlashLevel')
    bed.chain.assertNoop(slash(4, new Uint8Array(32)), ROOT, 'PhalaComputation.NothingToSlash')
    bed.chain.assertOk(slash(4), ROOT)
    bed.chain.assertNoop(slash(4), ROOT, 'PhalaComputation.NothingToSlash')
  })

  test('reaches a stake that cools down', () => {
    stopComputing(bed.chain.ctx, one.session)
    bed.chain.assertOk(slash(3), ROOT)
    expect(reclaimSession(bed.chain.ctx, one.session, { checkCoolDown: false })).toEqual({ originalStake: STAKE - STAKE / 10n, slashed: 0n })
  })
})
