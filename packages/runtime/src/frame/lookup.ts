/** Owns the step from an address in a call to an account. */
import type { AccountId, MultiAddress } from '@phalanx/primitives/chain'
import { failWith } from './dispatch-error.ts'

/** The account behind an address; this chain knows accounts by their id only. Fails with CannotLookup otherwise. */
export const lookup = (address: MultiAddress): AccountId => (address.kind === 'Id' ? address.value : failWith({ kind: 'CannotLookup' }))
