/** Owns the first stage of RmrkCore: events, errors and constants, numbered as real chains number them. */
import { AccountId } from '@phalanx/primitives/chain'
import { bool, bytesUpTo, option, u32 } from '@phalanx/primitives/codec'
import { constant, declarePallet, type ContextOf } from '../../frame/pallet.ts'
import * as storage from './storage.ts'

const propertyOf = { collectionId: u32, maybeNftId: option(u32) } as const
const key = bytesUpTo(storage.KEY_LIMIT)

/** First stage; pallet.ts adds the call. */
export const rmrkParts = declarePallet({
  name: 'RmrkCore',
  crate: 'pallet_rmrk_core',
  doc: 'Items with properties. Here they are the delegations to pools: property `stake-info` holds the shares.',
  storage,
  events: {
    CollectionCreated: { index: 0, doc: 'A collection was created.', fields: { issuer: AccountId, collectionId: u32 } },
    NftMinted: { index: 1, doc: 'An item was made.', fields: { owner: storage.NftOwner, collectionId: u32, nftId: u32 } },
    NFTBurned: { index: 2, doc: 'An item was destroyed.', fields: { owner: AccountId, collectionId: u32, nftId: u32 } },
    NFTSent: { index: 4, doc: 'An item has another owner.', fields: { sender: AccountId, recipient: storage.NftOwner, collectionId: u32, nftId: u32, approvalRequired: bool } },
    PropertySet: { index: 8, doc: 'A property was set.', fields: { ...propertyOf, key, value: bytesUpTo(storage.VALUE_LIMIT) } },
    PropertyRemoved: { index: 9, doc: 'A property was removed.', fields: { ...propertyOf, key } },
    PropertiesRemoved: { index: 10, doc: 'All properties were removed.', fields: propertyOf },
  },
  errors: {
    NoAvailableNftId: { index: 7, doc: 'There is no such item.' },
    NoPermission: { index: 11, doc: 'The sender may not do this.' },
    CannotSendToDescendentOrSelf: { index: 15, doc: 'Items of items are not offered.' },
    NftIsLocked: { index: 20, doc: 'The item is locked.' },
    NonTransferable: { index: 26, doc: 'The item cannot be sent.' },
    FailedTransferHooksPreCheck: { index: 29, doc: 'Delegations to pools cannot be sent.' },
  },
  constants: {
    PropertiesLimit: constant(u32, 15, 'Most properties of an item.'),
    NestingBudget: constant(u32, 0, 'Deepest nesting of items.'),
  },
})

/** Context in which the functions of this folder run: `rmrkParts.in(ctx)`. */
export type RmrkContext = ContextOf<typeof rmrkParts>
