/** Owns Sudo: one account that acts as root, until it is removed. For chains whose genesis is marked as simulated; others are governed by their council. */
import { bytesEqual } from '@phalanx/primitives/bytes'
import { AccountId, MultiAddress } from '@phalanx/primitives/chain'
import { option } from '@phalanx/primitives/codec'
import { AppError } from '@phalanx/primitives/errors'
import { DISPATCH_OK, DispatchResult } from '../../frame/dispatch-error.ts'
import type { DispatchOutcome } from '../../frame/context.ts'
import { jsonAccount, jsonObject, jsonOptional } from '../../frame/json.ts'
import { lookup } from '../../frame/lookup.ts'
import { ensureSigned, ROOT, signed, type Origin } from '../../frame/origin.ts'
import { declarePallet, lateArgs, type ContextOf } from '../../frame/pallet.ts'
import { addWeights, weigh, Weight } from '../../frame/weight.ts'
import * as storage from './storage.ts'

const parts = declarePallet({
  name: 'Sudo',
  crate: 'pallet_sudo',
  doc: 'A key that acts as root. Development chains only.',
  storage,
  events: {
    Sudid: { index: 0, doc: 'A call was made as root.', fields: { sudoResult: DispatchResult } },
    KeyChanged: { index: 1, doc: 'The key changed hands.', fields: { old: option(AccountId), new: AccountId } },
    KeyRemoved: { index: 2, doc: 'Nobody can act as root any more.' },
    SudoAsDone: { index: 3, doc: 'A call was made on behalf of another account.', fields: { sudoResult: DispatchResult } },
  },
  errors: { RequireSudo: { index: 0, doc: 'Only the sudo key may do this.' } },
})

const ensureSudo = (ctx: ContextOf<typeof parts>, origin: Origin): AccountId => {
  const who = ensureSigned(origin)
  const key = storage.key.get(ctx)
  if (key === undefined || !bytesEqual(key, who)) ctx.fail('RequireSudo')
  return who
}

const resultOf = (outcome: DispatchOutcome): DispatchResult => (outcome.ok ? DISPATCH_OK : { ok: false, error: outcome.error })
const OWN = weigh({ reads: 1 })
const carried = { args: lateArgs(({ RuntimeCall }) => ({ call: RuntimeCall })) }

/** Sudo, index 22. */
export const sudo = parts.withCalls({
  sudo: {
    index: 0, doc: 'Make a call as root. Sudo key only; free.', ...carried,
    weight: ({ call }, tools) => addWeights(OWN, tools.callInfo(call).weight), class: ({ call }, tools) => tools.callInfo(call).class,
    dispatch(ctx, origin, { call }) {
      ensureSudo(ctx, origin)
      ctx.emit('Sudid', { sudoResult: resultOf(ctx.runtime.dispatchUnfiltered(ctx, call, ROOT)) })
      return { paysFee: false }
    },
  },
  sudoUncheckedWeight: {
    index: 1, doc: 'Make a call as root that counts with the given weight. Sudo key only; free.',
    args: lateArgs(({ RuntimeCall }) => ({ call: RuntimeCall, weight: Weight })),
    weight: ({ weight }) => weight, class: ({ call }, tools) => tools.callInfo(call).class,
    dispatch(ctx, origin, { call }) {
      ensureSudo(ctx, origin)
      ctx.emit('Sudid', { sudoResult: resultOf(ctx.runtime.dispatchUnfiltered(ctx, call, ROOT)) })
      return { paysFee: false }
    },
  },
  setKey: {
    index: 2, doc: 'Hand the key to another account. Sudo key only; free.', args: { new: MultiAddress }, weight: weigh({ reads: 1, writes: 1 }),
    dispatch(ctx, origin, args) {
      const old = ensureSudo(ctx, origin)
      const next = lookup(args.new)
      storage.key.set(ctx, next)
      ctx.emit('KeyChanged', { old, new: next })
      return { paysFee: false }
    },
  },
  sudoAs: {
    index: 3, doc: 'Make a call on behalf of any account. Sudo key only; free.', args: lateArgs(({ RuntimeCall }) => ({ who: MultiAddress, call: RuntimeCall })),
    weight: ({ call }, tools) => addWeights(OWN, tools.callInfo(call).weight), class: ({ call }, tools) => tools.callInfo(call).class,
    dispatch(ctx, origin, { who, call }) {
      ensureSudo(ctx, origin)
      ctx.emit('SudoAsDone', { sudoResult: resultOf(ctx.runtime.dispatchUnfiltered(ctx, call, signed(lookup(who)))) })
      return { paysFee: false }
    },
  },
  removeKey: {
    index: 4, doc: 'Give the key up for ever. Sudo key only; free.', args: {}, weight: weigh({ reads: 1, writes: 1 }),
    dispatch(ctx, origin) {
      ensureSudo(ctx, origin)
      storage.key.remove(ctx)
      ctx.emit('KeyRemoved')
      return { paysFee: false }
    },
  },
}, {
  genesis: {
    shape: jsonObject({ key: jsonOptional(jsonAccount) }),
    build(ctx, { key }, chain) {
      if (key === undefined) return
      if (!chain.simulated) throw new AppError('CHAIN_SPEC_DEVELOPMENT_ONLY', { field: 'sudo.key' })
      storage.key.set(ctx, key)
    },
  },
})
