/** Owns Scheduler's calls: put a call on a block's agenda, by number or by distance, named or not, and take it off again. Root only. */
import { option, u32, u8 } from '@phalanx/primitives/codec'
import type { RuntimeCall } from '../../frame/context.ts'
import { ensureRoot, type Origin } from '../../frame/origin.ts'
import { lateArgs } from '../../frame/pallet.ts'
import { weigh } from '../../frame/weight.ts'
import { toOriginCaller } from '../origin-caller.ts'
import { boundCall } from '../preimage/preimages.ts'
import { cancel, cancelNamed, schedule, serveAgendas, type When } from './agendas.ts'
import { schedulerParts, type SchedulerContext } from './declaration.ts'
import { Period, TaskName } from './storage.ts'

const WEIGHT = weigh({ reads: 2, writes: 3 })
const periodic = { maybePeriodic: option(Period), priority: u8 } as const

interface Task {
  readonly maybePeriodic: readonly [number, number] | undefined
  readonly priority: number
  readonly call: RuntimeCall
}

const add = (ctx: SchedulerContext, origin: Origin, when: When, task: Task, maybeId?: Uint8Array): void => {
  ensureRoot(origin)
  const { maybePeriodic, priority, call } = task
  schedule(ctx, when, { maybeId, priority, maybePeriodic, call: boundCall(ctx, call), origin: toOriginCaller(origin) })
}

/** Scheduler, index 32. */
export const scheduler = schedulerParts.withCalls({
  schedule: {
    index: 0, doc: 'Make a call at a block. Root only.', args: lateArgs(({ RuntimeCall }) => ({ when: u32, ...periodic, call: RuntimeCall })), weight: WEIGHT,
    dispatch: (ctx, origin, { when, ...task }) => add(ctx, origin, { kind: 'At', value: when }, task),
  },
  cancel: {
    index: 1, doc: 'Cancel a task without a name. Root only.', args: { when: u32, index: u32 }, weight: WEIGHT,
    dispatch(ctx, origin, { when, index }) {
      ensureRoot(origin)
      cancel(ctx, [when, index], ({ maybeId }) => {
        if (maybeId !== undefined) ctx.fail('Named')
      })
    },
  },
  scheduleNamed: {
    index: 2, doc: 'Make a call at a block, under a name. Root only.', args: lateArgs(({ RuntimeCall }) => ({ id: TaskName, when: u32, ...periodic, call: RuntimeCall })), weight: WEIGHT,
    dispatch: (ctx, origin, { id, when, ...task }) => add(ctx, origin, { kind: 'At', value: when }, task, id),
  },
  cancelNamed: {
    index: 3, doc: 'Cancel a named task. Root only.', args: { id: TaskName }, weight: WEIGHT,
    dispatch(ctx, origin, { id }) {
      ensureRoot(origin)
      cancelNamed(ctx, id, () => undefined)
    },
  },
  scheduleAfter: {
    index: 4, doc: 'Make a call so many blocks after the next one. Root only.', args: lateArgs(({ RuntimeCall }) => ({ after: u32, ...periodic, call: RuntimeCall })), weight: WEIGHT,
    dispatch: (ctx, origin, { after, ...task }) => add(ctx, origin, { kind: 'After', value: after }, task),
  },
  scheduleNamedAfter: {
    index: 5, doc: 'Make a call so many blocks after the next one, under a name. Root only.',
    args: lateArgs(({ RuntimeCall }) => ({ id: TaskName, after: u32, ...periodic, call: RuntimeCall })), weight: WEIGHT,
    dispatch: (ctx, origin, { id, after, ...task }) => add(ctx, origin, { kind: 'After', value: after }, task, id),
  },
}, { hooks: { onInitialize: serveAgendas } })
