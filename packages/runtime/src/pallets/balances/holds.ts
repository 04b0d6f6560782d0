/** Owns named holds (moved to the reserved balance), and locks and freezes (the largest of which cannot be spent). For other pallets. */
import { bytesEqual } from '@phalanx/primitives/bytes'
import type { StorageHost } from '../../frame/overlay.ts'
import { balanceOf, checkedAdd, setBalances } from './account.ts'
import { EXISTENTIAL_DEPOSIT, type BalancesContext } from './declaration.ts'
import { freezes, holds, locks, PER_ACCOUNT_MAX, totalIssuance, type IdAmount } from './storage.ts'

/** Account and the name of a hold, lock or freeze. */
export interface Named {
  readonly who: Uint8Array
  readonly reason: Uint8Array
}

const amountIn = (list: readonly IdAmount[], reason: Uint8Array): bigint => list.find(({ id }) => bytesEqual(id, reason))?.amount ?? 0n

const replaceIn = <T extends IdAmount>(list: readonly T[], item: T): readonly T[] => {
  const rest = list.filter(({ id }) => !bytesEqual(id, item.id))
  return item.amount === 0n ? rest : [...rest, item]
}

/** Amount on hold under a name. */
export const heldBalance = (host: StorageHost, { who, reason }: Named): bigint => amountIn(holds.get(host, who), reason)

const setHeld = (ctx: BalancesContext, { who, reason }: Named, amount: bigint): void => {
  const next = replaceIn(holds.get(ctx, who), { id: reason, amount })
  if (next.length > PER_ACCOUNT_MAX) ctx.fail('TooManyHolds')
  if (next.length === 0) holds.remove(ctx, who)
  else holds.set(ctx, who, next)
}

/** Puts free balance on hold; the existential deposit stays free. */
export const hold = (ctx: BalancesContext, named: Named, amount: bigint): void => {
  if (amount === 0n) return
  const { who, reason } = named
  const { free, frozen, reserved } = balanceOf(ctx, who)
  if (free < amount + EXISTENTIAL_DEPOSIT) ctx.fail('InsufficientBalance')
  if (free - amount < (frozen > reserved ? frozen - reserved : 0n)) ctx.fail('LiquidityRestrictions')
  setBalances(ctx, who, (data) => ({ ...data, free: data.free - amount, reserved: data.reserved + amount }))
  setHeld(ctx, named, heldBalance(ctx, named) + amount)
  ctx.emit('Held', { reason, who, amount })
}

/** Takes up to `amount` off hold; returns how much it was. */
export const release = (ctx: BalancesContext, named: Named, amount: bigint): bigint => {
  const held = heldBalance(ctx, named)
  const actual = amount < held ? amount : held
  if (actual === 0n) return 0n
  const { who, reason } = named
  setHeld(ctx, named, held - actual)
  setBalances(ctx, who, (data) => ({ ...data, free: checkedAdd(data.free, actual), reserved: data.reserved - actual }))
  ctx.emit('Released', { reason, who, amount: actual })
  return actual
}

/** Destroys up to `amount` that is on hold; returns how much it was. */
export const burnHeld = (ctx: BalancesContext, named: Named, amount: bigint): bigint => {
  const held = heldBalance(ctx, named)
  const actual = amount < held ? amount : held
  if (actual === 0n) return 0n
  const { who, reason } = named
  setHeld(ctx, named, held - actual)
  setBalances(ctx, who, (data) => ({ ...data, reserved: data.reserved - actual }))
  totalIssuance.mutate(ctx, (issuance) => issuance - actual)
  ctx.emit('BurnedHeld', { reason, who, amount: actual })
  return actual
}

/** Moves up to `amount` that is on hold to the free balance of an existing account; returns how much it was. */
export const transferHeld = (ctx: BalancesContext, named: Named, to: Uint8Array, amount: bigint): bigint => {
  const held = heldBalance(ctx, named)
  const actual = amount < held ? amount : held
  if (actual === 0n) return 0n
  const { who, reason } = named
  if (balanceOf(ctx, to).free === 0n) ctx.fail('DeadAccount')
  setHeld(ctx, named, held - actual)
  setBalances(ctx, who, (data) => ({ ...data, reserved: data.reserved - actual }))
  setBalances(ctx, to, (data) => ({ ...data, free: checkedAdd(data.free, actual) }))
  ctx.emit('TransferOnHold', { reason, source: who, dest: to, amount: actual })
  return actual
}

/** Brings `frozen` in line with the largest lock or freeze. */
const updateFrozen = (ctx: BalancesContext, who: Uint8Array): { readonly before: bigint; readonly after: bigint } => {
  const before = balanceOf(ctx, who).frozen
  let after = 0n
  for (const { amount } of [...locks.get(ctx, who), ...freezes.get(ctx, who)]) if (amount > after) after = amount
  if (before !== after) setBalances(ctx, who, (data) => ({ ...data, frozen: after }))
  return { before, after }
}

/** Sets a lock; zero removes it. */
export const setLock = (ctx: BalancesContext, { who, reason }: Named, amount: bigint): void => {
  const next = replaceIn(locks.get(ctx, who), { id: reason, amount, reasons: { kind: 'All' } })
  if (next.length > PER_ACCOUNT_MAX) ctx.fail('TooManyFreezes')
  if (next.length === 0) locks.remove(ctx, who)
  else locks.set(ctx, who, next)
  const { before, after } = updateFrozen(ctx, who)
  if (after > before) ctx.emit('Locked', { who, amount: after - before })
  if (after < before) ctx.emit('Unlocked', { who, amount: before - after })
}

/** Sets a freeze; zero removes it. */
export const setFreeze = (ctx: BalancesContext, { who, reason }: Named, amount: bigint): void => {
  const next = replaceIn(freezes.get(ctx, who), { id: reason, amount })
  if (next.length > PER_ACCOUNT_MAX) ctx.fail('TooManyFreezes')
  if (next.length === 0) freezes.remove(ctx, who)
  else freezes.set(ctx, who, next)
  const { before, after } = updateFrozen(ctx, who)
  if (after > before) ctx.emit('Frozen', { who, amount: after - before })
  if (after < before) ctx.emit('Thawed', { who, amount: before - after })
}
