/** Owns what chain, gatekeepers and workers say to each other about clusters: mq.md section 7, then ours under `phalanx/cluster/`. */
import { bytesUpTo, named, sortedMap, struct, tuple, u128, u16, u32, u64, variant, vecUpTo, type TypeOf } from '../codec/index.ts'
import { AccountId, Hash, Sr25519Public } from '../chain/basics.ts'
import { WorkerIdentity } from './gatekeeper.ts'
import { EncryptedKey } from './gatekeeper-keys.ts'

/** Most workers of one cluster. */
export const CLUSTER_WORKERS_MAX = 256
/** Longest code that may be uploaded, and longest system code. */
export const RESOURCE_BYTES_MAX = 2 * 1024 * 1024
/** Most contracts whose channel keys one message may name. */
export const CHANNEL_KEYS_MAX = 1024

const terms = { deposit: u128, gasPrice: u128, depositPerItem: u128, depositPerByte: u128, treasuryAccount: AccountId } as const
const contracts = (name: string): string => `phala_types::contract::messaging::${name}`

/** Payload of `phala/cluster/event`: gatekeepers are to make a cluster's key and hand it to its workers. */
export const ClusterEvent = named(
  contracts('ClusterEvent'),
  variant('ClusterEvent', {
    DeployCluster: { index: 0, fields: { owner: AccountId, cluster: Hash, workers: vecUpTo(WorkerIdentity, CLUSTER_WORKERS_MAX), ...terms } },
  }),
)
export type ClusterEvent = TypeOf<typeof ClusterEvent>

/** What an uploaded resource is. */
export const ResourceType = named(
  contracts('ResourceType'),
  variant('ResourceType', { InkCode: { index: 0 }, SidevmCode: { index: 1 }, IndeterministicInkCode: { index: 2 } }),
)
export type ResourceType = TypeOf<typeof ResourceType>

/** Payload of `phala/cluster/key`: `DispatchKeys` comes from the gatekeepers, the rest from the chain. */
export const ClusterOperation = named(
  contracts('ClusterOperation'),
  variant('ClusterOperation', {
    DispatchKeys: {
      index: 0,
      value: named(
        contracts('BatchDispatchClusterKeyEvent'),
        struct({ secretKeys: sortedMap(Sr25519Public, EncryptedKey), cluster: Hash, owner: AccountId, ...terms }),
      ),
    },
    DestroyCluster: { index: 1, value: Hash },
    UploadResource: { index: 2, fields: { origin: AccountId, clusterId: Hash, resourceType: ResourceType, resourceData: bytesUpTo(RESOURCE_BYTES_MAX) } },
    Deposit: { index: 3, fields: { clusterId: Hash, account: AccountId, amount: u128 } },
    RemoveWorker: { index: 4, fields: { clusterId: Hash, worker: Sr25519Public } },
  }),
)
export type ClusterOperation = TypeOf<typeof ClusterOperation>

/** Payload of `phala/cluster/worker/report`: a worker tells whether it runs the cluster. */
export const WorkerClusterReport = named(
  contracts('WorkerClusterReport'),
  variant('WorkerClusterReport', {
    ClusterDeployed: { index: 0, fields: { id: Hash, pubkey: Sr25519Public } },
    ClusterDeploymentFailed: { index: 1, fields: { id: Hash } },
  }),
)
export type WorkerClusterReport = TypeOf<typeof WorkerClusterReport>

/** Payload of `^phala/registry/cluster`, from the gatekeepers: the public key of a cluster. */
export const ClusterRegistryEvent = named(
  'phala_pallets::phat::ClusterRegistryEvent',
  variant('ClusterRegistryEvent', { PubkeyAvailable: { index: 0, fields: { cluster: Hash, pubkey: Sr25519Public } } }),
)
export type ClusterRegistryEvent = TypeOf<typeof ClusterRegistryEvent>

/**
 * How clusters of this chain are kept. In blocks: how often each gets fresh channel keys, how long the keys before them still open commands, how often
 * its workers tell their state's root even where nothing happened.
 */
export const ClusterParameters = named(
  'phalanx_types::ClusterParameters',
  struct({ rotationPeriodBlocks: u32, graceBlocks: u32, reportIntervalBlocks: u32 }),
)
export type ClusterParameters = TypeOf<typeof ClusterParameters>

/** Payload of `phalanx/cluster/notice`: state of the chain that workers and gatekeepers act on, sent whenever it changes. */
export const ClusterNotice = named(
  'phalanx_types::ClusterNotice',
  variant('ClusterNotice', {
    /** A worker joined a running cluster, or lacks its keys and asked for them: gatekeepers give it the cluster's key, members its state. */
    WorkerAdded: { index: 0, fields: { cluster: Hash, worker: WorkerIdentity } },
    /** Each gatekeeper is to propose the channel secret of this epoch, for exactly these workers; sent again until one did. */
    EpochRequested: { index: 1, fields: { cluster: Hash, epoch: u64, workers: vecUpTo(WorkerIdentity, CLUSTER_WORKERS_MAX) } },
    /** Commands are sealed for this epoch from now on. Secrets of the epochs before are to be erased once block `retireAt` has been executed. */
    EpochBegan: { index: 2, fields: { cluster: Hash, epoch: u64, pubkey: Sr25519Public, retireAt: u32 } },
    /** System code of clusters deployed from now on, and of those that upgrade. */
    SystemCode: { index: 3, fields: { version: u16, code: bytesUpTo(RESOURCE_BYTES_MAX) } },
    /** Version of the contract runtime in clusters deployed from now on. */
    RuntimeVersion: { index: 4, value: tuple(u32, u32) },
    Parameters: { index: 5, value: ClusterParameters },
    /** More than half of a cluster's workers reported this state after block `block`. */
    StateAgreed: { index: 6, fields: { cluster: Hash, block: u32, stateRoot: Hash, receiptsRoot: Hash } },
  }),
)
export type ClusterNotice = TypeOf<typeof ClusterNotice>

/** Payload of `phalanx/cluster/epoch-key`, from the chain: an epoch's channel secret (64 bytes) for each worker of a cluster. `EpochBegan` follows in the same block. */
export const ClusterEpochKeys = named(
  'phalanx_types::ClusterEpochKeys',
  struct({ cluster: Hash, epoch: u64, secretKeys: sortedMap(Sr25519Public, EncryptedKey) }),
)
export type ClusterEpochKeys = TypeOf<typeof ClusterEpochKeys>

/** Payload of `^phalanx/cluster/epoch-candidate`, from a gatekeeper: an epoch's secret that it made at random, sealed to each worker of the cluster, and its public half. */
export const ClusterEpochCandidate = named(
  'phalanx_types::ClusterEpochCandidate',
  struct({ cluster: Hash, epoch: u64, pubkey: Sr25519Public, secretKeys: sortedMap(Sr25519Public, EncryptedKey) }),
)
export type ClusterEpochCandidate = TypeOf<typeof ClusterEpochCandidate>

/** Payload of `^phalanx/cluster/key-request`, from a worker that could not open what its cluster's members were sent: it is to be sent again, for its present ECDH key. */
export const ClusterKeyRequest = named('phalanx_types::ClusterKeyRequest', struct({ cluster: Hash }))
export type ClusterKeyRequest = TypeOf<typeof ClusterKeyRequest>

/** Payload of `^phalanx/cluster/channel`, from the cluster: public keys that commands of an epoch are sealed to. */
export const ClusterChannelEvent = named(
  'phalanx_types::ClusterChannelEvent',
  variant('ClusterChannelEvent', {
    /** Channel keys of contracts in this epoch. */
    ContractPubkeys: { index: 1, fields: { epoch: u64, keys: vecUpTo(tuple(Hash, Sr25519Public), CHANNEL_KEYS_MAX) } },
  }),
)
export type ClusterChannelEvent = TypeOf<typeof ClusterChannelEvent>

/**
 * Payload of `^phalanx/cluster/state`, from a worker: root of its cluster's state after block `block`, and root over the receipts of the commands
 * of that very block (32 zero bytes where there were none).
 */
export const ClusterStateReport = named(
  'phalanx_types::ClusterStateReport',
  struct({ cluster: Hash, block: u32, stateRoot: Hash, receiptsRoot: Hash }),
)
export type ClusterStateReport = TypeOf<typeof ClusterStateReport>
