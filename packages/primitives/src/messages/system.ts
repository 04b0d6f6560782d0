/** Owns payloads of `phala/system/event`: what the chain tells a worker about itself. */
import { createCodec, named, struct, u128, u256, u32, u8, variant, type TypeOf } from '../codec/index.ts'
import { plainInfo } from '../codec/type-info.ts'
import { u64 } from '../codec/numbers.ts'
import { Sr25519Public } from '../chain/basics.ts'

const u256Info = {
  path: ['primitive_types', 'U256'],
  params: [],
  docs: [],
  def: { kind: 'composite' as const, fields: [{ type: () => u256Words }] },
}
const u256Words = plainInfo({ kind: 'array', length: 4, element: u64.info })

/** 256-bit integer, little endian, described as four words. */
export const U256 = createCodec<bigint>({ info: () => u256Info, minSize: 32, write: u256.write, read: u256.read })

/** What happened to one worker. */
export const WorkerEvent = named(
  'phala_types::messaging::WorkerEvent',
  variant('WorkerEvent', {
    Registered: { index: 0, value: named('phala_types::messaging::WorkerInfo', struct({ confidenceLevel: u8 })) },
    BenchStart: { index: 1, fields: { duration: u32 } },
    BenchScore: { index: 2, value: u32 },
    Started: { index: 3, fields: { sessionId: u32, initV: u128, initP: u32 } },
    Stopped: { index: 4 },
    EnterUnresponsive: { index: 5 },
    ExitUnresponsive: { index: 6 },
  }),
)
export type WorkerEvent = TypeOf<typeof WorkerEvent>

/** A challenge to every computing worker: answer when your hash of the seed lies below the target. */
export const HeartbeatChallenge = named('phala_types::messaging::HeartbeatChallenge', struct({ seed: U256, onlineTarget: U256 }))
export type HeartbeatChallenge = TypeOf<typeof HeartbeatChallenge>

/** Payload of `phala/system/event`; accepted from pallets only. */
export const SystemEvent = named(
  'phala_types::messaging::SystemEvent',
  variant('SystemEvent', {
    WorkerEvent: { index: 0, value: named('phala_types::messaging::WorkerEventWithKey', struct({ pubkey: Sr25519Public, event: WorkerEvent })) },
    HeartbeatChallenge: { index: 1, value: HeartbeatChallenge },
  }),
)
export type SystemEvent = TypeOf<typeof SystemEvent>

