/**
 * Owns changes of the economy's parameters: scheduled by governance, by the budget contract, and by the budget schedule, whose periods
 * each pay three quarters of the one before (the published halving; the reference has no code for it).
 */
import { fixed, fixedOf, FIXED_ONE } from '@phalanx/primitives/fixed'
import { isSaneParameters, TOPICS, type TokenomicParameters } from '@phalanx/primitives/messages'
import { pushPalletMessage } from '../phala-mq/push.ts'
import { now } from '../timestamp/storage.ts'
import { COMPUTATION, type ComputationContext } from './declaration.ts'
import { budgetPerBlock } from './parameters.ts'
import * as storage from './storage.ts'
import type { BudgetSchedule } from './types.ts'

const SECONDS_PER_DAY = 86_400n
/** Periods beyond which the budget counts as nothing. */
const PERIODS_MAX = 10_000n
const BUDGET_PER_DAY_MAX = fixedOf('1000000000')

/** Puts parameters in force and tells the gatekeepers. */
const enactParameters = (ctx: ComputationContext, params: TokenomicParameters): void => {
  storage.tokenomicParameters.set(ctx, params)
  pushPalletMessage(ctx, COMPUTATION, TOPICS.gatekeeperEvent, { kind: 'TokenomicParametersChanged', value: params })
  ctx.emit('TokenomicParametersChanged')
}

/** Parameters for the end of this block. Fails with InvalidTokenomicParameters. */
export const scheduleParameters = (ctx: ComputationContext, params: TokenomicParameters): void => {
  if (!isSaneParameters(params)) ctx.fail('InvalidTokenomicParameters')
  storage.scheduledTokenomicUpdate.set(ctx, params)
}

/** Enacts what was scheduled in this block. */
export const enactScheduled = (ctx: ComputationContext): void => {
  const params = storage.scheduledTokenomicUpdate.take(ctx)
  if (params !== undefined) enactParameters(ctx, params)
}

/** The budget contract's word. Fails with NonceIndexInvalid, BudgetUpdateBlockInvalid, BudgetExceedMaxLimit, InternalErrorBadTokenomicParameters. */
export const setBudget = (ctx: ComputationContext, update: { readonly nonce: bigint; readonly blockNumber: number; readonly budget: bigint }): void => {
  const { nonce, blockNumber, budget } = update
  if (nonce <= storage.budgetUpdateNonce.get(ctx)) ctx.fail('NonceIndexInvalid')
  if (blockNumber <= storage.lastBudgetUpdateBlock.get(ctx)) ctx.fail('BudgetUpdateBlockInvalid')
  if (budget > 2n * storage.maxBudgetLimit.get(ctx)) ctx.fail('BudgetExceedMaxLimit')
  const params = storage.tokenomicParameters.get(ctx) ?? ctx.fail('InternalErrorBadTokenomicParameters')
  storage.budgetUpdateNonce.set(ctx, nonce)
  storage.lastBudgetUpdateBlock.set(ctx, blockNumber)
  enactParameters(ctx, { ...params, budgetPerBlock: budget })
  ctx.emit('BudgetUpdated', { nonce, budget })
}

/** Whether a schedule has periods of at least a day and never raises the budget. */
export const isBudgetSchedule = (schedule: BudgetSchedule): boolean =>
  schedule.periodSeconds >= SECONDS_PER_DAY && schedule.share <= FIXED_ONE && schedule.factor <= FIXED_ONE
  && schedule.budgetPerDay <= BUDGET_PER_DAY_MAX

/** Period n of the schedule at a time in Unix seconds: the published `periodAtAnchor + ⌈days since the anchor / days of a period⌉`, at least 1. */
export const periodAt = (schedule: BudgetSchedule, timeSeconds: bigint): number => {
  const elapsed = timeSeconds - schedule.anchor
  const rounded = elapsed > 0n ? (elapsed + schedule.periodSeconds - 1n) / schedule.periodSeconds : elapsed / schedule.periodSeconds
  const period = BigInt(schedule.periodAtAnchor) + rounded
  if (period < 1n) return 1
  return Number(period < PERIODS_MAX ? period : PERIODS_MAX)
}

/** This chain's budget of a day in period n; fixed point bits. */
export const dayBudgetOf = (schedule: BudgetSchedule, period: number): bigint =>
  fixed.mul(fixed.mul(schedule.budgetPerDay, schedule.share), fixed.pow(schedule.factor, period - 1))

/** Sets or ends the schedule; the budget follows when the block ends. Fails with InvalidBudgetSchedule. */
export const setBudgetSchedule = (ctx: ComputationContext, schedule: BudgetSchedule | undefined): void => {
  if (schedule !== undefined && !isBudgetSchedule(schedule)) ctx.fail('InvalidBudgetSchedule')
  storage.budgetPeriod.remove(ctx)
  if (schedule === undefined) storage.budgetSchedule.remove(ctx)
  else storage.budgetSchedule.set(ctx, schedule)
  ctx.emit('BudgetScheduleChanged', { enabled: schedule !== undefined })
}

/** A schedule whose anchor is 0 begins with the first block that knows the time. */
const anchored = (ctx: ComputationContext, schedule: BudgetSchedule, timeSeconds: bigint): BudgetSchedule => {
  if (schedule.anchor !== 0n) return schedule
  const begun = { ...schedule, anchor: timeSeconds }
  storage.budgetSchedule.set(ctx, begun)
  return begun
}

/**
 * Moves the budget to the period that the block's time is in, once per period and never back. A clock that jumps over periods enters the last
 * of them at once. Parameters that governance scheduled in the same block keep everything but their budget.
 */
export const followBudgetSchedule = (ctx: ComputationContext): void => {
  const stored = storage.budgetSchedule.get(ctx)
  if (stored === undefined) return
  const timeSeconds = now.get(ctx) / 1000n
  const schedule = anchored(ctx, stored, timeSeconds)
  const previous = storage.budgetPeriod.get(ctx)
  const period = periodAt(schedule, timeSeconds)
  if (period <= previous) return
  storage.budgetPeriod.set(ctx, period)
  const params = storage.scheduledTokenomicUpdate.take(ctx) ?? storage.tokenomicParameters.get(ctx)
  if (params === undefined) {
    ctx.emit('InternalErrorWrongHalvingConfigured')
    return
  }
  const budget = budgetPerBlock(dayBudgetOf(schedule, period), storage.blockTimeSec.get(ctx))
  if (previous > 0) ctx.emit('SubsidyBudgetHalved')
  if (previous > 0 || budget !== params.budgetPerBlock || params !== storage.tokenomicParameters.get(ctx)) enactParameters(ctx, { ...params, budgetPerBlock: budget })
}
