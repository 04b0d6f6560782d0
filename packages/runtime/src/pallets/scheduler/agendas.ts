/** Owns agendas: putting tasks on them, taking them off, and running those that are due. */
import type { Context } from '../../frame/context.ts'
import { DISPATCH_OK } from '../../frame/dispatch-error.ts'
import { addWeights, exceedsWeight, weigh, ZERO_WEIGHT, type Weight } from '../../frame/weight.ts'
import { toOrigin } from '../origin-caller.ts'
import { dropCall, peekCall } from '../preimage/preimages.ts'
import { AGENDA_WEIGHT_MAX, schedulerParts, type SchedulerContext } from './declaration.ts'
import { agenda, incompleteSince, lookupName, SCHEDULED_PER_BLOCK_MAX, type Scheduled, type TaskAddress } from './storage.ts'

/** When a task is due: at a block, or so many blocks after the next one. */
export type When = { readonly kind: 'At' | 'After'; readonly value: number }

const U32_MAX = 0xffff_ffff
const TASK_OVERHEAD = weigh({ reads: 2, writes: 2 })

/** Most agendas that one block looks into after others were left undone. */
const AGENDAS_PER_BLOCK_MAX = 64

/** Block of a due time. Fails with TargetBlockNumberInPast. */
const resolve = (ctx: SchedulerContext, when: When): number => {
  const { number } = ctx.block
  const at = when.kind === 'At' ? when.value : number + when.value + 1
  if (at <= number || at > U32_MAX) ctx.fail('TargetBlockNumberInPast')
  return at
}

/** A free place of an agenda: its end, else a gap; undefined when it is full. */
const placeOn = (list: readonly unknown[]): number | undefined => {
  if (list.length < SCHEDULED_PER_BLOCK_MAX) return list.length
  const gap = list.indexOf(undefined)
  return gap === -1 ? undefined : gap
}

const put = (ctx: Context, at: number, task: Scheduled): TaskAddress | undefined => {
  const list = agenda.get(ctx, at)
  const index = placeOn(list)
  if (index === undefined) return undefined
  agenda.set(ctx, at, [...list.slice(0, index), task, ...list.slice(index + 1)])
  if (task.maybeId !== undefined) lookupName.set(ctx, task.maybeId, [at, index])
  return [at, index]
}

/** Puts a task on an agenda. Fails with TargetBlockNumberInPast, FailedToSchedule. */
export const schedule = (host: Context, when: When, task: Scheduled): TaskAddress => {
  const ctx = schedulerParts.in(host)
  const at = resolve(ctx, when)
  if (task.maybeId !== undefined && lookupName.has(ctx, task.maybeId)) ctx.fail('FailedToSchedule')
  const periodic = task.maybePeriodic
  // The first run is one of the runs asked for; a period of nothing is no period.
  const maybePeriodic = periodic !== undefined && periodic[0] > 0 && periodic[1] > 1 ? ([periodic[0], periodic[1] - 1] as const) : undefined
  const address = put(ctx, at, { ...task, maybePeriodic }) ?? ctx.fail('FailedToSchedule')
  ctx.emit('Scheduled', { when: address[0], index: address[1] })
  return address
}

/** Puts a task on the first agenda with room from a block on: for what must happen, if a little later. */
export const scheduleFrom = (host: Context, first: number, task: Scheduled): TaskAddress => {
  const ctx = schedulerParts.in(host)
  for (let at = first; ; at++) {
    const address = put(ctx, at, task)
    if (address === undefined) continue
    ctx.emit('Scheduled', { when: address[0], index: address[1] })
    return address
  }
}

const setList = (ctx: Context, at: number, list: readonly (Scheduled | undefined)[]): void => {
  let end = list.length
  while (end > 0 && list[end - 1] === undefined) end--
  if (end === 0) agenda.remove(ctx, at)
  else agenda.set(ctx, at, list.slice(0, end))
}

/** Cancels the task at an address; `mayCancel` refuses by failing. Fails with NotFound. */
export const cancel = (host: Context, [when, index]: TaskAddress, mayCancel: (task: Scheduled) => void): void => {
  const ctx = schedulerParts.in(host)
  const list = agenda.get(ctx, when)
  const task = list[index] ?? ctx.fail('NotFound')
  mayCancel(task)
  dropCall(ctx, task.call)
  if (task.maybeId !== undefined) lookupName.remove(ctx, task.maybeId)
  setList(ctx, when, [...list.slice(0, index), undefined, ...list.slice(index + 1)])
  ctx.emit('Canceled', { when, index })
}

/** Cancels a task by name. Fails with NotFound. */
export const cancelNamed = (host: Context, id: Uint8Array, mayCancel: (task: Scheduled) => void): void => {
  const ctx = schedulerParts.in(host)
  cancel(ctx, lookupName.get(ctx, id) ?? ctx.fail('NotFound'), mayCancel)
}

const again = (ctx: SchedulerContext, task: Scheduled, address: TaskAddress): void => {
  if (task.maybePeriodic === undefined) return dropCall(ctx, task.call)
  const [period, count] = task.maybePeriodic
  const next = { ...task, maybePeriodic: count > 1 ? ([period, count - 1] as const) : undefined }
  if (put(ctx, ctx.block.number + period, next) !== undefined) return
  dropCall(ctx, task.call)
  ctx.emit('PeriodicFailed', { task: address, id: task.maybeId })
}

/** Takes a task that is about to run, or never can, off its agenda. */
const takeOff = (ctx: Context, task: Scheduled, [when, index]: TaskAddress): void => {
  if (task.maybeId !== undefined) lookupName.remove(ctx, task.maybeId)
  const list = agenda.get(ctx, when)
  setList(ctx, when, [...list.slice(0, index), undefined, ...list.slice(index + 1)])
}

const giveUp = (ctx: SchedulerContext, task: Scheduled, address: TaskAddress, event: 'CallUnavailable' | 'PermanentlyOverweight'): Weight => {
  takeOff(ctx, task, address)
  dropCall(ctx, task.call)
  ctx.emit(event, { task: address, id: task.maybeId })
  return TASK_OVERHEAD
}

/** Runs a task and returns its weight; undefined when it must wait because this block has too little room left. */
const serve = (ctx: SchedulerContext, task: Scheduled, address: TaskAddress, left: Weight): Weight | undefined => {
  const call = peekCall(ctx, task.call)
  if (call === undefined) return giveUp(ctx, task, address, 'CallUnavailable')
  const weight = addWeights(TASK_OVERHEAD, ctx.runtime.callInfo(call).weight)
  if (exceedsWeight(weight, AGENDA_WEIGHT_MAX)) return giveUp(ctx, task, address, 'PermanentlyOverweight')
  if (exceedsWeight(weight, left)) return undefined
  takeOff(ctx, task, address)
  const outcome = ctx.runtime.dispatch(ctx, call, toOrigin(task.origin))
  ctx.emit('Dispatched', { task: address, id: task.maybeId, result: outcome.ok ? DISPATCH_OK : { ok: false, error: outcome.error } })
  again(ctx, task, address)
  return weight
}

const rest = (used: Weight): Weight => ({ refTime: AGENDA_WEIGHT_MAX.refTime - used.refTime, proofSize: AGENDA_WEIGHT_MAX.proofSize - used.proofSize })

/** Runs an agenda by priority, then by place, as far as there is room; tasks may cancel each other. Returns the weight used so far. */
const serveAgenda = (ctx: SchedulerContext, when: number, usedBefore: Weight): Weight => {
  const due = agenda.get(ctx, when).flatMap((task, index) => (task === undefined ? [] : [{ priority: task.priority, index }]))
  let used = usedBefore
  for (const { index } of due.sort((a, b) => a.priority - b.priority || a.index - b.index)) {
    const task = agenda.get(ctx, when)[index]
    if (task === undefined) continue
    const weight = serve(ctx, task, [when, index], rest(used))
    if (weight !== undefined) used = addWeights(used, weight)
  }
  return used
}

/** Runs what earlier blocks left undone and then what is due at this block. */
export const serveAgendas = (ctx: SchedulerContext): Weight => {
  const { number } = ctx.block
  const first = incompleteSince.take(ctx) ?? number
  const end = Math.min(number + 1, first + AGENDAS_PER_BLOCK_MAX)
  let used = ZERO_WEIGHT
  let undone = end <= number ? end : undefined
  for (let when = first; when < end; when++) {
    used = serveAgenda(ctx, when, used)
    if (agenda.has(ctx, when)) undone = Math.min(undone ?? when, when)
  }
  if (undone !== undefined) incompleteSince.set(ctx, undone)
  return used
}
