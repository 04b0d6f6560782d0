/**
 * Owns the small independent model that random stake actions are held to: what each kind of event may do to shares, value, backing and the
 * reserve, in arithmetic of its own. It reads the chain's state, calls none of its rules. For tests only.
 */
import { assert } from '@phalanx/primitives/assert'
import { toHexPlain, utf8 } from '@phalanx/primitives/bytes'
import type { Context, RuntimeEvent } from '../src/frame/context.ts'
import { account as assetAccount, asset } from '../src/pallets/assets/storage.ts'
import { totalIssuance } from '../src/pallets/balances/storage.ts'
import { sessionAccount } from '../src/pallets/phala-base-pool/accounts.ts'
import { poolCount, pools, shareNfts } from '../src/pallets/phala-base-pool/storage.ts'
import type { PoolProxy } from '../src/pallets/phala-base-pool/types.ts'
import { stakes } from '../src/pallets/phala-computation/storage.ts'
import { unmintableDust, WPHA_ACCOUNT, WPHA_ASSET_ID } from '../src/pallets/phala-wrapped-balances/storage.ts'
import { properties } from '../src/pallets/rmrk-core/storage.ts'
import { account } from '../src/pallets/system/storage.ts'

const TERA = 10n ** 12n
const KEY = utf8('stake-info')
const ZERO_DUST = 1000n

const toFixed = (amount: bigint): bigint => ((amount * 2n ** 48n) / TERA) * 2n ** 16n
const fromFixed = (bits: bigint): bigint => ((bits / 2n ** 16n) * TERA) / 2n ** 48n
const priceOf = (pool: Standing): bigint => (toFixed(pool.shares) === 0n ? 0n : (toFixed(pool.value) * 2n ** 64n) / toFixed(pool.shares))
/** Shares that an amount buys, reckoned anew. */
const boughtShares = (pool: Standing, amount: bigint): bigint => {
  const price = priceOf(pool)
  return price === 0n ? amount : fromFixed((toFixed(amount) * 2n ** 64n) / price)
}

/** What the model knows of a pool. */
interface Standing {
  readonly source: PoolProxy
  readonly shares: bigint
  readonly value: bigint
  readonly free: bigint
  readonly lock: bigint
  /** Shares by holder: account hex, or `queue` and account hex. */
  readonly holders: ReadonlyMap<string, bigint>
}

/** What the model knows of the whole. */
export interface World {
  readonly pools: readonly Standing[]
  /** Wrapped PHA of everyone who can have any. */
  readonly held: bigint
  readonly supply: bigint
  readonly dust: bigint
  readonly reserve: bigint
  readonly issuance: bigint
}

const wpha = (ctx: Context, who: Uint8Array): bigint => assetAccount.get(ctx, WPHA_ASSET_ID, who)?.balance ?? 0n
const leToBigint = (bytes: Uint8Array): bigint => bytes.reduceRight((sum, byte) => sum * 256n + BigInt(byte), 0n)
const sharesIn = (ctx: Context, cid: number, nft: number): bigint => leToBigint(properties.get(ctx, cid, nft, KEY) as Uint8Array)

const standingOf = (ctx: Context, pid: bigint, known: Standing | undefined, people: readonly Uint8Array[]): Standing => {
  const source = pools.get(ctx, pid) as PoolProxy
  const { cid, poolAccountId, totalShares, totalValue, withdrawQueue } = source.value.basepool
  const free = wpha(ctx, poolAccountId)
  const lock = source.kind === 'StakePool' ? wpha(ctx, source.value.lockAccount) : 0n
  if (known?.source === source) return { ...known, free, lock }
  const holders = new Map<string, bigint>()
  for (const who of people) for (const nft of shareNfts.get(ctx, cid, who)) holders.set(toHexPlain(who), sharesIn(ctx, cid, nft))
  for (const { user, nftId } of withdrawQueue) holders.set(`queue ${toHexPlain(user)}`, sharesIn(ctx, cid, nftId))
  return { source, shares: totalShares, value: totalValue, free, lock, holders }
}

/** Reads the world. `people` are all who may hold shares besides the vaults. */
export const observe = (ctx: Context, people: readonly Uint8Array[], before?: World): World => {
  const count = Number(poolCount.get(ctx))
  const holders = [...people]
  for (let pid = 0; pid < count; pid++) {
    const pool = pools.get(ctx, BigInt(pid)) as PoolProxy
    if (pool.kind === 'Vault') holders.push(pool.value.basepool.poolAccountId)
  }
  const standings = Array.from({ length: count }, (_, pid) => standingOf(ctx, BigInt(pid), before?.pools[pid], holders))
  const ownerReward = ({ source }: Standing): bigint => (source.kind === 'StakePool' ? wpha(ctx, source.value.ownerRewardAccount) : 0n)
  return {
    pools: standings,
    held: people.reduce((sum, who) => sum + wpha(ctx, who), 0n) + standings.reduce((sum, one) => sum + one.free + one.lock + ownerReward(one), 0n),
    supply: asset.get(ctx, WPHA_ASSET_ID)?.supply ?? 0n, dust: unmintableDust.get(ctx), reserve: account.get(ctx, WPHA_ACCOUNT).data.free,
    issuance: totalIssuance.get(ctx),
  }
}

/** What a vault's part of a pool's gain or loss is, reckoned anew. */
const vaultPart = (pool: Standing, vault: Standing, amount: bigint): bigint => {
  const who = toHexPlain(vault.source.value.basepool.poolAccountId)
  const owned = (pool.holders.get(who) ?? 0n) + (pool.holders.get(`queue ${who}`) ?? 0n)
  const total = toFixed(pool.shares)
  if (total === 0n) return 0n
  return fromFixed((toFixed(fromFixed((toFixed(owned) * 2n ** 64n) / total)) * toFixed(amount)) / 2n ** 64n)
}

interface Expected {
  shares: bigint
  value: bigint
  /** Shares that a vault's owner gained before anything else happened. */
  gained: bigint
}

type Amounts = Readonly<Record<string, bigint>>

/** Applies what one event says about a pool. */
const apply = (expected: Expected[], before: World, { pallet, name, value }: RuntimeEvent): void => {
  const fields = value as Amounts
  const pid = Number(fields['pid'])
  const pool = expected[pid]
  const old = before.pools[pid]
  if (pool === undefined || old === undefined) return
  const share = (amount: bigint, sign: 1n | -1n): void => {
    pool.value += sign * amount
    for (const vault of old.source.value.basepool.valueSubscribers) {
      const of = expected[Number(vault)] as Expected
      const part = vaultPart({ ...old, shares: pool.shares }, before.pools[Number(vault)] as Standing, amount)
      of.value += sign * part
      if (of.value < 0n) of.value = 0n
    }
  }
  switch (`${pallet}.${name}`) {
    case 'PhalaVault.OwnerSharesGained':
      pool.shares += fields['shares'] as bigint
      pool.gained += fields['shares'] as bigint
      return
    case 'PhalaStakePoolv2.Contribution':
    case 'PhalaVault.Contribution': {
      assert(boughtShares({ ...old, shares: old.shares + pool.gained }, fields['amount'] as bigint) === fields['shares'], `${pid}: as many shares as the price says`)
      pool.shares += fields['shares'] as bigint
      pool.value += fields['amount'] as bigint
      return
    }
    case 'PhalaBasePool.Withdrawal':
      pool.shares -= (fields['shares'] as bigint) + (fields['burntShares'] as bigint)
      pool.value -= fields['amount'] as bigint
      return
    case 'PhalaStakePoolv2.RewardReceived': return share(fields['toStakers'] as bigint, 1n)
    case 'PhalaStakePoolv2.PoolSlashed': return share(fields['amount'] as bigint, -1n)
    default:
  }
}

const checkPool = (ctx: Context, pid: number, now: Standing): void => {
  const { source } = now
  let held = source.kind === 'Vault' ? source.value.ownerShares : 0n
  let worth = 0n
  const price = priceOf(now)
  for (const shares of now.holders.values()) {
    held += shares
    worth += fromFixed((toFixed(shares) * price) / 2n ** 64n)
  }
  assert(held === now.shares, `${pid}: shares held ${held} are all shares ${now.shares}`)
  assert(worth <= now.value, `${pid}: shares are worth ${worth}, no more than the pool ${now.value}`)
  if (source.kind !== 'StakePool') return
  const workers = new Map([...source.value.workers, ...source.value.cdWorkers].map((one) => [toHexPlain(one), one]))
  let stake = 0n
  for (const worker of workers.values()) stake += stakes.get(ctx, sessionAccount(ctx, BigInt(pid), worker)) ?? 0n
  assert(stake === now.lock, `${pid}: workers hold ${stake}, locked is ${now.lock}`)
}

/** What an action was, where the events do not say it. */
export interface Deed {
  readonly kind: string
  /** PHA that entered or left the reserve without wrapped PHA, for example a gift. */
  readonly gift?: boolean
}

/** Holds one action to the model. @throws AssertionError */
export const check = (ctx: Context, deed: Deed, before: World, now: World, events: readonly RuntimeEvent[], endowment: bigint): void => {
  assert(now.issuance === before.issuance, `${deed.kind}: no PHA appears or vanishes`)
  assert(now.reserve === now.supply + now.dust + endowment, `${deed.kind}: the reserve ${now.reserve} is ${now.supply} wrapped, ${now.dust} dust and ${endowment}`)
  assert(now.held === now.supply, `${deed.kind}: accounts hold ${now.held} of ${now.supply} wrapped PHA`)
  assert(now.dust >= before.dust, `${deed.kind}: dust stays`)
  const lost = now.dust - before.dust
  const expected: Expected[] = before.pools.map(({ shares, value }) => ({ shares, value, gained: 0n }))
  for (const event of events) apply(expected, before, event)
  for (const [pid, old] of before.pools.entries()) {
    const pool = now.pools[pid] as Standing
    const wanted = expected[pid] as Expected
    if (pool.source !== old.source || pool.free !== old.free || pool.lock !== old.lock) checkPool(ctx, pid, pool)
    assert(pool.shares === wanted.shares, `${deed.kind} ${pid}: events leave ${wanted.shares} shares, there are ${pool.shares}`)
    const gone = wanted.value - pool.value
    const zeroed = pool.value === 0n ? ZERO_DUST : 0n
    assert(gone >= 0n && gone <= lost + zeroed, `${deed.kind} ${pid}: events leave the value ${wanted.value}, it is ${pool.value}; dust ${lost}`)
    if (old.source.kind !== 'StakePool') continue
    const surplus = pool.free + pool.lock - pool.value - (old.free + old.lock - old.value)
    assert(surplus >= -lost && (deed.gift === true || surplus <= ZERO_DUST), `${deed.kind} ${pid}: backing changed by ${surplus} beside the value`)
  }
}
