/** Owns the first stage of PhalaWrappedBalances: events, errors and constants (stakepool.md section 8; ours follow at the end). */
import { AccountId } from '@phalanx/primitives/chain'
import { u128, u32 } from '@phalanx/primitives/codec'
import { constant, declarePallet, type ContextOf } from '../../frame/pallet.ts'
import * as storage from './storage.ts'

const amountOf = { user: AccountId, amount: u128 } as const

/** First stage; pallet.ts adds the calls. */
export const wrappedParts = declarePallet({
  name: 'PhalaWrappedBalances',
  crate: 'phala_pallets::compute::wrapped_balances',
  doc: 'PHA wrapped into an asset that pools hold, and votes with it.',
  storage,
  events: {
    DustRemoved: { index: 0, doc: 'What an account had left was below the minimum and left it.', fields: amountOf },
    Wrapped: { index: 1, doc: 'PHA was wrapped.', fields: amountOf },
    Unwrapped: { index: 2, doc: 'PHA was unwrapped.', fields: amountOf },
    Voted: { index: 3, doc: 'An account voted with its wrapped and delegated PHA.', fields: { user: AccountId, voteId: u32, ayeAmount: u128, nayAmount: u128 } },
  },
  errors: {
    StakerAccountNotFound: { index: 0, doc: 'The account never wrapped PHA.' },
    UnwrapAmountExceedsAvaliableStake: { index: 1, doc: 'So much is not free: it is delegated or kept by votes.' },
    VoteAmountLargerThanTotalStakes: { index: 2, doc: 'The votes are more than the account\'s wrapped and delegated PHA.' },
    ReferendumInvalid: { index: 3, doc: 'There is no such referendum to vote in.' },
    ReferendumOngoing: { index: 4, doc: 'The referendum is not over.' },
    IterationsIsNotVaild: { index: 5, doc: 'Between 1 and 100 votes are unlocked at once.' },
    TooManyPools: { index: 6, doc: 'The account has delegated to too many pools.' },
    TooManyVotes: { index: 7, doc: 'The account has votes in too many referenda; unlock some.' },
  },
  constants: {
    WPhaAssetId: constant(u32, storage.WPHA_ASSET_ID, 'Asset id of wrapped PHA.'),
    WrappedBalancesAccountId: constant(AccountId, storage.WPHA_ACCOUNT, 'Account that holds the PHA behind it.'),
  },
})

/** Context in which the functions of this folder run: `wrappedParts.in(ctx)`. */
export type WrappedContext = ContextOf<typeof wrappedParts>
