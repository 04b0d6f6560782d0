/** Owns the storage of Assets and its types, as real chains show them to clients. Keys and value types only. */
import { AccountId } from '@phalanx/primitives/chain'
import { bool, bytesUpTo, named, struct, u128, u32, u8, unit, variant, type TypeOf } from '@phalanx/primitives/codec'
import { palletStorage } from '../../frame/storage.ts'

/** Longest name and symbol of an asset. */
export const STRING_LIMIT = 50

/** Whether an asset's balances may move. */
const AssetStatus = named('pallet_assets::types::AssetStatus', variant('AssetStatus', { Live: { index: 0 }, Frozen: { index: 1 }, Destroying: { index: 2 } }))

/** What the chain knows of an asset. */
export const AssetDetails = named('pallet_assets::types::AssetDetails', struct({
  owner: AccountId, issuer: AccountId, admin: AccountId, freezer: AccountId, supply: u128, deposit: u128, minBalance: u128,
  isSufficient: bool, accounts: u32, sufficients: u32, approvals: u32, status: AssetStatus,
}))
export type AssetDetails = TypeOf<typeof AssetDetails>

/** What keeps an account of an asset in existence. */
const ExistenceReason = named('pallet_assets::types::ExistenceReason', variant('ExistenceReason', {
  Consumer: { index: 0 }, Sufficient: { index: 1 }, DepositHeld: { index: 2, value: u128 }, DepositRefunded: { index: 3 },
}))

/** One account's balance of an asset. */
export const AssetAccount = named('pallet_assets::types::AssetAccount', struct({ balance: u128, isFrozen: bool, reason: ExistenceReason, extra: unit }))
export type AssetAccount = TypeOf<typeof AssetAccount>

/** What a delegate may still spend, and the deposit for saying so. */
export const Approval = named('pallet_assets::types::Approval', struct({ amount: u128, deposit: u128 }))

/** Name, symbol and decimals of an asset. */
export const AssetMetadata = named('pallet_assets::types::AssetMetadata', struct({
  deposit: u128, name: bytesUpTo(STRING_LIMIT), symbol: bytesUpTo(STRING_LIMIT), decimals: u8, isFrozen: bool,
}))

const assets = palletStorage('Assets')
const NO_BYTES = new Uint8Array(0)

export const asset = assets.map('Asset', { hasher: 'Blake2_128Concat', key: u32, type: AssetDetails, doc: 'Details of an asset.' })
export const account = assets.doubleMap('Account', {
  hashers: ['Blake2_128Concat', 'Blake2_128Concat'], keys: [u32, AccountId], type: AssetAccount, doc: 'Balance of an account in an asset.' })
export const approvals = assets.manyMap('Approvals', {
  hashers: ['Blake2_128Concat', 'Blake2_128Concat', 'Blake2_128Concat'], keys: [u32, AccountId, AccountId], type: Approval,
  doc: 'What a delegate may spend of an owner\'s balance: asset, owner, delegate.' })
export const metadata = assets.map('Metadata', {
  hasher: 'Blake2_128Concat', key: u32, type: AssetMetadata, default: { deposit: 0n, name: NO_BYTES, symbol: NO_BYTES, decimals: 0, isFrozen: false },
  doc: 'Name, symbol and decimals of an asset.' })
