/** Owns the storage of PhalaBasePool (stakepool.md section 3; ours follow at the end). Keys and value types only, no rules. */
import { AccountId } from '@phalanx/primitives/chain'
import { bytesUpTo, option, tuple, u128, u32, u64, unit, vecUpTo } from '@phalanx/primitives/codec'
import { palletStorage } from '../../frame/storage.ts'
import { PoolProxy } from './types.ts'

/** Longest description of a pool. */
export const DESCRIPTION_MAX = 4400
/** Most accounts on a pool's whitelist. */
export const WHITELIST_MAX = 100

const storage = palletStorage('PhalaBasePool')
const TWOX = 'Twox64Concat'

export const nextNftId = storage.map('NextNftId', { hasher: TWOX, key: u32, type: u32, default: 0, doc: 'Number of the next share item of a collection.' })
export const lockIterateStartPos = storage.value('LockIterateStartPos', { type: option(tuple(u32, u32)), default: undefined, doc: 'Unused: cursor of a migration of the reference.' })
export const poolCount = storage.value('PoolCount', { type: u64, default: 0n, doc: 'Id of the next pool.' })
export const poolCollections = storage.map('PoolCollections', { hasher: TWOX, key: u32, type: u64, doc: 'Pool of a collection.' })
export const collectionIndex = storage.value('CollectionIndex', { type: u32, default: 0, doc: 'Id of the next collection, once one was made.' })
/** Deferred: bounds of every list and number are checked before a pool is written. */
export const pools = storage.map('Pools', { hasher: TWOX, key: u64, type: PoolProxy, deferred: true, doc: 'Pools: stake pools and vaults.' })
export const nftLocks = storage.map('NftLocks', { hasher: TWOX, key: tuple(u32, u32), type: unit, doc: 'Unused: a lock within a transaction of the reference.' })
export const contributionWhitelists = storage.map('PoolContributionWhitelists', { hasher: TWOX, key: u64, type: vecUpTo(AccountId, WHITELIST_MAX), doc: 'Accounts that may delegate to a pool, where it has such a list.' })
export const poolDescriptions = storage.map('PoolDescriptions', { hasher: TWOX, key: u64, type: bytesUpTo(DESCRIPTION_MAX), doc: 'Description of a pool, by its owner.' })
export const reimbursements = storage.map('Reimbursements', { hasher: TWOX, key: tuple(AccountId, u64), type: u128, doc: 'What an account may claim because of a pool.' })

/** Ours from here on. */
export const shareNfts = storage.doubleMap('ShareNfts', {
  hashers: [TWOX, TWOX], keys: [u32, AccountId], type: vecUpTo(u32, 16), default: [], doc: 'Share items of an account in a collection; one, or two in passing.' })
