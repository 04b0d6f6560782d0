/** Owns the storage of PhalaComputation: the items of computation.md section 2, then ours. Keys and value types only, no rules. */
import { AccountId, Sr25519Public } from '@phalanx/primitives/chain'
import { bool, u128, u32, u64, unit } from '@phalanx/primitives/codec'
import { fixed } from '@phalanx/primitives/fixed'
import { TokenomicParameters } from '@phalanx/primitives/messages'
import { palletStorage } from '../../frame/storage.ts'
import { BudgetSchedule, SessionInfo, SessionRun, SlashClock, SlashParameters } from './types.ts'

const storage = palletStorage('PhalaComputation')
const bySession = { hasher: 'Twox64Concat', key: AccountId } as const

/** Account of the budget contract on a new chain. */
const CONTRACT_ACCOUNT = Uint8Array.from([
  0x9e, 0x63, 0x99, 0xcd, 0x57, 0x7e, 0x8a, 0xc5, 0x36, 0xbd, 0xc0, 0x17, 0x67, 0x5f, 0x74, 0x7b,
  0x2d, 0x18, 0x93, 0xad, 0x9c, 0xc8, 0xc6, 0x9f, 0xd1, 0x7e, 0xef, 0x73, 0xd4, 0xe6, 0xe5, 0x1e,
])
/** 93.75 PHA per block. */
const MAX_BUDGET_LIMIT = fixed.divInteger(fixed.fromInteger(375), 4)
/** The reference's bound on how often a worker is challenged. */
export const HEARTBEATS_PER_WORKER_HOUR = 2
/** Seconds per block of the reference's chain. */
const BLOCK_TIME_SEC = 12
/** The published severity levels; five minutes of the reference's blocks between two slashes of an offline session. */
const SLASH_LEVELS: SlashParameters = { enabled: true, level1PerHour: 1000, level2: 10_000, level3: 100_000, level4: 1_000_000, intervalBlocks: 25 }

export const tokenomicParameters = storage.value('TokenomicParameters', { type: TokenomicParameters, doc: 'Parameters of the economy.' })
export const scheduledTokenomicUpdate = storage.value('ScheduledTokenomicUpdate', { type: TokenomicParameters, doc: 'Parameters that take effect when the block ends.' })
export const onlineWorkers = storage.value('OnlineWorkers', { type: u32, default: 0, doc: 'Sessions that compute, unresponsive ones too.' })
export const expectedHeartbeatCount = storage.value('ExpectedHeartbeatCount', { type: u32, doc: 'Heartbeats aimed at per block; 20 where nothing is set.' })
export const heartbeatPaused = storage.value('HeartbeatPaused', { type: bool, default: true, doc: 'Whether challenges are off.' })
export const maxBudgetLimit = storage.value('MaxBudgetLimit', { type: u128, default: MAX_BUDGET_LIMIT, doc: 'Half of the most that the budget contract may set, fixed point bits.' })
export const budgetUpdateNonce = storage.value('BudgetUpdateNonce', { type: u64, default: 0n, doc: 'Nonce of the budget contract\'s last update.' })
export const lastBudgetUpdateBlock = storage.value('LastBudgetUpdateBlock', { type: u32, default: 0, doc: 'Block number in the budget contract\'s last update.' })
export const contractAccount = storage.value('ContractAccount', { type: AccountId, default: CONTRACT_ACCOUNT, doc: 'Account of the budget contract.' })
export const sessions = storage.map('Sessions', { ...bySession, type: SessionInfo, doc: 'Sessions by their account.' })
export const sessionBindings = storage.map('SessionBindings', { ...bySession, type: Sr25519Public, doc: 'Worker of a session.' })
export const workerBindings = storage.map('WorkerBindings', { hasher: 'Twox64Concat', key: Sr25519Public, type: AccountId, doc: 'Session of a worker.' })
export const coolDownPeriod = storage.value('CoolDownPeriod', { type: u64, default: 0n, doc: 'Seconds that a stopped session waits for its stake.' })
export const nextSessionId = storage.value('NextSessionId', { type: u32, default: 0, doc: 'Id of the next run of any session.' })
export const computingStartBlock = storage.value('ComputingStartBlock', { type: u32, doc: 'Unused; halving follows BudgetSchedule.' })
export const computingHalvingInterval = storage.value('ComputingHalvingInterval', { type: u32, doc: 'Unused; halving follows BudgetSchedule.' })
export const stakes = storage.map('Stakes', { ...bySession, type: u128, doc: 'Stake of a session that computes or cools down.' })

/** Ours from here on. */
export const sessionRuns = storage.map('SessionRuns', { ...bySession, type: SessionRun, doc: 'What is noted of a session\'s present run; kept until it is reclaimed.' })
export const blockTimeSec = storage.value('BlockTimeSec', { type: u32, default: BLOCK_TIME_SEC, doc: 'Seconds between blocks that rates and challenges reckon with.' })
export const heartbeatsPerWorkerHour = storage.value('HeartbeatsPerWorkerHour', {
  type: u32, default: HEARTBEATS_PER_WORKER_HOUR, doc: 'Most heartbeats asked of a worker in an hour, on average.' })
export const checkWorkerRegisterTime = storage.value('CheckWorkerRegisterTime', {
  type: bool, default: true, doc: 'Whether a worker must have registered after the gatekeepers\' launch.' })
export const slashParameters = storage.value('SlashParameters', { type: SlashParameters, default: SLASH_LEVELS, doc: 'How stakes are slashed.' })
export const slashClocks = storage.map('SlashClocks', { ...bySession, type: SlashClock, doc: 'Offline sessions whose stake is being slashed.' })
export const slashQueue = storage.doubleMap('SlashQueue', {
  hashers: ['Twox64Concat', 'Twox64Concat'], keys: [u32, AccountId], type: unit, doc: 'Offline sessions by the block of their next slash.' })
export const budgetSchedule = storage.value('BudgetSchedule', { type: BudgetSchedule, doc: 'How the budget falls; without one it changes by governance only.' })
export const budgetPeriod = storage.value('BudgetPeriod', { type: u32, default: 0, doc: 'Period of the schedule that the budget is set for.' })
