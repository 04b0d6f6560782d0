/** Owns the consumer references of accounts: an account that something depends on cannot be removed. Balances decides on birth and death. */
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
