/** Owns random stake actions on a chain in memory, made at the level of dispatched calls. For tests only. */
import { bytesToKey, keyToBytes } from '@phalanx/primitives/bytes'
import type { Crypto } from '@phalanx/primitives/crypto'
import { balanceToFixed } from '@phalanx/primitives/fixed'
import { createContext } from '../src/frame/block-context.ts'
import type { Context, RuntimeCall, RuntimeEvent } from '../src/frame/context.ts'
import { ROOT, signed } from '../src/frame/origin.ts'
import type { BaseState } from '../src/frame/overlay.ts'
import { devAccount } from '../src/frame/testing.ts'
import { assets } from '../src/pallets/assets/pallet.ts'
import { account as assetAccount } from '../src/pallets/assets/storage.ts'
import { balances } from '../src/pallets/balances/pallet.ts'
import { pools } from '../src/pallets/phala-base-pool/storage.ts'
import { sessionAccount } from '../src/pallets/phala-base-pool/accounts.ts'
import { SUBSIDY_ACCOUNT } from '../src/pallets/phala-computation/accounts.ts'
import { phalaComputation } from '../src/pallets/phala-computation/pallet.ts'
import { stakes } from '../src/pallets/phala-computation/storage.ts'
import { stakePoolListener } from '../src/pallets/phala-stake-pool-v2/listener.ts'
import { phalaStakePoolV2 as stake } from '../src/pallets/phala-stake-pool-v2/pallet.ts'
import { createStakeTestbed, UNIT } from '../src/pallets/phala-stake-pool-v2/testing.ts'
import { phalaVault as vault } from '../src/pallets/phala-vault/pallet.ts'
import { phalaWrappedBalances } from '../src/pallets/phala-wrapped-balances/pallet.ts'
import { WPHA_ASSET_ID } from '../src/pallets/phala-wrapped-balances/storage.ts'
import { eventsSoFar } from '../src/pallets/system/events.ts'
import { account } from '../src/pallets/system/storage.ts'
import { now } from '../src/pallets/timestamp/storage.ts'
import { check, observe, type Deed, type World } from './stake-model.ts'

const OWNERS = 3
const STAKE_POOLS = [0n, 1n, 2n]
const VAULTS = [3n, 4n]
const WORKERS = 6
/** Actions after which the overlay is written down. */
const EPOCH = 500
const ENDOWMENT = 10_000_000_000n
const CALL_WEIGHTS_MAX = 100

/** A generator of numbers below a bound, from a seed (mulberry32). */
const createChoose = (seed: number): ((below: number) => number) => {
  let state = seed >>> 0
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

/** A state in memory: what a block left is written down key by key. */
class MemoryState implements BaseState {
  private readonly values = new Map<string, Uint8Array>()
  get(key: Uint8Array): Uint8Array | undefined {
    return this.values.get(bytesToKey(key))
  }
  *keys(prefix: Uint8Array): Generator<Uint8Array> {
    const start = bytesToKey(prefix)
    for (const key of [...this.values.keys()].filter((one) => one.startsWith(start)).sort((a, b) => (a < b ? -1 : 1))) yield keyToBytes(key)
  }
  apply(changes: Iterable<readonly [Uint8Array, Uint8Array | undefined]>): void {
    for (const [key, value] of changes) {
      if (value === undefined) this.values.delete(bytesToKey(key))
      else this.values.set(bytesToKey(key), value)
    }
  }
}

/** Changes the context before an action, to plant a fault. */
export type Fault = (ctx: Context, step: number) => void

/** How often each kind of action was made, and how often it succeeded. */
export type Tally = ReadonlyMap<string, { readonly tried: number; readonly done: number }>

/** Makes `actions` random actions and holds each to the model. @throws AssertionError */
export const runRandomStake = (options: { readonly seed: number; readonly actions: number; readonly fault?: Fault }, crypto: Crypto): Tally => {
  const choose = createChoose(options.seed)
  const key = (name: string): Uint8Array => devAccount(crypto, name).publicKey
  const people = Array.from({ length: 8 }, (_, i) => key(`person ${i}`))
  const workers = Array.from({ length: WORKERS }, (_, i) => key(`worker ${i}`))
  const bed = createStakeTestbed(crypto, { people: people.map((who) => [who, 1_000_000n * UNIT]), wallet: 2_000_000n * UNIT, wrapped: { endowment: ENDOWMENT.toString() } })
  const { chain } = bed
  const owner = (pid: bigint): Uint8Array => people[Number(pid) % OWNERS] as Uint8Array
  for (const pid of STAKE_POOLS) bed.ok(stake.call('create'), owner(pid))
  for (const pid of VAULTS) bed.ok(vault.call('create'), owner(pid))
  for (const [i, worker] of workers.entries()) {
    const pid = STAKE_POOLS[i % STAKE_POOLS.length] as bigint
    bed.register(worker, owner(pid))
    bed.ok(stake.call('addWorker', { pid, pubkey: worker }), owner(pid))
  }
  for (const who of people) bed.wrap(who, 100_000n * UNIT)

  const state = new MemoryState()
  const { head } = chain
  state.apply([...head.state.keys(new Uint8Array(0))].map((one) => [one, head.state.get(one)] as const))
  state.apply(chain.ctx.storage.changes())
  const { parts } = chain.runtime
  let ctx: Context = chain.ctx
  const open = (): void => {
    ctx = createContext(parts, { state, env: chain.env, block: { number: 10, parentHash: chain.genesisHash, phase: { kind: 'ApplyExtrinsic', value: 0 } } })
  }
  open()

  const pick = <T>(list: readonly T[]): T => list[choose(list.length)] as T
  const person = (): Uint8Array => pick(people)
  const balance = (who: Uint8Array): bigint => assetAccount.get(ctx, WPHA_ASSET_ID, who)?.balance ?? 0n
  /** An amount: mostly a part of what there is, at times all, dust, or too much. */
  const amountOf = (most: bigint): bigint => {
    switch (choose(12)) {
      case 0: return most
      case 1: return most + 1n
      case 2: return BigInt(choose(3000))
      case 3: return 10_000_000_000n + BigInt(choose(1000))
      case 4: return most > 150_000_000n ? most - BigInt(choose(150_000_000)) : most
      default: return (most * BigInt(choose(1_000_000))) / 2_000_000n + BigInt(choose(1_000_000_007))
    }
  }
  const base = (pid: bigint) => pools.get(ctx, pid)?.value.basepool
  const sharesOf = (world: World, pid: bigint, who: Uint8Array): bigint => {
    const holders = world.pools[Number(pid)]?.holders
    const name = Buffer.from(who).toString('hex')
    return (holders?.get(name) ?? 0n) + (choose(4) === 0 ? (holders?.get(`queue ${name}`) ?? 0n) : 0n)
  }
  const free = (pid: bigint): bigint => balance(base(pid)?.poolAccountId as Uint8Array)
  const worker = () => {
    const i = choose(WORKERS)
    return { pid: STAKE_POOLS[i % STAKE_POOLS.length] as bigint, worker: workers[i] as Uint8Array }
  }
  const call = (made: RuntimeCall, who: Uint8Array | undefined): boolean => ctx.runtime.dispatch(ctx, made, who === undefined ? ROOT : signed(who)).ok

  const acts: Readonly<Record<string, readonly [weight: number, act: (world: World) => boolean]>> = {
    wrap: [6, () => { const who = person(); return call(phalaWrappedBalances.call('wrap', { amount: amountOf(account.get(ctx, who).data.free) }), who) }],
    unwrap: [5, () => { const who = person(); return call(phalaWrappedBalances.call('unwrap', { amount: amountOf(balance(who)) }), who) }],
    unwrapAll: [1, () => call(phalaWrappedBalances.call('unwrapAll'), person())],
    send: [3, () => { const who = person(); return call(assets.call('transfer', { id: WPHA_ASSET_ID, target: { kind: 'Id', value: person() }, amount: amountOf(balance(who)) }), who) }],
    contribute: [14, () => { const who = person(); return call(stake.call('contribute', { pid: pick(STAKE_POOLS), amount: amountOf(balance(who)), asVault: undefined }), who) }],
    contributeAsVault: [7, () => { const asVault = pick(VAULTS); return call(stake.call('contribute', { pid: pick(STAKE_POOLS), amount: amountOf(free(asVault)), asVault }), owner(asVault)) }],
    contributeToVault: [8, () => { const who = person(); return call(vault.call('contribute', { pid: pick(VAULTS), amount: amountOf(balance(who)) }), who) }],
    withdraw: [12, (world) => { const [who, pid] = [person(), pick(STAKE_POOLS)]; return call(stake.call('withdraw', { pid, shares: amountOf(sharesOf(world, pid, who)), asVault: undefined }), who) }],
    withdrawAsVault: [6, (world) => {
      const [asVault, pid] = [pick(VAULTS), pick(STAKE_POOLS)]
      return call(stake.call('withdraw', { pid, shares: amountOf(sharesOf(world, pid, base(asVault)?.poolAccountId as Uint8Array)), asVault }), owner(asVault))
    }],
    withdrawFromVault: [7, (world) => { const [who, pid] = [person(), pick(VAULTS)]; return call(vault.call('withdraw', { pid, shares: amountOf(sharesOf(world, pid, who)) }), who) }],
    start: [6, () => { const one = worker(); return call(stake.call('startComputing', { ...one, stake: amountOf(free(one.pid) < 20_000n * UNIT ? free(one.pid) : 20_000n * UNIT) }), owner(one.pid)) }],
    stop: [2, () => { const one = worker(); return call(stake.call('stopComputing', one), owner(one.pid)) }],
    reclaim: [4, () => call(stake.call('reclaimPoolWorker', worker()), person())],
    restart: [2, () => {
      const one = worker()
      const held = stakes.get(ctx, sessionAccount(ctx, one.pid, one.worker)) ?? 0n
      return call(stake.call('restartComputing', { ...one, stake: held + amountOf(free(one.pid) / 10n) }), owner(one.pid))
    }],
    checkPool: [2, () => call(stake.call('checkAndMaybeForceWithdraw', { pid: pick(STAKE_POOLS) }), person())],
    checkVault: [2, () => call(vault.call('checkAndMaybeForceWithdraw', { vaultPid: pick(VAULTS) }), person())],
    commission: [1, () => { const pid = pick(STAKE_POOLS); return call(stake.call('setPayoutPref', { pid, payoutCommission: choose(1_000_002) }), owner(pid)) }],
    vaultCommission: [1, () => { const pid = pick(VAULTS); return call(vault.call('setPayoutPref', { pid, payoutCommission: choose(1_000_002) }), owner(pid)) }],
    ownerRewards: [1, () => { const pid = pick(STAKE_POOLS); return call(stake.call('claimOwnerRewards', { pid, target: person() }), owner(pid)) }],
    gainShares: [2, () => { const pid = pick(VAULTS); return call(vault.call('maybeGainOwnerShares', { vaultPid: pid }), owner(pid)) }],
    claimShares: [1, () => {
      const vaultPid = pick(VAULTS)
      const pool = pools.get(ctx, vaultPid)
      return call(vault.call('claimOwnerShares', { vaultPid, target: person(), shares: amountOf(pool?.kind === 'Vault' ? pool.value.ownerShares : 0n) }), owner(vaultPid))
    }],
    unbind: [1, () => { const one = worker(); return call(phalaComputation.call('unbind', { session: sessionAccount(ctx, one.pid, one.worker) }), owner(one.pid)) }],
    addWorker: [2, () => { const one = worker(); return call(stake.call('addWorker', { pid: one.pid, pubkey: one.worker }), owner(one.pid)) }],
    payOwed: [1, () => call(stake.call('payOwedReward', { pid: pick(STAKE_POOLS) }), person())],
    reward: [10, () => {
      const payout = balanceToFixed(amountOf(200n * UNIT))
      stakePoolListener.onReward?.(ctx, [{ pubkey: worker().worker, v: 0n, payout, treasury: 0n }])
      return true
    }],
    slash: [2, () => {
      const one = worker()
      const session = sessionAccount(ctx, one.pid, one.worker)
      const held = stakes.get(ctx, session)
      if (held === undefined) return false
      const amount = choose(50) === 0 ? held : held / BigInt(2 + choose(1000))
      stakes.set(ctx, session, held - amount)
      stakePoolListener.onSlashed?.(ctx, { session, worker: one.worker, amount })
      return true
    }],
    wait: [3, () => { const seconds = BigInt(choose(700_000)); now.mutate(ctx, (ms) => ms + seconds * 1000n); return true }],
    gift: [1, () => { const who = person(); return call(assets.call('transfer', { id: WPHA_ASSET_ID, target: { kind: 'Id', value: base(pick(STAKE_POOLS))?.poolAccountId as Uint8Array }, amount: amountOf(balance(who) / 1000n) }), who) }],
    drain: [1, () => {
      const { free: left } = account.get(ctx, SUBSIDY_ACCOUNT).data
      const value = left - 20_000_000_000n
      return value > 0n && call(balances.call('forceTransfer', { source: { kind: 'Id', value: SUBSIDY_ACCOUNT }, dest: { kind: 'Id', value: person() }, value }), undefined)
    }],
    refill: [2, () => { const who = person(); return call(balances.call('transferKeepAlive', { dest: { kind: 'Id', value: SUBSIDY_ACCOUNT }, value: account.get(ctx, who).data.free / 4n }), who) }],
  }
  const wheel = Object.entries(acts).flatMap(([name, [weight]]) => Array.from({ length: weight }, () => name))
  if (wheel.length < CALL_WEIGHTS_MAX) throw new RangeError('the weights are parts of a hundred or more')

  const tally = new Map<string, { tried: number; done: number }>()
  let world = observe(ctx, people)
  for (let step = 0; step < options.actions; step++) {
    options.fault?.(ctx, step)
    const kind = pick(wheel)
    const act = acts[kind]?.[1] as (world: World) => boolean
    const events = eventsSoFar(ctx).length
    const done = act(world)
    const after = observe(ctx, people, world)
    const told: readonly RuntimeEvent[] = eventsSoFar(ctx).slice(events)
    check(ctx, { kind: `${step} ${kind}`, gift: kind === 'gift' } satisfies Deed, world, after, told, ENDOWMENT)
    world = after
    const counted = tally.get(kind) ?? { tried: 0, done: 0 }
    tally.set(kind, { tried: counted.tried + 1, done: counted.done + (done ? 1 : 0) })
    if ((step + 1) % EPOCH > 0) continue
    const isFull = (step + 1) % (EPOCH * 20) === 0
    if (isFull) for (const { pallet } of parts.pallets) pallet.tryState?.(pallet.in(ctx))
    state.apply(ctx.storage.changes())
    open()
    world = observe(ctx, people)
  }
  return tally
}
