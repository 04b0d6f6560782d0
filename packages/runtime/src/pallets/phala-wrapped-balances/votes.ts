/** Owns votes with wrapped PHA: the reserve votes for all who delegate their voice, and keeps their wealth until the referendum is over. */
import type { WrappedContext } from './declaration.ts'
import { netValue } from './net-value.ts'
import type { Referenda } from './referenda.ts'
import { accountVotes, stakerAccounts, voteAccounts, VOTES_MAX, voteTotals, WPHA_ACCOUNT } from './storage.ts'

const ITERATIONS_MAX = 100
const NO_VOTES = [0n, 0n] as const

/** The largest of an account's votes is kept. */
const refreshLocked = (ctx: WrappedContext, who: Uint8Array): void => {
  let locked = 0n
  for (const [, referendum] of accountVotes.keys(ctx, who)) {
    const [aye, nay] = voteAccounts.get(ctx, referendum, who) ?? NO_VOTES
    if (aye + nay > locked) locked = aye + nay
  }
  stakerAccounts.mutate(ctx, who, (account) => account && { ...account, locked })
}

const countVotes = (ctx: WrappedContext, who: Uint8Array): number => {
  let count = 0
  for (const _ of accountVotes.keys(ctx, who)) count++
  return count
}

/** Votes in a referendum, or changes the vote. */
export const vote = (
  ctx: WrappedContext, referenda: Referenda, who: Uint8Array, ballot: { readonly referendum: number; readonly aye: bigint; readonly nay: bigint },
): void => {
  const { referendum, aye, nay } = ballot
  if (!stakerAccounts.has(ctx, who)) ctx.fail('StakerAccountNotFound')
  if (!referenda.isOngoing(ctx, referendum)) ctx.fail('ReferendumInvalid')
  if (netValue(ctx, who) < aye + nay) ctx.fail('VoteAmountLargerThanTotalStakes')
  const before = voteAccounts.get(ctx, referendum, who)
  if (before === undefined && countVotes(ctx, who) >= VOTES_MAX) ctx.fail('TooManyVotes')
  const [oldAye, oldNay] = before ?? NO_VOTES
  const [sumAye, sumNay] = voteTotals.get(ctx, referendum) ?? NO_VOTES
  const totals = [sumAye - oldAye + aye, sumNay - oldNay + nay] as const
  voteTotals.set(ctx, referendum, totals)
  voteAccounts.set(ctx, referendum, who, [aye, nay])
  accountVotes.set(ctx, who, referendum, [])
  referenda.vote(ctx, { voter: WPHA_ACCOUNT, referendum, aye: totals[0], nay: totals[1] })
  refreshLocked(ctx, who)
  ctx.emit('Voted', { user: who, voteId: referendum, ayeAmount: aye, nayAmount: nay })
}

/** Gives up to `max` voters of a referendum that is over their wealth back; with the last of them the reserve's own vote goes. */
export const unlock = (ctx: WrappedContext, referenda: Referenda, { referendum, max }: { readonly referendum: number; readonly max: number }): void => {
  if (max < 1 || max > ITERATIONS_MAX) ctx.fail('IterationsIsNotVaild')
  if (referenda.isOngoing(ctx, referendum)) ctx.fail('ReferendumOngoing')
  const voters: Uint8Array[] = []
  for (const [, who] of voteAccounts.keys(ctx, referendum)) {
    if (voters.length === max) break
    voters.push(who)
  }
  for (const who of voters) {
    voteAccounts.remove(ctx, referendum, who)
    accountVotes.remove(ctx, who, referendum)
    refreshLocked(ctx, who)
  }
  if (voters.length === max || !voteTotals.has(ctx, referendum)) return
  voteTotals.remove(ctx, referendum)
  referenda.release(ctx, { voter: WPHA_ACCOUNT, referendum })
}
