/** Owns the first stage of PhalaPhatContracts: events, errors, constants (cluster_contracts.md section 3; ours follow at the end). */
import { AccountId, Hash, Sr25519Public } from '@phalanx/primitives/chain'
import { u128, u16, u32, u64 } from '@phalanx/primitives/codec'
import { CLUSTER_WORKERS_MAX, ClusterParameters, RESOURCE_BYTES_MAX } from '@phalanx/primitives/messages'
import { constant, declarePallet, type ContextOf } from '../../frame/pallet.ts'
import * as storage from './storage.ts'
import { LeaveReason } from './types.ts'

/** Name of the pallet in the runtime, its storage prefix and its messages. */
export const PHAT_CONTRACTS = 'PhalaPhatContracts'

const membership = { worker: Sr25519Public, cluster: Hash } as const

/** First stage; pallet.ts adds the calls. */
export const phatParts = declarePallet({
  name: PHAT_CONTRACTS,
  crate: 'phala_pallets::phat',
  doc: 'Clusters of workers and the confidential contracts in them.',
  storage,
  events: {
    ClusterCreated: { index: 0, doc: 'A cluster was created; its workers are being given its key.', fields: { cluster: Hash, systemContract: Hash } },
    ClusterPubkeyAvailable: { index: 1, doc: 'The gatekeepers made a cluster\'s key.', fields: { cluster: Hash, pubkey: Sr25519Public } },
    ClusterDeployed: { index: 2, doc: 'A worker runs a cluster.', fields: { cluster: Hash, pubkey: Sr25519Public, worker: Sr25519Public } },
    ClusterDeploymentFailed: { index: 3, doc: 'A worker could not set its cluster up.', fields: { cluster: Hash, worker: Sr25519Public } },
    Instantiating: { index: 4, doc: 'A contract is being instantiated.', fields: { contract: Hash, cluster: Hash, deployer: AccountId } },
    ContractPubkeyAvailable: { index: 5, doc: 'A contract has its key.', fields: { contract: Hash, cluster: Hash, pubkey: Sr25519Public } },
    Instantiated: { index: 6, doc: 'A contract runs.', fields: { contract: Hash, cluster: Hash, deployer: Hash } },
    ClusterDestroyed: { index: 7, doc: 'A cluster was destroyed.', fields: { cluster: Hash } },
    Transfered: { index: 8, doc: 'Tokens went into a cluster.', fields: { cluster: Hash, account: Hash, amount: u128 } },
    WorkerAddedToCluster: { index: 9, doc: 'The owner took a worker in.', fields: membership },
    WorkerRemovedFromCluster: { index: 10, doc: 'The owner removed a worker.', fields: membership },
    WorkerLeftCluster: { index: 11, doc: 'A worker lost its place in its cluster, and why.', fields: { ...membership, reason: LeaveReason } },
    ClusterMinStakeChanged: { index: 12, doc: 'Workers of clusters need this stake from now on.', fields: { minStake: u128 } },
    ClusterParametersChanged: { index: 13, doc: 'Clusters are kept in another way.', fields: { parameters: ClusterParameters } },
    ClusterEpochRequested: { index: 14, doc: 'The gatekeepers were asked to begin an epoch of a cluster\'s channel keys.', fields: { cluster: Hash, epoch: u64 } },
    ClusterEpochBegan: { index: 15, doc: 'Commands are sealed for another epoch.', fields: { cluster: Hash, epoch: u64, pubkey: Sr25519Public } },
    ContractChannelKeysAvailable: { index: 16, doc: 'Contracts of a cluster have their channel keys of an epoch.', fields: { cluster: Hash, epoch: u64, contracts: u32 } },
    ClusterStateAgreed: { index: 17, doc: 'More than half of a cluster\'s workers hold this state.', fields: { cluster: Hash, block: u32, stateRoot: Hash, receiptsRoot: Hash } },
    WorkerStateDiffers: { index: 18, doc: 'Alarm: a worker holds another state than its cluster.', fields: { cluster: Hash, block: u32, worker: Sr25519Public } },
    ClusterStateDisputed: { index: 19, doc: 'Alarm: all workers of a cluster reported and no state has more than half of them.', fields: { cluster: Hash, block: u32 } },
    PinkSystemCodeChanged: { index: 20, doc: 'There is another system code.', fields: { version: u16, hash: Hash } },
    ClusterKeysRequested: { index: 21, doc: 'A worker lacks its cluster\'s keys; the gatekeepers were asked to give it them.', fields: membership },
    EpochCandidateChosen: { index: 22, doc: 'A gatekeeper\'s proposal became the epoch\'s secret.', fields: { cluster: Hash, epoch: u64, gatekeeper: Sr25519Public } },
  },
  errors: {
    CodeNotFound: { index: 0, doc: 'Unused: code is known to clusters, not to the chain.' },
    ClusterNotFound: { index: 1, doc: 'There is no such cluster.' },
    ClusterNotDeployed: { index: 2, doc: 'The cluster has no key yet.' },
    ClusterPermissionDenied: { index: 3, doc: 'The cluster does not allow that to this account.' },
    DuplicatedContract: { index: 4, doc: 'There is such a contract; choose another salt.' },
    DuplicatedDeployment: { index: 5, doc: 'Unused.' },
    NoWorkerSpecified: { index: 6, doc: 'A cluster needs a worker.' },
    InvalidSender: { index: 7, doc: 'The sender may not send this message.' },
    WorkerNotFound: { index: 8, doc: 'The worker is not registered, or not in this cluster.' },
    PayloadTooLarge: { index: 9, doc: 'The resource is larger than 2 MiB.' },
    NoPinkSystemCode: { index: 10, doc: 'There is no system code.' },
    ContractNotFound: { index: 11, doc: 'There is no such contract.' },
    WorkerIsBusy: { index: 12, doc: 'The worker is in a cluster.' },
    WorkerNotStaked: { index: 13, doc: 'The worker does not compute, is silent, or has less stake than a cluster asks for.' },
    SidevmNotSupported: { index: 14, doc: 'Clusters of this chain run no side programs.' },
    ClusterKeyMismatch: { index: 15, doc: 'The cluster has another key.' },
    ContractKeyMismatch: { index: 16, doc: 'The contract has another key.' },
    EpochNotRequested: { index: 17, doc: 'No such epoch is asked for, or the cluster is not in it.' },
    StateReportOutOfRange: { index: 18, doc: 'The report is about a block that has not ended or ended too long ago.' },
    AlreadyReported: { index: 19, doc: 'The worker has reported about this block.' },
    InvalidParameter: { index: 20, doc: 'A parameter is zero or out of its range.' },
    ClusterFull: { index: 21, doc: 'The cluster holds as many workers or contracts as it may.' },
    InvalidEpochCandidate: { index: 22, doc: 'The candidate\'s key is none, or its secret is not for exactly the workers of the cluster.' },
    KeysRequestedLately: { index: 23, doc: 'The gatekeepers were told to give the worker its cluster\'s keys a few blocks ago.' },
  },
  constants: {
    InkCodeSizeLimit: constant(u32, RESOURCE_BYTES_MAX, 'Longest ink! code in bytes.'),
    SidevmCodeSizeLimit: constant(u32, 0, 'Longest side program in bytes: none is taken.'),
    ClusterWorkersMax: constant(u32, CLUSTER_WORKERS_MAX, 'Most workers of a cluster.'),
  },
})

/** Context in which the functions of this folder run. */
export type PhatContext = ContextOf<typeof phatParts>
