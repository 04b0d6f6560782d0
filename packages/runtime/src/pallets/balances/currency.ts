/** Owns what other pallets do with tokens: transfer, mint, burn, slash, reserve. Holds, locks and freezes are in holds.ts. */
import { bytesEqual } from '@phalanx/primitives/bytes'
import { failToken } from '../../frame/dispatch-error.ts'
import { assertCredit, balanceOf, checkedAdd, credit, debit, setBalances, type Preservation } from './account.ts'
import { EXISTENTIAL_DEPOSIT, type BalancesContext } from './declaration.ts'
import { totalIssuance } from './storage.ts'

/** From, to, how much. */
export interface Movement {
  readonly from: Uint8Array
  readonly to: Uint8Array
  readonly amount: bigint
}

/** Moves free tokens and says so. To oneself it only checks. */
export const transfer = (ctx: BalancesContext, { from, to, amount }: Movement, preservation: Preservation): void => {
  assertCredit(ctx, to, amount)
  if (bytesEqual(from, to)) {
    if (amount > balanceOf(ctx, from).free) failToken('FundsUnavailable')
    return
  }
  debit(ctx, from, amount, preservation)
  credit(ctx, to, amount)
  ctx.emit('Transfer', { from, to, amount })
}

/** Creates tokens in an account. */
export const mint = (ctx: BalancesContext, who: Uint8Array, amount: bigint): void => {
  totalIssuance.mutate(ctx, (issuance) => checkedAdd(issuance, amount))
  credit(ctx, who, amount)
  ctx.emit('Minted', { who, amount })
}

/** Destroys free tokens of an account. */
export const burn = (ctx: BalancesContext, who: Uint8Array, amount: bigint, preservation: Preservation): void => {
  debit(ctx, who, amount, preservation)
  totalIssuance.mutate(ctx, (issuance) => issuance - amount)
  ctx.emit('Burned', { who, amount })
}

/** Takes up to `amount` of the free balance away for misbehaviour, but leaves the existential deposit. Returns what was taken; the issuance shrinks. */
export const slash = (ctx: BalancesContext, who: Uint8Array, amount: bigint): bigint => {
  const { free } = balanceOf(ctx, who)
  const most = free > EXISTENTIAL_DEPOSIT ? free - EXISTENTIAL_DEPOSIT : 0n
  const taken = amount < most ? amount : most
  if (taken === 0n) return 0n
  setBalances(ctx, who, (data) => ({ ...data, free: data.free - taken }))
  totalIssuance.mutate(ctx, (issuance) => issuance - taken)
  ctx.emit('Slashed', { who, amount: taken })
  return taken
}

/** Makes free balance reserved. */
export const reserve = (ctx: BalancesContext, who: Uint8Array, amount: bigint): void => {
  if (amount === 0n) return
  const { free, frozen, reserved } = balanceOf(ctx, who)
  if (free < amount) ctx.fail('InsufficientBalance')
  if (free - amount < (frozen > reserved ? frozen - reserved : 0n)) ctx.fail('LiquidityRestrictions')
  if (free - amount < EXISTENTIAL_DEPOSIT) ctx.fail('InsufficientBalance')
  setBalances(ctx, who, (data) => ({ ...data, free: data.free - amount, reserved: data.reserved + amount }))
  ctx.emit('Reserved', { who, amount })
}

/** Makes reserved balance free again, as much as there is; returns what was missing. */
export const unreserve = (ctx: BalancesContext, who: Uint8Array, amount: bigint): bigint => {
  const { reserved } = balanceOf(ctx, who)
  const actual = amount < reserved ? amount : reserved
  if (actual > 0n) {
    setBalances(ctx, who, (data) => ({ ...data, free: checkedAdd(data.free, actual), reserved: data.reserved - actual }))
    ctx.emit('Unreserved', { who, amount: actual })
  }
  return amount - actual
}

/** Moves reserved balance to an existing account, as much as there is; returns what was missing. */
export const repatriateReserved = (ctx: BalancesContext, { from, to, amount }: Movement, status: 'Free' | 'Reserved'): bigint => {
  const { reserved } = balanceOf(ctx, from)
  const actual = amount < reserved ? amount : reserved
  if (actual === 0n) return amount
  if (bytesEqual(from, to)) return status === 'Free' ? unreserve(ctx, from, amount) : amount - actual
  if (balanceOf(ctx, to).free === 0n) ctx.fail('DeadAccount')
  setBalances(ctx, from, (data) => ({ ...data, reserved: data.reserved - actual }))
  const field = status === 'Free' ? 'free' : 'reserved'
  setBalances(ctx, to, (data) => ({ ...data, [field]: checkedAdd(data[field], actual) }))
  ctx.emit('ReserveRepatriated', { from, to, amount: actual, destinationStatus: { kind: status } })
  return amount - actual
}
