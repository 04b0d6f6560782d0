/** Owns what workers and registry say to each other: registration info, benchmark reports, endpoints, key announcements, notices. */
import { concatBytes } from '../bytes.ts'
import { bytesUpTo, named, option, struct, textUpTo, tuple, u32, u64, variant, vecUpTo, type TypeOf } from '../codec/index.ts'
import { AccountId, Hash, Sr25519Public } from '../chain/basics.ts'

const common = {
  version: u32,
  machineId: bytesUpTo(256),
  pubkey: Sr25519Public,
  ecdhPubkey: Sr25519Public,
  genesisBlockHash: Hash,
  features: vecUpTo(u32, 64),
  operator: option(AccountId),
} as const

/** What a worker tells the chain about itself; `blake2b-256` of these bytes is bound in its evidence (registry.md section 1). */
export const WorkerRegistrationInfo = named('phala_types::WorkerRegistrationInfo', struct(common))
export type WorkerRegistrationInfo = TypeOf<typeof WorkerRegistrationInfo>

/** The same with chain id and the highest consensus version the worker understands. */
export const WorkerRegistrationInfoV2 = named('phala_types::WorkerRegistrationInfoV2', struct({ ...common, paraId: u32, maxConsensusVersion: u32 }))
export type WorkerRegistrationInfoV2 = TypeOf<typeof WorkerRegistrationInfoV2>

/** Payload of `^phala/registry/event`. `startTime` in milliseconds. */
export const RegistryEvent = named(
  'phala_types::messaging::RegistryEvent',
  variant('RegistryEvent', {
    BenchReport: { index: 0, fields: { startTime: u64, iterations: u64 } },
    MasterPubkey: { index: 1, fields: { masterPubkey: Sr25519Public } },
  }),
)
export type RegistryEvent = TypeOf<typeof RegistryEvent>

/** Endpoints of a worker: URLs. */
export const VersionedWorkerEndpoints = named(
  'phala_types::VersionedWorkerEndpoints',
  variant('VersionedWorkerEndpoints', { V1: { index: 0, value: vecUpTo(textUpTo(2048), 64) } }),
)
export type VersionedWorkerEndpoints = TypeOf<typeof VersionedWorkerEndpoints>

/** What a worker signs about its endpoints; `signingTime` in milliseconds of chain time. */
export const WorkerEndpointPayload = named(
  'phala_types::WorkerEndpointPayload',
  struct({ pubkey: Sr25519Public, versionedEndpoints: VersionedWorkerEndpoints, signingTime: u64 }),
)
export type WorkerEndpointPayload = TypeOf<typeof WorkerEndpointPayload>

/** Kinds of content that an identity key signs besides messages (registry.md section 8). */
export const SIGNED_CONTENT = { rpcResponse: 1, endpointInfo: 2, masterKeyRotation: 3, masterKeyStore: 4, clusterStateRequest: 5, eventChainBlock: 6 } as const

/** Bytes that an identity key signs for a kind of content: `ff` ‖ kind ‖ body. */
export const wrapSignedContent = (kind: keyof typeof SIGNED_CONTENT, body: Uint8Array): Uint8Array =>
  concatBytes(Uint8Array.of(0xff, SIGNED_CONTENT[kind]), body)

/**
 * Payload of `phalanx/registry/ecdh-key`: a worker's fresh ECDH key. The epoch grows with every announcement; the message is signed by the
 * identity key as every worker message is, and once final it is the key's anchor.
 */
export const EcdhKeyAnnouncement = named('phalanx_types::EcdhKeyAnnouncement', struct({ epoch: u64, ecdhPubkey: Sr25519Public }))
export type EcdhKeyAnnouncement = TypeOf<typeof EcdhKeyAnnouncement>

/** Why a worker's evidence counts no longer. */
export const EvictionReason = named(
  'phalanx_types::EvictionReason',
  variant('EvictionReason', {
    /** Its time ran out. */
    Lapsed: { index: 0 },
    /** Its platform family was revoked. */
    FamilyRevoked: { index: 1 },
    /** A newer policy refuses it; `code` names the first failing check. */
    PolicyRefused: { index: 2, fields: { version: u32, code: textUpTo(64) } },
  }),
)
export type EvictionReason = TypeOf<typeof EvictionReason>

/** Payload of `phalanx/registry/notice`: state of the registry that workers act on, sent whenever it changes and at genesis. */
export const RegistryNotice = named(
  'phalanx_types::RegistryNotice',
  variant('RegistryNotice', {
    MinimumVersion: { index: 0, value: tuple(u32, u32, u32) },
    ConsensusVersion: { index: 1, value: u32 },
    MeasurementAllowed: { index: 2, value: bytesUpTo(256) },
    MeasurementRemoved: { index: 3, value: bytesUpTo(256) },
    EcdhKeyAnchored: { index: 4, fields: { pubkey: Sr25519Public, epoch: u64, ecdhPubkey: Sr25519Public } },
    TrustedNtpServers: { index: 5, value: vecUpTo(textUpTo(256), 64) },
    WorkerEvicted: { index: 6, fields: { pubkey: Sr25519Public, reason: EvictionReason } },
    /** A worker's evidence was accepted; it counts until `validUntil` and should be renewed from `renewFrom` on. Unix seconds. */
    WorkerAttested: { index: 7, fields: { pubkey: Sr25519Public, validUntil: u64, renewFrom: u64 } },
    /** Another policy is in force. */
    PolicySet: { index: 8, value: u32 },
    FamilyRevoked: { index: 9, value: bytesUpTo(32) },
  }),
)
export type RegistryNotice = TypeOf<typeof RegistryNotice>
