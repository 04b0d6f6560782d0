/** Owns the runtime API that says what a worker's V is made of, what its next payout depends on, and why it is unresponsive. */
import { AccountId, Sr25519Public } from '@phalanx/primitives/chain'
import { bool, named, option, struct, u128, u32, u64, u8, type TypeOf } from '@phalanx/primitives/codec'
import { balanceToFixed, computingShare, confidenceScore, fixed, FIXED_ONE } from '@phalanx/primitives/fixed'
import type { TokenomicParameters } from '@phalanx/primitives/messages'
import { apiMethod, runtimeApi } from '../../frame/api.ts'
import type { Context } from '../../frame/context.ts'
import { workers } from '../phala-registry/storage.ts'
import { rigCost, startingScore } from './formulas.ts'
import { isComputing } from './sessions.ts'
import { isLiable } from './slashing.ts'
import * as storage from './storage.ts'
import { SessionInfo, SessionRun } from './types.ts'

const ours = (name: string): string => `phalanx_pallets::computation::${name}`

/** What V began as: (stake + rig) · ((re − 1) · score + 1) = ve. Fixed point bits; `stake` is the present one in PHA. */
const StartingV = named(ours('StartingV'), struct({ stake: u128, rigCost: u128, re: u128, confidenceScore: u128, ve: u128 }))

/**
 * What the next payout depends on, by the chain's latest V of every worker: blocks since the worker's last payout times `payoutPerBlock` =
 * share / sumShare · budgetPerBlock · (1 − treasuryRatio). Fixed point bits. The gatekeepers' V has grown since by rho and cost.
 */
const PayoutInputs = named(
  ours('PayoutInputs'),
  struct({
    v: u128, p: u128, confidenceScore: u128, share: u128, sumShare: u128, payingWorkers: u32, budgetPerBlock: u128, treasuryRatio: u128,
    payoutPerBlock: u128, lastPayoutAt: option(u32),
  }),
)

/** Everything the chain knows about a worker's earnings. `coolDownEnds` in Unix seconds; `stakeAtRisk`: offline it loses stake too. */
export const WorkerExplanation = named(
  ours('WorkerExplanation'),
  struct({
    pubkey: Sr25519Public, operator: option(AccountId), confidenceLevel: u8, initialScore: option(u32), session: option(AccountId), info: option(SessionInfo),
    run: option(SessionRun), stake: u128, starting: option(StartingV), payout: option(PayoutInputs), heartbeatWindow: u32, slashRatePerBlock: u128,
    stakeAtRisk: bool, coolDownEnds: option(u64),
  }),
)
export type WorkerExplanation = TypeOf<typeof WorkerExplanation>

/** p that a worker is paid for: what it started with while it hosts contracts, else what it showed last. Before its first heartbeat the gatekeepers go by the start. */
const paidPerformance = (info: SessionInfo, run: SessionRun | undefined): bigint =>
  fixed.fromInteger(run === undefined || run.hostsContracts || run.lastHeartbeatAt === undefined ? info.benchmark.pInit : info.benchmark.pInstant)

const shareOf = (ctx: Context, session: Uint8Array, info: SessionInfo, confidenceLevel: number): bigint =>
  computingShare(info.v, paidPerformance(info, storage.sessionRuns.get(ctx, session)), confidenceScore(confidenceLevel))

const explainPayout = (
  ctx: Context, params: TokenomicParameters, worker: { readonly session: Uint8Array; readonly info: SessionInfo; readonly confidenceLevel: number },
): NonNullable<WorkerExplanation['payout']> => {
  const { session, info, confidenceLevel } = worker
  let sumShare = 0n
  let payingWorkers = 0
  for (const [[other], otherInfo] of storage.sessions.entries(ctx)) {
    if (otherInfo.state.kind !== 'WorkerIdle') continue
    const pubkey = storage.sessionBindings.get(ctx, other)
    sumShare = fixed.add(sumShare, shareOf(ctx, other, otherInfo, (pubkey === undefined ? undefined : workers.get(ctx, pubkey)?.confidenceLevel) ?? 0))
    payingWorkers++
  }
  const run = storage.sessionRuns.get(ctx, session)
  const share = info.state.kind === 'WorkerIdle' ? shareOf(ctx, session, info, confidenceLevel) : 0n
  const ofBudget = sumShare === 0n ? 0n : fixed.mul(fixed.div(share, sumShare), params.budgetPerBlock)
  return {
    v: info.v, p: paidPerformance(info, run), confidenceScore: confidenceScore(confidenceLevel), share, sumShare, payingWorkers,
    budgetPerBlock: params.budgetPerBlock, treasuryRatio: params.treasuryRatio,
    payoutPerBlock: fixed.mul(ofBudget, fixed.sub(FIXED_ONE, params.treasuryRatio)),
    lastPayoutAt: run?.lastHeartbeatAt ?? run?.startedAt,
  }
}

/** Explains a registered worker. */
const explainWorker = (ctx: Context, pubkey: Uint8Array): WorkerExplanation | undefined => {
  const worker = workers.get(ctx, pubkey)
  if (worker === undefined) return undefined
  const { confidenceLevel } = worker
  const session = storage.workerBindings.get(ctx, pubkey)
  const info = session === undefined ? undefined : storage.sessions.get(ctx, session)
  const run = session === undefined ? undefined : storage.sessionRuns.get(ctx, session)
  const stake = session === undefined ? 0n : (storage.stakes.get(ctx, session) ?? 0n)
  const params = storage.tokenomicParameters.get(ctx)
  const active = session !== undefined && info !== undefined && params !== undefined && isComputing(info.state) ? { session, info, params } : undefined
  return {
    pubkey, operator: worker.operator, confidenceLevel, initialScore: worker.initialScore, session, info, run, stake,
    starting: active === undefined ? undefined : {
      stake: balanceToFixed(stake), rigCost: rigCost(active.params, active.info.benchmark.pInit), re: active.params.re,
      confidenceScore: startingScore(confidenceLevel), ve: active.info.ve,
    },
    payout: active === undefined ? undefined : explainPayout(ctx, active.params, { ...active, confidenceLevel }),
    heartbeatWindow: params?.heartbeatWindow ?? 0,
    slashRatePerBlock: params?.slashRate ?? 0n,
    stakeAtRisk: session !== undefined && isLiable(ctx, session) && storage.slashParameters.get(ctx).enabled,
    coolDownEnds: info?.state.kind === 'WorkerCoolingDown' ? info.coolDownStart + storage.coolDownPeriod.get(ctx) : undefined,
  }
}

/** ComputationApi. */
export const computationApi = runtimeApi({
  name: 'ComputationApi',
  version: 1,
  doc: 'Explanations of what workers earn and lose.',
  methods: {
    explainWorker: apiMethod({
      doc: 'What a worker\'s V is made of, what its next payout depends on, since when it is silent; nothing for an unregistered one.',
      params: { pubkey: Sr25519Public },
      result: option(WorkerExplanation),
      call: (ctx, { pubkey }) => explainWorker(ctx, pubkey),
    }),
  },
})
