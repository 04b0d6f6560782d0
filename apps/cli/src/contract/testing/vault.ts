/** A contract that another one makes, calls and is called back by, for tests on a worker's machine. */
import { AccountId, Balance, command, constructor, defineContract, defineStorage, query, u32, value, variant } from '@phalanx/sdk/contract'

const VaultError = variant('VaultError', { Locked: { index: 0 }, TooMuch: { index: 7, value: Balance } })

const kept = defineStorage({ keeper: value(AccountId), code: value(u32), isEmptied: value(u32, 0) })

export default defineContract({
  name: 'vault',
  storage: kept,
  constructors: {
    new: constructor({
      args: { code: u32 }, payable: true, errors: VaultError,
      run(ctx, { code }) {
        if (code === 0) return ctx.revert({ kind: 'Locked' })
        kept.keeper.set(ctx, ctx.caller)
        kept.code.set(ctx, code)
      },
    }),
  },
  messages: {
    take: command({
      args: { code: u32, amount: Balance }, returns: Balance, errors: VaultError,
      run(ctx, { code, amount }) {
        kept.isEmptied.set(ctx, kept.isEmptied.get(ctx) + 1)
        if (code !== kept.code.get(ctx)) return ctx.revert({ kind: 'Locked' })
        if (amount >= ctx.balance()) return ctx.revert({ kind: 'TooMuch', value: ctx.balance() })
        ctx.transfer({ to: ctx.caller, value: amount })
        return ctx.balance()
      },
    }),
    put: command({ payable: true, returns: Balance, run: (ctx) => ctx.value }),
    crash: command({ run() { throw new RangeError('as it was told') } }),
    end: command({ args: { to: AccountId }, run: (ctx, { to }) => ctx.terminate(to) }),
    takes: query({ returns: u32, run: (ctx) => kept.isEmptied.get(ctx) }),
  },
})
