/** Owns PhalaComputation's calls and hooks (computation.md sections 2 and 3). What they do stands in the sibling files. */
import { assert } from '@phalanx/primitives/assert'
import { bytesEqual } from '@phalanx/primitives/bytes'
import { AccountId } from '@phalanx/primitives/chain'
import { bool, option, u128, u32, u64, u8 } from '@phalanx/primitives/codec'
import { TokenomicParameters } from '@phalanx/primitives/messages'
import { failWith } from '../../frame/dispatch-error.ts'
import { ensureRoot, ensureSigned } from '../../frame/origin.ts'
import { weigh, writes } from '../../frame/weight.ts'
import { ensureGovernance } from '../collective/origin.ts'
import { enactScheduled, followBudgetSchedule, scheduleParameters, setBudget, setBudgetSchedule } from './budget.ts'
import { challengeWorkers, pushChallenge } from './challenges.ts'
import { computationParts, type ComputationContext } from './declaration.ts'
import { registeredWorker } from './duties.ts'
import { computationApi } from './explain.ts'
import { buildComputationGenesis, computationGenesisShape, DEFAULT_COMPUTATION_GENESIS } from './genesis.ts'
import { introduceAtLaunch } from './introductions.ts'
import { isComputing, startComputing, stopComputing, unbindSession } from './sessions.ts'
import { isSlashParameters, slashByLevel, slashDueSessions } from './slashing.ts'
import * as storage from './storage.ts'
import { BudgetSchedule, SlashParameters } from './types.ts'

const EVERYONE = (1n << 256n) - 1n
const COOL_DOWN_SECONDS_MAX = 31_536_000n
const HEARTBEATS_MAX = 10_000
const SESSION_WEIGHT = weigh({ reads: 8, writes: 8 })

/** What must hold between blocks. */
const tryState = (ctx: ComputationContext): void => {
  let computing = 0
  for (const [[session], info] of storage.sessions.entries(ctx)) {
    if (isComputing(info.state)) {
      computing++
      assert(storage.sessionBindings.has(ctx, session), 'a computing session has a worker')
      assert(storage.sessionRuns.has(ctx, session), 'a computing session has a run')
    } else assert(!storage.slashClocks.has(ctx, session), 'only computing sessions are slashed by the clock')
    assert(storage.stakes.has(ctx, session) === (info.state.kind !== 'Ready'), 'a session has a stake until it is reclaimed')
  }
  assert(computing === storage.onlineWorkers.get(ctx), 'OnlineWorkers counts the computing sessions')
  for (const [[session], worker] of storage.sessionBindings.entries(ctx)) {
    const back = storage.workerBindings.get(ctx, worker)
    assert(back !== undefined && bytesEqual(back, session), 'bindings are one to one')
  }
  let queued = 0
  for (const [block, session] of storage.slashQueue.keys(ctx)) {
    queued++
    assert(storage.slashClocks.get(ctx, session)?.dueBlock === block, 'the slash queue follows the clocks')
  }
  assert(queued === [...storage.slashClocks.keys(ctx)].length, 'every slash clock is queued')
}

/** PhalaComputation, index 42. */
export const phalaComputation = computationParts.withCalls(
  {
    setCoolDownExpiration: {
      index: 0,
      doc: 'Set how many seconds a stopped session waits for its stake.',
      args: { period: u64 },
      weight: writes(1),
      dispatch(ctx, origin, { period }) {
        ensureRoot(origin)
        if (period > COOL_DOWN_SECONDS_MAX) ctx.fail('InvalidCoolDownPeriod')
        storage.coolDownPeriod.set(ctx, period)
        ctx.emit('CoolDownExpirationChanged', { period })
      },
    },
    unbind: {
      index: 1,
      doc: 'Take the worker that one operates out of its session; a computing one stops first.',
      args: { session: AccountId },
      weight: SESSION_WEIGHT,
      dispatch(ctx, origin, { session }) {
        const who = ensureSigned(origin)
        const worker = storage.sessionBindings.get(ctx, session) ?? ctx.fail('SessionNotBound')
        const { operator } = registeredWorker(ctx, worker)
        if (operator === undefined || !bytesEqual(operator, who)) ctx.fail('BadSender')
        unbindSession(ctx, session, { notify: true })
      },
    },
    forceHeartbeat: {
      index: 2,
      doc: 'Challenge every computing worker now.',
      args: {},
      weight: writes(1),
      dispatch(ctx, origin) {
        ensureRoot(origin)
        pushChallenge(ctx, { seed: 0n, onlineTarget: EVERYONE })
      },
    },
    forceStartComputing: {
      index: 3,
      doc: 'Start a bound session with a stake that nobody locked.',
      args: { session: AccountId, stake: u128 },
      weight: SESSION_WEIGHT,
      dispatch(ctx, origin, { session, stake }) {
        ensureRoot(origin)
        startComputing(ctx, session, stake)
      },
    },
    forceStopComputing: {
      index: 4,
      doc: 'Stop a computing session.',
      args: { session: AccountId },
      weight: SESSION_WEIGHT,
      dispatch(ctx, origin, { session }) {
        ensureRoot(origin)
        stopComputing(ctx, session)
      },
    },
    updateTokenomic: {
      index: 5,
      doc: 'Set the parameters of the economy, from the end of this block on.',
      args: { newParams: TokenomicParameters },
      weight: writes(2),
      dispatch(ctx, origin, { newParams }) {
        ensureGovernance(origin)
        scheduleParameters(ctx, newParams)
      },
    },
    setHeartbeatPaused: {
      index: 6,
      doc: 'Switch challenges off or on.',
      args: { paused: bool },
      weight: writes(1),
      dispatch(ctx, origin, { paused }) {
        ensureGovernance(origin)
        storage.heartbeatPaused.set(ctx, paused)
      },
    },
    setBudgetPerBlock: {
      index: 7,
      doc: 'Set the budget of a block; for the account of the budget contract.',
      args: { nonce: u64, blockNumber: u32, budget: u128 },
      weight: writes(4),
      dispatch(ctx, origin, { nonce, blockNumber, budget }) {
        const who = ensureSigned(origin)
        if (!bytesEqual(who, storage.contractAccount.get(ctx))) failWith({ kind: 'BadOrigin' })
        setBudget(ctx, { nonce, blockNumber, budget })
      },
    },
    updateContractRoot: {
      index: 8,
      doc: 'Set the account of the budget contract.',
      args: { accountId: AccountId },
      weight: writes(1),
      dispatch(ctx, origin, { accountId }) {
        ensureGovernance(origin)
        storage.contractAccount.set(ctx, accountId)
      },
    },
    setSlashParameters: {
      index: 9,
      doc: 'Set how stakes are slashed.',
      args: { params: SlashParameters },
      weight: writes(1),
      dispatch(ctx, origin, { params }) {
        ensureGovernance(origin)
        if (!isSlashParameters(params)) ctx.fail('InvalidSlashParameters')
        storage.slashParameters.set(ctx, params)
        ctx.emit('SlashParametersChanged')
      },
    },
    setBudgetSchedule: {
      index: 10,
      doc: 'Set how the budget falls, or that it does not by itself.',
      args: { schedule: option(BudgetSchedule) },
      weight: writes(2),
      dispatch(ctx, origin, { schedule }) {
        ensureGovernance(origin)
        setBudgetSchedule(ctx, schedule)
      },
    },
    slashSession: {
      index: 11,
      doc: 'Take part of a session\'s stake by a published severity level, 1 to 4.',
      args: { session: AccountId, level: u8 },
      weight: SESSION_WEIGHT,
      dispatch(ctx, origin, { session, level }) {
        ensureGovernance(origin)
        slashByLevel(ctx, session, level)
      },
    },
    setExpectedHeartbeatCount: {
      index: 12,
      doc: 'Set how many heartbeats per block challenges aim at.',
      args: { count: u32 },
      weight: writes(1),
      dispatch(ctx, origin, { count }) {
        ensureGovernance(origin)
        if (count === 0 || count > HEARTBEATS_MAX) ctx.fail('InvalidHeartbeatTarget')
        storage.expectedHeartbeatCount.set(ctx, count)
        ctx.emit('HeartbeatTargetChanged', { count })
      },
    },
  },
  {
    genesis: { shape: computationGenesisShape, empty: DEFAULT_COMPUTATION_GENESIS, build: buildComputationGenesis },
    apis: [computationApi],
    hooks: {
      onFinalize(ctx) {
        introduceAtLaunch(ctx)
        slashDueSessions(ctx)
        challengeWorkers(ctx)
        followBudgetSchedule(ctx)
        enactScheduled(ctx)
      },
    },
    tryState,
  },
)
