/** Owns payloads of `phala/mining/report`: a worker's answers to heartbeat challenges. */
import { named, u32, u64, variant, type TypeOf } from '../codec/index.ts'

const heartbeat = { sessionId: u32, challengeBlock: u32, challengeTime: u64, iterations: u64 } as const

/** A heartbeat; `challengeTime` in milliseconds. */
export const WorkingReportEvent = named(
  'phala_types::messaging::WorkingReportEvent',
  variant('WorkingReportEvent', {
    Heartbeat: { index: 0, fields: heartbeat },
    HeartbeatV2: { index: 1, fields: { ...heartbeat, nClusters: u32, nContracts: u32 } },
  }),
)
export type WorkingReportEvent = TypeOf<typeof WorkingReportEvent>
