/** Owns Utility: several calls as one, calls of derived accounts, calls under other origins. */
import { concatBytes, utf8 } from '@phalanx/primitives/bytes'
import type { AccountId } from '@phalanx/primitives/chain'
import { u16, u32, vecUpTo } from '@phalanx/primitives/codec'
import type { Crypto } from '@phalanx/primitives/crypto'
import type { Context, DispatchOutcome, RuntimeCall } from '../../frame/context.ts'
import { DISPATCH_OK, DispatchError, DispatchFailure, DispatchResult } from '../../frame/dispatch-error.ts'
import { ensureRoot, ensureSigned, type Origin } from '../../frame/origin.ts'
import { constant, declarePallet, lateArgs, type WeightTools } from '../../frame/pallet.ts'
import { addWeights, minWeight, weigh, Weight, ZERO_WEIGHT, type DispatchClassName } from '../../frame/weight.ts'
import { OriginCaller, toOrigin } from '../origin-caller.ts'

/** Most calls of one batch. */
export const BATCHED_CALLS_MAX = 10_922
/** Longer lists do not decode at all. */
const DECODED_CALLS_MAX = 2 * BATCHED_CALLS_MAX

const parts = declarePallet({
  name: 'Utility',
  crate: 'pallet_utility',
  doc: 'Calls that carry calls.',
  events: {
    BatchInterrupted: { index: 0, doc: 'A batch stopped at a failed call; the calls before it stay.', fields: { index: u32, error: DispatchError } },
    BatchCompleted: { index: 1, doc: 'All calls of a batch succeeded.' },
    BatchCompletedWithErrors: { index: 2, doc: 'All calls of a batch ran, some failed.' },
    ItemCompleted: { index: 3, doc: 'One call of a batch succeeded.' },
    ItemFailed: { index: 4, doc: 'One call of a batch failed.', fields: { error: DispatchError } },
    DispatchedAs: { index: 5, doc: 'A call was made under another origin.', fields: { result: DispatchResult } },
  },
  errors: { TooManyCalls: { index: 0, doc: 'A batch has too many calls.' } },
  constants: { batched_calls_limit: constant(u32, BATCHED_CALLS_MAX, 'Most calls of one batch.') },
})

/** The account that `who` controls under a number: blake2b-256 of `modlpy/utilisuba`, the account and the number. */
export const derivativeAccount = (crypto: Pick<Crypto, 'blake2b256'>, who: AccountId, index: number): AccountId =>
  crypto.blake2b256(concatBytes(utf8('modlpy/utilisuba'), who, u16.encode(index)))

const PER_CALL = weigh({})

/** Weight that a dispatched call really took. */
const spentBy = (ctx: Context, call: RuntimeCall, outcome: DispatchOutcome): Weight => {
  const { weight } = ctx.runtime.callInfo(call)
  return addWeights(PER_CALL, outcome.post.weight === undefined ? weight : minWeight(outcome.post.weight, weight))
}

const dispatchInner = (ctx: Context, call: RuntimeCall, origin: Origin): DispatchOutcome =>
  origin.kind === 'Root' ? ctx.runtime.dispatchUnfiltered(ctx, call, origin) : ctx.runtime.dispatch(ctx, call, origin)

const callsArgs = lateArgs(({ RuntimeCall }) => ({ calls: vecUpTo(RuntimeCall, DECODED_CALLS_MAX) }))
const batchWeight = ({ calls }: { readonly calls: readonly RuntimeCall[] }, tools: WeightTools): Weight =>
  addWeights(PER_CALL, ...calls.map((call) => addWeights(PER_CALL, tools.callInfo(call).weight)))
const batchClass = ({ calls }: { readonly calls: readonly RuntimeCall[] }, tools: WeightTools): DispatchClassName =>
  calls.length > 0 && calls.every((call) => tools.callInfo(call).class === 'Operational') ? 'Operational' : 'Normal'
const innerClass = ({ call }: { readonly call: RuntimeCall }, tools: WeightTools): DispatchClassName => tools.callInfo(call).class
const innerWeight = ({ call }: { readonly call: RuntimeCall }, tools: WeightTools): Weight => addWeights(PER_CALL, tools.callInfo(call).weight)

/** A batch that must succeed as a whole does not carry another one. */
const withoutNestedBatchAll = (origin: Origin): Origin => ({
  ...origin,
  filter: (call) => !(call.pallet === 'Utility' && call.name === 'batchAll') && origin.filter?.(call) !== false,
})

/** Fails the running call with another call's error and says what it cost. @throws DispatchFailure */
const failWithWeight = (error: DispatchError, weight: Weight): never => {
  const failure = new DispatchFailure(error, error.kind)
  failure.post = { weight }
  throw failure
}

/** Utility, index 2. */
export const utility = parts.withCalls({
  batch: {
    index: 0, doc: 'Make several calls, stopping at the first that fails; what succeeded before stays.', args: callsArgs, weight: batchWeight, class: batchClass,
    dispatch(ctx, origin, { calls }) {
      if (origin.kind !== 'Root') ensureSigned(origin)
      if (calls.length > BATCHED_CALLS_MAX) ctx.fail('TooManyCalls')
      let weight = PER_CALL
      for (const [index, call] of calls.entries()) {
        const outcome = dispatchInner(ctx, call, origin)
        weight = addWeights(weight, spentBy(ctx, call, outcome))
        if (!outcome.ok) {
          ctx.emit('BatchInterrupted', { index, error: outcome.error })
          return { weight }
        }
        ctx.emit('ItemCompleted')
      }
      ctx.emit('BatchCompleted')
      return { weight }
    },
  },
  asDerivative: {
    index: 1, doc: 'Make a call as an account derived from the sender\'s.', args: lateArgs(({ RuntimeCall }) => ({ index: u16, call: RuntimeCall })),
    weight: innerWeight, class: innerClass,
    dispatch(ctx, origin, { index, call }) {
      const who = derivativeAccount(ctx.crypto, ensureSigned(origin), index)
      const outcome = ctx.runtime.dispatch(ctx, call, { ...origin, kind: 'Signed', value: who })
      const weight = spentBy(ctx, call, outcome)
      return outcome.ok ? { weight } : failWithWeight(outcome.error, weight)
    },
  },
  batchAll: {
    index: 2, doc: 'Make several calls; if one fails, none happened.', args: callsArgs, weight: batchWeight, class: batchClass,
    dispatch(ctx, origin, { calls }) {
      if (origin.kind !== 'Root') ensureSigned(origin)
      if (calls.length > BATCHED_CALLS_MAX) ctx.fail('TooManyCalls')
      const inner = origin.kind === 'Root' ? origin : withoutNestedBatchAll(origin)
      let weight = PER_CALL
      for (const call of calls) {
        const outcome = dispatchInner(ctx, call, inner)
        weight = addWeights(weight, spentBy(ctx, call, outcome))
        if (!outcome.ok) failWithWeight(outcome.error, weight)
        ctx.emit('ItemCompleted')
      }
      ctx.emit('BatchCompleted')
      return { weight }
    },
  },
  dispatchAs: {
    index: 3, doc: 'Make a call under a given origin. Root only.', args: lateArgs(({ RuntimeCall }) => ({ asOrigin: OriginCaller, call: RuntimeCall })),
    weight: innerWeight, class: innerClass,
    dispatch(ctx, origin, { asOrigin, call }) {
      ensureRoot(origin)
      const outcome = ctx.runtime.dispatchUnfiltered(ctx, call, toOrigin(asOrigin))
      ctx.emit('DispatchedAs', { result: outcome.ok ? DISPATCH_OK : { ok: false, error: outcome.error } })
    },
  },
  forceBatch: {
    index: 4, doc: 'Make several calls; those that fail do not stop the others.', args: callsArgs, weight: batchWeight, class: batchClass,
    dispatch(ctx, origin, { calls }) {
      if (origin.kind !== 'Root') ensureSigned(origin)
      if (calls.length > BATCHED_CALLS_MAX) ctx.fail('TooManyCalls')
      let weight = PER_CALL
      let failed = false
      for (const call of calls) {
        const outcome = dispatchInner(ctx, call, origin)
        weight = addWeights(weight, spentBy(ctx, call, outcome))
        if (outcome.ok) ctx.emit('ItemCompleted')
        else {
          failed = true
          ctx.emit('ItemFailed', { error: outcome.error })
        }
      }
      ctx.emit(failed ? 'BatchCompletedWithErrors' : 'BatchCompleted')
      return { weight }
    },
  },
  withWeight: {
    index: 5, doc: 'Make a call that counts with the given weight. Root only.', args: lateArgs(({ RuntimeCall }) => ({ call: RuntimeCall, weight: Weight })),
    weight: ({ weight }) => weight, class: innerClass,
    dispatch(ctx, origin, { call }) {
      ensureRoot(origin)
      const outcome = ctx.runtime.dispatchUnfiltered(ctx, call, origin)
      if (!outcome.ok) failWithWeight(outcome.error, ZERO_WEIGHT)
    },
  },
})
