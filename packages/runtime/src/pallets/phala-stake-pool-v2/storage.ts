/** Owns the storage of PhalaStakePoolv2 (stakepool.md section 3; ours follow at the end). Keys and value types only, no rules. */
import { AccountId, Sr25519Public } from '@phalanx/primitives/chain'
import { option, tuple, u128, u64 } from '@phalanx/primitives/codec'
import { palletStorage } from '../../frame/storage.ts'

const storage = palletStorage('PhalaStakePoolv2')
const hasher = 'Twox64Concat'

export const legacyRewards = storage.map('LegacyRewards', { hasher, key: tuple(AccountId, u64), type: u128, doc: 'Rewards of an account from before shares were items.' })
export const workerAssignments = storage.map('WorkerAssignments', { hasher, key: Sr25519Public, type: u64, doc: 'Pool of a worker.' })
export const subAccountAssignments = storage.map('SubAccountAssignments', { hasher, key: AccountId, type: u64, doc: 'Unused, as in the reference.' })
export const subAccountPreimages = storage.map('SubAccountPreimages', { hasher, key: AccountId, type: tuple(u64, Sr25519Public), doc: 'Pool and worker of a session account.' })
export const stakepoolIterateStartPos = storage.value('StakepoolIterateStartPos', { type: option(u64), default: undefined, doc: 'Unused: cursor of a migration of the reference.' })

/** Ours from here on. */
export const owedRewards = storage.map('OwedRewards', { hasher, key: u64, type: u128, doc: 'Rewards of a pool that the subsidy wallet could not pay yet.' })
