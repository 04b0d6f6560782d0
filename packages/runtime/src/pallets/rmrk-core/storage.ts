/** Owns the storage of RmrkCore and its types, as real chains show them to clients. Keys and value types only. */
import { AccountId } from '@phalanx/primitives/chain'
import { bool, bytesUpTo, named, newtype, option, struct, tuple, u32, variant, type TypeOf } from '@phalanx/primitives/codec'
import { palletStorage } from '../../frame/storage.ts'

/** Longest metadata and property value here. */
export const VALUE_LIMIT = 1024
/** Longest key of a property. */
export const KEY_LIMIT = 32
/** Longest symbol of a collection. */
export const SYMBOL_LIMIT = 100

/** Parts per million of an amount. */
export const Permill = newtype('sp_arithmetic::per_things::Permill', u32)

/** Owner of an item: an account, or another item (which nothing here makes). */
export const NftOwner = named('rmrk_traits::nft::AccountIdOrCollectionNftTuple', variant('AccountIdOrCollectionNftTuple', {
  AccountId: { index: 0, value: AccountId }, CollectionAndNftTuple: { index: 1, tuple: tuple(u32, u32) },
}))
export type NftOwner = TypeOf<typeof NftOwner>

/** A collection. */
export const CollectionInfo = named('rmrk_traits::collection::CollectionInfo', struct({
  issuer: AccountId, metadata: bytesUpTo(VALUE_LIMIT), max: option(u32), symbol: bytesUpTo(SYMBOL_LIMIT), nftsCount: u32,
}))
export type CollectionInfo = TypeOf<typeof CollectionInfo>

const RoyaltyInfo = named('rmrk_traits::nft::RoyaltyInfo', struct({ recipient: AccountId, amount: Permill }))

/** An item. */
export const NftInfo = named('rmrk_traits::nft::NftInfo', struct({
  owner: NftOwner, royalty: option(RoyaltyInfo), metadata: bytesUpTo(VALUE_LIMIT), equipped: option(tuple(u32, u32)), pending: bool, transferable: bool,
}))
export type NftInfo = TypeOf<typeof NftInfo>

const rmrk = palletStorage('RmrkCore')
const [TWOX, BLAKE] = ['Twox64Concat', 'Blake2_128Concat'] as const

export const collections = rmrk.map('Collections', { hasher: TWOX, key: u32, type: CollectionInfo, doc: 'Collections.' })
export const nfts = rmrk.doubleMap('Nfts', { hashers: [TWOX, TWOX], keys: [u32, u32], type: NftInfo, doc: 'Items: collection, item.' })
export const properties = rmrk.manyMap('Properties', {
  hashers: [BLAKE, BLAKE, BLAKE], keys: [u32, option(u32), bytesUpTo(KEY_LIMIT)], type: bytesUpTo(VALUE_LIMIT), doc: 'Properties of a collection or item, by key.' })
export const lock = rmrk.map('Lock', { hasher: TWOX, key: tuple(u32, u32), type: bool, default: false, doc: 'Whether an item is locked: it cannot be sent.' })
