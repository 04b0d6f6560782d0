/** Owns the types of PhalaComputation's storage: those of the reference (computation.md section 2), then ours. */
import { bool, named, option, struct, u128, u32, u64, variant, type TypeOf } from '@phalanx/primitives/codec'

const pallet = (name: string): string => `phala_pallets::compute::computation::pallet::${name}`
const ours = (name: string): string => `phalanx_pallets::computation::${name}`

/** Where a session stands. */
export const WorkerState = named(
  pallet('WorkerState'),
  variant('WorkerState', {
    Ready: { index: 0 },
    WorkerIdle: { index: 1 },
    _Unused: { index: 2 },
    WorkerUnresponsive: { index: 3 },
    WorkerCoolingDown: { index: 4 },
  }),
)
export type WorkerState = TypeOf<typeof WorkerState>

/** Performance of a worker. Times in Unix seconds; `challengeTimeLast` is that of the last challenge answered. */
export const Benchmark = named(
  pallet('Benchmark'),
  struct({ pInit: u32, pInstant: u32, iterations: u64, workingStartTime: u64, challengeTimeLast: u64 }),
)
export type Benchmark = TypeOf<typeof Benchmark>

/** What a session earned in all; plancks. */
const SessionStats = named(pallet('SessionStats'), struct({ totalReward: u128 }))

/** A session. `ve`, `v`: fixed point bits; times in Unix seconds. */
export const SessionInfo = named(
  pallet('SessionInfo'),
  struct({ state: WorkerState, ve: u128, v: u128, vUpdatedAt: u64, benchmark: Benchmark, coolDownStart: u64, stats: SessionStats }),
)
export type SessionInfo = TypeOf<typeof SessionInfo>

/**
 * What the chain notes of a session's present run besides the reference's fields. Blocks, except `slashed` (plancks taken from the stake so far). `missedChallenge`: block of the challenge whose silence made it unresponsive.
 */
export const SessionRun = named(
  ours('SessionRun'),
  struct({
    sessionId: u32,
    startedAt: u32,
    hostsContracts: bool,
    lastChallenge: option(u32),
    lastHeartbeatAt: option(u32),
    unresponsiveSince: option(u32),
    missedChallenge: option(u32),
    slashed: u128,
  }),
)
export type SessionRun = TypeOf<typeof SessionRun>

/** An offline session whose stake is being slashed: until when it has been (Unix seconds), and the block of the next slash. */
export const SlashClock = named(ours('SlashClock'), struct({ slashedUntil: u64, dueBlock: u32 }))
export type SlashClock = TypeOf<typeof SlashClock>

/**
 * How stakes are slashed, in parts per million: level 1 per hour offline while hosting a contract, levels 2 to 4 at once by governance.
 * `intervalBlocks`: how often an offline session is slashed.
 */
export const SlashParameters = named(
  ours('SlashParameters'),
  struct({ enabled: bool, level1PerHour: u32, level2: u32, level3: u32, level4: u32, intervalBlocks: u32 }),
)
export type SlashParameters = TypeOf<typeof SlashParameters>

/**
 * How the budget falls: period n = max(1, `periodAtAnchor` + ⌈(now − anchor) / period⌉) pays `budgetPerDay` · `share` · `factor`^(n − 1).
 * Times in Unix seconds; budget, share and factor are fixed point bits.
 */
export const BudgetSchedule = named(
  ours('BudgetSchedule'),
  struct({ anchor: u64, periodAtAnchor: u32, periodSeconds: u64, budgetPerDay: u128, share: u128, factor: u128 }),
)
export type BudgetSchedule = TypeOf<typeof BudgetSchedule>

/** Why a heartbeat had no effect. */
export const HeartbeatRefusal = named(
  ours('HeartbeatRefusal'),
  variant('HeartbeatRefusal', {
    WorkerNotRegistered: { index: 0 },
    WorkerNotBound: { index: 1 },
    NotComputing: { index: 2 },
    OtherSession: { index: 3 },
    FromTheFuture: { index: 4 },
    BeforeSession: { index: 5 },
    Repeated: { index: 6 },
    TooEarly: { index: 7 },
  }),
)
export type HeartbeatRefusal = TypeOf<typeof HeartbeatRefusal>
