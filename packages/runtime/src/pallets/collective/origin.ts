/** Owns the origins of collectives: so many of so many members, or one member; and the chain's rule of who governs it. */
import { AccountId } from '@phalanx/primitives/chain'
import { named, tuple, u32, variant, type TypeOf } from '@phalanx/primitives/codec'
import { failWith } from '../../frame/dispatch-error.ts'
import type { Origin } from '../../frame/origin.ts'

/** Collectives of the chain, by runtime name. */
export type CollectiveName = 'Council' | 'TechnicalCommittee'

/** What a collective speaks as: a motion with `[ayes, members]`, or a single member. */
export const CollectiveOrigin = named(
  'pallet_collective::RawOrigin',
  variant('CollectiveOrigin', { Members: { index: 0, value: tuple(u32, u32) }, Member: { index: 1, value: AccountId } }),
)
export type CollectiveOrigin = TypeOf<typeof CollectiveOrigin>

/** Origin of a collective. */
export const collectiveOrigin = (pallet: CollectiveName, value: CollectiveOrigin): Origin => ({ kind: 'Pallet', pallet, value })

/** A part of a collective: at least, or more than, `numerator` of `denominator`. */
export interface Proportion {
  readonly pallet: CollectiveName
  readonly numerator: number
  readonly denominator: number
  readonly more?: boolean
}

const votesOf = (origin: Origin, pallet: CollectiveName): CollectiveOrigin | undefined =>
  origin.kind === 'Pallet' && origin.pallet === pallet ? (origin.value as CollectiveOrigin) : undefined

/** Whether an origin is a motion of the collective that so large a part of it approved. */
export const hasProportion = (origin: Origin, { pallet, numerator, denominator, more }: Proportion): boolean => {
  const votes = votesOf(origin, pallet)
  if (votes?.kind !== 'Members') return false
  const [ayes, members] = votes.value
  return more === true ? ayes * denominator > numerator * members : ayes * denominator >= numerator * members
}

/** Whether an origin is one member of the collective; their account. */
export const memberOf = (origin: Origin, pallet: CollectiveName): Uint8Array | undefined => {
  const votes = votesOf(origin, pallet)
  return votes?.kind === 'Member' ? votes.value : undefined
}

/** Fails with BadOrigin unless the call comes from root or from one of these majorities. */
export const ensureRootOr = (origin: Origin, ...proportions: readonly Proportion[]): void => {
  if (origin.kind === 'Root' || proportions.some((proportion) => hasProportion(origin, proportion))) return
  failWith({ kind: 'BadOrigin' })
}

/** Fails with BadOrigin unless the call comes from root or from at least half of the council: who governs registry and economy (registry.md section 3). */
export const ensureGovernance = (origin: Origin): void => ensureRootOr(origin, { pallet: 'Council', numerator: 1, denominator: 2 })
