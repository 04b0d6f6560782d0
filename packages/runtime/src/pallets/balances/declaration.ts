/** Owns the first stage of Balances: events, errors, constants. */
import { AccountId } from '@phalanx/primitives/chain'
import { named, u128, u32, variant } from '@phalanx/primitives/codec'
import { constant, declarePallet, type ContextOf } from '../../frame/pallet.ts'
import * as storage from './storage.ts'

/** Least balance of an account: 1 CENT. */
export const EXISTENTIAL_DEPOSIT = 10_000_000_000n

/** Where repatriated reserves end up. */
const BalanceStatus = named(
  'frame_support::traits::tokens::misc::BalanceStatus', variant('BalanceStatus', { Free: { index: 0 }, Reserved: { index: 1 } }))

const amountOf = { who: AccountId, amount: u128 } as const
const heldAmountOf = { reason: storage.ReasonId, ...amountOf } as const

/** First stage; pallet.ts adds the calls. */
export const balancesParts = declarePallet({
  name: 'Balances',
  crate: 'pallet_balances',
  doc: 'The native token.',
  storage,
  events: {
    Endowed: { index: 0, doc: 'An account was created with a balance.', fields: { account: AccountId, freeBalance: u128 } },
    DustLost: { index: 1, doc: 'An account fell below the existential deposit and was removed; the rest is lost.', fields: { account: AccountId, amount: u128 } },
    Transfer: { index: 2, doc: 'Tokens moved between accounts.', fields: { from: AccountId, to: AccountId, amount: u128 } },
    BalanceSet: { index: 3, doc: 'Root set a balance.', fields: { who: AccountId, free: u128 } },
    Reserved: { index: 4, doc: 'Free balance became reserved.', fields: amountOf },
    Unreserved: { index: 5, doc: 'Reserved balance became free.', fields: amountOf },
    ReserveRepatriated: { index: 6, doc: 'Reserved balance moved to another account.', fields: { from: AccountId, to: AccountId, amount: u128, destinationStatus: BalanceStatus } },
    Deposit: { index: 7, doc: 'Tokens came in, for example a refunded fee.', fields: amountOf },
    Withdraw: { index: 8, doc: 'Tokens went out, for example a fee.', fields: amountOf },
    Slashed: { index: 9, doc: 'Tokens were taken for misbehaviour.', fields: amountOf },
    Minted: { index: 10, doc: 'New tokens came to an account.', fields: amountOf },
    Burned: { index: 11, doc: 'Tokens of an account were destroyed.', fields: amountOf },
    Upgraded: { index: 14, doc: 'An account follows the rules of holds and freezes now.', fields: { who: AccountId } },
    Locked: { index: 17, doc: 'More of the balance is locked.', fields: amountOf },
    Unlocked: { index: 18, doc: 'Less of the balance is locked.', fields: amountOf },
    Frozen: { index: 19, doc: 'More of the balance is frozen.', fields: amountOf },
    Thawed: { index: 20, doc: 'Less of the balance is frozen.', fields: amountOf },
    TotalIssuanceForced: { index: 21, doc: 'Root corrected the total issuance.', fields: { old: u128, new: u128 } },
    Held: { index: 22, doc: 'Free balance was put on hold.', fields: heldAmountOf },
    BurnedHeld: { index: 23, doc: 'Tokens on hold were destroyed.', fields: heldAmountOf },
    TransferOnHold: { index: 24, doc: 'Tokens on hold moved to another account.', fields: { reason: storage.ReasonId, source: AccountId, dest: AccountId, amount: u128 } },
    Released: { index: 26, doc: 'Tokens on hold became free.', fields: heldAmountOf },
  },
  errors: {
    LiquidityRestrictions: { index: 1, doc: 'Locks or freezes keep the balance.' },
    InsufficientBalance: { index: 2, doc: 'The balance is too low.' },
    DeadAccount: { index: 6, doc: 'The beneficiary must exist already.' },
    TooManyHolds: { index: 8, doc: 'The account has too many holds.' },
    TooManyFreezes: { index: 9, doc: 'The account has too many freezes or locks.' },
    IssuanceDeactivated: { index: 10, doc: 'The issuance cannot be changed while part of it is inactive.' },
    DeltaZero: { index: 11, doc: 'The change is zero.' },
  },
  constants: {
    ExistentialDeposit: constant(u128, EXISTENTIAL_DEPOSIT, 'Least balance of an account.'),
    MaxLocks: constant(u32, storage.PER_ACCOUNT_MAX, 'Most locks of an account.'),
    MaxReserves: constant(u32, storage.PER_ACCOUNT_MAX, 'Most named reserves of an account.'),
    MaxFreezes: constant(u32, storage.PER_ACCOUNT_MAX, 'Most freezes of an account.'),
  },
})

/** Context in which the functions of this folder run: `balancesParts.in(ctx)`. */
export type BalancesContext = ContextOf<typeof balancesParts>
