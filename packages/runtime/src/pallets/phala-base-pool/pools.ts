/** Owns reading, writing and making pools. Every function reads the pool anew: nothing holds one across calls into other pallets. */
import { utf8 } from '@phalanx/primitives/bytes'
import type { Context } from '../../frame/context.ts'
import { wphaBalance } from '../phala-wrapped-balances/wpha.ts'
import { rmrkParts } from '../rmrk-core/declaration.ts'
import { createNftCollection } from '../rmrk-core/nfts.ts'
import { now } from '../timestamp/storage.ts'
import { ISSUER, poolAccounts } from './accounts.ts'
import { basePoolParts } from './declaration.ts'
import { collectionIndex, poolCollections, poolCount, pools } from './storage.ts'
import type { BasePool, PoolProxy, StakePool, Vault } from './types.ts'

/** Collections below are left to others. */
const FIRST_COLLECTION = 10_000

/** Seconds since 1970 that the block claims. */
export const nowSeconds = (ctx: Context): bigint => now.get(ctx) / 1000n

/** A pool of either kind. Fails with PoolDoesNotExist. */
const poolOf = (ctx: Context, pid: bigint): PoolProxy => pools.get(ctx, pid) ?? basePoolParts.in(ctx).fail('PoolDoesNotExist')

/** What pools of both kinds have. Fails with PoolDoesNotExist. */
export const basePoolOf = (ctx: Context, pid: bigint): BasePool => poolOf(ctx, pid).value.basepool

/** A stake pool. Fails with PoolDoesNotExist, PoolTypeNotMatch. */
export const stakePoolOf = (ctx: Context, pid: bigint): StakePool => {
  const pool = poolOf(ctx, pid)
  return pool.kind === 'StakePool' ? pool.value : basePoolParts.in(ctx).fail('PoolTypeNotMatch')
}

/** A vault. Fails with PoolDoesNotExist, PoolTypeNotMatch. */
export const vaultOf = (ctx: Context, pid: bigint): Vault => {
  const pool = poolOf(ctx, pid)
  return pool.kind === 'Vault' ? pool.value : basePoolParts.in(ctx).fail('PoolTypeNotMatch')
}

/** Changes what pools of both kinds have. */
export const updateBase = (ctx: Context, pid: bigint, change: (base: BasePool) => Partial<BasePool>): void => {
  const pool = poolOf(ctx, pid)
  const basepool = { ...pool.value.basepool, ...change(pool.value.basepool) }
  pools.set(ctx, pid, pool.kind === 'StakePool' ? { kind: 'StakePool', value: { ...pool.value, basepool } } : { kind: 'Vault', value: { ...pool.value, basepool } })
}

/** Changes a stake pool. */
export const updateStakePool = (ctx: Context, pid: bigint, change: (pool: StakePool) => Partial<StakePool>): void => {
  const pool = stakePoolOf(ctx, pid)
  pools.set(ctx, pid, { kind: 'StakePool', value: { ...pool, ...change(pool) } })
}

/** Changes a vault. */
export const updateVault = (ctx: Context, pid: bigint, change: (vault: Vault) => Partial<Vault>): void => {
  const vault = vaultOf(ctx, pid)
  pools.set(ctx, pid, { kind: 'Vault', value: { ...vault, ...change(vault) } })
}

/** Stake of a pool that no worker holds. */
export const freeStake = (ctx: Context, { poolAccountId }: Pick<BasePool, 'poolAccountId'>): bigint => wphaBalance(ctx, poolAccountId)

/** Less of a pool's value, at least nothing. */
export const reduceValue = (ctx: Context, pid: bigint, amount: bigint): void => {
  if (amount > 0n) updateBase(ctx, pid, ({ totalValue }) => ({ totalValue: totalValue > amount ? totalValue - amount : 0n }))
}

/** Makes a pool's common part with its collection of shares, `symbol` being STAKEPOOL or VAULT. */
export const createBasePool = (ctx: Context, owner: Uint8Array, symbol: 'STAKEPOOL' | 'VAULT'): BasePool => {
  const pid = poolCount.get(ctx)
  const next = collectionIndex.get(ctx)
  const cid = next < FIRST_COLLECTION ? FIRST_COLLECTION : next
  poolCount.set(ctx, pid + 1n)
  collectionIndex.set(ctx, cid + 1)
  createNftCollection(rmrkParts.in(ctx), cid, { issuer: ISSUER, symbol: utf8(`${symbol}-${pid}`) })
  poolCollections.set(ctx, cid, pid)
  return { pid, owner, totalShares: 0n, totalValue: 0n, withdrawQueue: [], valueSubscribers: [], cid, poolAccountId: poolAccounts(ctx, pid, owner).pool }
}
