/** Owns the arithmetic of shares (stakepool.md section 4). Amounts in plancks, prices as 64.64 fixed point bits. */
import { balanceToFixed, divBalance, fixed, mulBalance } from '@phalanx/primitives/fixed'
import type { BasePool } from './types.ts'

/** Amounts and shares up to this count as nothing. */
const DUST_MAX = 1000n
/** More shares than this cannot be told apart from each other: 2^64 PHA. */
const SHARES_MAX = (1n << 64n) * 1_000_000_000_000n
const EXACT_ENOUGH = 1_000_000n

/** Whether an amount or number of shares is as good as nothing. */
export const isDust = (amount: bigint): boolean => amount <= DUST_MAX

/** Price of a share; undefined where there are no shares, 0 where they are worth next to nothing. */
export const sharePrice = ({ totalShares, totalValue }: Pick<BasePool, 'totalShares' | 'totalValue'>): bigint | undefined => {
  const shares = balanceToFixed(totalShares)
  return shares === 0n ? undefined : fixed.div(balanceToFixed(totalValue), shares)
}

/** Shares that an amount buys. */
export const sharesFor = (price: bigint | undefined, amount: bigint): bigint => (price === undefined || price === 0n ? amount : divBalance(amount, price))

/** What shares are worth. */
export const valueOf = (price: bigint, shares: bigint): bigint => mulBalance(shares, price)

/** Whether an amount turns into so many shares without losing more than a millionth, and the pool can count them. */
export const isExactEnough = (price: bigint | undefined, change: { readonly amount: bigint; readonly shares: bigint; readonly totalShares: bigint }): boolean => {
  if (change.totalShares + change.shares >= SHARES_MAX) return false
  if (price === undefined) return true
  return valueOf(price, change.shares) * EXACT_ENOUGH >= change.amount * (EXACT_ENOUGH - 1n)
}
