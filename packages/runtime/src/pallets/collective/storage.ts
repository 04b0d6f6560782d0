/** Owns the storage items of a collective; each instance has its own under its name. */
import { AccountId, Hash } from '@phalanx/primitives/chain'
import { named, struct, u32, vecUpTo, type TypeOf } from '@phalanx/primitives/codec'
import { OpaqueCall } from '../../frame/marks.ts'
import { palletStorage } from '../../frame/storage.ts'
import type { CollectiveName } from './origin.ts'

/** Most members of a collective. */
export const MEMBERS_MAX = 100
/** Most motions that are open at a time. */
export const PROPOSALS_MAX = 100

/** Votes on a motion; `end` is the last block of voting. */
export const Votes = named(
  'pallet_collective::Votes',
  struct({ index: u32, threshold: u32, ayes: vecUpTo(AccountId, MEMBERS_MAX), nays: vecUpTo(AccountId, MEMBERS_MAX), end: u32 }),
)
export type Votes = TypeOf<typeof Votes>

/** Storage of one collective. */
export const collectiveStorage = (name: CollectiveName) => {
  const storage = palletStorage(name)
  const byHash = { hasher: 'Identity', key: Hash } as const
  return {
    proposals: storage.value('Proposals', { type: vecUpTo(Hash, PROPOSALS_MAX), default: [], doc: 'Hashes of the open motions.' }),
    proposalOf: storage.map('ProposalOf', { ...byHash, type: OpaqueCall, doc: 'Call of an open motion.' }),
    voting: storage.map('Voting', { ...byHash, type: Votes, doc: 'Votes on an open motion.' }),
    proposalCount: storage.value('ProposalCount', { type: u32, default: 0, doc: 'Motions so far.' }),
    members: storage.value('Members', { type: vecUpTo(AccountId, MEMBERS_MAX), default: [], doc: 'Members, ascending by account.' }),
    prime: storage.value('Prime', { type: AccountId, doc: 'The member whose vote counts for those who did not vote.' }),
  }
}
/** Items of one collective. */
export type CollectiveStorage = ReturnType<typeof collectiveStorage>
