/** Owns the storage items of Democracy and their types, as clients read them. */
import { AccountId, Hash } from '@phalanx/primitives/chain'
import { bool, named, newtype, struct, tuple, u128, u32, u8, variant, vecUpTo, type TypeOf } from '@phalanx/primitives/codec'
import { palletStorage } from '../../frame/storage.ts'
import { BoundedCall } from '../preimage/storage.ts'

/** Most votes of an account. */
export const VOTES_MAX = 100
/** Most public proposals. */
export const PROPOSALS_MAX = 100
/** Most deposits on a public proposal. */
export const DEPOSITS_MAX = 100
const VETOERS_MAX = 100

/** Aye or nay in the highest bit, below it how long the vote's tokens may be locked: 0 for a tenth of a vote, up to 6. */
export const Vote = newtype('pallet_democracy::vote::Vote', u8)
export type Vote = TypeOf<typeof Vote>

/** A vote of an account: one way with a conviction, or both ways with none. */
export const AccountVote = named('pallet_democracy::vote::AccountVote', variant('AccountVote', {
  Standard: { index: 0, fields: { vote: Vote, balance: u128 } },
  Split: { index: 1, fields: { aye: u128, nay: u128 } },
}))
export type AccountVote = TypeOf<typeof AccountVote>

/** What a referendum needs to pass. */
export const VoteThreshold = named('pallet_democracy::vote_threshold::VoteThreshold', variant('VoteThreshold', {
  SuperMajorityApprove: { index: 0 }, SuperMajorityAgainst: { index: 1 }, SimpleMajority: { index: 2 },
}))
export type VoteThreshold = TypeOf<typeof VoteThreshold>

/** Votes for and against, and the tokens behind all of them. */
export const Tally = named('pallet_democracy::types::Tally', struct({ ayes: u128, nays: u128, turnout: u128 }))
export type Tally = TypeOf<typeof Tally>

/** A referendum under way. `end` and `delay` in blocks. */
export const ReferendumStatus = named('pallet_democracy::types::ReferendumStatus', struct({
  end: u32, proposal: BoundedCall, threshold: VoteThreshold, delay: u32, tally: Tally,
}))
export type ReferendumStatus = TypeOf<typeof ReferendumStatus>

/** A referendum: under way, or how and when it ended. */
export const ReferendumInfo = named('pallet_democracy::types::ReferendumInfo', variant('ReferendumInfo', {
  Ongoing: { index: 0, value: ReferendumStatus },
  Finished: { index: 1, fields: { approved: bool, end: u32 } },
}))
export type ReferendumInfo = TypeOf<typeof ReferendumInfo>

const Delegations = named('pallet_democracy::types::Delegations', struct({ votes: u128, capital: u128 }))
/** Tokens that stay locked after their vote is gone, and until which block. */
const PriorLock = named('pallet_democracy::vote::PriorLock', tuple(u32, u128))
const Conviction = named('pallet_democracy::conviction::Conviction', variant('Conviction', {
  None: { index: 0 }, Locked1x: { index: 1 }, Locked2x: { index: 2 }, Locked3x: { index: 3 }, Locked4x: { index: 4 }, Locked5x: { index: 5 }, Locked6x: { index: 6 },
}))

/** Votes of an account. Delegating is described for clients; no call of this chain makes it. */
export const Voting = named('pallet_democracy::vote::Voting', variant('Voting', {
  Direct: { index: 0, fields: { votes: vecUpTo(tuple(u32, AccountVote), VOTES_MAX), delegations: Delegations, prior: PriorLock } },
  Delegating: { index: 1, fields: { balance: u128, target: AccountId, conviction: Conviction, delegations: Delegations, prior: PriorLock } },
}))
export type Voting = TypeOf<typeof Voting>

const NO_VOTES: Voting = { kind: 'Direct', value: { votes: [], delegations: { votes: 0n, capital: 0n }, prior: [0, 0n] } }

const storage = palletStorage('Democracy')
const byReferendum = { hasher: 'Twox64Concat', key: u32 } as const
const byHash = { hasher: 'Identity', key: Hash } as const

export const publicPropCount = storage.value('PublicPropCount', { type: u32, default: 0, doc: 'Public proposals so far.' })
export const publicProps = storage.value('PublicProps', { type: vecUpTo(tuple(u32, BoundedCall, AccountId), PROPOSALS_MAX), default: [], doc: 'Public proposals that wait: index, call, proposer.' })
export const depositOf = storage.map('DepositOf', { ...byReferendum, type: tuple(vecUpTo(AccountId, DEPOSITS_MAX), u128), doc: 'Who backed a public proposal, and with how much each.' })
export const referendumCount = storage.value('ReferendumCount', { type: u32, default: 0, doc: 'Referenda so far.' })
export const lowestUnbaked = storage.value('LowestUnbaked', { type: u32, default: 0, doc: 'The first referendum that may not have ended.' })
export const referendumInfoOf = storage.map('ReferendumInfoOf', { ...byReferendum, type: ReferendumInfo, doc: 'A referendum.' })
export const votingOf = storage.map('VotingOf', { hasher: 'Twox64Concat', key: AccountId, type: Voting, default: NO_VOTES, doc: 'Votes of an account.' })
export const lastTabledWasExternal = storage.value('LastTabledWasExternal', { type: bool, default: false, doc: 'Whether the last referendum came from the council.' })
export const nextExternal = storage.value('NextExternal', { type: tuple(BoundedCall, VoteThreshold), doc: 'The council\'s proposal for the next referendum.' })
export const blacklist = storage.map('Blacklist', { ...byHash, type: tuple(u32, vecUpTo(AccountId, VETOERS_MAX)), doc: 'Vetoed proposals: until when, and by whom so far.' })
export const cancellations = storage.map('Cancellations', { ...byHash, type: bool, default: false, doc: 'Proposals that were cancelled in an emergency, which works once.' })
