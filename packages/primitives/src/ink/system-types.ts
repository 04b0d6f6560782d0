/** Owns the types in the interface of system contracts (cluster_contracts.md sections 6 and 9), under the paths that the reference's metadata has. */
import { named, struct, text, u32, u64, variant, type TypeOf } from '../codec/index.ts'

/** Why a system contract refuses; the spelling is the reference's. */
export const SystemError = named('pink_extension::system::Error', variant('SystemError', {
  PermisionDenied: { index: 0 }, DriverNotFound: { index: 1 }, CodeNotFound: { index: 2 }, ConditionNotMet: { index: 3 },
}))
export type SystemError = TypeOf<typeof SystemError>

/** Why a driver refuses. */
export const DriverError = named('pink_extension::system::DriverError', variant('DriverError', {
  Other: { index: 0, value: text }, SystemError: { index: 1, value: SystemError }, BadOrigin: { index: 2 },
}))
export type DriverError = TypeOf<typeof DriverError>

/** Kinds of code in a cluster, as far as the interface tells them apart. */
export const CodeType = named('pink_extension::system::CodeType', variant('CodeType', { Ink: { index: 0 }, Sidevm: { index: 1 } }))
export type CodeType = TypeOf<typeof CodeType>

/** When a hook runs. */
export const HookPoint = named('pink_extension::HookPoint', variant('HookPoint', { OnBlockEnd: { index: 0 } }))
export type HookPoint = TypeOf<typeof HookPoint>

/** Limits of a side program; `deadline` is a block number. */
export const SidevmConfig = named('pink_extension::SidevmConfig', struct({ maxCodeSize: u32, maxMemoryPages: u32, vitalCapacity: u64, deadline: u32 }))
export type SidevmConfig = TypeOf<typeof SidevmConfig>
