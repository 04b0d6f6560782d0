/** Owns the change of one account's balance of an asset: existence, minimum, what is left below it. Events of movements are the callers'. */
import { failArithmetic, failToken } from '../../frame/dispatch-error.ts'
import { CONSUMERS_MAX, decConsumers, decSufficients, incConsumers, incSufficients } from '../system/accounts.ts'
import { account as systemAccount } from '../system/storage.ts'
import type { AssetsContext } from './declaration.ts'
import { account, asset, type AssetAccount, type AssetDetails } from './storage.ts'

const U128_MAX = (1n << 128n) - 1n

/** An account of an asset. */
export interface Holder {
  readonly id: number
  readonly who: Uint8Array
}

/** Balance of an account; 0 where it does not hold the asset. */
export const assetBalance = (ctx: AssetsContext, { id, who }: Holder): bigint => account.get(ctx, id, who)?.balance ?? 0n

/** Details of an asset; fails with Unknown where there is none. */
export const detailsOf = (ctx: AssetsContext, id: number): AssetDetails => asset.get(ctx, id) ?? ctx.fail('Unknown')

const birth = (ctx: AssetsContext, details: AssetDetails, who: Uint8Array): Pick<AssetAccount, 'reason'> => {
  if (details.isSufficient) {
    incSufficients(ctx, who)
    return { reason: { kind: 'Sufficient' } }
  }
  incConsumers(ctx, who)
  return { reason: { kind: 'Consumer' } }
}

const death = (ctx: AssetsContext, { id, who }: Holder, { reason }: AssetAccount): void => {
  account.remove(ctx, id, who)
  asset.mutate(ctx, id, (details) => details && {
    ...details, accounts: details.accounts - 1, sufficients: details.sufficients - (reason.kind === 'Sufficient' ? 1 : 0),
  })
  if (reason.kind === 'Sufficient') decSufficients(ctx, who)
  else if (reason.kind === 'Consumer') decConsumers(ctx, who)
}

/** Why an account cannot take so much; undefined if it can. */
export const creditProblem = (ctx: AssetsContext, { id, who }: Holder, amount: bigint): 'Overflow' | 'BelowMinimum' | 'CannotCreate' | undefined => {
  const details = detailsOf(ctx, id)
  const found = account.get(ctx, id, who)
  if ((found?.balance ?? 0n) + amount > U128_MAX) return 'Overflow'
  if (found !== undefined || amount === 0n) return undefined
  if (amount < details.minBalance) return 'BelowMinimum'
  if (details.isSufficient) return undefined
  const { providers, consumers } = systemAccount.get(ctx, who)
  return providers === 0 || consumers >= CONSUMERS_MAX ? 'CannotCreate' : undefined
}

/** Fails unless the account can take so much. */
export const assertAssetCredit = (ctx: AssetsContext, holder: Holder, amount: bigint): void => {
  const problem = creditProblem(ctx, holder, amount)
  if (problem === 'Overflow') failArithmetic('Overflow')
  else if (problem !== undefined) failToken(problem)
}

/** Puts units into an account. The caller took them from somewhere or raises the supply. */
export const creditAsset = (ctx: AssetsContext, holder: Holder, amount: bigint): void => {
  if (amount === 0n) return
  assertAssetCredit(ctx, holder, amount)
  const { id, who } = holder
  const found = account.get(ctx, id, who)
  if (found !== undefined) return account.set(ctx, id, who, { ...found, balance: found.balance + amount })
  const details = detailsOf(ctx, id)
  const { reason } = birth(ctx, details, who)
  account.set(ctx, id, who, { balance: amount, isFrozen: false, reason, extra: [] })
  asset.set(ctx, id, { ...details, accounts: details.accounts + 1, sufficients: details.sufficients + (reason.kind === 'Sufficient' ? 1 : 0) })
}

/** How much of a balance may leave; fails where the asset or the account is frozen or missing. */
export const reducibleAsset = (ctx: AssetsContext, { id, who }: Holder, keepsAlive: boolean): bigint => {
  const details = detailsOf(ctx, id)
  if (details.status.kind !== 'Live') ctx.fail('AssetNotLive')
  const found = account.get(ctx, id, who) ?? ctx.fail('NoAccount')
  if (found.isFrozen) ctx.fail('Frozen')
  if (!keepsAlive) return found.balance
  return found.balance > details.minBalance ? found.balance - details.minBalance : 0n
}

/**
 * Takes units out of an account. What would be left below the minimum leaves with them, and the account ceases to exist.
 * Returns that rest; the caller says where it goes.
 */
export const debitAsset = (ctx: AssetsContext, holder: Holder, amount: bigint, keepsAlive: boolean): bigint => {
  const { id, who } = holder
  if (reducibleAsset(ctx, holder, keepsAlive) < amount) {
    if (keepsAlive && assetBalance(ctx, holder) >= amount) ctx.fail('WouldDie')
    ctx.fail('BalanceLow')
  }
  const found = account.get(ctx, id, who) ?? ctx.fail('NoAccount')
  const balance = found.balance - amount
  if (balance >= detailsOf(ctx, id).minBalance) {
    account.set(ctx, id, who, { ...found, balance })
    return 0n
  }
  death(ctx, holder, found)
  return balance
}

/** Raises or lowers the supply. */
export const changeSupply = (ctx: AssetsContext, id: number, by: bigint): void => {
  const details = detailsOf(ctx, id)
  const supply = details.supply + by
  if (supply > U128_MAX) failArithmetic('Overflow')
  asset.set(ctx, id, { ...details, supply })
}
