/** Owns what events mean in a statement of rewards: one line per event that pays, takes or explains a payment. */
import { bytesEqual } from '@phalanx/primitives/bytes'
import { fixedToBalance } from '@phalanx/primitives/fixed'
import type { ChainEvent } from '@phalanx/sdk'

/** Columns of amounts, plancks. `payout`: what the gatekeepers paid for a worker, before its pool's commission. */
export const AMOUNTS = ['payout', 'toOwner', 'toStakers', 'withdrawn', 'slashed', 'dismissed', 'owed'] as const
type Amount = (typeof AMOUNTS)[number]
/** Amounts of a line, or their sums. */
export type Amounts = Readonly<Record<Amount, bigint>>

/** What an event says. `v`: fixed point bits, where it says it. */
export interface Line {
  readonly event: string
  readonly amounts: Partial<Amounts>
  readonly v?: bigint
  readonly note?: string
  /** Where the payout reached the pool, but the chain did not count it for the session. */
  readonly isUncounted?: boolean
}

/** No amounts. */
export const NOTHING: Amounts = { payout: 0n, toOwner: 0n, toStakers: 0n, withdrawn: 0n, slashed: 0n, dismissed: 0n, owed: 0n }

/** Sums of two sets of amounts. */
export const addAmounts = (sum: Amounts, more: Partial<Amounts>): Amounts =>
  Object.fromEntries(AMOUNTS.map((name) => [name, sum[name] + (more[name] ?? 0n)])) as unknown as Amounts

const amountOf = ({ fields }: ChainEvent, name: string): bigint => {
  const value = fields[name]
  return typeof value === 'bigint' ? value : 0n
}

const isBytes = (value: unknown, bytes: Uint8Array | undefined): boolean => value instanceof Uint8Array && bytes !== undefined && bytesEqual(value, bytes)

const dismissed = (event: ChainEvent): Partial<Amounts> => ({ dismissed: amountOf(event, 'amount') })

const POOL_EVENTS: Readonly<Record<string, (event: ChainEvent) => Omit<Line, 'event'>>> = {
  'PhalaStakePoolv2.RewardReceived': (event) => ({ amounts: { toOwner: amountOf(event, 'to_owner'), toStakers: amountOf(event, 'to_stakers') } }),
  'PhalaStakePoolv2.OwnerRewardsWithdrawn': (event) => ({ amounts: { withdrawn: amountOf(event, 'amount') } }),
  'PhalaStakePoolv2.PoolSlashed': (event) => ({ amounts: { slashed: amountOf(event, 'amount') } }),
  'PhalaStakePoolv2.RewardOwed': (event) => ({ amounts: { owed: amountOf(event, 'amount') } }),
  'PhalaStakePoolv2.RewardDismissedNoShare': (event) => ({ amounts: dismissed(event) }),
  'PhalaStakePoolv2.RewardDismissedDust': (event) => ({ amounts: dismissed(event) }),
  'PhalaStakePoolv2.RewardToOwnerDismissedDust': (event) => ({ amounts: dismissed(event) }),
  'PhalaStakePoolv2.RewardToDistributionDismissedDust': (event) => ({ amounts: dismissed(event) }),
  'PhalaVault.OwnerSharesGained': (event) => ({ amounts: {}, note: `${amountOf(event, 'shares')} shares gained by the owner` }),
  'PhalaVault.OwnerSharesClaimed': (event) => ({ amounts: {}, note: `${amountOf(event, 'shares')} shares claimed by the owner` }),
}

/** What an event says of a pool. */
export const poolLine = (event: ChainEvent, pid: bigint): Line | undefined => {
  const name = `${event.pallet}.${event.name}`
  const read = POOL_EVENTS[name]
  return read === undefined || event.fields['pid'] !== pid ? undefined : { event: name, ...read(event) }
}

/** A worker and the session it is bound to at this moment. */
export interface WorkerInTime {
  readonly pubkey: Uint8Array
  session: Uint8Array | undefined
}

const SESSION_EVENTS: Readonly<Record<string, (event: ChainEvent) => Omit<Line, 'event'>>> = {
  SessionSettled: (event) => ({ amounts: { payout: fixedToBalance(amountOf(event, 'payout_bits')) }, v: amountOf(event, 'v_bits') }),
  SessionSettlementDropped: (event) => ({
    amounts: { payout: fixedToBalance(amountOf(event, 'payout')) }, v: amountOf(event, 'v'), note: 'older than the session\'s V: paid, not counted for the session', isUncounted: true,
  }),
  SessionSlashed: (event) => ({ amounts: { slashed: amountOf(event, 'amount') }, note: `level ${String(event.fields['level'])}` }),
  WorkerStarted: (event) => ({ amounts: {}, v: amountOf(event, 'init_v') }),
  WorkerStopped: () => ({ amounts: {} }),
  WorkerReclaimed: (event) => ({ amounts: {}, note: `stake ${amountOf(event, 'original_stake')}, slashed ${amountOf(event, 'slashed')}` }),
  WorkerEnterUnresponsive: () => ({ amounts: {} }),
  WorkerExitUnresponsive: () => ({ amounts: {} }),
}

/** A settlement whose event does not say the payout; the chain's count of the session does. */
export const SETTLE_FAILED = 'PhalaComputation.InternalErrorWorkerSettleFailed'

/** What an event says of a worker; follows the worker from session to session. */
export const workerLine = (event: ChainEvent, worker: WorkerInTime): Line | undefined => {
  const name = `${event.pallet}.${event.name}`
  const { fields } = event
  if (name === 'PhalaStakePoolv2.RewardDismissedNotInPool') return isBytes(fields['worker'], worker.pubkey) ? { event: name, amounts: dismissed(event) } : undefined
  if (event.pallet !== 'PhalaComputation') return undefined
  if (name === SETTLE_FAILED) return isBytes(fields['worker'], worker.pubkey) ? { event: name, amounts: {}, note: 'the treasury could not be paid its part' } : undefined
  const isBinding = event.name === 'SessionBound' || event.name === 'SessionUnbound'
  if (isBinding && isBytes(fields['worker'], worker.pubkey)) {
    const { session } = fields
    worker.session = event.name === 'SessionBound' && session instanceof Uint8Array ? session : undefined
    return { event: name, amounts: {} }
  }
  const read = SESSION_EVENTS[event.name]
  return read === undefined || !isBytes(fields['session'], worker.session) ? undefined : { event: name, ...read(event) }
}
