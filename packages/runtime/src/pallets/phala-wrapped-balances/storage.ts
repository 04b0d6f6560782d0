/** Owns the storage of PhalaWrappedBalances, its types and the names of its asset and account. Keys and value types only. */
import { utf8 } from '@phalanx/primitives/bytes'
import { AccountId } from '@phalanx/primitives/chain'
import { named, struct, tuple, u128, u32, u64, unit, vecUpTo, type TypeOf } from '@phalanx/primitives/codec'
import { palletStorage } from '../../frame/storage.ts'

/** Id of wrapped PHA among the assets. */
export const WPHA_ASSET_ID = 10_000
/** Most pools that one account delegates to. */
export const INVEST_POOLS_MAX = 1024
/** Most referenda that one account has votes in. */
export const VOTES_MAX = 100

const named32 = (name: string): Uint8Array => {
  const out = new Uint8Array(32)
  out.set(utf8(name))
  return out
}

/** Account that holds the PHA behind wrapped PHA. */
export const WPHA_ACCOUNT: Uint8Array = named32('wpha/')

/** What an account has delegated where (pool, collection), and how much of its wealth votes keep. */
export const FinanceAccount = named('phala_pallets::compute::wrapped_balances::pallet::FinanceAccount', struct({
  investPools: vecUpTo(tuple(u64, u32), INVEST_POOLS_MAX), locked: u128,
}))
export type FinanceAccount = TypeOf<typeof FinanceAccount>

/** Amounts for and against. */
export const Votes = tuple(u128, u128)

const wrapped = palletStorage('PhalaWrappedBalances')
const BLAKE = 'Blake2_128Concat'

export const voteAccounts = wrapped.doubleMap('VoteAccountMap', { hashers: [BLAKE, BLAKE], keys: [u32, AccountId], type: Votes, doc: 'Votes in a referendum by account.' })
export const accountVotes = wrapped.doubleMap('AccountVoteMap', { hashers: [BLAKE, BLAKE], keys: [AccountId, u32], type: unit, doc: 'Referenda that an account has votes in.' })
export const stakerAccounts = wrapped.map('StakerAccounts', { hasher: 'Twox64Concat', key: AccountId, type: FinanceAccount, doc: 'Accounts that wrapped PHA.' })
export const unmintableDust = wrapped.value('UnmintableDust', { type: u128, default: 0n, doc: 'PHA behind wrapped PHA that was too little to exist in an account; it stays in the reserve.' })

/** Ours from here on. */
export const voteTotals = wrapped.map('VoteTotals', { hasher: 'Twox64Concat', key: u32, type: Votes, doc: 'Sum of the votes in a referendum.' })
