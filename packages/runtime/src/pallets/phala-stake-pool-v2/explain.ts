/** Owns the runtime API that says what an account has in pools and vaults: shares and their worth, what waits in queues, what its own pools owe it, what votes keep. */
import { bytesEqual } from '@phalanx/primitives/bytes'
import { AccountId } from '@phalanx/primitives/chain'
import { bool, named, struct, u128, u32, u64, vecUpTo, type TypeOf } from '@phalanx/primitives/codec'
import { apiMethod, runtimeApi } from '../../frame/api.ts'
import type { Context } from '../../frame/context.ts'
import { freeSharesOf, sharesOf } from '../phala-base-pool/nfts.ts'
import { freeStake, nowSeconds } from '../phala-base-pool/pools.ts'
import { sharePrice, valueOf } from '../phala-base-pool/shares.ts'
import { pools } from '../phala-base-pool/storage.ts'
import type { PoolProxy, WithdrawInfo } from '../phala-base-pool/types.ts'
import { VAULT_QUEUE_PERIOD_SEC } from '../phala-vault/declaration.ts'
import { netValue } from '../phala-wrapped-balances/net-value.ts'
import { accountVotes, stakerAccounts } from '../phala-wrapped-balances/storage.ts'
import { wphaBalance } from '../phala-wrapped-balances/wpha.ts'
import { GRACE_PERIOD_SEC } from './declaration.ts'
import { releasingStake } from './workers.ts'

const LIST_MAX = 100_000
const VOTES_MAX = 1000
const ours = (name: string): string => `phalanx_pallets::stake_pool_v2::${name}`

/** Shares that an account has in a pool, and the pool as far as withdrawing goes. Amounts in plancks, price as fixed point bits. */
const StakePosition = named(ours('StakePosition'), struct({
  pid: u64, isVault: bool, shares: u128, price: u128, value: u128, poolFree: u128, poolReleasing: u128,
}))

/** A request that waits. Unix seconds; `ahead`: what must be paid before it. `forcedAt`: from then on anyone may have the pool's workers stopped for it. */
const StakeRequest = named(ours('StakeRequest'), struct({
  pid: u64, isVault: bool, shares: u128, value: u128, place: u32, ahead: u128, poolFree: u128, poolReleasing: u128, startTime: u64, forcedAt: u64,
}))

/** A pool that the account owns. `claimable`: plancks for a stake pool, shares for a vault. */
const OwnedPool = named(ours('OwnedPool'), struct({ pid: u64, isVault: bool, claimable: u128 }))

/** What an account has as wrapped PHA and in pools. `keptByVotes` is kept until the referenda are over and somebody unlocks. */
export const StakeExplanation = named(ours('StakeExplanation'), struct({
  account: AccountId, time: u64, wrapped: u128, netValue: u128, keptByVotes: u128, votes: vecUpTo(u32, VOTES_MAX), positions: vecUpTo(StakePosition, LIST_MAX),
  requests: vecUpTo(StakeRequest, LIST_MAX), owned: vecUpTo(OwnedPool, LIST_MAX),
}))
export type StakeExplanation = TypeOf<typeof StakeExplanation>

interface Funds {
  readonly price: bigint
  readonly poolFree: bigint
  readonly poolReleasing: bigint
}

const fundsOf = (ctx: Context, pid: bigint, pool: PoolProxy): Funds => ({
  price: sharePrice(pool.value.basepool) ?? 0n, poolFree: freeStake(ctx, pool.value.basepool), poolReleasing: pool.kind === 'StakePool' ? releasingStake(ctx, pid) : 0n,
})

const requestsOf = (ctx: Context, who: Uint8Array, pid: bigint, pool: PoolProxy, { price, poolFree, poolReleasing }: Funds): TypeOf<typeof StakeRequest>[] => {
  const { cid, withdrawQueue } = pool.value.basepool
  const out: TypeOf<typeof StakeRequest>[] = []
  let ahead = 0n
  withdrawQueue.forEach(({ user, startTime, nftId }: WithdrawInfo, place) => {
    const shares = sharesOf(ctx, { cid, nft: nftId })
    const value = valueOf(price, shares)
    const periodSec = pool.kind === 'Vault' ? VAULT_QUEUE_PERIOD_SEC : GRACE_PERIOD_SEC
    if (bytesEqual(user, who)) out.push({ pid, isVault: pool.kind === 'Vault', shares, value, place, ahead, poolFree, poolReleasing, startTime, forcedAt: startTime + periodSec })
    ahead += value
  })
  return out
}

const claimableOf = (ctx: Context, pool: PoolProxy): bigint => (pool.kind === 'Vault' ? pool.value.ownerShares : wphaBalance(ctx, pool.value.ownerRewardAccount))

const explainStake = (ctx: Context, who: Uint8Array): StakeExplanation => {
  const positions: TypeOf<typeof StakePosition>[] = []
  const requests: TypeOf<typeof StakeRequest>[] = []
  const owned: TypeOf<typeof OwnedPool>[] = []
  for (const [[pid], pool] of pools.entries(ctx)) {
    const { basepool } = pool.value
    const isVault = pool.kind === 'Vault'
    const shares = freeSharesOf(ctx, basepool.cid, who)
    if (bytesEqual(basepool.owner, who)) owned.push({ pid, isVault, claimable: claimableOf(ctx, pool) })
    if (shares === 0n && !basepool.withdrawQueue.some(({ user }) => bytesEqual(user, who))) continue
    const funds = fundsOf(ctx, pid, pool)
    if (shares > 0n) positions.push({ pid, isVault, shares, value: valueOf(funds.price, shares), ...funds })
    requests.push(...requestsOf(ctx, who, pid, pool, funds))
  }
  return {
    account: who, time: nowSeconds(ctx), wrapped: wphaBalance(ctx, who), netValue: netValue(ctx, who), keptByVotes: stakerAccounts.get(ctx, who)?.locked ?? 0n,
    votes: [...accountVotes.keys(ctx, who)].map(([, referendum]) => referendum).slice(0, VOTES_MAX), positions, requests, owned,
  }
}

/** StakeApi. */
export const stakeApi = runtimeApi({
  name: 'StakeApi',
  version: 1,
  doc: 'Explanations of what accounts have in pools.',
  methods: {
    explainStake: apiMethod({
      doc: 'What an account has as wrapped PHA and in pools and vaults, what waits to be withdrawn and until when, what votes keep.',
      params: { account: AccountId },
      result: StakeExplanation,
      call: (ctx, { account }) => explainStake(ctx, account),
    }),
  },
})
