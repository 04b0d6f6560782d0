/** Owns what the gatekeepers' settlements do on the chain (computation.md section 5): responsiveness, V, rewards, the treasury's share. */
import { fixedToBalance } from '@phalanx/primitives/fixed'
import type { SettleInfo, WorkingInfoUpdateEvent } from '@phalanx/primitives/messages'
import { DispatchFailure } from '../../frame/dispatch-error.ts'
import { credit, debit } from '../balances/account.ts'
import { balancesParts } from '../balances/declaration.ts'
import { TREASURY_ACCOUNT } from '../treasury/storage.ts'
import { SUBSIDY_ACCOUNT } from './accounts.ts'
import type { ComputationContext } from './declaration.ts'
import { computationListeners } from './listeners.ts'
import { isComputing, nowSeconds, tellWorker } from './sessions.ts'
import { beginSlashing, endSlashing } from './slashing.ts'
import * as storage from './storage.ts'
import type { SessionInfo, SessionRun } from './types.ts'

const U128_MAX = (1n << 128n) - 1n

/** The session of a worker that computes; undefined for any other worker. */
const computingSession = (ctx: ComputationContext, worker: Uint8Array): { readonly session: Uint8Array; readonly info: SessionInfo } | undefined => {
  const session = storage.workerBindings.get(ctx, worker)
  const info = session === undefined ? undefined : storage.sessions.get(ctx, session)
  return session === undefined || info === undefined || !isComputing(info.state) ? undefined : { session, info }
}

const noteRun = (ctx: ComputationContext, session: Uint8Array, change: Partial<SessionRun>): void =>
  storage.sessionRuns.mutate(ctx, session, (run) => (run === undefined ? undefined : { ...run, ...change }))

/** The gatekeepers report a worker as soon as a challenge is older than the window: the one it missed lies a window and a block back. */
const missedChallenge = (ctx: ComputationContext, update: WorkingInfoUpdateEvent): number => {
  const window = storage.tokenomicParameters.get(ctx)?.heartbeatWindow ?? 0
  return Math.max(0, update.blockNumber - window - 1)
}

const enterUnresponsive = (ctx: ComputationContext, worker: Uint8Array, update: WorkingInfoUpdateEvent): void => {
  const found = computingSession(ctx, worker)
  if (found === undefined) return
  const { session, info } = found
  if (info.state.kind === 'WorkerIdle') {
    storage.sessions.set(ctx, session, { ...info, state: { kind: 'WorkerUnresponsive' } })
    noteRun(ctx, session, { unresponsiveSince: update.blockNumber, missedChallenge: missedChallenge(ctx, update) })
    beginSlashing(ctx, session)
  }
  ctx.emit('WorkerEnterUnresponsive', { session })
  tellWorker(ctx, worker, { kind: 'EnterUnresponsive' })
}

const exitUnresponsive = (ctx: ComputationContext, worker: Uint8Array): void => {
  const found = computingSession(ctx, worker)
  if (found === undefined) return
  const { session, info } = found
  endSlashing(ctx, session)
  storage.sessions.set(ctx, session, { ...info, state: { kind: 'WorkerIdle' } })
  noteRun(ctx, session, { unresponsiveSince: undefined, missedChallenge: undefined })
  ctx.emit('WorkerExitUnresponsive', { session })
  tellWorker(ctx, worker, { kind: 'ExitUnresponsive' })
}

/** Moves the treasury's share out of the subsidy wallet, which stays alive; false, and nothing done, where it cannot pay. */
const payTreasury = (ctx: ComputationContext, amount: bigint): boolean => {
  if (amount === 0n) return true
  const balances = balancesParts.in(ctx)
  ctx.storage.begin()
  try {
    debit(balances, SUBSIDY_ACCOUNT, amount, 'Preserve')
    balances.emit('Withdraw', { who: SUBSIDY_ACCOUNT, amount })
    credit(balances, TREASURY_ACCOUNT, amount)
    balances.emit('Deposit', { who: TREASURY_ACCOUNT, amount })
    ctx.storage.commit()
    return true
  } catch (error) {
    ctx.storage.rollback()
    if (!(error instanceof DispatchFailure)) throw error
    return false
  }
}

const settle = (ctx: ComputationContext, { pubkey, v, payout, treasury }: SettleInfo, timestampMs: bigint): void => {
  const session = storage.workerBindings.get(ctx, pubkey)
  const info = session === undefined ? undefined : storage.sessions.get(ctx, session)
  if (session === undefined || info === undefined) return
  if (info.vUpdatedAt >= timestampMs / 1000n) {
    ctx.emit('SessionSettlementDropped', { session, v, payout })
    return
  }
  const total = info.stats.totalReward + fixedToBalance(payout)
  storage.sessions.set(ctx, session, { ...info, v, vUpdatedAt: nowSeconds(ctx), stats: { totalReward: total < U128_MAX ? total : U128_MAX } })
  if (payTreasury(ctx, fixedToBalance(treasury))) ctx.emit('SessionSettled', { session, vBits: v, payoutBits: payout })
  else ctx.emit('InternalErrorWorkerSettleFailed', { worker: pubkey })
}

/** An update of the gatekeepers. Settlements of every kind reach the listeners, which pay even those that are dropped here. */
export const onWorkingUpdate = (ctx: ComputationContext, update: WorkingInfoUpdateEvent): void => {
  for (const worker of update.offline) enterUnresponsive(ctx, worker, update)
  for (const worker of update.recoveredToOnline) exitUnresponsive(ctx, worker)
  for (const entry of update.settle) settle(ctx, entry, update.timestampMs)
  for (const listener of computationListeners()) listener.onReward?.(ctx, update.settle)
}
