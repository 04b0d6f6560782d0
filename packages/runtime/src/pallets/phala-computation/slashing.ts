/**
 * Owns the slashing of stakes by the published severity levels. Level 1, offline while hosting a contract, takes
 * ⌊stake · rate · seconds / hour⌋ of what is left, every `intervalBlocks` and once more when the silence ends; levels 2 to 4 are
 * given by governance and take their share at once. V is slashed by the gatekeepers, level 1 every block.
 */
import type { Context } from '../../frame/context.ts'
import type { StorageHost } from '../../frame/overlay.ts'
import { now } from '../timestamp/storage.ts'
import { hostsContracts } from '../phala-phat-contracts/membership.ts'
import { computationParts, type ComputationContext } from './declaration.ts'
import { computationListeners } from './listeners.ts'
import * as storage from './storage.ts'
import type { SlashParameters } from './types.ts'

const MILLION = 1_000_000n
const SECONDS_PER_HOUR = 3600n
/** Most offline sessions slashed in one block; the rest waits for the next. */
const SLASHES_PER_BLOCK = 200

/** Whether a set of slash parameters makes sense. */
export const isSlashParameters = (params: SlashParameters): boolean =>
  [params.level1PerHour, params.level2, params.level3, params.level4].every((ppm) => BigInt(ppm) <= MILLION) && params.intervalBlocks > 0

/** What a level takes: per hour for level 1, else at once. Parts per million. */
const shareOf = (params: SlashParameters, level: number): number | undefined =>
  ([params.level1PerHour, params.level2, params.level3, params.level4] as const)[level - 1]

/** Takes part of a session's stake, at most all of it, and hands it over. */
const takeStake = (ctx: ComputationContext, session: Uint8Array, slash: { readonly level: number; readonly amount: bigint }): bigint => {
  const stake = storage.stakes.get(ctx, session) ?? 0n
  const amount = slash.amount < stake ? slash.amount : stake
  if (amount === 0n) return 0n
  storage.stakes.set(ctx, session, stake - amount)
  ctx.emit('SessionSlashed', { session, level: slash.level, amount })
  storage.sessionRuns.mutate(ctx, session, (run) => (run === undefined ? undefined : { ...run, slashed: run.slashed + amount }))
  for (const listener of computationListeners()) listener.onSlashed?.(ctx, { session, worker: storage.sessionBindings.get(ctx, session), amount })
  return amount
}

const seconds = (ctx: Context): bigint => now.get(ctx) / 1000n

const queueAt = (ctx: ComputationContext, session: Uint8Array, clock: { readonly slashedUntil: bigint; readonly dueBlock: number }): void => {
  storage.slashClocks.set(ctx, session, clock)
  storage.slashQueue.set(ctx, clock.dueBlock, session, [])
}

/** What level 1 takes of a stake (plancks) for so many seconds of silence. */
export const silenceSlash = (params: SlashParameters, silence: { readonly stake: bigint; readonly seconds: bigint }): bigint =>
  (silence.stake * BigInt(params.level1PerHour) * silence.seconds) / (MILLION * SECONDS_PER_HOUR)

/** Slashes for the time since the last slash. */
const slashUntilNow = (ctx: ComputationContext, session: Uint8Array, slashedUntil: bigint): void => {
  const params = storage.slashParameters.get(ctx)
  const elapsed = seconds(ctx) - slashedUntil
  if (!params.enabled || elapsed <= 0n) return
  const stake = storage.stakes.get(ctx, session) ?? 0n
  takeStake(ctx, session, { level: 1, amount: silenceSlash(params, { stake, seconds: elapsed }) })
}

/** Whether contracts depend on a session's worker: the chain knows it in a cluster that runs one, or its last heartbeat said so. */
export const isLiable = (ctx: StorageHost, session: Uint8Array): boolean => {
  const worker = storage.sessionBindings.get(ctx, session)
  return (worker !== undefined && hostsContracts(ctx, worker)) || storage.sessionRuns.get(ctx, session)?.hostsContracts === true
}

/** A session became unresponsive: from now on its stake is slashed if it hosts a contract. */
export const beginSlashing = (ctx: ComputationContext, session: Uint8Array): void => {
  if (!isLiable(ctx, session) || storage.slashClocks.has(ctx, session)) return
  queueAt(ctx, session, { slashedUntil: seconds(ctx), dueBlock: ctx.block.number + storage.slashParameters.get(ctx).intervalBlocks })
}

/** The silence ended, or the session stops: slashes what is due and no more. */
export const endSlashing = (ctx: ComputationContext, session: Uint8Array): void => {
  const clock = storage.slashClocks.get(ctx, session)
  if (clock === undefined) return
  storage.slashQueue.remove(ctx, clock.dueBlock, session)
  storage.slashClocks.remove(ctx, session)
  slashUntilNow(ctx, session, clock.slashedUntil)
}

/** Slashes the offline sessions that are due in this block. */
export const slashDueSessions = (ctx: ComputationContext): void => {
  const { number } = ctx.block
  const { intervalBlocks } = storage.slashParameters.get(ctx)
  const due = [...storage.slashQueue.keys(ctx, number)].map(([, session]) => session)
  for (const [i, session] of due.entries()) {
    storage.slashQueue.remove(ctx, number, session)
    const clock = storage.slashClocks.get(ctx, session)
    if (clock === undefined) continue
    const isLate = i >= SLASHES_PER_BLOCK
    if (!isLate) slashUntilNow(ctx, session, clock.slashedUntil)
    queueAt(ctx, session, { slashedUntil: isLate ? clock.slashedUntil : seconds(ctx), dueBlock: number + (isLate ? 1 : intervalBlocks) })
  }
}

/** Governance slashes a session by a level; level 1 takes an hour's share. Fails with InvalidSlashLevel, NothingToSlash. */
export const slashByLevel = (context: Context, session: Uint8Array, level: number): void => {
  const ctx = computationParts.in(context)
  const ppm = shareOf(storage.slashParameters.get(ctx), level) ?? ctx.fail('InvalidSlashLevel')
  const stake = storage.stakes.get(ctx, session) ?? 0n
  if (takeStake(ctx, session, { level, amount: (stake * BigInt(ppm)) / MILLION }) === 0n) ctx.fail('NothingToSlash')
}
