/** Owns Timestamp: each block's time, set once by its first extrinsic and never going back. */
import { assert } from '@phalanx/primitives/assert'
import { compactU64, u64 } from '@phalanx/primitives/codec'
import { ensureNone } from '../../frame/origin.ts'
import { constant, declarePallet } from '../../frame/pallet.ts'
import { writes } from '../../frame/weight.ts'
import * as storage from './storage.ts'

/** Least time between blocks in milliseconds; half of the fastest block time. */
export const MINIMUM_PERIOD_MS = 25n

const parts = declarePallet({
  name: 'Timestamp',
  crate: 'pallet_timestamp',
  doc: 'The time of each block.',
  storage,
  errors: {
    AlreadySet: { index: 0, doc: 'The time of this block is set already.' },
    TooEarly: { index: 1, doc: 'The time must be later than the parent block by the minimum period.' },
  },
  constants: { MinimumPeriod: constant(u64, MINIMUM_PERIOD_MS, 'Least time between blocks in milliseconds.') },
})

/** Timestamp, index 4. */
export const timestamp = parts.withCalls({
  set: {
    index: 0, doc: 'Set the time of the block. Inherent.', class: 'Mandatory', paysFee: false, weight: writes(2), args: { now: compactU64 },
    dispatch(ctx, origin, { now }) {
      ensureNone(origin)
      if (storage.didUpdate.get(ctx)) ctx.fail('AlreadySet')
      const previous = storage.now.get(ctx)
      if (previous !== 0n && now < previous + MINIMUM_PERIOD_MS) ctx.fail('TooEarly')
      storage.now.set(ctx, now)
      storage.didUpdate.set(ctx, true)
    },
  },
}, {
  inherent: {
    call: 'set',
    create(ctx, { timeMs }) {
      const previous = storage.now.get(ctx)
      const earliest = previous === 0n ? 0n : previous + MINIMUM_PERIOD_MS
      return { now: timeMs > earliest ? timeMs : earliest }
    },
  },
  hooks: {
    onFinalize(ctx) {
      assert(storage.didUpdate.get(ctx), 'the block set its time')
      storage.didUpdate.remove(ctx)
    },
  },
})
