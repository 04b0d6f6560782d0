/** Owns the first stage of PhalaVault: events, errors and constants (stakepool.md section 7; ours follow at the end). */
import { AccountId } from '@phalanx/primitives/chain'
import { named, u128, u32, u64, variant } from '@phalanx/primitives/codec'
import { constant, declarePallet, type ContextOf } from '../../frame/pallet.ts'
import * as storage from './storage.ts'

/** Price of a share in a new vault, 12 decimals. */
const INITIAL_PRICE = 1_000_000_000_000n
/** Seconds that a vault's withdrawal waits at most. */
export const VAULT_QUEUE_PERIOD_SEC = 1_814_400n

/** Why a vault was made to withdraw everything. */
const ForceShutdownReason = named('phala_pallets::compute::vault::pallet::ForceShutdownReason', variant('ForceShutdownReason', {
  NoEnoughReleasingStake: { index: 0 }, Waiting3xGracePeriod: { index: 1 },
}))

const pid = { pid: u64 } as const

/** First stage; pallet.ts adds the calls. */
export const vaultParts = declarePallet({
  name: 'PhalaVault',
  crate: 'phala_pallets::compute::vault',
  doc: 'Vaults: pools that delegate to stake pools, for a part of the profit.',
  storage,
  events: {
    PoolCreated: { index: 0, doc: 'A vault was created.', fields: { owner: AccountId, ...pid, cid: u32, poolAccountId: AccountId } },
    VaultCommissionSet: { index: 1, doc: 'The owner\'s part of profits changed, in parts per million.', fields: { ...pid, commission: u32 } },
    OwnerSharesClaimed: { index: 2, doc: 'The owner took shares.', fields: { ...pid, user: AccountId, shares: u128 } },
    OwnerSharesGained: { index: 3, doc: 'The owner gained shares from a profit.', fields: { ...pid, shares: u128, checkoutPrice: u128 } },
    Contribution: { index: 4, doc: 'An account delegated to the vault.', fields: { ...pid, user: AccountId, amount: u128, shares: u128 } },
    ForceShutdown: { index: 5, doc: 'The vault withdraws everything, because a withdrawal has waited too long.', fields: { ...pid, reason: ForceShutdownReason } },
  },
  errors: {
    UnauthorizedPoolOwner: { index: 0, doc: 'Only the vault\'s owner may do this.' },
    NoEnoughShareToClaim: { index: 1, doc: 'There are not so many shares.' },
    NoRewardToClaim: { index: 2, doc: 'There is nothing to claim.' },
    AssetAccountNotExist: { index: 3, doc: 'The account holds no wrapped PHA.' },
    InsufficientBalance: { index: 4, doc: 'The account does not have so much wrapped PHA.' },
    InsufficientContribution: { index: 5, doc: 'The delegation is too little.' },
    VaultBankrupt: { index: 6, doc: 'Not given any more: an emptied pool holds nothing of the vault.' },
    NoNftToWithdraw: { index: 7, doc: 'The account has no shares in the vault.' },
    CommissionNotChanged: { index: 8, doc: 'The commission is that already.' },
    InvalidCommission: { index: 9, doc: 'A commission is at most a million parts per million.' },
  },
  constants: {
    InitialPriceCheckPoint: constant(u128, INITIAL_PRICE, 'Price of a share in a new vault, 12 decimals.'),
    VaultQueuePeriod: constant(u64, VAULT_QUEUE_PERIOD_SEC, 'Seconds that a withdrawal waits at most.'),
  },
})

/** Context in which the functions of this folder run: `vaultParts.in(ctx)`. */
export type VaultContext = ContextOf<typeof vaultParts>

/** Checkpoint of a new vault. */
export const INITIAL_PRICE_CHECKPOINT = INITIAL_PRICE
