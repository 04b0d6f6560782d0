/** Owns the storage items of Scheduler: agendas by block, and where named tasks stand. */
import { fixedBytes, named, option, struct, tuple, u32, u8, vecUpTo, type TypeOf } from '@phalanx/primitives/codec'
import { palletStorage } from '../../frame/storage.ts'
import { OriginCaller } from '../origin-caller.ts'
import { BoundedCall } from '../preimage/storage.ts'

/** Most tasks of one block. */
export const SCHEDULED_PER_BLOCK_MAX = 50

/** Name of a task. */
export const TaskName = fixedBytes(32)
/** Block and place in its agenda. */
export const TaskAddress = tuple(u32, u32)
export type TaskAddress = TypeOf<typeof TaskAddress>
/** Blocks between runs, and how many runs are left. */
export const Period = tuple(u32, u32)

/** A call to be made. */
export const Scheduled = named('pallet_scheduler::Scheduled', struct({
  maybeId: option(TaskName), priority: u8, call: BoundedCall, maybePeriodic: option(Period), origin: OriginCaller,
}))
export type Scheduled = TypeOf<typeof Scheduled>

const storage = palletStorage('Scheduler')

export const incompleteSince = storage.value('IncompleteSince', { type: u32, doc: 'First block whose agenda is not done.' })
export const agenda = storage.map('Agenda', {
  hasher: 'Twox64Concat', key: u32, type: vecUpTo(option(Scheduled), SCHEDULED_PER_BLOCK_MAX), default: [], doc: 'Tasks of a block; cancelled ones leave a gap.' })
export const lookupName = storage.map('Lookup', { hasher: 'Twox64Concat', key: TaskName, type: TaskAddress, doc: 'Where a named task stands.' })
