/** Owns the types of pools as they stand in state (stakepool.md section 2): what all pools share, stake pools, vaults. */
import { AccountId, Sr25519Public } from '@phalanx/primitives/chain'
import { named, option, struct, u128, u32, u64, variant, vecUpTo, type TypeOf } from '@phalanx/primitives/codec'
import { Permill } from '../rmrk-core/storage.ts'

/** Most requests that wait in a pool's queue. */
export const WITHDRAW_QUEUE_MAX = 1000
/** Most vaults that delegate to one pool. */
export const VALUE_SUBSCRIBERS_MAX = 200
/** Most pools that one vault delegates to. */
export const VAULT_POOLS_MAX = 200
/** Most workers of a pool, those included that left it by force and still cool down. */
export const POOL_WORKERS_MAX = 200

const PATH = 'phala_pallets::compute'

/** A request that waits: whose, since when (Unix seconds), and the item that holds its shares. */
export const WithdrawInfo = named(`${PATH}::base_pool::pallet::WithdrawInfo`, struct({ user: AccountId, startTime: u64, nftId: u32 }))
export type WithdrawInfo = TypeOf<typeof WithdrawInfo>

/** What a share item says: property `stake-info`. */
export const NftAttr = named(`${PATH}::base_pool::pallet::NftAttr`, struct({ shares: u128 }))

/** What stake pools and vaults share. */
export const BasePool = named(`${PATH}::base_pool::pallet::BasePool`, struct({
  pid: u64, owner: AccountId, totalShares: u128, totalValue: u128, withdrawQueue: vecUpTo(WithdrawInfo, WITHDRAW_QUEUE_MAX),
  valueSubscribers: vecUpTo(u64, VALUE_SUBSCRIBERS_MAX), cid: u32, poolAccountId: AccountId,
}))
export type BasePool = TypeOf<typeof BasePool>

/** A pool with workers. */
export const StakePool = named(`${PATH}::pool_proxy::StakePool`, struct({
  basepool: BasePool, payoutCommission: option(Permill), cap: option(u128), workers: vecUpTo(Sr25519Public, POOL_WORKERS_MAX),
  cdWorkers: vecUpTo(Sr25519Public, POOL_WORKERS_MAX), lockAccount: AccountId, ownerRewardAccount: AccountId,
}))
export type StakePool = TypeOf<typeof StakePool>

/** A pool that delegates to stake pools. */
export const Vault = named(`${PATH}::pool_proxy::Vault`, struct({
  basepool: BasePool, lastSharePriceCheckpoint: u128, commission: option(Permill), ownerShares: u128, investPools: vecUpTo(u64, VAULT_POOLS_MAX),
}))
export type Vault = TypeOf<typeof Vault>

/** Either kind of pool. */
export const PoolProxy = named(`${PATH}::pool_proxy::PoolProxy`, variant('PoolProxy', {
  StakePool: { index: 0, value: StakePool }, Vault: { index: 1, value: Vault },
}))
export type PoolProxy = TypeOf<typeof PoolProxy>
