/** Owns the storage of PhalaPhatTokenomic and its account (cluster_contracts.md section 4). Keys and value types only. */
import { concatBytes, utf8 } from '@phalanx/primitives/bytes'
import { AccountId, Hash } from '@phalanx/primitives/chain'
import { u128 } from '@phalanx/primitives/codec'
import { palletStorage } from '../../frame/storage.ts'

const storage = palletStorage('PhalaPhatTokenomic')

/** The account that holds all stakes: `modl` and the pallet id `phat/tok`, zero-padded to 32 bytes. */
export const TOKENOMIC_ACCOUNT: Uint8Array = concatBytes(utf8('modlphat/tok'), new Uint8Array(20))

export const contractUserStakes = storage.doubleMap('ContractUserStakes', {
  hashers: ['Twox64Concat', 'Twox64Concat'], keys: [AccountId, Hash], type: u128, default: 0n, doc: 'What an account staked for a contract.' })
export const contractTotalStakes = storage.map('ContractTotalStakes', { hasher: 'Twox64Concat', key: Hash, type: u128, default: 0n, doc: 'What all accounts staked for a contract.' })
export const minStake = storage.value('MinStake', { type: u128, default: 0n, doc: 'Least stake of an account for a contract.' })
