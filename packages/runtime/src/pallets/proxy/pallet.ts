/** Owns Proxy: accounts that act for others, at once or after an announcement, and accounts without a key that only proxies control. */
import { assert } from '@phalanx/primitives/assert'
import { bytesEqual, concatBytes, toHex, utf8 } from '@phalanx/primitives/bytes'
import { AccountId, Hash, MultiAddress } from '@phalanx/primitives/chain'
import { compactU32, option, u128, u16, u32 } from '@phalanx/primitives/codec'
import type { Context, RuntimeCall } from '../../frame/context.ts'
import { DISPATCH_OK, DispatchResult } from '../../frame/dispatch-error.ts'
import { lookup } from '../../frame/lookup.ts'
import { ensureSigned, signed, type Origin } from '../../frame/origin.ts'
import { constant, declarePallet, lateArgs, type ContextOf, type WeightTools } from '../../frame/pallet.ts'
import { addWeights, weigh, writes, type Weight } from '../../frame/weight.ts'
import { balanceOf } from '../balances/account.ts'
import { reserve, unreserve } from '../balances/currency.ts'
import { balancesParts } from '../balances/declaration.ts'
import { filterOf } from './filters.ts'
import * as storage from './storage.ts'
import { ProxyType, type Announcement, type ProxyDefinition } from './storage.ts'

const CENT = 10_000_000_000n
const PROXY_DEPOSIT = { base: 20n * CENT, factor: CENT } as const
const ANNOUNCEMENT_DEPOSIT = { base: 20n * CENT, factor: 2n * CENT } as const

const proxyFields = { delegator: AccountId, delegatee: AccountId, proxyType: ProxyType, delay: u32 } as const

const parts = declarePallet({
  name: 'Proxy',
  crate: 'pallet_proxy',
  doc: 'Accounts that act for others.',
  storage,
  events: {
    ProxyExecuted: { index: 0, doc: 'A proxy made a call.', fields: { result: DispatchResult } },
    PureCreated: { index: 1, doc: 'An account without a key was created.', fields: { pure: AccountId, who: AccountId, proxyType: ProxyType, disambiguationIndex: u16 } },
    Announced: { index: 2, doc: 'A proxy announced a call.', fields: { real: AccountId, proxy: AccountId, callHash: Hash } },
    ProxyAdded: { index: 3, doc: 'An account has one more proxy.', fields: proxyFields },
    ProxyRemoved: { index: 4, doc: 'An account has one proxy less.', fields: proxyFields },
  },
  errors: {
    TooMany: { index: 0, doc: 'There are too many proxies or announcements.' },
    NotFound: { index: 1, doc: 'There is no such proxy or announcement.' },
    NotProxy: { index: 2, doc: 'The sender is not a proxy of the account.' },
    Duplicate: { index: 4, doc: 'The account has this proxy already.' },
    NoPermission: { index: 5, doc: 'The call may not be made because it would escalate privileges.' },
    Unannounced: { index: 6, doc: 'The call was not announced long enough ago.' },
    NoSelfProxy: { index: 7, doc: 'An account cannot be its own proxy.' },
  },
  constants: {
    ProxyDepositBase: constant(u128, PROXY_DEPOSIT.base, 'Deposit for having proxies at all.'),
    ProxyDepositFactor: constant(u128, PROXY_DEPOSIT.factor, 'Deposit per proxy.'),
    MaxProxies: constant(u32, storage.PROXIES_MAX, 'Most proxies of an account.'),
    MaxPending: constant(u32, storage.PENDING_MAX, 'Most announcements of a proxy that wait.'),
    AnnouncementDepositBase: constant(u128, ANNOUNCEMENT_DEPOSIT.base, 'Deposit for having announcements at all.'),
    AnnouncementDepositFactor: constant(u128, ANNOUNCEMENT_DEPOSIT.factor, 'Deposit per announcement.'),
  },
})
type ProxyContext = ContextOf<typeof parts>

const depositFor = ({ base, factor }: { readonly base: bigint; readonly factor: bigint }, count: number): bigint => (count === 0 ? 0n : base + factor * BigInt(count))

/** Reserves or frees the difference between two deposits. */
const adjustDeposit = (ctx: Context, who: AccountId, deposit: { readonly before: bigint; readonly after: bigint }): void => {
  const balances = balancesParts.in(ctx)
  if (deposit.after > deposit.before) reserve(balances, who, deposit.after - deposit.before)
  if (deposit.after < deposit.before) unreserve(balances, who, deposit.before - deposit.after)
}

const setProxies = (ctx: ProxyContext, who: AccountId, list: readonly ProxyDefinition[]): void => {
  const [, before] = storage.proxies.get(ctx, who)
  const after = depositFor(PROXY_DEPOSIT, list.length)
  adjustDeposit(ctx, who, { before, after })
  if (list.length === 0) storage.proxies.remove(ctx, who)
  else storage.proxies.set(ctx, who, [list, after])
}

const setAnnouncements = (ctx: ProxyContext, who: AccountId, list: readonly Announcement[]): void => {
  const [, before] = storage.announcements.get(ctx, who)
  const after = depositFor(ANNOUNCEMENT_DEPOSIT, list.length)
  adjustDeposit(ctx, who, { before, after })
  if (list.length === 0) storage.announcements.remove(ctx, who)
  else storage.announcements.set(ctx, who, [list, after])
}

const sameProxy = (a: ProxyDefinition, b: ProxyDefinition): boolean =>
  bytesEqual(a.delegate, b.delegate) && a.proxyType.kind === b.proxyType.kind && a.delay === b.delay

const findProxy = (ctx: ProxyContext, claim: { readonly real: AccountId; readonly delegate: AccountId; readonly forced: ProxyType | undefined }): ProxyDefinition =>
  storage.proxies.get(ctx, claim.real)[0].find(({ delegate, proxyType }) =>
    bytesEqual(delegate, claim.delegate) && (claim.forced === undefined || claim.forced.kind === proxyType.kind)) ?? ctx.fail('NotProxy')

/** Removes the announcements that `matches`; fails with `error` where there is none. */
const dropAnnouncements = (ctx: ProxyContext, who: AccountId, matches: (announcement: Announcement) => boolean, error: 'NotFound' | 'Unannounced'): void => {
  const [list] = storage.announcements.get(ctx, who)
  const kept = list.filter((announcement) => !matches(announcement))
  if (kept.length === list.length) ctx.fail(error)
  setAnnouncements(ctx, who, kept)
}

const execute = (ctx: ProxyContext, origin: Origin, definition: ProxyDefinition, job: { readonly real: AccountId; readonly call: RuntimeCall }): void => {
  const outcome = ctx.runtime.dispatch(ctx, job.call, { ...signed(job.real), filter: filterOf(definition, origin.filter) })
  ctx.emit('ProxyExecuted', { result: outcome.ok ? DISPATCH_OK : { ok: false, error: outcome.error } })
}

/** Account without a key, made by `who` in an extrinsic of a block. */
export const pureAccount = (
  ctx: Pick<Context, 'crypto'>, who: AccountId,
  origin: { readonly height: number; readonly extrinsicIndex: number; readonly proxyType: ProxyType; readonly index: number },
): AccountId =>
  ctx.crypto.blake2b256(concatBytes(
    utf8('modlpy/proxy____'), who, u32.encode(origin.height), u32.encode(origin.extrinsicIndex), ProxyType.encode(origin.proxyType), u16.encode(origin.index)))

const extrinsicIndex = (ctx: Context): number => (ctx.block.phase.kind === 'ApplyExtrinsic' ? ctx.block.phase.value : 0)

const CHANGE = writes(2)
const innerWeight = ({ call }: { readonly call: RuntimeCall }, tools: WeightTools): Weight => addWeights(weigh({ reads: 2, writes: 1 }), tools.callInfo(call).weight)
const innerClass = ({ call }: { readonly call: RuntimeCall }, tools: WeightTools) => tools.callInfo(call).class

/** Proxy, index 34. */
export const proxy = parts.withCalls({
  proxy: {
    index: 0, doc: 'Make a call for an account as its proxy.', weight: innerWeight, class: innerClass,
    args: lateArgs(({ RuntimeCall }) => ({ real: MultiAddress, forceProxyType: option(ProxyType), call: RuntimeCall })),
    dispatch(ctx, origin, args) {
      const delegate = ensureSigned(origin)
      const real = lookup(args.real)
      const definition = findProxy(ctx, { real, delegate, forced: args.forceProxyType })
      if (definition.delay > 0) ctx.fail('Unannounced')
      execute(ctx, origin, definition, { real, call: args.call })
    },
  },
  addProxy: {
    index: 1, doc: 'Let another account act for the sender.', weight: CHANGE, args: { delegate: MultiAddress, proxyType: ProxyType, delay: u32 },
    dispatch(ctx, origin, { proxyType, delay, ...args }) {
      const delegator = ensureSigned(origin)
      const delegate = lookup(args.delegate)
      if (bytesEqual(delegator, delegate)) ctx.fail('NoSelfProxy')
      const [list] = storage.proxies.get(ctx, delegator)
      const definition = { delegate, proxyType, delay }
      if (list.some((other) => sameProxy(other, definition))) ctx.fail('Duplicate')
      if (list.length >= storage.PROXIES_MAX) ctx.fail('TooMany')
      setProxies(ctx, delegator, [...list, definition])
      ctx.emit('ProxyAdded', { delegator, delegatee: delegate, proxyType, delay })
    },
  },
  removeProxy: {
    index: 2, doc: 'No longer let another account act for the sender.', weight: CHANGE, args: { delegate: MultiAddress, proxyType: ProxyType, delay: u32 },
    dispatch(ctx, origin, { proxyType, delay, ...args }) {
      const delegator = ensureSigned(origin)
      const delegate = lookup(args.delegate)
      const [list] = storage.proxies.get(ctx, delegator)
      const kept = list.filter((other) => !sameProxy(other, { delegate, proxyType, delay }))
      if (kept.length === list.length) ctx.fail('NotFound')
      setProxies(ctx, delegator, kept)
      ctx.emit('ProxyRemoved', { delegator, delegatee: delegate, proxyType, delay })
    },
  },
  removeProxies: {
    index: 3, doc: 'Remove all proxies of the sender. An account without a key is lost by this.', weight: CHANGE, args: {},
    dispatch(ctx, origin) {
      setProxies(ctx, ensureSigned(origin), [])
    },
  },
  createPure: {
    index: 4, doc: 'Create an account without a key; the sender becomes its proxy.', weight: CHANGE, args: { proxyType: ProxyType, delay: u32, index: u16 },
    dispatch(ctx, origin, { proxyType, delay, index }) {
      const who = ensureSigned(origin)
      const pure = pureAccount(ctx, who, { height: ctx.block.number, extrinsicIndex: extrinsicIndex(ctx), proxyType, index })
      if (storage.proxies.has(ctx, pure)) ctx.fail('Duplicate')
      const deposit = depositFor(PROXY_DEPOSIT, 1)
      reserve(balancesParts.in(ctx), who, deposit)
      storage.proxies.set(ctx, pure, [[{ delegate: who, proxyType, delay }], deposit])
      ctx.emit('PureCreated', { pure, who, proxyType, disambiguationIndex: index })
    },
  },
  killPure: {
    index: 5, doc: 'Remove an account without a key; what it holds is lost. Call it as that account.', weight: CHANGE,
    args: { spawner: MultiAddress, proxyType: ProxyType, index: u16, height: compactU32, extIndex: compactU32 },
    dispatch(ctx, origin, { proxyType, index, height, extIndex, ...args }) {
      const who = ensureSigned(origin)
      const spawner = lookup(args.spawner)
      if (!bytesEqual(who, pureAccount(ctx, spawner, { height, extrinsicIndex: extIndex, proxyType, index }))) ctx.fail('NoPermission')
      const [, deposit] = storage.proxies.take(ctx, who)
      unreserve(balancesParts.in(ctx), spawner, deposit)
    },
  },
  announce: {
    index: 6, doc: 'Announce a call that the sender will make as a proxy.', weight: CHANGE, args: { real: MultiAddress, callHash: Hash },
    dispatch(ctx, origin, { callHash, ...args }) {
      const who = ensureSigned(origin)
      const real = lookup(args.real)
      findProxy(ctx, { real, delegate: who, forced: undefined })
      const [list] = storage.announcements.get(ctx, who)
      if (list.length >= storage.PENDING_MAX) ctx.fail('TooMany')
      setAnnouncements(ctx, who, [...list, { real, callHash, height: ctx.block.number }])
      ctx.emit('Announced', { real, proxy: who, callHash })
    },
  },
  removeAnnouncement: {
    index: 7, doc: 'Take an announcement back.', weight: CHANGE, args: { real: MultiAddress, callHash: Hash },
    dispatch(ctx, origin, { callHash, ...args }) {
      const real = lookup(args.real)
      dropAnnouncements(ctx, ensureSigned(origin), (one) => bytesEqual(one.real, real) && bytesEqual(one.callHash, callHash), 'NotFound')
    },
  },
  rejectAnnouncement: {
    index: 8, doc: 'Refuse what a proxy of the sender announced.', weight: CHANGE, args: { delegate: MultiAddress, callHash: Hash },
    dispatch(ctx, origin, { callHash, delegate }) {
      const real = ensureSigned(origin)
      dropAnnouncements(ctx, lookup(delegate), (one) => bytesEqual(one.real, real) && bytesEqual(one.callHash, callHash), 'NotFound')
    },
  },
  proxyAnnounced: {
    index: 9, doc: 'Make an announced call. Anyone may.', weight: innerWeight, class: innerClass,
    args: lateArgs(({ RuntimeCall }) => ({ delegate: MultiAddress, real: MultiAddress, forceProxyType: option(ProxyType), call: RuntimeCall })),
    dispatch(ctx, origin, { forceProxyType, call, ...args }) {
      ensureSigned(origin)
      const [delegate, real] = [lookup(args.delegate), lookup(args.real)]
      const definition = findProxy(ctx, { real, delegate, forced: forceProxyType })
      const callHash = ctx.crypto.blake2b256(ctx.runtime.RuntimeCall.encode(call))
      const isDue = ({ height }: Announcement): boolean => ctx.block.number - height >= definition.delay
      dropAnnouncements(ctx, delegate, (one) => bytesEqual(one.real, real) && bytesEqual(one.callHash, callHash) && isDue(one), 'Unannounced')
      execute(ctx, origin, definition, { real, call })
    },
  },
}, {
  tryState(ctx) {
    for (const [[who], [list]] of storage.proxies.entries(ctx)) assert(list.length > 0, `${toHex(who)} has proxies or no entry`)
    for (const [[who], [list, deposit]] of storage.announcements.entries(ctx)) {
      assert(list.length > 0 && deposit <= balanceOf(balancesParts.in(ctx), who).reserved, `${toHex(who)} holds the deposit of its announcements`)
    }
  },
})
