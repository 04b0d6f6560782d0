/** Owns the pools of the simulated economy: shares by the chain's arithmetic, the rewards' way into them, slashes. Plancks throughout. */
import { fixedToBalance, permillOf } from '@phalanx/primitives/fixed'
import { isDust, isExactEnough, sharePrice, sharesFor, valueOf } from '@phalanx/runtime/economy'

/** A stake pool. `free` is what no worker holds. */
export interface Pool {
  readonly population: string
  readonly commissionPpm: number
  totalShares: bigint
  totalValue: bigint
  free: bigint
  ownerRewards: bigint
  toStakers: bigint
  slashed: bigint
}

/** A pool in which nobody has a share. */
export const newPool = (population: string, commissionPpm: number): Pool => ({
  population, commissionPpm, totalShares: 0n, totalValue: 0n, free: 0n, ownerRewards: 0n, toStakers: 0n, slashed: 0n,
})

/** Buys shares; undefined where the pool cannot sell any. */
export const contribute = (pool: Pool, amount: bigint): bigint | undefined => {
  const { totalShares, totalValue } = pool
  if (totalShares > 0n && totalValue === 0n) return undefined
  const price = sharePrice(pool)
  const shares = sharesFor(price, amount)
  if (!isExactEnough(price, { amount, shares, totalShares })) return undefined
  pool.totalShares += shares
  pool.totalValue += amount
  pool.free += amount
  return shares
}

/** Sells shares as far as the free stake goes, as the front of the queue is paid; says what was paid and how many shares went. */
export const withdraw = (pool: Pool, shares: bigint): { readonly amount: bigint; readonly removed: bigint } => {
  const price = sharePrice(pool)
  if (price === undefined || price === 0n) return { amount: 0n, removed: 0n }
  const most = sharesFor(price, pool.free)
  const take = most < shares ? most : shares
  const worth = valueOf(price, take)
  const amount = worth < pool.free ? worth : pool.free
  if (take === 0n || amount === 0n) return { amount: 0n, removed: 0n }
  const removed = isDust(shares - take) ? shares : take
  const left = pool.totalValue > amount ? pool.totalValue - amount : 0n
  pool.totalShares -= removed
  pool.totalValue = isDust(left) ? 0n : left
  pool.free -= amount
  return { amount, removed }
}

/** Pays a worker's reward (fixed point bits) into its pool; returns the delegators' part. */
export const reward = (pool: Pool, payout: bigint): { readonly toOwner: bigint; readonly toStakers: bigint } => {
  const amount = fixedToBalance(payout)
  if (isDust(amount) || isDust(pool.totalShares)) return { toOwner: 0n, toStakers: 0n }
  const toOwner = permillOf(pool.commissionPpm, amount)
  const rest = amount - toOwner
  const toStakers = isDust(rest) ? 0n : rest
  pool.ownerRewards += toOwner
  pool.totalValue += toStakers
  pool.free += toStakers
  pool.toStakers += toStakers
  return { toOwner, toStakers }
}

/** Takes stake that a worker of the pool held. */
export const slash = (pool: Pool, amount: bigint): void => {
  pool.totalValue = pool.totalValue > amount ? pool.totalValue - amount : 0n
  pool.slashed += amount
}
