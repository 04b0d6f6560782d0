/** Owns running a call: its declared cost, the origin's filter, the layer around it and the catching of dispatch failures. */
import { assert } from '@phalanx/primitives/assert'
import type { OuterEnums } from './calls.ts'
import type { Context, DispatchOutcome, PostInfo, RuntimeCall, RuntimeServices } from './context.ts'
import { DispatchFailure, type DispatchError } from './dispatch-error.ts'
import type { Origin } from './origin.ts'
import { LAYERS_MAX } from './overlay.ts'
import type { CallInfo } from './weight.ts'

const NO_POST: PostInfo = {}

/** Error of a call that the origin's filter refuses: System.CallFiltered where System is there. */
const filtered = (ctx: Context): DispatchError => {
  try {
    return ctx.scope('System').fail('CallFiltered')
  } catch (error) {
    if (error instanceof DispatchFailure) return error.error
    throw error
  }
}

/** Dispatch functions over the calls of a runtime. */
export const createDispatcher = (
  enums: OuterEnums,
  services: () => RuntimeServices,
): Pick<RuntimeServices, 'callInfo' | 'dispatch' | 'dispatchUnfiltered'> => {
  const entryOf = (call: RuntimeCall) => {
    const entry = enums.call(call.pallet, call.name)
    assert(entry !== undefined, `the runtime has the call ${call.pallet}.${call.name}`)
    return entry
  }

  // A call's cost asks for the costs of the calls it carries, and their class again: without the memo that doubles with every level.
  const known = new WeakMap<RuntimeCall, CallInfo>()
  const callInfo = (call: RuntimeCall): CallInfo => {
    const found = known.get(call)
    if (found !== undefined) return found
    const { spec } = entryOf(call)
    const tools = services()
    const info: CallInfo = {
      weight: typeof spec.weight === 'function' ? spec.weight(call.args, tools) : spec.weight,
      class: typeof spec.class === 'function' ? spec.class(call.args, tools) : (spec.class ?? 'Normal'),
      paysFee: spec.paysFee ?? true,
    }
    known.set(call, info)
    return info
  }

  const run = (ctx: Context, call: RuntimeCall, origin: Origin): DispatchOutcome => {
    if (ctx.storage.depth >= LAYERS_MAX) return { ok: false, error: { kind: 'Transactional', value: { kind: 'LimitReached' } }, post: NO_POST }
    const { spec } = entryOf(call)
    ctx.storage.begin()
    try {
      const post = spec.dispatch(ctx.scope(call.pallet), origin, call.args) ?? NO_POST
      ctx.storage.commit()
      return { ok: true, post }
    } catch (error) {
      if (!(error instanceof DispatchFailure)) throw error
      ctx.storage.rollback()
      return { ok: false, error: error.error, post: error.post ?? NO_POST }
    }
  }

  return {
    callInfo,
    dispatch: (ctx, call, origin) =>
      origin.filter?.(call) === false ? { ok: false, error: filtered(ctx), post: NO_POST } : run(ctx, call, origin),
    dispatchUnfiltered: run,
  }
}
