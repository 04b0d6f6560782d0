/** Owns the calls of PhalaWrappedBalances (stakepool.md section 8) and its genesis: wrapped PHA exists from the first block on. */
import { assert } from '@phalanx/primitives/assert'
import { utf8 } from '@phalanx/primitives/bytes'
import { u128, u32 } from '@phalanx/primitives/codec'
import { jsonBigint, jsonDefault, jsonObject } from '../../frame/json.ts'
import { ensureSigned } from '../../frame/origin.ts'
import { weigh, writes } from '../../frame/weight.ts'
import { assetsParts } from '../assets/declaration.ts'
import { createAsset } from '../assets/movement.ts'
import { asset, metadata } from '../assets/storage.ts'
import { EXISTENTIAL_DEPOSIT } from '../balances/declaration.ts'
import { totalIssuance } from '../balances/storage.ts'
import { account as systemAccount } from '../system/storage.ts'
import { wrappedParts, type WrappedContext } from './declaration.ts'
import { ensureStaker, netValue } from './net-value.ts'
import { DEMOCRACY, type Referenda } from './referenda.ts'
import { stakerAccounts, unmintableDust, WPHA_ACCOUNT, WPHA_ASSET_ID } from './storage.ts'
import { unlock, vote } from './votes.ts'
import { burnWpha, payOutOfReserve, wphaBalance, wphaMinimum, wrap } from './wpha.ts'

const DECIMALS = 12
/** Least balance of wrapped PHA on our chains: 0.0001 PHA. */
const MIN_BALANCE = 100_000_000n
const VALUE_WEIGHT = weigh({ reads: 40, writes: 6 })
const UNLOCK_WEIGHT = ({ maxIterations }: { readonly maxIterations: number }) => writes(4 * Math.min(maxIterations, 100))

/** What of an account's wrapped PHA votes leave free. */
const unlockedOf = (ctx: WrappedContext, who: Uint8Array): bigint => {
  const { locked } = stakerAccounts.get(ctx, who) ?? ctx.fail('StakerAccountNotFound')
  const value = netValue(ctx, who)
  const [free, unlocked] = [wphaBalance(ctx, who), value > locked ? value - locked : 0n]
  return free < unlocked ? free : unlocked
}

const unwrap = (ctx: WrappedContext, who: Uint8Array, amount: bigint): void => {
  const rest = burnWpha(ctx, who, amount)
  if (rest > 0n) ctx.emit('DustRemoved', { user: who, amount: rest })
  payOutOfReserve(ctx, who, amount)
}

/** PhalaWrappedBalances over the chain's referenda. */
export const createWrappedBalances = (referenda: Referenda) => wrappedParts.withCalls({
  wrap: {
    index: 0, doc: 'Wrap PHA, one for one.', weight: writes(5), args: { amount: u128 },
    dispatch(ctx, origin, { amount }) {
      const user = ensureSigned(origin)
      wrap(ctx, user, amount)
      ensureStaker(ctx, user)
      ctx.emit('Wrapped', { user, amount })
    },
  },
  unwrapAll: {
    index: 1, doc: 'Unwrap all that is free.', weight: VALUE_WEIGHT, args: {},
    dispatch(ctx, origin) {
      const user = ensureSigned(origin)
      const amount = unlockedOf(ctx, user)
      if (amount > 0n) unwrap(ctx, user, amount)
    },
  },
  unwrap: {
    index: 2, doc: 'Unwrap PHA, one for one. What would be left below the minimum goes along.', weight: VALUE_WEIGHT, args: { amount: u128 },
    dispatch(ctx, origin, { amount: asked }) {
      const user = ensureSigned(origin)
      const free = unlockedOf(ctx, user)
      if (asked > free) ctx.fail('UnwrapAmountExceedsAvaliableStake')
      const rest = wphaBalance(ctx, user) - asked
      const amount = rest < wphaMinimum(ctx) && asked + rest <= free ? asked + rest : asked
      if (amount > 0n) unwrap(ctx, user, amount)
      ctx.emit('Unwrapped', { user, amount })
    },
  },
  vote: {
    index: 3, doc: 'Vote with wrapped and delegated PHA.', weight: VALUE_WEIGHT, args: { ayeAmount: u128, nayAmount: u128, voteId: u32 },
    dispatch(ctx, origin, { ayeAmount, nayAmount, voteId }) {
      vote(ctx, referenda, ensureSigned(origin), { referendum: voteId, aye: ayeAmount, nay: nayAmount })
    },
  },
  unlock: {
    index: 4, doc: 'Free what votes in a referendum that is over kept. Anyone may.', weight: UNLOCK_WEIGHT, args: { voteId: u32, maxIterations: u32 },
    dispatch(ctx, origin, { voteId, maxIterations }) {
      ensureSigned(origin)
      unlock(ctx, referenda, { referendum: voteId, max: maxIterations })
    },
  },
}, {
  genesis: {
    shape: jsonObject({ minBalance: jsonDefault(jsonBigint(128), MIN_BALANCE), endowment: jsonDefault(jsonBigint(128), EXISTENTIAL_DEPOSIT) }),
    empty: { minBalance: MIN_BALANCE, endowment: EXISTENTIAL_DEPOSIT },
    build(ctx, { minBalance, endowment }) {
      createAsset(assetsParts.in(ctx), WPHA_ASSET_ID, { owner: WPHA_ACCOUNT, minBalance, isSufficient: true, deposit: 0n })
      metadata.set(ctx, WPHA_ASSET_ID, { deposit: 0n, name: utf8('Wrapped PHA'), symbol: utf8('W-PHA'), decimals: DECIMALS, isFrozen: false })
      if (endowment === 0n) return
      const info = systemAccount.get(ctx, WPHA_ACCOUNT)
      systemAccount.set(ctx, WPHA_ACCOUNT, { ...info, providers: 1, data: { ...info.data, free: info.data.free + endowment } })
      totalIssuance.mutate(ctx, (issuance) => issuance + endowment)
    },
  },
  tryState(ctx) {
    const reserve = systemAccount.get(ctx, WPHA_ACCOUNT).data.free
    const supply = asset.get(ctx, WPHA_ASSET_ID)?.supply ?? 0n
    assert(reserve >= supply + unmintableDust.get(ctx), 'the reserve stands behind all wrapped PHA and its dust')
  },
})

/** PhalaWrappedBalances, index 46. */
export const phalaWrappedBalances = createWrappedBalances(DEMOCRACY)
