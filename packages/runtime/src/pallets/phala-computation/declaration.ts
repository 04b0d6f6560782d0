/** Owns the first stage of PhalaComputation: events and errors (computation.md section 2; ours follow at the end). */
import { AccountId, Sr25519Public } from '@phalanx/primitives/chain'
import { bool, u128, u32, u64, u8 } from '@phalanx/primitives/codec'
import { declarePallet, type ContextOf } from '../../frame/pallet.ts'
import * as storage from './storage.ts'
import { HeartbeatRefusal } from './types.ts'

/** Name of the pallet in the runtime, its storage prefix and its messages. */
export const COMPUTATION = 'PhalaComputation'

const bySession = { session: AccountId } as const
const binding = { session: AccountId, worker: Sr25519Public } as const
const settled = { session: AccountId, vBits: u128, payoutBits: u128 } as const

/** First stage; pallet.ts adds the calls. */
export const computationParts = declarePallet({
  name: COMPUTATION,
  crate: 'phala_pallets::compute::computation',
  doc: 'Computing sessions: challenges, settlements, stake at risk, the economy\'s parameters.',
  storage,
  events: {
    CoolDownExpirationChanged: { index: 0, doc: 'Stopped sessions wait that many seconds from now on.', fields: { period: u64 } },
    WorkerStarted: { index: 1, doc: 'A session started to compute.', fields: { ...bySession, initV: u128, initP: u32 } },
    WorkerStopped: { index: 2, doc: 'A session stopped and cools down.', fields: bySession },
    WorkerReclaimed: { index: 3, doc: 'A session gave its stake back.', fields: { ...bySession, originalStake: u128, slashed: u128 } },
    SessionBound: { index: 4, doc: 'A session got its worker.', fields: binding },
    SessionUnbound: { index: 5, doc: 'A session lost its worker.', fields: binding },
    WorkerEnterUnresponsive: { index: 6, doc: 'A worker did not answer a challenge in time.', fields: bySession },
    WorkerExitUnresponsive: { index: 7, doc: 'A worker answers again.', fields: bySession },
    SessionSettled: { index: 8, doc: 'A session\'s V and payout of one heartbeat; fixed point bits.', fields: settled },
    InternalErrorWorkerSettleFailed: { index: 9, doc: 'The treasury\'s part of a settlement could not be paid.', fields: { worker: Sr25519Public } },
    SubsidyBudgetHalved: { index: 10, doc: 'A new period of the budget schedule began; TokenomicParametersChanged follows.' },
    InternalErrorWrongHalvingConfigured: { index: 11, doc: 'The budget schedule met no parameters to change.' },
    TokenomicParametersChanged: { index: 12, doc: 'The economy has new parameters.' },
    SessionSettlementDropped: { index: 13, doc: 'A settlement was older than the session\'s V and changed nothing.', fields: { session: AccountId, v: u128, payout: u128 } },
    BenchmarkUpdated: { index: 14, doc: 'A heartbeat changed a session\'s performance.', fields: { ...bySession, pInstant: u32 } },
    BudgetUpdated: { index: 15, doc: 'The budget contract set the budget.', fields: { nonce: u64, budget: u128 } },
    HeartbeatRefused: { index: 16, doc: 'A heartbeat had no effect, and why.', fields: { worker: Sr25519Public, reason: HeartbeatRefusal } },
    SessionSlashed: { index: 17, doc: 'Part of a session\'s stake was taken.', fields: { ...bySession, level: u8, amount: u128 } },
    SlashParametersChanged: { index: 18, doc: 'Stakes are slashed in another way.' },
    BudgetScheduleChanged: { index: 19, doc: 'The budget falls in another way, or no more by itself.', fields: { enabled: bool } },
    HeartbeatTargetChanged: { index: 20, doc: 'Challenges aim at so many heartbeats per block.', fields: { count: u32 } },
  },
  errors: {
    BadSender: { index: 0, doc: 'Only the worker\'s operator, or for messages the right kind of sender, may do that.' },
    _InvalidMessage: { index: 1, doc: 'Unused.' },
    WorkerNotRegistered: { index: 2, doc: 'The worker is not registered.' },
    _GatekeeperNotRegistered: { index: 3, doc: 'Unused.' },
    DuplicateBoundSession: { index: 4, doc: 'The session has a worker.' },
    BenchmarkMissing: { index: 5, doc: 'The worker has no benchmark score yet.' },
    SessionNotFound: { index: 6, doc: 'There is no such session.' },
    SessionNotBound: { index: 7, doc: 'The session has no worker.' },
    WorkerNotReady: { index: 8, doc: 'The session computes or cools down.' },
    WorkerNotComputing: { index: 9, doc: 'The session does not compute.' },
    WorkerNotBound: { index: 10, doc: 'The worker has no session.' },
    CoolDownNotReady: { index: 11, doc: 'The session is not cooling down, or not long enough.' },
    InsufficientStake: { index: 12, doc: 'The stake is below the least for the worker\'s performance.' },
    TooMuchStake: { index: 13, doc: 'With this stake V would exceed its limit.' },
    InternalErrorBadTokenomicParameters: { index: 14, doc: 'The economy has no parameters.' },
    DuplicateBoundWorker: { index: 15, doc: 'The worker has a session.' },
    BenchmarkTooLow: { index: 16, doc: 'The benchmark score is below 50.' },
    InternalErrorCannotStartWithExistingStake: { index: 17, doc: 'The session still holds a stake.' },
    NotMigrationRoot: { index: 18, doc: 'Not the account that may migrate.' },
    NonceIndexInvalid: { index: 19, doc: 'The nonce is not higher than the last one.' },
    BudgetUpdateBlockInvalid: { index: 20, doc: 'The block is not higher than the last one.' },
    BudgetExceedMaxLimit: { index: 21, doc: 'The budget is more than twice the limit.' },
    WorkerReregisterNeeded: { index: 22, doc: 'The worker registered before the gatekeepers\' launch and must do so again under a new key.' },
    InvalidTokenomicParameters: { index: 23, doc: 'A parameter of the economy is out of its range.' },
    InvalidSlashParameters: { index: 24, doc: 'A share above the whole, or slashes without distance.' },
    InvalidBudgetSchedule: { index: 25, doc: 'The schedule has no length, raises the budget or exceeds its limit.' },
    InvalidSlashLevel: { index: 26, doc: 'Levels are 1 to 4.' },
    NothingToSlash: { index: 27, doc: 'The session holds no stake.' },
    InvalidCoolDownPeriod: { index: 28, doc: 'Stopped sessions wait a year at most.' },
    WorkerMayNotServe: { index: 29, doc: 'The worker\'s evidence counts no longer, or the gatekeepers did not confirm it.' },
    InvalidHeartbeatTarget: { index: 30, doc: 'Challenges aim at 1 to 10,000 heartbeats per block.' },
  },
})

/** Context in which the functions of this folder run. */
export type ComputationContext = ContextOf<typeof computationParts>
