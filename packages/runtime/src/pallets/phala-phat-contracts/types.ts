/** Owns the on-chain types of PhalaPhatContracts: those of cluster_contracts.md section 3, then ours. Payloads shared with workers are in primitives/messages. */
import { AccountId, Hash, Sr25519Public } from '@phalanx/primitives/chain'
import { named, option, struct, u128, u32, u64, variant, vecUpTo, type TypeOf } from '@phalanx/primitives/codec'
import { CLUSTER_WORKERS_MAX } from '@phalanx/primitives/messages'

const reference = (name: string): string => `phala_types::contract::${name}`
const ours = (name: string): string => `phalanx_pallets::phat::${name}`

/** Who may upload code to a cluster and instantiate contracts in it. */
export const ClusterPermission = named(
  reference('ClusterPermission'),
  variant('ClusterPermission', { Public: { index: 0 }, OnlyOwner: { index: 1, value: AccountId } }),
)
export type ClusterPermission = TypeOf<typeof ClusterPermission>

/** A cluster; prices in plancks of the cluster per unit of gas, item and byte. */
export const ClusterInfo = named(
  reference('ClusterInfo'),
  struct({ owner: AccountId, permission: ClusterPermission, systemContract: Hash, gasPrice: u128, depositPerItem: u128, depositPerByte: u128 }),
)
export type ClusterInfo = TypeOf<typeof ClusterInfo>

/** What the chain knows of a contract. */
export const BasicContractInfo = named('phala_pallets::phat::BasicContractInfo', struct({ deployer: AccountId, cluster: Hash }))
export type BasicContractInfo = TypeOf<typeof BasicContractInfo>

/** Why a worker is in its cluster no more, other than by the owner's will. */
export const LeaveReason = named(
  ours('LeaveReason'),
  variant('LeaveReason', {
    /** It computes no more: its session stopped, by its operator or because its evidence lapsed. */
    SessionStopped: { index: 0 },
    /** Its stake fell below the least: it was slashed, or the least was raised. */
    StakeTooLow: { index: 1 },
  }),
)
export type LeaveReason = TypeOf<typeof LeaveReason>

/** What the gatekeepers are told of a new cluster and the cluster's entry does not hold: what the owner paid in, and the account that its fees go to. */
export const ClusterTerms = named(ours('ClusterTerms'), struct({ deposit: u128, treasuryAccount: AccountId }))
export type ClusterTerms = TypeOf<typeof ClusterTerms>

/**
 * Channel keys of a cluster by time. `current` is 0 until the first epoch began; `since` the block in which the current one began; `requested`
 * the epoch that the gatekeepers are to begin, equal to `current` where none is. `dueBlock`: when the next request is made, or repeated. While
 * `requested` is 0 it is the cluster's key that is asked for.
 */
export const EpochState = named(ours('EpochState'), struct({ current: u64, since: u32, requested: u64, dueBlock: u32 }))
export type EpochState = TypeOf<typeof EpochState>

/** An epoch's public channel key of a cluster, and the block in which the epoch began: the anchor of the key. */
export const ChannelKey = named(ours('ChannelKey'), struct({ pubkey: Sr25519Public, since: u32 }))
export type ChannelKey = TypeOf<typeof ChannelKey>

/**
 * An epoch whose commands count, in the block `since` of its beginning and later. `anchor` is the hash of that block, absent in the block itself; `retireAt` the
 * last block in which its commands count, absent while no other epoch followed.
 */
export const OpenEpoch = named(ours('OpenEpoch'), struct({ epoch: u64, pubkey: Sr25519Public, since: u32, anchor: option(Hash), retireAt: option(u32) }))
export type OpenEpoch = TypeOf<typeof OpenEpoch>

/** Roots of a cluster after a block: of its state, and over the receipts of that block's commands. */
export const ClusterState = named(ours('ClusterState'), struct({ stateRoot: Hash, receiptsRoot: Hash }))
export type ClusterState = TypeOf<typeof ClusterState>

/** A state and who reported it. */
export const StateProposal = named(ours('StateProposal'), struct({ state: ClusterState, workers: vecUpTo(Sr25519Public, CLUSTER_WORKERS_MAX) }))
export type StateProposal = TypeOf<typeof StateProposal>

/** Reports about one cluster and block: the state that more than half of the workers agreed on, if they did, and all that was reported. */
export const StateReports = named(ours('StateReports'), struct({ agreed: option(ClusterState), proposals: vecUpTo(StateProposal, CLUSTER_WORKERS_MAX) }))
export type StateReports = TypeOf<typeof StateReports>

/** The last state of a cluster that its workers agreed on, and its block. */
export const AgreedState = named(ours('AgreedState'), struct({ block: u32, state: ClusterState }))
export type AgreedState = TypeOf<typeof AgreedState>
