/** Owns the life of accounts: reference counts, birth and death. An account lives while something provides for it. */
import type { Context } from '../../frame/context.ts'
import { failWith } from '../../frame/dispatch-error.ts'
import { account } from './storage.ts'
import type { AccountInfo } from './types.ts'

/** Most things that may depend on one account. */
export const CONSUMERS_MAX = 16

const announce = (ctx: Context, event: 'NewAccount' | 'KilledAccount', who: Uint8Array): void => {
  const system = ctx.scope('System') as unknown as { emit(name: string, value: unknown): void }
  system.emit(event, { account: who })
}

/** Whether the account exists. */
export const accountExists = (ctx: Context, who: Uint8Array): boolean => account.has(ctx, who)

/** One more reason for the account to exist. */
export const incProviders = (ctx: Context, who: Uint8Array): void => {
  const info = account.get(ctx, who)
  account.set(ctx, who, { ...info, providers: info.providers + 1 })
  if (info.providers === 0 && info.sufficients === 0) announce(ctx, 'NewAccount', who)
}

/** One reason fewer; the last one removes the account. Fails with ConsumerRemaining while something depends on it. */
export const decProviders = (ctx: Context, who: Uint8Array): 'reaped' | 'exists' => {
  const info = account.get(ctx, who)
  if (info.providers <= 1 && info.sufficients === 0) {
    if (info.consumers > 0) failWith({ kind: 'ConsumerRemaining' })
    account.remove(ctx, who)
    announce(ctx, 'KilledAccount', who)
    return 'reaped'
  }
  account.set(ctx, who, { ...info, providers: Math.max(0, info.providers - 1) })
  return 'exists'
}

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
