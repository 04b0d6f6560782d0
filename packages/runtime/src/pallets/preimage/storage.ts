/** Owns the storage items of Preimage: bytes kept under their hash, who paid for them, and who needs them. */
import { AccountId, Hash } from '@phalanx/primitives/chain'
import { bytesUpTo, named, option, struct, tuple, u128, u32, variant, type TypeOf } from '@phalanx/primitives/codec'
import { palletStorage } from '../../frame/storage.ts'

/** Longest preimage. */
export const PREIMAGE_BYTES_MAX = 4 * 1024 * 1024

const deposit = tuple(AccountId, u128)

/** Whether the chain itself needs a preimage, and who paid a deposit for it. */
export const RequestStatus = named('pallet_preimage::RequestStatus', variant('RequestStatus', {
  Unrequested: { index: 0, fields: { deposit, len: u32 } },
  Requested: { index: 1, fields: { deposit: option(deposit), count: u32, len: option(u32) } },
}))
export type RequestStatus = TypeOf<typeof RequestStatus>

/** A call by value where it is short, else by the hash of its preimage. */
export const BoundedCall = named('frame_support::traits::preimages::Bounded', variant('BoundedCall', {
  Legacy: { index: 0, value: named('frame_support::traits::preimages::LegacyHash', struct({ hash: Hash })) },
  Inline: { index: 1, value: bytesUpTo(128) },
  Lookup: { index: 2, value: named('frame_support::traits::preimages::LookupHash', struct({ hash: Hash, len: u32 })) },
}))
export type BoundedCall = TypeOf<typeof BoundedCall>

const storage = palletStorage('Preimage')

export const statusFor = storage.map('StatusFor', { hasher: 'Identity', key: Hash, type: RequestStatus, doc: 'Status of a preimage by hash.' })
export const preimageFor = storage.map('PreimageFor', { hasher: 'Identity', key: tuple(Hash, u32), type: bytesUpTo(PREIMAGE_BYTES_MAX), doc: 'Preimage by hash and length.' })
