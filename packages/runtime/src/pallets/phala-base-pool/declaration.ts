/** Owns the first stage of PhalaBasePool: events and errors (stakepool.md section 5; ours follow at the end). */
import { AccountId } from '@phalanx/primitives/chain'
import { option, u128, u32, u64 } from '@phalanx/primitives/codec'
import { declarePallet, type ContextOf } from '../../frame/pallet.ts'
import * as storage from './storage.ts'

const pid = { pid: u64 } as const

/** First stage; pallet.ts adds the calls. */
export const basePoolParts = declarePallet({
  name: 'PhalaBasePool',
  crate: 'phala_pallets::compute::base_pool',
  doc: 'What stake pools and vaults share: shares, their price, the queue of withdrawals, whitelists, descriptions.',
  storage,
  events: {
    NftCreated: { index: 0, doc: 'A share item was made.', fields: { ...pid, cid: u32, nftId: u32, owner: AccountId, shares: u128 } },
    WithdrawalQueued: { index: 1, doc: 'A withdrawal was requested.', fields: { ...pid, user: AccountId, shares: u128, nftId: u32, asVault: option(u64), withdrawingNftId: u32 } },
    Withdrawal: { index: 2, doc: 'A withdrawal was paid, in part or whole; burnt shares were worth too little to be paid.', fields: { ...pid, user: AccountId, amount: u128, shares: u128, burntShares: u128 } },
    PoolWhitelistCreated: { index: 3, doc: 'Only listed accounts may delegate to the pool now.', fields: pid },
    PoolWhitelistDeleted: { index: 4, doc: 'Anyone may delegate to the pool again.', fields: pid },
    PoolWhitelistStakerAdded: { index: 5, doc: 'An account may delegate to the pool now.', fields: { ...pid, staker: AccountId } },
    PoolWhitelistStakerRemoved: { index: 6, doc: 'An account may not delegate to the pool any more.', fields: { ...pid, staker: AccountId } },
  },
  errors: {
    MissCollectionId: { index: 0, doc: 'The pool has no collection.' },
    PoolBankrupt: { index: 1, doc: 'The pool has shares and no value left.' },
    InvalidShareToWithdraw: { index: 2, doc: 'The account does not have so many shares.' },
    InvalidWithdrawalAmount: { index: 3, doc: 'So many shares cannot be withdrawn.' },
    RmrkError: { index: 4, doc: 'The share item could not be handled.' },
    PoolDoesNotExist: { index: 5, doc: 'There is no such pool.' },
    PoolTypeNotMatch: { index: 6, doc: 'The pool is of the other kind.' },
    NftIdNotFound: { index: 7, doc: 'There is no such share item.' },
    InvalidSharePrice: { index: 8, doc: 'At the pool\'s share price the amount cannot be turned into shares exactly enough.' },
    AttrLocked: { index: 9, doc: 'The share item is in use.' },
    UnauthorizedPoolOwner: { index: 10, doc: 'Only the pool\'s owner may do this.' },
    AlreadyInContributeWhitelist: { index: 11, doc: 'The account is on the list already.' },
    NotInContributeWhitelist: { index: 12, doc: 'The account is not on the list.' },
    ExceedWhitelistMaxLen: { index: 13, doc: 'The list is full.' },
    NoWhitelistCreated: { index: 14, doc: 'The pool has no list.' },
    ExceedMaxDescriptionLen: { index: 15, doc: 'The description is too long.' },
    NotMigrationRoot: { index: 16, doc: 'Only the migration account may do this.' },
    BurnNftFailed: { index: 17, doc: 'The share item could not be destroyed.' },
    DeprecatedTransferSharesAmountInvalid: { index: 18, doc: 'Not used any more.' },
    NoReimbursementToClaim: { index: 19, doc: 'There is nothing to claim.' },
    InternalSubsidyPoolCannotWithdraw: { index: 20, doc: 'The subsidy wallet cannot pay that now.' },
    WithdrawQueueFull: { index: 21, doc: 'Too many withdrawals wait in the pool\'s queue; try again when some are paid.' },
    TooManySubscribers: { index: 22, doc: 'Too many vaults delegate to the pool, or the vault to too many pools.' },
  },
})

/** Context in which the functions of this folder run: `basePoolParts.in(ctx)`. */
export type BasePoolContext = ContextOf<typeof basePoolParts>
