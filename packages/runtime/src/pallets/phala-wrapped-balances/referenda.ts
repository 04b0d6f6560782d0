/** Owns what voting with wrapped PHA needs of referenda, and how democracy answers it. Does not own referenda. */
import type { Context } from '../../frame/context.ts'
import { democracyParts } from '../democracy/declaration.ts'
import { castVote, hasVoted, ongoing, removeVote, updateLock } from '../democracy/votes.ts'

/** A vote that is split: so much for, so much against. */
export interface SplitVote {
  readonly voter: Uint8Array
  readonly referendum: number
  readonly aye: bigint
  readonly nay: bigint
}

/** What voting with wrapped PHA asks of referenda. */
export interface Referenda {
  /** Whether the referendum exists and is not over. */
  isOngoing(ctx: Context, referendum: number): boolean
  /** Replaces the voter's vote; called only while the referendum is going on. */
  vote(ctx: Context, vote: SplitVote): void
  /** Forgets the voter's vote in a referendum that is over, and what it kept. */
  release(ctx: Context, vote: Pick<SplitVote, 'voter' | 'referendum'>): void
}

/** The democracy pallet. */
export const DEMOCRACY: Referenda = {
  isOngoing: (ctx, referendum) => ongoing(ctx, referendum) !== undefined,
  vote: (ctx, { voter, referendum, aye, nay }) => castVote(ctx, voter, referendum, { kind: 'Split', value: { aye, nay } }),
  release(ctx, { voter, referendum }) {
    const democracy = democracyParts.in(ctx)
    if (hasVoted(ctx, voter, referendum)) removeVote(democracy, voter, referendum, 'owner')
    updateLock(democracy, voter)
  },
}
