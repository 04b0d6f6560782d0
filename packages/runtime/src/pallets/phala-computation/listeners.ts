/**
 * Owns the list of pallets that hear what happens to sessions. Listeners are called in order, inside the call or message that caused it; what
 * they throw fails it, except in `onReward`, which must deal with every entry itself.
 */
import type { SettleInfo } from '@phalanx/primitives/messages'
import type { Context } from '../../frame/context.ts'
import { phatContractsListener } from '../phala-phat-contracts/listener.ts'
import { stakePoolListener } from '../phala-stake-pool-v2/listener.ts'

/** A pallet that hears of sessions. */
export interface ComputationListener {
  /** Every settlement of an update, dropped ones and those of unbound workers too. Amounts are fixed point bits. */
  onReward?(ctx: Context, settle: readonly SettleInfo[]): void
  /** A session lost its worker by the operator's or the registry's doing; `force`: it was computing and has been stopped. */
  onUnbound?(ctx: Context, unbound: { readonly session: Uint8Array; readonly worker: Uint8Array; readonly force: boolean }): void
  /** A session stopped computing and cools down. `stake` is what is left of it; `slashed` what its run lost, all of it announced by onSlashed. */
  onStopped?(ctx: Context, stopped: { readonly session: Uint8Array; readonly worker: Uint8Array; readonly stake: bigint; readonly slashed: bigint }): void
  /**
   * Part of a session's stake was taken, now: `Stakes` is lower already and `amount` plancks of the locked stake must go to the treasury.
   */
  onSlashed?(ctx: Context, slashed: { readonly session: Uint8Array; readonly worker: Uint8Array | undefined; readonly amount: bigint }): void
}

/** Who listens, in the order they are told. A function, because listeners import the sessions that call them. */
export const computationListeners = (): readonly ComputationListener[] => [stakePoolListener, phatContractsListener]
