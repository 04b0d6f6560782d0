/** Owns the references to accounts: consumers (what depends on one keeps it), and sufficients, which keep an account alive without native tokens. Balances decides on its own births and deaths. */
import type { Context } from '../../frame/context.ts'
import { failWith } from '../../frame/dispatch-error.ts'
import { account } from './storage.ts'
import type { AccountInfo } from './types.ts'

/** Most things that may depend on one account. */
export const CONSUMERS_MAX = 16

/** Something depends on the account from now on. Fails with NoProviders or TooManyConsumers. */
export const incConsumers = (ctx: Context, who: Uint8Array): void => {
  const info = account.get(ctx, who)
  if (info.providers === 0) failWith({ kind: 'NoProviders' })
  if (info.consumers >= CONSUMERS_MAX) failWith({ kind: 'TooManyConsumers' })
  account.set(ctx, who, { ...info, consumers: info.consumers + 1 })
}

/** Something no longer depends on the account. */
export const decConsumers = (ctx: Context, who: Uint8Array): void => {
  const info = account.get(ctx, who)
  account.set(ctx, who, { ...info, consumers: Math.max(0, info.consumers - 1) })
}

/** Whether losing a provider would leave consumers without one. */
export const canDecProvider = (info: AccountInfo): boolean => info.consumers === 0 || info.providers > 1

const announce = (ctx: Context, name: 'NewAccount' | 'KilledAccount', who: Uint8Array): void => {
  const system = ctx.scope('System') as unknown as { emit(event: string, value: unknown): void }
  system.emit(name, { account: who })
}

/** Something keeps the account alive by itself from now on, for example a balance of a sufficient asset. */
export const incSufficients = (ctx: Context, who: Uint8Array): void => {
  const info = account.get(ctx, who)
  account.set(ctx, who, { ...info, sufficients: info.sufficients + 1 })
  if (info.providers + info.sufficients === 0) announce(ctx, 'NewAccount', who)
}

/** It no longer does; an account that nothing else keeps is removed. */
export const decSufficients = (ctx: Context, who: Uint8Array): void => {
  const info = account.get(ctx, who)
  if (info.sufficients === 0) return
  if (info.providers > 0 || info.sufficients > 1) return account.set(ctx, who, { ...info, sufficients: info.sufficients - 1 })
  account.remove(ctx, who)
  announce(ctx, 'KilledAccount', who)
}
