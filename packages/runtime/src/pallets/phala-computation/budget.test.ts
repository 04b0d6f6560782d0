import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { fixed, fixedOf, FIXED_ONE } from '@phalanx/primitives/fixed'
import { describe, expect, test } from 'vitest'
import { ROOT } from '../../frame/origin.ts'
import { now } from '../timestamp/storage.ts'
import { dayBudgetOf, periodAt } from './budget.ts'
import { phalaComputation } from './pallet.ts'
import { defaultParameters } from './parameters.ts'
import * as storage from './storage.ts'
import { createComputationTestbed, type ComputationTestbed } from './testing.ts'
import type { BudgetSchedule } from './types.ts'

const crypto = await loadCrypto()
const DAY = 86_400n
/** 2023-06-12T00:00:00Z. */
const ANCHOR = 1_686_528_000n
const PUBLISHED: BudgetSchedule = {
  anchor: ANCHOR, periodAtAnchor: 3, periodSeconds: 180n * DAY, budgetPerDay: fixedOf('720000'), share: FIXED_ONE, factor: fixedOf('0.75'),
}

const budget = (bed: ComputationTestbed): bigint => storage.tokenomicParameters.get(bed.chain.ctx)?.budgetPerBlock ?? -1n
/** Lets the block being run claim a time so many seconds later, and ends it. */
const jump = (bed: ComputationTestbed, seconds: bigint): readonly string[] => {
  now.mutate(bed.chain.ctx, (time) => time + seconds * 1000n)
  const { ctx } = bed.chain
  phalaComputation.hooks?.onFinalize?.(phalaComputation.in(ctx))
  return bed.names()
}

describe('the published schedule', () => {
  test.each([[-200n, 2], [-181n, 2], [0n, 3], [1n, 4], [180n, 4], [181n, 5], [360n, 5], [3600n, 23]])('%s days after the anchor is period %i', (days, period) =>
    expect(periodAt(PUBLISHED, ANCHOR + days * DAY)).toBe(period))

  test('never begins before period 1, whatever the clock says', () => {
    expect(periodAt(PUBLISHED, 0n)).toBe(1)
    expect(periodAt(PUBLISHED, (1n << 64n) / 1000n)).toBe(10_000)
    expect(dayBudgetOf(PUBLISHED, 10_000)).toBe(0n)
  })

  test.each([[1, '720000'], [2, '540000'], [3, '405000'], [4, '303750']])('period %i pays %s PHA a day', (period, perDay) =>
    expect(fixed.toText(dayBudgetOf(PUBLISHED, period), 4)).toBe(`${perDay}.0000`))

  test('is shared by chains', () => {
    const half = { ...PUBLISHED, share: fixedOf('0.5') }
    expect(dayBudgetOf(half, 1)).toBe(fixedOf('360000'))
  })
})

describe('the budget', () => {
  test('begins with the first block and falls by a quarter every 180 days', () => {
    const bed = createComputationTestbed(crypto)
    expect(storage.budgetSchedule.get(bed.chain.ctx)?.anchor).not.toBe(0n)
    expect([budget(bed), storage.budgetPeriod.get(bed.chain.ctx)]).toEqual([fixedOf('100'), 1])
    expect(jump(bed, 180n * DAY - 10n)).toEqual([])
    expect(jump(bed, 20n)).toEqual(['SubsidyBudgetHalved', 'TokenomicParametersChanged'])
    expect([budget(bed), storage.budgetPeriod.get(bed.chain.ctx)]).toEqual([fixedOf('75'), 2])
    expect(bed.gatekeeperEvents().at(-1)).toMatchObject({ value: { budgetPerBlock: fixedOf('75') } })
  })

  test('enters the last of several periods that the clock jumped over, once', () => {
    const bed = createComputationTestbed(crypto)
    expect(jump(bed, 540n * DAY + 1n)).toEqual(['SubsidyBudgetHalved', 'TokenomicParametersChanged'])
    expect(budget(bed)).toBe(fixed.divInteger(fixed.mulInteger(dayBudgetOf(PUBLISHED, 4), 12), 86_400))
    expect(jump(bed, 0n).length).toBe(2)
  })

  test('keeps what governance changed in the same block', () => {
    const bed = createComputationTestbed(crypto)
    const params = storage.tokenomicParameters.get(bed.chain.ctx) ?? expect.unreachable('there are parameters')
    bed.chain.assertOk(phalaComputation.call('updateTokenomic', { newParams: { ...params, treasuryRatio: fixedOf('0.5'), budgetPerBlock: fixedOf('1') } }), ROOT)
    jump(bed, 181n * DAY)
    expect(storage.tokenomicParameters.get(bed.chain.ctx)).toMatchObject({ treasuryRatio: fixedOf('0.5'), budgetPerBlock: fixedOf('75') })
    expect(storage.scheduledTokenomicUpdate.has(bed.chain.ctx)).toBe(false)
  })

  test('stays where there is no schedule', () => {
    const bed = createComputationTestbed(crypto, { genesis: { budgetSchedule: null } })
    expect(jump(bed, 1000n * DAY)).toEqual([])
    expect(budget(bed)).toBe(fixedOf('100'))
  })

  test('follows a schedule that governance sets, when the block ends', () => {
    const bed = createComputationTestbed(crypto, { genesis: { budgetSchedule: null }, timeMs: (ANCHOR + 400n * DAY) * 1000n })
    bed.chain.assertOk(phalaComputation.call('setBudgetSchedule', { schedule: PUBLISHED }), ROOT)
    expect(jump(bed, 0n)).toEqual(['BudgetScheduleChanged', 'TokenomicParametersChanged'])
    expect(storage.budgetPeriod.get(bed.chain.ctx)).toBe(6)
    expect(fixed.toText(budget(bed), 6)).toBe('23.730468')
  })

  test('says so where there are no parameters to change', () => {
    const bed = createComputationTestbed(crypto)
    storage.tokenomicParameters.remove(bed.chain.ctx)
    expect(jump(bed, 181n * DAY)).toEqual(['InternalErrorWrongHalvingConfigured'])
  })
})

describe('parameters for other block times', () => {
  test.each([1, 2, 6, 12, 24, 60, 600, 3600])('of %i s grow V by 1.0002 per hour', (seconds) => {
    const { rho, budgetPerBlock, slashRate } = defaultParameters(seconds)
    const hourly = fixed.pow(rho, 3600 / seconds)
    const published = fixed.pow(fixedOf('1.000000666600231'), 300)
    const difference = hourly > published ? hourly - published : published - hourly
    expect(difference < 10_000n).toBe(true)
    expect(fixed.toText(fixed.mulInteger(budgetPerBlock, 86_400 / seconds) + 100_000n, 3)).toBe('720000.000')
    expect(fixed.toText(fixed.mulInteger(slashRate, 3600 / seconds) + 10_000n, 6)).toBe('0.001000')
  })
})
