/** Owns the storage of PhalaVault. Keys and value types only. */
import { u64, unit } from '@phalanx/primitives/codec'
import { palletStorage } from '../../frame/storage.ts'

/** Vaults that are withdrawing everything: nothing new may be delegated from them. */
export const vaultLocks = palletStorage('PhalaVault').map('VaultLocks', { hasher: 'Twox64Concat', key: u64, type: unit, doc: 'Vaults that must pay withdrawals before they delegate again.' })
