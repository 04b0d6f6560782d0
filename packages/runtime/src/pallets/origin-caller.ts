/** Owns the wire form of origins that are stored or named in calls: the runtime's `OriginCaller`, by pallet index. */
import { named, variant, type TypeOf } from '@phalanx/primitives/codec'
import { RawOrigin, type Origin } from '../frame/origin.ts'
import { CollectiveOrigin, collectiveOrigin, type CollectiveName } from './collective/origin.ts'

/** Any origin of the chain: the system's, or a collective's. */
export const OriginCaller = named('phalanx_runtime::OriginCaller', variant('OriginCaller', {
  system: { index: 1, value: RawOrigin },
  Council: { index: 16, value: CollectiveOrigin },
  TechnicalCommittee: { index: 17, value: CollectiveOrigin },
}))
export type OriginCaller = TypeOf<typeof OriginCaller>

/** Origin to dispatch with. */
export const toOrigin = (caller: OriginCaller): Origin => (caller.kind === 'system' ? caller.value : collectiveOrigin(caller.kind, caller.value))

/** Wire form of an origin; a proxy's filter does not survive. */
export const toOriginCaller = (origin: Origin): OriginCaller => {
  if (origin.kind === 'Pallet') return { kind: origin.pallet as CollectiveName, value: origin.value as CollectiveOrigin }
  return { kind: 'system', value: origin.kind === 'Signed' ? { kind: 'Signed', value: origin.value } : { kind: origin.kind } }
}
