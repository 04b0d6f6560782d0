/** Owns the storage of Uniques and its types, as real chains show them to clients. Keys and value types only. */
import { AccountId } from '@phalanx/primitives/chain'
import { bool, bytesUpTo, named, option, struct, u128, u32, unit, type TypeOf } from '@phalanx/primitives/codec'
import { palletStorage } from '../../frame/storage.ts'

/** Longest data of a collection or item. */
export const STRING_LIMIT = 256

/** A collection. */
export const CollectionDetails = named('pallet_uniques::types::CollectionDetails', struct({
  owner: AccountId, issuer: AccountId, admin: AccountId, freezer: AccountId, totalDeposit: u128, freeHolding: bool,
  items: u32, itemMetadatas: u32, attributes: u32, isFrozen: bool,
}))
export type CollectionDetails = TypeOf<typeof CollectionDetails>

/** An item. */
export const ItemDetails = named('pallet_uniques::types::ItemDetails', struct({ owner: AccountId, approved: option(AccountId), isFrozen: bool, deposit: u128 }))

const dataFields = { deposit: u128, data: bytesUpTo(STRING_LIMIT), isFrozen: bool } as const
/** Data of a collection. */
export const CollectionMetadata = named('pallet_uniques::types::CollectionMetadata', struct(dataFields))
/** Data of an item. */
export const ItemMetadata = named('pallet_uniques::types::ItemMetadata', struct(dataFields))

const uniques = palletStorage('Uniques')
const BLAKE = 'Blake2_128Concat'

export const collections = uniques.map('Class', { hasher: BLAKE, key: u32, type: CollectionDetails, doc: 'Details of a collection.' })
export const account = uniques.manyMap('Account', { hashers: [BLAKE, BLAKE, BLAKE], keys: [AccountId, u32, u32], type: unit, doc: 'Items of an account: owner, collection, item.' })
export const collectionAccount = uniques.doubleMap('ClassAccount', { hashers: [BLAKE, BLAKE], keys: [AccountId, u32], type: unit, doc: 'Collections of an account.' })
export const items = uniques.doubleMap('Asset', { hashers: [BLAKE, BLAKE], keys: [u32, u32], type: ItemDetails, doc: 'Details of an item: collection, item.' })
export const collectionMetadata = uniques.map('ClassMetadataOf', { hasher: BLAKE, key: u32, type: CollectionMetadata, doc: 'Data of a collection; none is set here.' })
export const itemMetadata = uniques.doubleMap('InstanceMetadataOf', { hashers: [BLAKE, BLAKE], keys: [u32, u32], type: ItemMetadata, doc: 'Data of an item; none is set here.' })
export const collectionMaxSupply = uniques.map('CollectionMaxSupply', { hasher: BLAKE, key: u32, type: u32, doc: 'Most items of a collection, where it has a limit.' })
