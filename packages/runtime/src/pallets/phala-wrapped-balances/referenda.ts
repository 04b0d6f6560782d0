/** Owns what voting with wrapped PHA needs of referenda. Does not own referenda: the democracy pallet answers here once the chain has one. */
import type { Context } from '../../frame/context.ts'

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
}

/** A chain without referenda: none is going on. */
export const NO_REFERENDA: Referenda = { isOngoing: () => false, vote: () => undefined }
