/** Owns the first stage of Democracy: events, errors, constants. */
import { AccountId, Hash } from '@phalanx/primitives/chain'
import { bool, u128, u32 } from '@phalanx/primitives/codec'
import { constant, declarePallet, type ContextOf } from '../../frame/pallet.ts'
import * as storage from './storage.ts'
import { AccountVote, DEPOSITS_MAX, PROPOSALS_MAX, VOTES_MAX, VoteThreshold } from './storage.ts'

/** Blocks between new referenda. Periods are as the reference's networks had them. */
export const LAUNCH_PERIOD_BLOCKS = 50_400
/** Blocks of voting. */
export const VOTING_PERIOD_BLOCKS = 50_400
/** Blocks between passing and enactment. */
export const ENACTMENT_PERIOD_BLOCKS = 57_600
/** Blocks that one lock period has. */
export const VOTE_LOCKING_PERIOD_BLOCKS = 57_600
/** Least blocks of a hastened vote. */
export const FAST_TRACK_VOTING_PERIOD_BLOCKS = 900
/** Blocks until a vetoed proposal may return. */
export const COOLOFF_PERIOD_BLOCKS = 50_400
/** Least deposit of a public proposal: 10 PHA. */
export const MINIMUM_DEPOSIT = 10_000_000_000_000n

const refIndex = { refIndex: u32 } as const

/** First stage; pallet.ts adds the calls. */
export const democracyParts = declarePallet({
  name: 'Democracy',
  crate: 'pallet_democracy',
  doc: 'Referenda among all holders.',
  storage,
  events: {
    Proposed: { index: 0, doc: 'A public proposal was made.', fields: { proposalIndex: u32, deposit: u128 } },
    Tabled: { index: 1, doc: 'A public proposal became a referendum.', fields: { proposalIndex: u32, deposit: u128 } },
    ExternalTabled: { index: 2, doc: 'The council\'s proposal became a referendum.' },
    Started: { index: 3, doc: 'A referendum began.', fields: { ...refIndex, threshold: VoteThreshold } },
    Passed: { index: 4, doc: 'A referendum passed.', fields: refIndex },
    NotPassed: { index: 5, doc: 'A referendum did not pass.', fields: refIndex },
    Cancelled: { index: 6, doc: 'A referendum was cancelled.', fields: refIndex },
    Vetoed: { index: 9, doc: 'The council\'s proposal was vetoed.', fields: { who: AccountId, proposalHash: Hash, until: u32 } },
    Voted: { index: 11, doc: 'An account voted.', fields: { voter: AccountId, ...refIndex, vote: AccountVote } },
    Seconded: { index: 12, doc: 'An account backed a public proposal.', fields: { seconder: AccountId, propIndex: u32 } },
    ProposalCanceled: { index: 13, doc: 'A public proposal was cancelled; its deposits went to the treasury.', fields: { propIndex: u32 } },
  },
  errors: {
    ValueLow: { index: 0, doc: 'The deposit is too small.' },
    ProposalMissing: { index: 1, doc: 'There is no such proposal.' },
    AlreadyCanceled: { index: 2, doc: 'The proposal was cancelled in an emergency before.' },
    DuplicateProposal: { index: 3, doc: 'The council has a proposal waiting.' },
    ProposalBlacklisted: { index: 4, doc: 'The proposal was vetoed and cannot return yet.' },
    NotSimpleMajority: { index: 5, doc: 'Only the council\'s majority proposals can be hastened.' },
    InvalidHash: { index: 6, doc: 'The hash is not the waiting proposal\'s.' },
    NoProposal: { index: 7, doc: 'No proposal waits.' },
    AlreadyVetoed: { index: 8, doc: 'The member vetoed this proposal before.' },
    ReferendumInvalid: { index: 9, doc: 'No such referendum is under way.' },
    NotVoter: { index: 11, doc: 'The account did not vote there.' },
    NoPermission: { index: 12, doc: 'Only the voter may do this now.' },
    AlreadyDelegating: { index: 13, doc: 'The account delegates its votes.' },
    InsufficientFunds: { index: 14, doc: 'The account has fewer tokens than the vote.' },
    InstantNotAllowed: { index: 17, doc: 'So short a vote needs the whole technical committee.' },
    Nonsense: { index: 18, doc: 'The vote has a conviction that does not exist.' },
    MaxVotesReached: { index: 20, doc: 'The account has too many votes.' },
    TooMany: { index: 21, doc: 'There are too many proposals or deposits.' },
    VotingPeriodLow: { index: 22, doc: 'A vote must last for a block at least.' },
  },
  constants: {
    EnactmentPeriod: constant(u32, ENACTMENT_PERIOD_BLOCKS, 'Blocks between passing and enactment.'),
    LaunchPeriod: constant(u32, LAUNCH_PERIOD_BLOCKS, 'Blocks between new referenda.'),
    VotingPeriod: constant(u32, VOTING_PERIOD_BLOCKS, 'Blocks of voting.'),
    VoteLockingPeriod: constant(u32, VOTE_LOCKING_PERIOD_BLOCKS, 'Blocks that one lock period has.'),
    MinimumDeposit: constant(u128, MINIMUM_DEPOSIT, 'Least deposit of a public proposal.'),
    InstantAllowed: constant(bool, true, 'Whether the whole technical committee may shorten a vote below the fast track.'),
    FastTrackVotingPeriod: constant(u32, FAST_TRACK_VOTING_PERIOD_BLOCKS, 'Least blocks of a hastened vote.'),
    CooloffPeriod: constant(u32, COOLOFF_PERIOD_BLOCKS, 'Blocks until a vetoed proposal may return.'),
    MaxVotes: constant(u32, VOTES_MAX, 'Most votes of an account.'),
    MaxProposals: constant(u32, PROPOSALS_MAX, 'Most public proposals.'),
    MaxDeposits: constant(u32, DEPOSITS_MAX, 'Most deposits on a public proposal.'),
  },
})

/** Context of Democracy's code. */
export type DemocracyContext = ContextOf<typeof democracyParts>
