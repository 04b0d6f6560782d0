/**
 * Owns what a worker knows of clusters: facts that the chain told (every worker), the cluster that runs here, the wait for one that does not yet. Secrets are
 * in `ClusterKeyring` (keyring.ts) and in `ClusterState`, never in the parts that checkpoints hold.
 */
import { bool, bytesUpTo, fixedBytes, option, struct, textUpTo, tuple, u16, u32, u64, vecUpTo, type TypeOf } from '@phalanx/primitives/codec'
import { Hash, Sr25519Public } from '@phalanx/primitives/chain'
import type { Secret } from '@phalanx/primitives/crypto'
import { CLUSTER_WORKERS_MAX, ClusterOperation, ClusterParameters, Message, RESOURCE_BYTES_MAX } from '@phalanx/primitives/messages'
import type { Trie } from '@phalanx/primitives/trie'
import type { KeyPair } from '../../core/keys.ts'
import type { LogRing } from './log-ring.ts'
import { RecentReceipts } from './recent-receipts.ts'

/** Epochs that can be open at once: the one in force, and those whose grace is not over. */
const EPOCHS_MAX = 64
/** Most blocks, and messages of one block, that are kept for a cluster that cannot run here yet. */
export const BUFFERED_BLOCKS_MAX = 4096
const BUFFERED_MESSAGES_MAX = 65_536
/** How many reported states are remembered for comparison with what the cluster agrees on. */
export const REPORTED_STATES_MAX = 1200
/** Longest key and value of a cluster's state. */
const ENTRY_KEY_BYTES_MAX = 4096
const ENTRY_VALUE_BYTES_MAX = 4 * 1024 * 1024
const ENTRIES_MAX = 16_000_000

/**
 * An epoch of channel keys as the chain told it. `anchor` is the hash of the block `since` in which it began. `retireAt`: last block in which commands of
 * it count, once a later epoch has begun. `isAnnounced`: the cluster told keys of it, so that some member holds its secret; before, nothing can be sealed for it.
 */
export const EpochFact = struct({ epoch: u64, publicKey: Sr25519Public, anchor: Hash, since: u32, retireAt: option(u32), isAnnounced: bool })
export type EpochFact = TypeOf<typeof EpochFact>

/** The cluster that this worker was given to. `members` are those that it knows of; `epochs` ascend; those that nothing opens any more are left out. */
const Membership = struct({ cluster: Hash, members: vecUpTo(Sr25519Public, CLUSTER_WORKERS_MAX), epochs: vecUpTo(EpochFact, EPOCHS_MAX), keysAskedAt: option(u32) })
/** A worker's place in its cluster. */
export type Membership = TypeOf<typeof Membership>

/** Code of system contracts. */
const SystemCode = struct({ version: u16, code: bytesUpTo(RESOURCE_BYTES_MAX) })

/** What the chain tells every worker about clusters. */
export const ClusterFacts = struct({
  /** Code for system contracts of clusters deployed from now on; absent where there is none. */
  systemCode: option(SystemCode),
  runtimeVersion: option(tuple(u32, u32)),
  parameters: ClusterParameters,
  membership: option(Membership),
})
export type ClusterFacts = TypeOf<typeof ClusterFacts>

/** Before the chain said anything. */
export const INITIAL_CLUSTER_FACTS: ClusterFacts = {
  systemCode: undefined, runtimeVersion: undefined, parameters: { rotationPeriodBlocks: 300, graceBlocks: 50, reportIntervalBlocks: 25 }, membership: undefined,
}

/** A state that a cluster's workers compare: roots after block `block`. */
export const StatePoint = struct({ block: u32, stateRoot: Hash, receiptsRoot: Hash })
export type StatePoint = TypeOf<typeof StatePoint>

/** What happened in a block that a cluster hears of. */
const BufferedBlock = struct({ number: u32, hash: Hash, timeMs: u64, messages: vecUpTo(Message, BUFFERED_MESSAGES_MAX) })
/** A block as a cluster hears it. */
export type BufferedBlock = TypeOf<typeof BufferedBlock>

/** What a cluster is deployed with: the operation that says so, its place in its block, and what the chain had told before it. */
const Deployment = struct({ terms: ClusterOperation, index: u32, systemCode: option(SystemCode), runtimeVersion: option(tuple(u32, u32)), epochs: vecUpTo(EpochFact, EPOCHS_MAX) })
/** What a cluster is deployed with. */
export type Deployment = TypeOf<typeof Deployment>

/** Every entry of a cluster's state. */
export const StoredEntries = vecUpTo(tuple(bytesUpTo(ENTRY_KEY_BYTES_MAX), bytesUpTo(ENTRY_VALUE_BYTES_MAX)), ENTRIES_MAX)

/** Numbers of a cluster's channel that were left to other members, and since which block. */
export const ChannelGaps = vecUpTo(struct({ sequence: u64, since: u32 }), 1024)

/** The running cluster's part of a checkpoint: no secret of a key, but all that contracts keep. */
export const StoredCluster = struct({
  id: Hash,
  entries: StoredEntries,
  receipts: RecentReceipts,
  reported: vecUpTo(StatePoint, REPORTED_STATES_MAX),
  reportedUpTo: u32,
  differsSince: option(u32),
  gaps: ChannelGaps,
})
export type StoredCluster = TypeOf<typeof StoredCluster>

/**
 * A cluster that this worker belongs to and cannot run yet. With `deploy` it misses only the cluster's key: once it has that, it deploys at block `since` and does
 * what followed. With `state` it ran up to block `since - 1` and lacks its key, or that of the epoch `needs`: it goes on when it has that. With neither, and sooner, another member's state of
 * block `since - 1` or later helps. `blocks`: what the cluster heard from block `since` on; `why` for people.
 */
export const JoiningCluster = struct({
  cluster: Hash,
  why: textUpTo(256),
  since: u32,
  deploy: option(Deployment),
  state: option(StoredCluster),
  needs: option(u64),
  blocks: vecUpTo(BufferedBlock, BUFFERED_BLOCKS_MAX),
  agreed: vecUpTo(StatePoint, REPORTED_STATES_MAX),
})
export type JoiningCluster = TypeOf<typeof JoiningCluster>

/** A hook that runs at the end of every block; the selector's bytes begin the call's input, big end first. */
export interface BlockEndHook {
  readonly selector: number
  readonly gasLimit: bigint
}

/** A contract that runs in the cluster. */
export interface DeployedContract {
  readonly id: Uint8Array
  readonly publicKey: Uint8Array
  readonly deployer: Uint8Array
  readonly weight: number
  readonly hook: BlockEndHook | undefined
}

/** An epoch whose key is held. */
export interface ChannelEpoch {
  readonly epoch: bigint
  /** Key of the cluster; a contract's own follows from it (`contractChannelKey` in keyring.ts). */
  readonly key: KeyPair
  readonly anchor: Uint8Array
  readonly since: number
  readonly retireAt: number | undefined
}

/** A state that was reported, or is to be compared, with the state itself while it is at hand. */
export interface ReportedState extends StatePoint {
  readonly contracts: Trie | undefined
}

/** Head of the chain of events: number of the next block of it, hash of the last header. */
export interface EventChainHead {
  readonly number: bigint
  readonly hash: Uint8Array
}

/** The cluster that runs here. */
export interface ClusterState {
  readonly id: Uint8Array
  /** 64 bytes of the cluster's key. */
  readonly secret: Secret<Uint8Array>
  readonly publicKey: Uint8Array
  /** Epochs whose keys are held, ascending. */
  readonly epochs: readonly ChannelEpoch[]
  /** State of execution, and under keys of its own (records.ts) everything else that workers of the cluster must agree on. Its root is the state root. */
  readonly contracts: Trie
  /** Sorted by id. */
  readonly deployed: readonly DeployedContract[]
  /** Invocations of the last 256 blocks, in the order of their blocks: key of the record, block of the invocation. */
  readonly nonces: readonly { readonly key: Uint8Array; readonly block: number }[]
  readonly receipts: RecentReceipts
  /** What contracts logged, on this worker. Not part of a checkpoint. */
  readonly logs: LogRing
  readonly runtimeVersion: readonly [major: number, minor: number]
  readonly systemCodeVersion: number
  readonly eventChain: EventChainHead
  /** States that were reported and not agreed on yet, ascending. */
  readonly reported: readonly ReportedState[]
  /** Last block whose state was reported. */
  readonly reportedUpTo: number
  /** Latest state that more than half of the workers, this one among them, reported. */
  readonly agreed: ReportedState | undefined
  /** Block at which this worker's state was not the one that the others agreed on. */
  readonly differsSince: number | undefined
  /** Messages that the cluster's channel owes because this worker could not say them: numbers that others fill. */
  readonly gaps: TypeOf<typeof ChannelGaps>
}

/** SCALE of 64 secret bytes. */
export const SecretBytes = fixedBytes(64)
