/** Owns the storage items of Treasury and its account. */
import { concatBytes, utf8 } from '@phalanx/primitives/bytes'
import { AccountId } from '@phalanx/primitives/chain'
import { named, struct, u128, u32, vecUpTo, type TypeOf } from '@phalanx/primitives/codec'
import { palletStorage } from '../../frame/storage.ts'

/** Most approved proposals that wait to be paid. */
export const APPROVALS_MAX = 100

/** Id of the pallet, from which its account follows. */
export const PALLET_ID = utf8('py/trsry')
/** The account that holds the treasury: `modl` and the pallet's id, zero-padded to 32 bytes. */
export const TREASURY_ACCOUNT: Uint8Array = concatBytes(utf8('modl'), PALLET_ID, new Uint8Array(20))

/** A wish to be paid. */
export const Proposal = named('pallet_treasury::Proposal', struct({ proposer: AccountId, value: u128, beneficiary: AccountId, bond: u128 }))
export type Proposal = TypeOf<typeof Proposal>

const storage = palletStorage('Treasury')

export const proposalCount = storage.value('ProposalCount', { type: u32, default: 0, doc: 'Proposals so far.' })
export const proposals = storage.map('Proposals', { hasher: 'Twox64Concat', key: u32, type: Proposal, doc: 'Open proposals.' })
export const deactivated = storage.value('Deactivated', { type: u128, default: 0n, doc: 'Always zero: no issuance is told apart as inactive here.' })
export const approvals = storage.value('Approvals', { type: vecUpTo(u32, APPROVALS_MAX), default: [], doc: 'Approved proposals, in order, that wait to be paid.' })
