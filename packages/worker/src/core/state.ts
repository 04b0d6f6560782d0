/** Owns the state of the worker's core and its checkpoint form. Secrets and unproven blocks are part of the state, never of a checkpoint. */
import { bytesUpTo, fixedBytes, option, struct, text, tuple, u32, u64, u8, vecUpTo, type TypeOf } from '@phalanx/primitives/codec'
import { AccountId, AuthoritySet, Hash, Sr25519Public } from '@phalanx/primitives/chain'
import { AppError } from '@phalanx/primitives/errors'
import type { ClusterKeyring } from '../contracts/cluster/keyring.ts'
import { storeCluster } from '../contracts/cluster/records.ts'
import { ClusterFacts, JoiningCluster, StoredCluster, type ClusterState } from '../contracts/cluster/state.ts'
import { GatekeeperState } from '../gatekeeper/state.ts'
import { SystemState } from '../system/state.ts'
import type { AcceptedHandover, HandedOver, HandoverChallenge } from './handover-messages.ts'
import type { TrustedAnchor } from './anchors.ts'
import type { KeyPair, Keys } from './keys.ts'
import { RECENT_BLOCKS_MAX, type FollowState } from './light-client.ts'
import { Egress } from './mq.ts'

/** What is fixed for the life of a process: the build and its platform. */
export interface Build {
  readonly version: readonly [major: number, minor: number, patch: number]
  readonly maxConsensusVersion: number
  /** Measurement of the running code, as evidence carries it. */
  readonly measurement: Uint8Array
  /** `[cpu cores, cpu feature level]`. */
  readonly features: readonly number[]
  /** Blocks between checkpoints. */
  readonly checkpointEveryBlocks: number
  /** Blocks after which a worker rotates its ECDH key by itself, and for which the one before still opens what was on its way. */
  readonly rotateEcdhEveryBlocks: number
  readonly ecdhGraceBlocks: number
  /** Blocks that this code trusts by itself. Where there are any, only their chains are followed. */
  readonly anchors: readonly TrustedAnchor[]
}

/** Evidence for a registration info; cached for an hour of chain time. */
export interface CachedAttestation {
  readonly encodedReport: Uint8Array
  readonly provider: string
  readonly madeAtMs: bigint
}

/** Endpoints by type (0 I2P, 1 HTTP), and the list as it was last signed. */
const Endpoints = struct({
  urls: vecUpTo(tuple(u8, text), 8),
  signed: option(struct({ payload: bytesUpTo(4096), signature: fixedBytes(64) })),
})
type Endpoints = TypeOf<typeof Endpoints>

/** A worker that follows a chain. */
export interface LiveState {
  readonly kind: 'live'
  readonly keys: Keys
  readonly follow: FollowState
  readonly egress: Egress
  readonly system: SystemState
  readonly endpoints: Endpoints
  /** Where the worker is, or is becoming, a gatekeeper. */
  readonly gatekeeper: GatekeeperState | undefined
  /** What the chain told about clusters. */
  readonly clusters: ClusterFacts
  /** The cluster that runs here. */
  readonly cluster: ClusterState | undefined
  /** A cluster that is to run here and cannot yet. */
  readonly joining: JoiningCluster | undefined
  /** Secrets of the worker's cluster, sealed in a file of their own. They can be here before the cluster is. */
  readonly clusterKeys: ClusterKeyring | undefined
  readonly operator: Uint8Array | undefined
  /** Why the worker stopped for good, if it did. */
  readonly halted: string | undefined
  /** Why the worker goes no further until it is started again. Not part of a checkpoint. */
  readonly failed: string | undefined
  /** To whom this worker gave its identity, and with which bytes: they are given again, to nobody else, until they are known to have arrived. Sealed in a file of its own. */
  readonly handedOver: HandedOver | undefined
  /** The last challenge to a successor, with the key for its answer. Not part of a checkpoint. */
  readonly challenge: { readonly value: HandoverChallenge; readonly key: KeyPair } | undefined
  /** Not part of a checkpoint. */
  readonly attestation: CachedAttestation | undefined
  /** Block of the last checkpoint asked for. */
  readonly checkpointedAt: number
}

/** A worker without a chain; a sealed identity may be there already. */
export interface EmptyState {
  readonly kind: 'empty'
  readonly sealed: { readonly identity: KeyPair; readonly genesisHash: Uint8Array; readonly clusterKeys?: ClusterKeyring | undefined } | undefined
  /** A handover that this worker is to receive, with the key for it. */
  readonly accepted?: AcceptedHandover | undefined
  /** Why this worker will never have an identity again, if it gave its away. */
  readonly retired?: string | undefined
}

/** The whole state of a worker's core. */
export type WorkerState = EmptyState | LiveState

/** Format of the checkpoint that this code writes and reads. */
const CHECKPOINT_VERSION = 4

/** Checkpoint content. It holds no secret key, but whatever contracts keep: it never leaves the worker unsealed. */
const Checkpoint = struct({
  version: u8,
  identity: Sr25519Public,
  genesisHash: Hash,
  authorities: AuthoritySet,
  authoritiesSince: u32,
  head: struct({ number: u32, hash: Hash, stateRoot: Hash, timeMs: u64 }),
  recent: vecUpTo(struct({ number: u32, hash: Hash }), RECENT_BLOCKS_MAX),
  egress: Egress,
  system: SystemState,
  endpoints: Endpoints,
  operator: option(AccountId),
  halted: option(text),
  gatekeeper: option(GatekeeperState),
  clusters: ClusterFacts,
  cluster: option(StoredCluster),
  joining: option(JoiningCluster),
})

/** What a checkpoint brings back. */
export type Restored = Omit<LiveState, 'kind' | 'keys' | 'attestation' | 'challenge' | 'handedOver' | 'cluster' | 'clusterKeys' | 'failed'> & {
  readonly identity: Uint8Array
  readonly cluster: StoredCluster | undefined
}

/** Bytes to seal. */
export const encodeCheckpoint = (state: LiveState): Uint8Array => {
  const { genesisHash, authorities, authoritiesSince, head, recent } = state.follow
  const { egress, system, endpoints, operator, halted, gatekeeper, clusters, joining } = state
  return Checkpoint.encode({
    version: CHECKPOINT_VERSION, identity: state.keys.identity.publicKey, genesisHash, authorities, authoritiesSince, head, recent, egress, system, endpoints, operator, halted,
    gatekeeper, clusters, cluster: state.cluster === undefined ? undefined : storeCluster(state.cluster), joining,
  })
}

/** State out of an opened checkpoint. @throws SEAL_VERSION_UNSUPPORTED, SEAL_MALFORMED, CODEC_ codes */
export const decodeCheckpoint = (bytes: Uint8Array): Restored => {
  const { version, identity, genesisHash, authorities, authoritiesSince, head, recent, ...rest } = Checkpoint.decode(bytes)
  if (version !== CHECKPOINT_VERSION) throw new AppError('SEAL_VERSION_UNSUPPORTED', { name: 'checkpoint', version })
  if (recent.at(-1)?.number !== head.number) throw new AppError('SEAL_MALFORMED', { name: 'checkpoint', reason: 'its head is not its last block' })
  return { identity, follow: { genesisHash, authorities, authoritiesSince, head, recent, pending: [] }, checkpointedAt: head.number, ...rest }
}
