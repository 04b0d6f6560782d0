/** Owns the change of one account's balances: existence, reference counts, dust. Everything that moves tokens goes through here. */
import { failArithmetic, failToken, failWith } from '../../frame/dispatch-error.ts'
import { canDecProvider, CONSUMERS_MAX } from '../system/accounts.ts'
import { account } from '../system/storage.ts'
import type { AccountData, AccountInfo } from '../system/types.ts'
import { EXISTENTIAL_DEPOSIT, type BalancesContext } from './declaration.ts'
import { totalIssuance } from './storage.ts'

const U128_MAX = (1n << 128n) - 1n

/** Sum that must fit 128 bits; fails with Overflow. */
export const checkedAdd = (a: bigint, b: bigint): bigint => (a + b > U128_MAX ? failArithmetic('Overflow') : a + b)

/** Balances of an account. */
export const balanceOf = (ctx: BalancesContext, who: Uint8Array): AccountData => account.get(ctx, who).data

/** Free and reserved together. */
export const totalBalance = (ctx: BalancesContext, who: Uint8Array): bigint => {
  const { free, reserved } = balanceOf(ctx, who)
  return free + reserved
}

const systemEvent = (ctx: BalancesContext, name: 'NewAccount' | 'KilledAccount', who: Uint8Array): void => {
  const system = ctx.scope('System') as unknown as { emit(event: string, value: unknown): void }
  system.emit(name, { account: who })
}

const provides = (data: AccountData): boolean => data.free >= EXISTENTIAL_DEPOSIT
const consumes = (data: AccountData): boolean => data.reserved > 0n || data.frozen > 0n

const withConsumer = (info: AccountInfo, providers: number): number => {
  if (providers === 0) failWith({ kind: 'NoProviders' })
  if (info.consumers >= CONSUMERS_MAX) failWith({ kind: 'TooManyConsumers' })
  return info.consumers + 1
}

/**
 * Replaces the balances of an account. Creates it (a provider) when its free balance reaches the existential deposit, removes
 * it when it falls below; what is left below the deposit is lost. Fails with ConsumerRemaining where something depends on it.
 */
export const setBalances = (ctx: BalancesContext, who: Uint8Array, change: (data: AccountData) => AccountData): void => {
  const info = account.get(ctx, who)
  const before = info.data
  let data = change(before)
  const [did, does] = [provides(before), provides(data)]
  let { providers, consumers } = info
  const isBorn = does && !did && providers === 0 && info.sufficients === 0
  if (does && !did) providers++
  if (consumes(before) !== consumes(data)) consumers = consumes(data) ? withConsumer(info, providers) : Math.max(0, consumers - 1)
  const dust = data.reserved === 0n && !does ? data.free : 0n
  if (dust > 0n) data = { ...data, free: 0n }
  let isDead = false
  if (did && !does) {
    if (providers <= 1 && info.sufficients === 0) {
      if (consumers > 0) failWith({ kind: 'ConsumerRemaining' })
      isDead = true
    } else providers--
  }
  if (isDead) account.remove(ctx, who)
  else if (providers > 0 || info.sufficients > 0 || did) account.set(ctx, who, { ...info, providers, consumers, data })
  if (isBorn) {
    systemEvent(ctx, 'NewAccount', who)
    ctx.emit('Endowed', { account: who, freeBalance: data.free })
  }
  if (isDead) systemEvent(ctx, 'KilledAccount', who)
  if (dust > 0n) {
    totalIssuance.mutate(ctx, (issuance) => issuance - dust)
    ctx.emit('DustLost', { account: who, amount: dust })
  }
}

/** What must survive a withdrawal: nothing, or the account. */
export type Preservation = 'Expendable' | 'Preserve'

/** How much of the free balance may leave. */
const reducible = (info: AccountInfo, preservation: Preservation): bigint => {
  const { free, reserved, frozen } = info.data
  let untouchable = frozen > reserved ? frozen - reserved : 0n
  const keepsAlive = preservation === 'Preserve' || (free > 0n && !canDecProvider(info))
  if (keepsAlive && untouchable < EXISTENTIAL_DEPOSIT) untouchable = EXISTENTIAL_DEPOSIT
  return free > untouchable ? free - untouchable : 0n
}

/** How much of an account's free balance may leave. */
export const reducibleBalance = (ctx: BalancesContext, who: Uint8Array, preservation: Preservation): bigint =>
  reducible(account.get(ctx, who), preservation)

/** Takes tokens out of the free balance. The caller puts them somewhere or reduces the issuance. */
export const debit = (ctx: BalancesContext, who: Uint8Array, amount: bigint, preservation: Preservation): void => {
  if (amount === 0n) return
  const info = account.get(ctx, who)
  const { free } = info.data
  if (amount > free) failToken('FundsUnavailable')
  if (amount > reducible(info, 'Expendable')) failToken('Frozen')
  if (free - amount < EXISTENTIAL_DEPOSIT && preservation === 'Preserve') failToken('NotExpendable')
  if (amount > reducible(info, preservation)) failToken('FundsUnavailable')
  setBalances(ctx, who, (data) => ({ ...data, free: data.free - amount }))
}

/** Fails unless the account could take these tokens. */
export const assertCredit = (ctx: BalancesContext, who: Uint8Array, amount: bigint): void => {
  if (amount === 0n) return
  const { free, reserved } = balanceOf(ctx, who)
  checkedAdd(checkedAdd(free, amount), reserved)
  if (free + amount < EXISTENTIAL_DEPOSIT) failToken('BelowMinimum')
}

/** Puts tokens into the free balance. The caller took them from somewhere or raises the issuance. */
export const credit = (ctx: BalancesContext, who: Uint8Array, amount: bigint): void => {
  if (amount === 0n) return
  assertCredit(ctx, who, amount)
  setBalances(ctx, who, (data) => ({ ...data, free: data.free + amount }))
}
