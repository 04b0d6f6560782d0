/** Owns the life of referenda: from the proposals that wait, through voting, to enactment by the scheduler as root. */
import { concatBytes, utf8 } from '@phalanx/primitives/bytes'
import { u32 } from '@phalanx/primitives/codec'
import type { Context } from '../../frame/context.ts'
import { weigh, type Weight } from '../../frame/weight.ts'
import { unreserve } from '../balances/currency.ts'
import { balancesParts } from '../balances/declaration.ts'
import { totalIssuance } from '../balances/storage.ts'
import { requestCall } from '../preimage/preimages.ts'
import type { BoundedCall } from '../preimage/storage.ts'
import { scheduleFrom } from '../scheduler/agendas.ts'
import { ENACTMENT_PERIOD_BLOCKS, LAUNCH_PERIOD_BLOCKS, VOTING_PERIOD_BLOCKS, type DemocracyContext } from './declaration.ts'
import * as storage from './storage.ts'
import type { ReferendumStatus, VoteThreshold } from './storage.ts'
import { isApproved } from './tally.ts'

/** Priority of enactment among the tasks of its block. */
const ENACTMENT_PRIORITY = 63
const ID = utf8('democrac')

/** What a referendum decides, how, and for how long it is voted on. */
export interface Question {
  readonly proposal: BoundedCall
  readonly threshold: VoteThreshold
  readonly votingBlocks: number
  /** Blocks between passing and enactment. */
  readonly delay: number
}

/** Begins a referendum. */
export const startReferendum = (ctx: DemocracyContext, { proposal, threshold, votingBlocks, delay }: Question): number => {
  const index = storage.referendumCount.get(ctx)
  storage.referendumCount.set(ctx, index + 1)
  const tally = { ayes: 0n, nays: 0n, turnout: 0n }
  storage.referendumInfoOf.set(ctx, index, { kind: 'Ongoing', value: { end: ctx.block.number + votingBlocks, proposal, threshold, delay, tally } })
  ctx.emit('Started', { refIndex: index, threshold })
  return index
}

/** Gives the deposits of a public proposal back and forgets them; returns who had backed it with how much each. */
export const returnDeposits = (ctx: Context, index: number): readonly [readonly Uint8Array[], bigint] => {
  const [backers, amount] = storage.depositOf.take(ctx, index) ?? [[], 0n]
  for (const who of backers) unreserve(balancesParts.in(ctx), who, amount)
  return [backers, amount]
}

const launchExternal = (ctx: DemocracyContext): boolean => {
  const external = storage.nextExternal.take(ctx)
  if (external === undefined) return false
  storage.lastTabledWasExternal.set(ctx, true)
  ctx.emit('ExternalTabled')
  startReferendum(ctx, { proposal: external[0], threshold: external[1], votingBlocks: VOTING_PERIOD_BLOCKS, delay: ENACTMENT_PERIOD_BLOCKS })
  return true
}

/** Makes a referendum of the public proposal that has the most tokens behind it; of equals the oldest. */
const launchPublic = (ctx: DemocracyContext): boolean => {
  const waiting = storage.publicProps.get(ctx)
  const behind = waiting.map(([index]) => {
    const [backers, amount] = storage.depositOf.get(ctx, index) ?? [[], 0n]
    return amount * BigInt(backers.length)
  })
  let best = -1
  behind.forEach((tokens, i) => {
    if (best === -1 || tokens > (behind[best] as bigint)) best = i
  })
  const chosen = waiting[best]
  if (chosen === undefined) return false
  storage.publicProps.set(ctx, waiting.filter((one) => one !== chosen))
  storage.lastTabledWasExternal.set(ctx, false)
  const [index, proposal] = chosen
  const [, deposit] = returnDeposits(ctx, index)
  ctx.emit('Tabled', { proposalIndex: index, deposit })
  startReferendum(ctx, { proposal, threshold: { kind: 'SuperMajorityApprove' }, votingBlocks: VOTING_PERIOD_BLOCKS, delay: ENACTMENT_PERIOD_BLOCKS })
  return true
}

/** The council's proposal and the public's take turns; one steps in where the other has none. */
const launchNext = (ctx: DemocracyContext): void => {
  const turns = storage.lastTabledWasExternal.get(ctx) ? [launchPublic, launchExternal] : [launchExternal, launchPublic]
  turns.some((launch) => launch(ctx))
}

const end = (ctx: DemocracyContext, index: number, status: ReferendumStatus): void => {
  const approved = isApproved(status.threshold, status.tally, totalIssuance.get(ctx))
  storage.referendumInfoOf.set(ctx, index, { kind: 'Finished', value: { approved, end: status.end } })
  if (!approved) return ctx.emit('NotPassed', { refIndex: index })
  ctx.emit('Passed', { refIndex: index })
  requestCall(ctx, status.proposal)
  const task = {
    maybeId: ctx.crypto.blake2b256(concatBytes(ID, u32.encode(index))), priority: ENACTMENT_PRIORITY, call: status.proposal, maybePeriodic: undefined,
    origin: { kind: 'system', value: { kind: 'Root' } },
  } as const
  scheduleFrom(ctx, ctx.block.number + Math.max(status.delay, 1), task)
}

/** At the start of a block: launches the next referendum when it is time, ends those whose voting is over. */
export const advanceReferenda = (ctx: DemocracyContext): Weight => {
  const { number } = ctx.block
  if (number % LAUNCH_PERIOD_BLOCKS === 0) launchNext(ctx)
  const count = storage.referendumCount.get(ctx)
  let lowest = storage.lowestUnbaked.get(ctx)
  const first = lowest
  let isLeading = true
  for (let index = first; index < count; index++) {
    const info = storage.referendumInfoOf.get(ctx, index)
    if (info?.kind === 'Ongoing' && info.value.end <= number) end(ctx, index, info.value)
    else if (info?.kind === 'Ongoing') isLeading = false
    if (isLeading) lowest = index + 1
  }
  if (lowest !== first) storage.lowestUnbaked.set(ctx, lowest)
  return weigh({ reads: 3 + (count - first) })
}
