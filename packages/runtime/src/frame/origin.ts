/** Owns where a call comes from, and the checks that calls begin with. */
import { named, variant, type TypeOf } from '@phalanx/primitives/codec'
import { AccountId } from '@phalanx/primitives/chain'
import { failWith } from './dispatch-error.ts'

/** Root (sudo or the chain itself), a signed account, or nobody (inherents). */
export const RawOrigin = named(
  'frame_support::dispatch::RawOrigin',
  variant('RawOrigin', { Root: { index: 0 }, Signed: { index: 1, value: AccountId }, None: { index: 2 } }),
)
export type RawOrigin = TypeOf<typeof RawOrigin>

/** An origin that a pallet makes, such as a collective's majority. `pallet` is its runtime name; only its own file looks into `value`. */
export interface PalletOrigin {
  readonly kind: 'Pallet'
  readonly pallet: string
  readonly value: unknown
}

/** Where a call comes from. `filter` narrows which calls a proxy may make on the account's behalf; it survives nesting. */
export type Origin = (RawOrigin | PalletOrigin) & { readonly filter?: CallFilter }

/** Whether a call may be dispatched; given pallet and call names as declared in TypeScript, and its arguments. */
export type CallFilter = (call: { readonly pallet: string; readonly name: string; readonly args: unknown }) => boolean

/** The origin of the chain itself and of sudo. */
export const ROOT: Origin = { kind: 'Root' }
/** The origin of inherents. */
export const NONE: Origin = { kind: 'None' }
/** The origin of an account. */
export const signed = (who: Uint8Array): Origin => ({ kind: 'Signed', value: who })

/** The signing account. Fails the call with BadOrigin otherwise. */
export const ensureSigned = (origin: Origin): AccountId => (origin.kind === 'Signed' ? origin.value : failWith({ kind: 'BadOrigin' }))

/** Fails the call with BadOrigin unless it comes from root. */
export const ensureRoot = (origin: Origin): void => {
  if (origin.kind !== 'Root') failWith({ kind: 'BadOrigin' })
}

/** Fails the call with BadOrigin unless it is an inherent. */
export const ensureNone = (origin: Origin): void => {
  if (origin.kind !== 'None') failWith({ kind: 'BadOrigin' })
}
