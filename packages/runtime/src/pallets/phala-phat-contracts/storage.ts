/** Owns the storage of PhalaPhatContracts: the items of cluster_contracts.md section 3, then ours. Keys and value types only, no rules. */
import { Hash, Sr25519Public } from '@phalanx/primitives/chain'
import { bytesUpTo, tuple, u128, u16, u32, u64, unit, vecUpTo } from '@phalanx/primitives/codec'
import { UNIT } from '@phalanx/primitives/fixed'
import { CLUSTER_WORKERS_MAX, ClusterParameters, RESOURCE_BYTES_MAX } from '@phalanx/primitives/messages'
import { palletStorage } from '../../frame/storage.ts'
import { AgreedState, BasicContractInfo, ChannelKey, ClusterInfo, ClusterTerms, EpochState, OpenEpoch, StateReports } from './types.ts'

const storage = palletStorage('PhalaPhatContracts')
const byHash = { hasher: 'Twox64Concat', key: Hash } as const

/** Most contracts of one cluster. */
export const CONTRACTS_PER_CLUSTER_MAX = 65_536
/** System code: uploaded by governance. */
export const SystemCode = bytesUpTo(RESOURCE_BYTES_MAX)
/** Most epochs of a cluster that count at a time. */
export const OPEN_EPOCHS_MAX = 64
/** Below the least with which any worker may begin to compute under the default economy, so that a slash by a level, not dust, costs the place. */
export const CLUSTER_MIN_STAKE = 500n * UNIT
/** An hour at the reference's twelve seconds per block, ten minutes of grace, a report every five minutes. */
export const CLUSTER_PARAMETERS: ClusterParameters = { rotationPeriodBlocks: 300, graceBlocks: 50, reportIntervalBlocks: 25 }

export const contracts = storage.map('Contracts', { ...byHash, type: BasicContractInfo, doc: 'Contracts by id.' })
export const clusterCounter = storage.value('ClusterCounter', { type: u64, default: 0n, doc: 'Number of the latest cluster.' })
export const clusters = storage.map('Clusters', { ...byHash, type: ClusterInfo, doc: 'Clusters by id.' })
export const clusterContracts = storage.map('ClusterContracts', { ...byHash, type: vecUpTo(Hash, CONTRACTS_PER_CLUSTER_MAX), default: [], doc: 'Contracts that run in a cluster.' })
export const clusterWorkers = storage.map('ClusterWorkers', { ...byHash, type: vecUpTo(Sr25519Public, CLUSTER_WORKERS_MAX), default: [], doc: 'Workers of a cluster.' })
export const clusterByWorkers = storage.map('ClusterByWorkers', { hasher: 'Twox64Concat', key: Sr25519Public, type: Hash, doc: 'Cluster of a worker.' })
export const pinkSystemCode = storage.value('PinkSystemCode', { type: tuple(u16, SystemCode), default: [0, new Uint8Array(0)], doc: 'Version and bytes of the system contract\'s code.' })
export const pinkSystemCodeHash = storage.value('PinkSystemCodeHash', { type: Hash, doc: 'Hash of the system contract\'s code.' })
export const pinkRuntimeVersion = storage.value('PinkRuntimeVersion', { type: tuple(u32, u32), doc: 'Version of the contract runtime in new clusters.' })
export const nextPinkSystemCode = storage.value('NextPinkSystemCode', { type: SystemCode, doc: 'System code that takes effect when the next block begins.' })

/** Ours from here on. */
export const clusterMinStake = storage.value('ClusterMinStake', { type: u128, default: CLUSTER_MIN_STAKE, doc: 'Least stake of a worker in a cluster; never zero.' })
export const clusterParameters = storage.value('ClusterParameters', { type: ClusterParameters, default: CLUSTER_PARAMETERS, doc: 'How clusters of this chain are kept.' })
export const clusterTerms = storage.map('ClusterTerms', { ...byHash, type: ClusterTerms, doc: 'What clusters are deployed with besides what Clusters holds.' })
export const clusterEpoch = storage.map('ClusterEpoch', { ...byHash, type: EpochState, doc: 'Epoch of a cluster\'s channel keys.' })
export const epochQueue = storage.doubleMap('EpochQueue', { hashers: ['Twox64Concat', 'Twox64Concat'], keys: [u32, Hash], type: unit, doc: 'Clusters by the block in which an epoch is asked for.' })
export const openEpochs = storage.map('OpenEpochs', { ...byHash, type: vecUpTo(OpenEpoch, OPEN_EPOCHS_MAX), default: [], doc: 'Epochs of a cluster whose commands count, ascending.' })
export const epochsBegan = storage.value('EpochsBegan', { type: vecUpTo(Hash, 65_536), default: [], doc: 'Clusters whose epochs began in this block.' })
export const epochRenewals = storage.map('EpochRenewals', { ...byHash, type: unit, doc: 'Clusters that want another epoch once the one asked for began.' })
export const keyRequestedAt = storage.map('KeyRequestedAt', { hasher: 'Twox64Concat', key: Sr25519Public, type: u32, doc: 'Block in which the gatekeepers were last told to give a worker its cluster\'s keys.' })
export const keysSentInVain = storage.value('KeysSentInVain', {
  type: vecUpTo(tuple(Hash, vecUpTo(Sr25519Public, CLUSTER_WORKERS_MAX)), 65_536), default: [], doc: 'Clusters whose key was sent in this block to workers that are not in them, and these.' })
export const clusterChannelKeys = storage.doubleMap('ClusterChannelKeys', {
  hashers: ['Twox64Concat', 'Twox64Concat'], keys: [Hash, u64], type: ChannelKey, doc: 'Channel key of a cluster in its current epoch and the one before.' })
export const contractChannelKeys = storage.doubleMap('ContractChannelKeys', {
  hashers: ['Twox64Concat', 'Twox64Concat'], keys: [Hash, u64], type: Sr25519Public, doc: 'Channel key of a contract by epoch: that to which commands are sealed, and the one before.' })
export const stateReports = storage.doubleMap('StateReports', {
  hashers: ['Twox64Concat', 'Twox64Concat'], keys: [u32, Hash], type: StateReports, doc: 'What workers reported of their cluster\'s state, by block and cluster.' })
export const spokeAt = storage.map('SpokeAt', {
  hasher: 'Twox64Concat', key: Sr25519Public, type: u32, doc: 'Block in which a member last told its cluster\'s state, or was there when the cluster was made. One that joined counts from its first word on.' })
export const agreedState = storage.map('AgreedState', { ...byHash, type: AgreedState, doc: 'Last state of a cluster that its workers agreed on.' })
