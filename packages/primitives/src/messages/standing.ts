/** Owns what a worker's system events say in sum. Chain and worker add them up with this one function, so that both know the same. */
import { bool, named, option, struct, u32, u64, u8, type TypeOf } from '../codec/index.ts'
import type { WorkerEvent } from './system.ts'

/** A worker's standing by the events it was told; times in ms. `bench` is open until it has a score, `session` until it is stopped. */
export const WorkerStanding = named(
  'phalanx_types::WorkerStanding',
  struct({
    registration: option(struct({ confidenceLevel: u8, block: u32 })),
    score: option(u32),
    bench: option(struct({ startBlock: u32, startTimeMs: u64, duration: u32 })),
    session: option(struct({ sessionId: u32, paused: bool, startTimeMs: u64 })),
  }),
)
export type WorkerStanding = TypeOf<typeof WorkerStanding>

/** Before the first event. */
export const NO_STANDING: WorkerStanding = { registration: undefined, score: undefined, bench: undefined, session: undefined }

/** The standing after an event of the block with this number and time. An event that does not fit the session changes nothing. */
export const applyWorkerEvent = (standing: WorkerStanding, event: WorkerEvent, at: { readonly number: number; readonly timeMs: bigint }): WorkerStanding => {
  const { session } = standing
  switch (event.kind) {
    case 'Registered': return { ...standing, registration: { confidenceLevel: event.value.confidenceLevel, block: at.number } }
    case 'BenchStart': return { ...standing, bench: { startBlock: at.number, startTimeMs: at.timeMs, duration: event.value.duration } }
    case 'BenchScore': return { ...standing, score: event.value, bench: undefined }
    case 'Started': return { ...standing, session: { sessionId: event.value.sessionId, paused: false, startTimeMs: at.timeMs } }
    case 'Stopped': return { ...standing, session: undefined }
    case 'EnterUnresponsive':
    case 'ExitUnresponsive': return session === undefined ? standing : { ...standing, session: { ...session, paused: event.kind === 'EnterUnresponsive' } }
  }
}
