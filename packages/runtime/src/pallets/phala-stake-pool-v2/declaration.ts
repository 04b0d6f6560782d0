/** Owns the first stage of PhalaStakePoolv2: events, errors and constants (stakepool.md section 6; ours follow at the end). */
import { AccountId, Sr25519Public } from '@phalanx/primitives/chain'
import { option, u128, u32, u64 } from '@phalanx/primitives/codec'
import { constant, declarePallet, type ContextOf } from '../../frame/pallet.ts'
import { POOL_WORKERS_MAX } from '../phala-base-pool/types.ts'
import * as storage from './storage.ts'

/** Least delegation: 1 CENT. */
export const MIN_CONTRIBUTION = 10_000_000_000n
/** Seconds that a withdrawal waits before the pool's workers are stopped for it. */
export const GRACE_PERIOD_SEC = 604_800n

const pid = { pid: u64 } as const
const poolAmount = { ...pid, amount: u128 } as const
const poolWorker = { ...pid, worker: Sr25519Public } as const

/** First stage; pallet.ts adds the calls. */
export const stakePoolParts = declarePallet({
  name: 'PhalaStakePoolv2',
  crate: 'phala_pallets::compute::stake_pool_v2',
  doc: 'Pools of workers that compute on delegated stake.',
  storage,
  events: {
    PoolCreated: { index: 0, doc: 'A pool was created.', fields: { owner: AccountId, ...pid, cid: u32, poolAccountId: AccountId } },
    PoolCommissionSet: { index: 1, doc: 'The owner\'s part of rewards changed, in parts per million.', fields: { ...pid, commission: u32 } },
    PoolCapacitySet: { index: 2, doc: 'The most that the pool takes changed.', fields: { ...pid, cap: u128 } },
    PoolWorkerAdded: { index: 3, doc: 'A worker joined the pool.', fields: { ...poolWorker, session: AccountId } },
    Contribution: { index: 4, doc: 'An account or vault delegated to the pool.', fields: { ...pid, user: AccountId, amount: u128, shares: u128, asVault: option(u64) } },
    OwnerRewardsWithdrawn: { index: 5, doc: 'The owner took rewards.', fields: { ...pid, user: AccountId, amount: u128 } },
    PoolSlashed: { index: 6, doc: 'Stake of the pool was taken for misbehaviour.', fields: poolAmount },
    SlashSettled: { index: 7, doc: 'Not given any more: the share price carries slashes.', fields: { ...pid, user: AccountId, amount: u128 } },
    RewardDismissedNotInPool: { index: 8, doc: 'A reward was for a worker of no pool.', fields: { worker: Sr25519Public, amount: u128 } },
    RewardDismissedNoShare: { index: 9, doc: 'A reward was for a pool without delegators.', fields: poolAmount },
    RewardDismissedDust: { index: 10, doc: 'A reward was too little.', fields: poolAmount },
    PoolWorkerRemoved: { index: 11, doc: 'A worker left the pool.', fields: poolWorker },
    WorkerReclaimed: { index: 12, doc: 'The stake of a worker that cooled down is free again.', fields: poolWorker },
    RewardReceived: { index: 13, doc: 'The pool was rewarded.', fields: { ...pid, toOwner: u128, toStakers: u128 } },
    WorkingStarted: { index: 14, doc: 'A worker started to compute.', fields: { ...poolWorker, amount: u128 } },
    RewardToOwnerDismissedDust: { index: 15, doc: 'The owner\'s part of a reward was too little.', fields: poolAmount },
    RewardToDistributionDismissedDust: { index: 16, doc: 'The delegators\' part of a reward was too little.', fields: poolAmount },
    RewardOwed: { index: 17, doc: 'The subsidy wallet could not pay a reward; the pool is owed it.', fields: poolAmount },
  },
  errors: {
    WorkerNotRegistered: { index: 0, doc: 'The worker is not registered.' },
    BenchmarkMissing: { index: 1, doc: 'The worker has no benchmark score.' },
    WorkerExists: { index: 2, doc: 'The worker is in the pool already.' },
    WorkerAlreadyStopped: { index: 3, doc: 'The worker is stopped already.' },
    WorkerDoesNotExist: { index: 4, doc: 'The worker is not in the pool.' },
    WorkerInAnotherPool: { index: 5, doc: 'The worker is in another pool.' },
    UnauthorizedOperator: { index: 6, doc: 'Only the worker\'s operator may do this.' },
    UnauthorizedPoolOwner: { index: 7, doc: 'Only the pool\'s owner may do this.' },
    InadequateCapacity: { index: 8, doc: 'The pool holds more than that.' },
    StakeExceedsCapacity: { index: 9, doc: 'The pool does not take so much.' },
    PoolDoesNotExist: { index: 10, doc: 'There is no such pool.' },
    PoolIsBusy: { index: 11, doc: 'Not given any more.' },
    InsufficientContribution: { index: 12, doc: 'The delegation is too little.' },
    NoNftToWithdraw: { index: 13, doc: 'The account has no shares in the pool.' },
    InsufficientBalance: { index: 14, doc: 'The account does not have so much wrapped PHA.' },
    PoolStakeNotFound: { index: 15, doc: 'There is no such stake.' },
    InsufficientFreeStake: { index: 16, doc: 'The pool does not have so much free stake.' },
    InvalidWithdrawalAmount: { index: 17, doc: 'So many shares cannot be withdrawn.' },
    FailedToBindSessionAndWorker: { index: 18, doc: 'The worker cannot be bound to the pool.' },
    InternalSubsidyPoolCannotWithdraw: { index: 19, doc: 'The subsidy wallet cannot pay that now.' },
    PoolBankrupt: { index: 20, doc: 'The pool has shares and no value left.' },
    NoRewardToClaim: { index: 21, doc: 'There is no reward to claim.' },
    FeatureNotEnabled: { index: 22, doc: 'Not given any more.' },
    WorkersExceedLimit: { index: 23, doc: 'The pool has too many workers, computing or cooling down.' },
    CannotRestartWithLessStake: { index: 24, doc: 'A restart needs more stake than before.' },
    InvalidForceRewardAmount: { index: 25, doc: 'Not given any more.' },
    WithdrawQueueNotEmpty: { index: 26, doc: 'Withdrawals wait in the pool\'s queue.' },
    MissingCollectionId: { index: 27, doc: 'The pool has no collection.' },
    VaultIsLocked: { index: 28, doc: 'The vault must pay withdrawals first.' },
    SessionDoesNotExist: { index: 29, doc: 'The worker has no session in the pool.' },
    WorkerIsNotReady: { index: 30, doc: 'The worker computes or cools down.' },
    LockAccountStakeError: { index: 31, doc: 'The pool does not hold so much for its workers.' },
    NoLegacyRewardToClaim: { index: 32, doc: 'There is no legacy reward to claim.' },
    InvalidCommission: { index: 33, doc: 'A commission is at most a million parts per million.' },
    NoOwedReward: { index: 34, doc: 'The pool is owed nothing.' },
  },
  constants: {
    MinContribution: constant(u128, MIN_CONTRIBUTION, 'Least delegation.'),
    GracePeriod: constant(u64, GRACE_PERIOD_SEC, 'Seconds that a withdrawal waits before the pool\'s workers are stopped for it.'),
    MaxPoolWorkers: constant(u32, POOL_WORKERS_MAX, 'Most workers of a pool.'),
  },
})

/** Context in which the functions of this folder run: `stakePoolParts.in(ctx)`. */
export type StakePoolContext = ContextOf<typeof stakePoolParts>
