/**
 * Owns what a gatekeeper knows besides its keys: the chain's master keys, its replay of the economy, its votes and what it still has to ask
 * the root secret. Holds no secret; survives restarts as part of the worker's checkpoint.
 */
import { bool, bytesUpTo, fixedBytes, option, struct, tuple, u128, u32, u64, variant, vecUpTo, type TypeOf } from '@phalanx/primitives/codec'
import { AccountId, Hash, Sr25519Public } from '@phalanx/primitives/chain'
import {
  CLUSTER_WORKERS_MAX, EncryptedKey, Message, OUTCOME_BYTES_MAX, STATE_PART_BYTES_MAX, STATE_PARTS_MAX, Topic, WorkerIdentity,
} from '@phalanx/primitives/messages'
import { Economics } from './economics/state.ts'

/** Most tasks, votes, notices and blocks that are kept; what does not fit is dropped and counted as an alarm. */
const TASKS_MAX = 100_000
const VOTES_MAX = 100_000
const EPOCHS_MAX = 1024
const ATTACHMENTS_MAX = 4096
const ATTACHMENT_BYTES_MAX = 512 * 1024
/** Most blocks that a joining gatekeeper keeps until it was told what happened before. */
export const JOINING_BLOCKS_MAX = 2048

const Epoch = struct({ rotationId: u64, since: u32, publicKey: Sr25519Public })
/** A master key as the chain knows it: the rotation that made it, the block since which it holds, its public key. */
export type Epoch = TypeOf<typeof Epoch>

const Round = struct({ round: u32, value: fixedBytes(32) })
/** A round of the beacon and its value; round 0 is before the first. */
export type Round = TypeOf<typeof Round>

const OutcomeId = struct({ block: u32, index: u32 })
/** Which outcome of the replay: number `index` among those of a block. */
export type OutcomeId = TypeOf<typeof OutcomeId>

/** Most clusters of a chain that gatekeepers keep track of; what comes beyond is not given keys. */
export const CLUSTERS_MAX = 16_384

/** What a cluster's workers are told of it together with its key. */
const ClusterTerms = struct({ owner: AccountId, deposit: u128, gasPrice: u128, depositPerItem: u128, depositPerByte: u128, treasuryAccount: AccountId })

const KnownCluster = struct({ id: Hash, since: u32, terms: ClusterTerms })
/** A cluster, and the block in which its key was first asked for: the master key that was in force before that block is the one that its key comes from, for good. */
export type KnownCluster = TypeOf<typeof KnownCluster>

const ClusterWorkers = vecUpTo(WorkerIdentity, CLUSTER_WORKERS_MAX)

const EpochRequest = struct({ cluster: Hash, epoch: u64, workers: ClusterWorkers })
/** Channel keys of a cluster that the chain asks for, for these workers, and this gatekeeper has not proposed yet. */
export type EpochRequest = TypeOf<typeof EpochRequest>

/** Something to ask of the root secret, with what the answer is for. */
export const Task = variant('GatekeeperTask', {
  Launch: { index: 0, value: struct({ block: u32 }) },
  Inventory: { index: 1 },
  Beacon: { index: 2, value: struct({ round: u32, epoch: u64, index: u32 }) },
  Admit: { index: 3, value: struct({ outcome: OutcomeId, recipient: WorkerIdentity, epochs: vecUpTo(tuple(u64, u32), EPOCHS_MAX) }) },
  Accept: {
    index: 4,
    value: struct({
      block: u32, keys: vecUpTo(tuple(u64, EncryptedKey), EPOCHS_MAX), sealedTo: option(Sr25519Public), rotation: option(struct({ rotationId: u64, outcome: OutcomeId })),
    }),
  },
  Rotate: { index: 5, value: struct({ rotationId: u64, epoch: u64, recipients: vecUpTo(WorkerIdentity, EPOCHS_MAX) }) },
  Retire: { index: 6, value: struct({ block: u32 }) },
  SealCluster: {
    index: 7,
    value: struct({ publication: option(OutcomeId), dispatch: OutcomeId, cluster: Hash, epoch: u64, recipients: ClusterWorkers, terms: ClusterTerms }),
  },
})
export type Task = TypeOf<typeof Task>

const Vote = struct({ id: OutcomeId, hash: option(Hash), message: option(struct({ destination: Topic, payload: bytesUpTo(OUTCOME_BYTES_MAX) })) })
/** An outcome that waits for the chain's decision, without hash where we have none of our own. The message is kept until it was sent. */
export type Vote = TypeOf<typeof Vote>

/** A block as the economy's replay needs it. */
const ReplayedBlock = struct({ number: u32, timeMs: u64, messages: vecUpTo(Message, 65_536) })

/** A gatekeeper without the past: since which block it keeps what happens, and the parts of the past that it was sent. */
const Joining = struct({
  since: u32,
  blocks: vecUpTo(ReplayedBlock, JOINING_BLOCKS_MAX),
  parts: vecUpTo(tuple(u32, bytesUpTo(STATE_PART_BYTES_MAX)), STATE_PARTS_MAX),
})

const Alarms = struct({
  /** A beacon value on the chain is not the one computed here. */
  beacon: u32,
  /** The others agreed on another outcome. */
  outcome: u32,
  /** The others agreed on an outcome that did not arise here. */
  unexpected: u32,
  /** Evidence could not be judged for want of its collateral or policy. */
  unjudged: u32,
})
/** Differences between this gatekeeper and what the others agreed on, by kind. Any but zero wants an operator. */
export type Alarms = TypeOf<typeof Alarms>

/** State of a worker that is, or is becoming, a gatekeeper. */
export const GatekeeperState = struct({
  /** On the chain's list. */
  listed: bool,
  /** Block since which our votes count: for blocks after it. */
  confirmedAt: option(u32),
  /** Block of the last report that we hold the key, and of the last request for it. */
  reportedAt: option(u32),
  requestedAt: option(u32),
  /** Block of the launch. */
  launchedAt: option(u32),
  epochs: vecUpTo(Epoch, EPOCHS_MAX),
  /** Keys that the root secret said it holds. */
  held: vecUpTo(struct({ rotationId: u64, publicKey: Sr25519Public }), EPOCHS_MAX),
  /** Rotation under way, and the ECDH key of ours to which its proposals are sealed. */
  rotating: option(struct({ rotationId: u64, sealedTo: option(Sr25519Public) })),
  /**
   * The newest rotated key, as it was sealed to us. Whoever holds the key before it can open it at any time: when nobody else holds it any more,
   * it must not be lost with an ECDH key.
   */
  candidate: option(struct({ rotationId: u64, sealedTo: option(Sr25519Public), key: EncryptedKey })),
  economics: option(Economics),
  /** Latest round computed here, latest on the chain, and rounds on the chain that are not computed here yet. */
  beacon: Round,
  seen: Round,
  expected: vecUpTo(Round, TASKS_MAX),
  tasks: vecUpTo(Task, TASKS_MAX),
  /** Question under way; `ticket` numbers questions. */
  asking: option(u64),
  ticket: u64,
  /** Number of the next outcome of the block being executed. */
  nextIndex: u32,
  votes: vecUpTo(Vote, VOTES_MAX),
  /** What the chain decided before it was known here. */
  decided: vecUpTo(struct({ id: OutcomeId, hash: Hash }), VOTES_MAX),
  /** Collateral and policies by hash, and the block in which each was sent last. */
  attachments: vecUpTo(tuple(Hash, u32, bytesUpTo(ATTACHMENT_BYTES_MAX)), ATTACHMENTS_MAX),
  /** Gatekeepers that joined in the block being executed: they are sent the past when it ends. */
  joiners: u32,
  joining: option(Joining),
  /** In the order in which they were made. */
  clusters: vecUpTo(KnownCluster, CLUSTERS_MAX),
  epochRequests: vecUpTo(EpochRequest, CLUSTERS_MAX),
  alarms: Alarms,
})
export type GatekeeperState = TypeOf<typeof GatekeeperState>

/** A value before the first round. */
const NO_ROUND: Round = { round: 0, value: new Uint8Array(32) }

/** A gatekeeper that was just listed. */
export const createGatekeeperState = (): GatekeeperState => ({
  listed: true, confirmedAt: undefined, reportedAt: undefined, requestedAt: undefined, launchedAt: undefined, epochs: [], held: [], rotating: undefined, candidate: undefined,
  economics: undefined, beacon: NO_ROUND, seen: NO_ROUND, expected: [], tasks: [], asking: undefined, ticket: 0n, nextIndex: 0, votes: [], decided: [],
  attachments: [], joiners: 0, joining: undefined, clusters: [], epochRequests: [], alarms: { beacon: 0, outcome: 0, unexpected: 0, unjudged: 0 },
})

/** What a joining gatekeeper is sent: the same bytes from every gatekeeper, all of it said on the chain or computed from what was. */
export const Past = struct({ launchedAt: u32, epochs: vecUpTo(Epoch, EPOCHS_MAX), seen: Round, economics: Economics, clusters: vecUpTo(KnownCluster, CLUSTERS_MAX) })

/** The key in force. */
export const currentEpoch = (state: GatekeeperState): Epoch | undefined => state.epochs.at(-1)
