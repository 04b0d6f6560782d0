/** Owns the first stage of Assets: events, errors and constants, numbered as real chains number them. */
import { AccountId } from '@phalanx/primitives/chain'
import { bool, bytesUpTo, u128, u32, u8 } from '@phalanx/primitives/codec'
import { constant, declarePallet, type ContextOf } from '../../frame/pallet.ts'
import * as storage from './storage.ts'

const CENT = 10_000_000_000n

/** Deposits: for an asset, for its metadata, for an approval. */
export const DEPOSITS = { asset: CENT, account: 100n * CENT, metadataBase: 83n * CENT, metadataByte: CENT, approval: CENT } as const

const assetId = { assetId: u32 } as const

/** First stage; pallet.ts adds the calls. */
export const assetsParts = declarePallet({
  name: 'Assets',
  crate: 'pallet_assets',
  doc: 'Fungible assets besides the native token.',
  storage,
  events: {
    Created: { index: 0, doc: 'An asset was created.', fields: { ...assetId, creator: AccountId, owner: AccountId } },
    Issued: { index: 1, doc: 'Units were issued.', fields: { ...assetId, owner: AccountId, amount: u128 } },
    Transferred: { index: 2, doc: 'Units moved.', fields: { ...assetId, from: AccountId, to: AccountId, amount: u128 } },
    Burned: { index: 3, doc: 'Units were destroyed.', fields: { ...assetId, owner: AccountId, balance: u128 } },
    TeamChanged: { index: 4, doc: 'The accounts that manage the asset changed.', fields: { ...assetId, issuer: AccountId, admin: AccountId, freezer: AccountId } },
    OwnerChanged: { index: 5, doc: 'The asset has another owner.', fields: { ...assetId, owner: AccountId } },
    Frozen: { index: 6, doc: 'An account cannot spend any more.', fields: { ...assetId, who: AccountId } },
    Thawed: { index: 7, doc: 'An account can spend again.', fields: { ...assetId, who: AccountId } },
    AssetFrozen: { index: 8, doc: 'Nobody can spend the asset any more.', fields: assetId },
    AssetThawed: { index: 9, doc: 'The asset can be spent again.', fields: assetId },
    ForceCreated: { index: 14, doc: 'Root created an asset.', fields: { ...assetId, owner: AccountId } },
    MetadataSet: { index: 15, doc: 'The asset has a new name, symbol or decimals.', fields: { ...assetId, name: bytesUpTo(storage.STRING_LIMIT), symbol: bytesUpTo(storage.STRING_LIMIT), decimals: u8, isFrozen: bool } },
    MetadataCleared: { index: 16, doc: 'The asset has no name any more.', fields: assetId },
    ApprovedTransfer: { index: 17, doc: 'A delegate may spend so much more.', fields: { ...assetId, source: AccountId, delegate: AccountId, amount: u128 } },
    ApprovalCancelled: { index: 18, doc: 'A delegate may spend nothing any more.', fields: { ...assetId, owner: AccountId, delegate: AccountId } },
    TransferredApproved: { index: 19, doc: 'A delegate moved units of the owner.', fields: { ...assetId, owner: AccountId, delegate: AccountId, destination: AccountId, amount: u128 } },
  },
  errors: {
    BalanceLow: { index: 0, doc: 'The balance is too low.' },
    NoAccount: { index: 1, doc: 'The account does not hold the asset.' },
    NoPermission: { index: 2, doc: 'The sender may not do this.' },
    Unknown: { index: 3, doc: 'There is no such asset, or it has none of this.' },
    Frozen: { index: 4, doc: 'The account is frozen.' },
    InUse: { index: 5, doc: 'The id is taken.' },
    MinBalanceZero: { index: 7, doc: 'The minimum balance cannot be zero.' },
    UnavailableConsumer: { index: 8, doc: 'The account cannot hold another asset.' },
    BadMetadata: { index: 9, doc: 'The metadata is not acceptable.' },
    Unapproved: { index: 10, doc: 'The sender is not approved for so much.' },
    WouldDie: { index: 11, doc: 'The sender\'s account would cease to exist.' },
    AssetNotLive: { index: 16, doc: 'The asset is frozen or being destroyed.' },
    NotFrozen: { index: 18, doc: 'The asset is not frozen.' },
  },
  constants: {
    AssetDeposit: constant(u128, DEPOSITS.asset, 'Deposit for an asset.'),
    AssetAccountDeposit: constant(u128, DEPOSITS.account, 'Deposit for an account of an asset that cannot exist otherwise; not used.'),
    MetadataDepositBase: constant(u128, DEPOSITS.metadataBase, 'Deposit for metadata.'),
    MetadataDepositPerByte: constant(u128, DEPOSITS.metadataByte, 'Deposit for each byte of metadata.'),
    ApprovalDeposit: constant(u128, DEPOSITS.approval, 'Deposit for an approval.'),
    StringLimit: constant(u32, storage.STRING_LIMIT, 'Longest name or symbol.'),
  },
})

/** Context in which the functions of this folder run: `assetsParts.in(ctx)`. */
export type AssetsContext = ContextOf<typeof assetsParts>
