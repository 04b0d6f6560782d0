/**
 * Owns the events by which contracts speak to the worker (`PinkEvent` of the reference): wire form, and who may send which when.
 * They arrive as ContractEmitted with one fixed topic. Does not own applying them.
 */
import { utf8 } from '@phalanx/primitives/bytes'
import { bytes, bytesUpTo, fixedBytes, tuple, u32, u64, variant, vecUpTo, type TypeOf } from '@phalanx/primitives/codec'
import { HookPoint, SidevmConfig } from '@phalanx/primitives/ink'

const AccountId = fixedBytes(32)
const Hash = fixedBytes(32)
/** More workers than a cluster has, so that a list cannot be made to cost memory. */
const WORKERS_MAX = 4096
const MESSAGE_MAX = 1024 * 1024

/** The one topic of events that are meant for the worker. */
export const PINK_EVENT_TOPIC: Uint8Array = (() => {
  const topic = new Uint8Array(32)
  topic[0] = 0x40
  topic.set(utf8('phala.pink.event'), 1)
  return topic
})()

/** What happens to a contract's local cache; expirations in seconds. */
export const CacheOp = variant('CacheOp', {
  Set: { index: 0, fields: { key: bytes, value: bytes } },
  SetExpiration: { index: 1, fields: { key: bytes, expiration: u64 } },
  Remove: { index: 2, fields: { key: bytes } },
})
export type CacheOp = TypeOf<typeof CacheOp>

/** Workers that a side program is for. */
const Workers = variant('Workers', { All: { index: 0 }, List: { index: 1, value: vecUpTo(fixedBytes(32), WORKERS_MAX) } })

const SidevmOperation = variant('SidevmOperation', {
  Start: { index: 0, fields: { contract: AccountId, codeHash: Hash, workers: Workers, config: SidevmConfig } },
  SetDeadline: { index: 1, fields: { contract: AccountId, deadline: u32 } },
})

/** What a contract tells the worker. `selector` of a hook is read big-endian: its bytes in that order begin the call's input. */
export const PinkEvent = variant('PinkEvent', {
  SetHook: { index: 2, fields: { hook: HookPoint, contract: AccountId, selector: u32, gasLimit: u64 } },
  DeploySidevmTo: { index: 3, fields: { contract: AccountId, codeHash: Hash } },
  SidevmMessage: { index: 4, value: bytesUpTo(MESSAGE_MAX) },
  CacheOp: { index: 5, value: CacheOp },
  StopSidevm: { index: 6 },
  ForceStopSidevm: { index: 7, fields: { contract: AccountId } },
  SetLogHandler: { index: 8, value: AccountId },
  SetContractWeight: { index: 9, fields: { contract: AccountId, weight: u32 } },
  UpgradeRuntimeTo: { index: 10, fields: { version: tuple(u32, u32) } },
  SidevmOperation: { index: 11, value: SidevmOperation },
  SetJsRuntime: { index: 12, value: Hash },
})
export type PinkEvent = TypeOf<typeof PinkEvent>

/** What holds for events of one kind. */
export interface PinkEventRule {
  /** Counts also when it comes from a query. */
  readonly isAllowedInQuery: boolean
  /** Is left out of the chain of events. */
  readonly isPrivate: boolean
  /** Is ignored unless the system contract sends it. */
  readonly needsSystemContract: boolean
}

const rule = (isAllowedInQuery: boolean, isPrivate: boolean, needsSystemContract: boolean): PinkEventRule => ({ isAllowedInQuery, isPrivate, needsSystemContract })

/** Rules by kind of event (cluster_contracts.md section 6). */
export const PINK_EVENT_RULES: Readonly<Record<PinkEvent['kind'], PinkEventRule>> = {
  SetHook: rule(false, false, true),
  DeploySidevmTo: rule(true, false, true),
  SidevmMessage: rule(true, true, false),
  CacheOp: rule(true, true, false),
  StopSidevm: rule(true, false, false),
  ForceStopSidevm: rule(true, false, true),
  SetLogHandler: rule(false, false, true),
  SetContractWeight: rule(false, false, true),
  UpgradeRuntimeTo: rule(false, false, true),
  SidevmOperation: rule(true, false, true),
  SetJsRuntime: rule(false, false, true),
}
