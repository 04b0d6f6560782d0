/** Owns votes of accounts: cast, changed, removed, and the locks they leave. Also what other pallets may ask of referenda. */
import { utf8 } from '@phalanx/primitives/bytes'
import type { Context } from '../../frame/context.ts'
import { balanceOf } from '../balances/account.ts'
import { balancesParts } from '../balances/declaration.ts'
import { setLock } from '../balances/holds.ts'
import { locks } from '../balances/storage.ts'
import { bytesEqual } from '@phalanx/primitives/bytes'
import { democracyParts, VOTE_LOCKING_PERIOD_BLOCKS, type DemocracyContext } from './declaration.ts'
import { referendumInfoOf, votingOf, VOTES_MAX, type AccountVote, type ReferendumStatus, type Voting } from './storage.ts'
import { balanceOfVote, boundAfter, isVote, tallyWith } from './tally.ts'

/** Name of the lock. */
const LOCK = utf8('democrac')

type Direct = Extract<Voting, { readonly kind: 'Direct' }>['value']

/** The referendum's status while it is under way. */
export const ongoing = (ctx: Context, index: number): ReferendumStatus | undefined => {
  const info = referendumInfoOf.get(ctx, index)
  return info?.kind === 'Ongoing' ? info.value : undefined
}

const setTally = (ctx: Context, index: number, status: ReferendumStatus, vote: AccountVote, sign: 1n | -1n): ReferendumStatus => {
  const next = { ...status, tally: tallyWith(status.tally, vote, sign) }
  referendumInfoOf.set(ctx, index, { kind: 'Ongoing', value: next })
  return next
}

const directOf = (ctx: DemocracyContext, who: Uint8Array): Direct => {
  const voting = votingOf.get(ctx, who)
  return voting.kind === 'Direct' ? voting.value : ctx.fail('AlreadyDelegating')
}

const setVoting = (ctx: Context, who: Uint8Array, value: Direct): void => votingOf.set(ctx, who, { kind: 'Direct', value })

const lockedAmount = (ctx: Context, who: Uint8Array): bigint => locks.get(ctx, who).find(({ id }) => bytesEqual(id, LOCK))?.amount ?? 0n

/** Casts or changes a vote. Fails with ReferendumInvalid, InsufficientFunds, MaxVotesReached, AlreadyDelegating, Nonsense. */
export const castVote = (host: Context, who: Uint8Array, index: number, vote: AccountVote): void => {
  const ctx = democracyParts.in(host)
  const balances = balancesParts.in(ctx)
  if (vote.kind === 'Standard' && !isVote(vote.value.vote)) ctx.fail('Nonsense')
  let status = ongoing(ctx, index) ?? ctx.fail('ReferendumInvalid')
  const amount = balanceOfVote(vote)
  if (amount > balanceOf(balances, who).free) ctx.fail('InsufficientFunds')
  const direct = directOf(ctx, who)
  const old = direct.votes.find(([at]) => at === index)
  if (old === undefined && direct.votes.length >= VOTES_MAX) ctx.fail('MaxVotesReached')
  if (old !== undefined) status = setTally(ctx, index, status, old[1], -1n)
  setTally(ctx, index, status, vote, 1n)
  const votes = old === undefined ? [...direct.votes, [index, vote] as const] : direct.votes.map((entry) => (entry === old ? ([index, vote] as const) : entry))
  setVoting(ctx, who, { ...direct, votes: votes.toSorted(([a], [b]) => a - b) })
  if (amount > lockedAmount(ctx, who)) setLock(balances, { who, reason: LOCK }, amount)
  ctx.emit('Voted', { voter: who, refIndex: index, vote })
}

/** Whether an account has a vote in a referendum, under way or over. */
export const hasVoted = (ctx: Context, who: Uint8Array, index: number): boolean => {
  const voting = votingOf.get(ctx, who)
  return voting.kind === 'Direct' && voting.value.votes.some(([at]) => at === index)
}

/** Who asks to remove a vote: its owner, at any time; anybody else once the vote binds nobody any more. */
export type RemovedBy = 'owner' | 'other'

/** Removes a vote; tokens that it still binds stay locked until their time. Fails with NotVoter, NoPermission, AlreadyDelegating. */
export const removeVote = (ctx: DemocracyContext, who: Uint8Array, index: number, by: RemovedBy): void => {
  const direct = directOf(ctx, who)
  const vote = direct.votes.find(([at]) => at === index)?.[1] ?? ctx.fail('NotVoter')
  const info = referendumInfoOf.get(ctx, index)
  let { prior } = direct
  if (info?.kind === 'Ongoing') {
    if (by === 'other') ctx.fail('NoPermission')
    setTally(ctx, index, info.value, vote, -1n)
  } else if (info !== undefined) {
    const bound = boundAfter(vote, info.value.approved)
    const until = info.value.end + VOTE_LOCKING_PERIOD_BLOCKS * (bound?.periods ?? 0)
    if (bound !== undefined && ctx.block.number < until) {
      if (by === 'other') ctx.fail('NoPermission')
      prior = [Math.max(prior[0], until), bound.balance > prior[1] ? bound.balance : prior[1]]
    }
  }
  setVoting(ctx, who, { ...direct, votes: direct.votes.filter(([at]) => at !== index), prior })
}

/** Brings an account's lock in line with its votes and what they left bound. */
export const updateLock = (ctx: DemocracyContext, who: Uint8Array): void => {
  const direct = directOf(ctx, who)
  const prior: Direct['prior'] = ctx.block.number >= direct.prior[0] ? [0, 0n] : direct.prior
  let needed = prior[1]
  for (const [, vote] of direct.votes) if (balanceOfVote(vote) > needed) needed = balanceOfVote(vote)
  if (direct.votes.length === 0 && prior[1] === 0n) votingOf.remove(ctx, who)
  else setVoting(ctx, who, { ...direct, prior })
  setLock(balancesParts.in(ctx), { who, reason: LOCK }, needed)
}
