/** Owns what calls and other pallets do with units of assets: transfer, issue, burn, create. */
import { bytesEqual } from '@phalanx/primitives/bytes'
import { assertAssetCredit, assetBalance, changeSupply, creditAsset, debitAsset, detailsOf, reducibleAsset, type Holder } from './account.ts'
import type { AssetsContext } from './declaration.ts'
import { asset } from './storage.ts'

/** Asset, from, to, how much. */
export interface AssetMovement {
  readonly id: number
  readonly from: Uint8Array
  readonly to: Uint8Array
  readonly amount: bigint
}

/** Moves units and says so. What the sender would keep below the minimum goes along. Returns what the receiver got. */
export const transferAsset = (ctx: AssetsContext, { id, from, to, amount }: AssetMovement, keepsAlive: boolean): bigint => {
  if (amount === 0n) return 0n
  const source: Holder = { id, who: from }
  if (bytesEqual(from, to)) {
    if (reducibleAsset(ctx, source, keepsAlive) < amount) ctx.fail('BalanceLow')
    ctx.emit('Transferred', { assetId: id, from, to, amount })
    return amount
  }
  const credit = amount + debitAsset(ctx, source, amount, keepsAlive)
  creditAsset(ctx, { id, who: to }, credit)
  ctx.emit('Transferred', { assetId: id, from, to, amount: credit })
  return credit
}

/**
 * Moves exactly this much and says so. What the sender would keep below the minimum is taken out of the supply and returned:
 * the caller keeps account of it.
 */
export const moveAsset = (ctx: AssetsContext, { id, from, to, amount }: AssetMovement): bigint => {
  if (amount === 0n) return 0n
  assertAssetCredit(ctx, { id, who: to }, amount)
  if (bytesEqual(from, to)) return 0n
  const rest = debitAsset(ctx, { id, who: from }, amount, false)
  if (rest > 0n) changeSupply(ctx, id, -rest)
  creditAsset(ctx, { id, who: to }, amount)
  ctx.emit('Transferred', { assetId: id, from, to, amount })
  return rest
}

/** Creates units in an account. */
export const issueAsset = (ctx: AssetsContext, holder: Holder, amount: bigint): void => {
  creditAsset(ctx, holder, amount)
  changeSupply(ctx, holder.id, amount)
  ctx.emit('Issued', { assetId: holder.id, owner: holder.who, amount })
}

/** Destroys units of an account and what it would keep below the minimum. Returns what was destroyed. */
const burnAsset = (ctx: AssetsContext, holder: Holder, amount: bigint): bigint => {
  const balance = amount + debitAsset(ctx, holder, amount, false)
  changeSupply(ctx, holder.id, -balance)
  ctx.emit('Burned', { assetId: holder.id, owner: holder.who, balance })
  return balance
}

/** Destroys up to so many units of an account. */
export const burnUpTo = (ctx: AssetsContext, holder: Holder, amount: bigint): void => {
  const most = reducibleAsset(ctx, holder, false)
  burnAsset(ctx, holder, amount < most ? amount : most)
}

/** Creates an asset whose team is its owner. */
export const createAsset = (
  ctx: AssetsContext, id: number,
  options: { readonly owner: Uint8Array; readonly admin?: Uint8Array; readonly minBalance: bigint; readonly isSufficient: boolean; readonly deposit: bigint },
): void => {
  if (asset.has(ctx, id)) ctx.fail('InUse')
  if (options.minBalance === 0n) ctx.fail('MinBalanceZero')
  const team = options.admin ?? options.owner
  asset.set(ctx, id, {
    owner: options.owner, issuer: team, admin: team, freezer: team, supply: 0n, deposit: options.deposit, minBalance: options.minBalance,
    isSufficient: options.isSufficient, accounts: 0, sufficients: 0, approvals: 0, status: { kind: 'Live' },
  })
}

/** Least balance of an asset's accounts. */
export const minBalanceOf = (ctx: AssetsContext, id: number): bigint => detailsOf(ctx, id).minBalance

/** Whether an account could take so much, and if not, holds nothing yet and the amount is below the minimum. */
export const isBelowMinimum = (ctx: AssetsContext, holder: Holder, amount: bigint): boolean =>
  assetBalance(ctx, holder) === 0n && amount < detailsOf(ctx, holder.id).minBalance
