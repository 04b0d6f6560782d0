/** Owns the first stage of Scheduler: events, errors, constants. */
import { option, u32 } from '@phalanx/primitives/codec'
import { DispatchResult } from '../../frame/dispatch-error.ts'
import { constant, declarePallet, type ContextOf } from '../../frame/pallet.ts'
import { Weight } from '../../frame/weight.ts'
import * as storage from './storage.ts'
import { SCHEDULED_PER_BLOCK_MAX, TaskAddress, TaskName } from './storage.ts'

/** Most weight that agendas may take of one block. */
export const AGENDA_WEIGHT_MAX: Weight = { refTime: 500_000_000_000n, proofSize: 4n * 1024n * 1024n }

const taskFields = { task: TaskAddress, id: option(TaskName) } as const

/** First stage; pallet.ts adds calls and hooks. */
export const schedulerParts = declarePallet({
  name: 'Scheduler',
  crate: 'pallet_scheduler',
  doc: 'Calls that are made later, once or again and again.',
  storage,
  events: {
    Scheduled: { index: 0, doc: 'A task was put on an agenda.', fields: { when: u32, index: u32 } },
    Canceled: { index: 1, doc: 'A task was cancelled.', fields: { when: u32, index: u32 } },
    Dispatched: { index: 2, doc: 'A task\'s call was made.', fields: { ...taskFields, result: DispatchResult } },
    CallUnavailable: { index: 3, doc: 'A task\'s call is unknown: its preimage is missing or no call.', fields: taskFields },
    PeriodicFailed: { index: 4, doc: 'A task could not be put on its next agenda.', fields: taskFields },
    PermanentlyOverweight: { index: 5, doc: 'A task weighs more than any block allows.', fields: taskFields },
  },
  errors: {
    FailedToSchedule: { index: 0, doc: 'The agenda is full or the name is taken.' },
    NotFound: { index: 1, doc: 'There is no such task.' },
    TargetBlockNumberInPast: { index: 2, doc: 'The block is not in the future.' },
    RescheduleNoChange: { index: 3, doc: 'The task stands there already.' },
    Named: { index: 4, doc: 'A named task is addressed by its name.' },
  },
  constants: {
    MaximumWeight: constant(Weight, AGENDA_WEIGHT_MAX, 'Most weight that agendas may take of one block.'),
    MaxScheduledPerBlock: constant(u32, SCHEDULED_PER_BLOCK_MAX, 'Most tasks of one block.'),
  },
})

/** Context of the scheduler's code. */
export type SchedulerContext = ContextOf<typeof schedulerParts>
