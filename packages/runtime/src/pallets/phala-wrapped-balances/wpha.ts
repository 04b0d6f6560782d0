/**
 * Owns wrapped PHA as the pools use it: balances, moves, minting against PHA that came in, destroying against PHA that goes out. At all times
 * the reserve's PHA = the asset's supply + UnmintableDust + what genesis endowed the reserve with.
 */
import type { Context } from '../../frame/context.ts'
import { failToken } from '../../frame/dispatch-error.ts'
import { assetBalance, changeSupply, creditProblem, debitAsset } from '../assets/account.ts'
import { assetsParts } from '../assets/declaration.ts'
import { isBelowMinimum, issueAsset, minBalanceOf, moveAsset } from '../assets/movement.ts'
import { reducibleBalance } from '../balances/account.ts'
import { transfer } from '../balances/currency.ts'
import { balancesParts, EXISTENTIAL_DEPOSIT } from '../balances/declaration.ts'
import { account as systemAccount } from '../system/storage.ts'
import { wrappedParts } from './declaration.ts'
import { unmintableDust, WPHA_ACCOUNT, WPHA_ASSET_ID } from './storage.ts'

/** From, to, how much. */
export interface WphaMove {
  readonly from: Uint8Array
  readonly to: Uint8Array
  readonly amount: bigint
}

const holder = (who: Uint8Array) => ({ id: WPHA_ASSET_ID, who })

/** Wrapped PHA of an account. */
export const wphaBalance = (ctx: Context, who: Uint8Array): bigint => assetBalance(assetsParts.in(ctx), holder(who))

/** Least wrapped PHA of an account. */
export const wphaMinimum = (ctx: Context): bigint => minBalanceOf(assetsParts.in(ctx), WPHA_ASSET_ID)

/** Notes wrapped PHA that no account holds any more; the PHA behind it stays in the reserve. */
export const noteDust = (ctx: Context, amount: bigint): void => {
  if (amount > 0n) unmintableDust.mutate(ctx, (dust) => dust + amount)
}

/** Moves wrapped PHA. Returns what the sender would have kept below the minimum: it became dust. */
export const moveWpha = (ctx: Context, { from, to, amount }: WphaMove): bigint => {
  const rest = moveAsset(assetsParts.in(ctx), { id: WPHA_ASSET_ID, from, to, amount })
  noteDust(ctx, rest)
  return rest
}

/** Moves wrapped PHA of a person, who is told of dust. */
export const moveWphaOfUser = (ctx: Context, move: WphaMove): void => {
  const rest = moveWpha(ctx, move)
  if (rest > 0n) wrappedParts.in(ctx).emit('DustRemoved', { user: move.from, amount: rest })
}

/** Whether an account would take so much wrapped PHA. */
export const canTakeWpha = (ctx: Context, who: Uint8Array, amount: bigint): boolean => creditProblem(assetsParts.in(ctx), holder(who), amount) === undefined

/** Mints wrapped PHA for PHA that came into the reserve. False: too little to exist there, it became dust. */
export const mintWpha = (ctx: Context, who: Uint8Array, amount: bigint): boolean => {
  const assets = assetsParts.in(ctx)
  if (isBelowMinimum(assets, holder(who), amount)) {
    noteDust(ctx, amount)
    return false
  }
  if (amount > 0n) issueAsset(assets, holder(who), amount)
  return true
}

/** Destroys wrapped PHA of an account. Returns what it would have kept below the minimum: it became dust. */
export const burnWpha = (ctx: Context, who: Uint8Array, amount: bigint): bigint => {
  const assets = assetsParts.in(ctx)
  const rest = debitAsset(assets, holder(who), amount, false)
  changeSupply(assets, WPHA_ASSET_ID, -(amount + rest))
  assets.emit('Burned', { assetId: WPHA_ASSET_ID, owner: who, balance: amount })
  noteDust(ctx, rest)
  return rest
}

/** Moves PHA of an account into the reserve; the account lives on. */
export const payIntoReserve = (ctx: Context, from: Uint8Array, amount: bigint): void =>
  transfer(balancesParts.in(ctx), { from, to: WPHA_ACCOUNT, amount }, 'Preserve')

/** Whether an account could pay so much and live on. */
export const canPay = (ctx: Context, from: Uint8Array, amount: bigint): boolean => reducibleBalance(balancesParts.in(ctx), from, 'Preserve') >= amount

/** Moves PHA out of the reserve, which lives on. */
export const payOutOfReserve = (ctx: Context, to: Uint8Array, amount: bigint): void =>
  transfer(balancesParts.in(ctx), { from: WPHA_ACCOUNT, to, amount }, 'Preserve')

/** Moves PHA out of the reserve, or notes it as dust where the receiver does not exist and the amount cannot make it. */
export const payOutOrNote = (ctx: Context, to: Uint8Array, amount: bigint): void => {
  const { free } = systemAccount.get(ctx, to).data
  if (free + amount < EXISTENTIAL_DEPOSIT || !canPay(ctx, WPHA_ACCOUNT, amount)) noteDust(ctx, amount)
  else payOutOfReserve(ctx, to, amount)
}

/** Wraps PHA of one account for another. Fails with BelowMinimum where it would not make a balance. */
export const wrapFor = (ctx: Context, { from, to, amount }: WphaMove): void => {
  if (amount === 0n || isBelowMinimum(assetsParts.in(ctx), holder(to), amount)) failToken('BelowMinimum')
  payIntoReserve(ctx, from, amount)
  issueAsset(assetsParts.in(ctx), holder(to), amount)
}

/** Wraps PHA of an account. Fails with BelowMinimum where it would not make a balance. */
export const wrap = (ctx: Context, who: Uint8Array, amount: bigint): void => wrapFor(ctx, { from: who, to: who, amount })
