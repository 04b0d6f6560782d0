/** Owns the storage of PhalaRegistry: the items of registry.md section 4, then ours. Keys and value types only, no rules. */
import { AttestationPolicy, AttestationRecord, CanonicalSet, CollateralKey, createPolicy, EvidenceRecord, PlatformFamily } from '@phalanx/attestation'
import { bool, bytesUpTo, fixedBytes, option, textUpTo, tuple, u32, u64, vecUpTo } from '@phalanx/primitives/codec'
import { Hash, Sr25519Public } from '@phalanx/primitives/chain'
import { VersionedWorkerEndpoints } from '@phalanx/primitives/messages'
import { palletStorage } from '../../frame/storage.ts'
import { GatekeeperVerdict, OpenOutcome } from './gatekeeper-types.ts'
import { COLLATERAL_BYTES_MAX, EcdhKeyRecord, KnownConsensusVersion, Review, WorkerInfoV2 } from './types.ts'

const storage = palletStorage('PhalaRegistry')

/** Longest entry of the measurement allow list. */
export const MEASUREMENT_BYTES_MAX = 256
/** Most entries of each list that governance keeps. */
export const LIST_ENTRIES_MAX = 1024

/** Code measurement: runtime hash of 68 bytes for enclaves (registry.md section 2.2). */
export const Measurement = bytesUpTo(MEASUREMENT_BYTES_MAX)

/** Workers that are gatekeepers. */
export const gatekeeper = storage.value('Gatekeeper', { type: vecUpTo(Sr25519Public, LIST_ENTRIES_MAX), default: [], doc: 'Gatekeepers, in order of registration.' })
/** Public key of the gatekeepers' master key. */
export const gatekeeperMasterPubkey = storage.value('GatekeeperMasterPubkey', { type: Sr25519Public, doc: 'Master public key, once launched.' })
/** When the first gatekeeper launched: block and Unix seconds. */
export const gatekeeperLaunchedAt = storage.value('GatekeeperLaunchedAt', { type: tuple(u32, u64), doc: 'Block and time of the gatekeeper launch.' })
/** Latest rotation id. */
export const rotationCounter = storage.value('RotationCounter', { type: u64, default: 0n, doc: 'Id of the latest master key rotation; 0 is the first key.' })
/** Rotation under way. */
export const masterKeyRotationLock = storage.value('MasterKeyRotationLock', { type: option(u64), default: undefined, doc: 'Id of the rotation under way.' })
/** Registered workers. */
export const workers = storage.map('Workers', { hasher: 'Twox64Concat', key: Sr25519Public, type: WorkerInfoV2, doc: 'Registered workers by identity key.' })
/** Block in which a worker was first registered. */
export const workerAddedAt = storage.map('WorkerAddedAt', { hasher: 'Twox64Concat', key: Sr25519Public, type: u32, doc: 'Block of first registration.' })
/** Contract public keys. */
export const contractKeys = storage.map('ContractKeys', { hasher: 'Twox64Concat', key: Hash, type: Sr25519Public, doc: 'Public key of each contract.' })
/** Cluster public keys. */
export const clusterKeys = storage.map('ClusterKeys', { hasher: 'Twox64Concat', key: Hash, type: Sr25519Public, doc: 'Public key of each cluster.' })
/** Keys of topics. */
export const topicKey = storage.map('TopicKey', { hasher: 'Blake2_128Concat', key: bytesUpTo(256), type: bytesUpTo(256), doc: 'Public key of each topic that has one.' })
/** Blocks that a benchmark lasts. */
export const benchmarkDuration = storage.value('BenchmarkDuration', { type: u32, doc: 'Length of the benchmark in blocks.' })
/** Measurements that may register. */
export const allowList = storage.value('PRuntimeAllowList', { type: vecUpTo(Measurement, LIST_ENTRIES_MAX), default: [], doc: 'Measurements of worker code that may register.' })
/** When a measurement was admitted. */
export const measurementAddedAt = storage.map('PRuntimeAddedAt', { hasher: 'Twox64Concat', key: Measurement, type: u32, doc: 'Block in which a measurement was admitted.' })
/** Chains that workers may follow. */
export const genesisAllowList = storage.value('RelaychainGenesisBlockHashAllowList', { type: vecUpTo(Hash, LIST_ENTRIES_MAX), default: [], doc: 'Genesis hashes that a registration may name.' })
/** Endpoints of workers. */
export const endpoints = storage.map('Endpoints', { hasher: 'Twox64Concat', key: Sr25519Public, type: VersionedWorkerEndpoints, doc: 'Where each worker answers queries.' })
/** Cursor of a storage migration. */
export const tempWorkersIterKey = storage.value('TempWorkersIterKey', { type: option(bytesUpTo(1024)), default: undefined, doc: 'Cursor of a storage migration; none here.' })
/** Lowest worker version that may serve. */
export const minimumVersion = storage.value('MinimumPRuntimeVersion', { type: tuple(u32, u32, u32), default: [0, 0, 0], doc: 'Lowest worker version: major, minor, patch.' })
/** Consensus version in force. */
export const consensusVersion = storage.value('PRuntimeConsensusVersion', { type: u32, default: 0, doc: 'Consensus version that workers must follow.' })
/** Highest consensus version seen. */
export const maxKnownConsensusVersion = storage.value('MaxKnownPRuntimeConsensusVersion', { type: KnownConsensusVersion, default: { version: 0, count: 0 }, doc: 'Highest consensus version registered and by how many.' })
/** Time servers that workers may trust. */
export const trustedNtpServers = storage.value('TrustedNtpServers', { type: vecUpTo(textUpTo(256), 64), default: [], doc: 'Time servers for key handover.' })

/** Announced ECDH keys by worker and epoch; `Workers` holds the current one. */
export const ecdhKeys = storage.doubleMap('EcdhKeys', {
  hashers: ['Twox64Concat', 'Twox64Concat'], keys: [Sr25519Public, u64], type: EcdhKeyRecord, doc: 'Anchored ECDH keys of a worker by epoch.',
})
/** Current epoch of a worker's ECDH key. */
export const ecdhEpoch = storage.map('EcdhEpoch', { hasher: 'Twox64Concat', key: Sr25519Public, type: u64, doc: 'Epoch of a worker\'s current ECDH key.' })
/** What evidence must satisfy; its simulated flag never changes. The measurement list stands in `PRuntimeAllowList`. */
export const attestationPolicy = storage.value('AttestationPolicy', {
  type: AttestationPolicy, default: createPolicy({ kinds: [], roots: [] }), doc: 'What evidence must satisfy. The genesis flag `simulated` never changes.',
})
/** Evidence of registered workers, as it was handed in. */
export const evidence = storage.map('Evidence', { hasher: 'Twox64Concat', key: Sr25519Public, type: EvidenceRecord, doc: 'A worker\'s registration info and evidence, for anyone to judge again.' })
/** Collateral that evidence refers to, by blake2b-256 of its bytes. */
export const collateral = storage.map('Collateral', {
  hasher: 'Identity', key: Hash, type: bytesUpTo(COLLATERAL_BYTES_MAX), doc: 'Collateral that evidence was judged with, by its hash.',
})
/** Block in which a piece of evidence was used. */
export const evidenceSeen = storage.map('EvidenceSeen', { hasher: 'Identity', key: fixedBytes(32), type: u32, doc: 'Digest of evidence that was used, and the block.' })
/** Policies that were in force, measurement list included, by version: what a verdict of the past is judged by. */
export const attestationPolicies = storage.map('AttestationPolicies', { hasher: 'Twox64Concat', key: u32, type: AttestationPolicy, doc: 'Every policy that was in force, by version, its measurement list included.' })
/** Outcome of the latest judgement of each worker with evidence. */
export const attestations = storage.map('Attestations', { hasher: 'Twox64Concat', key: Sr25519Public, type: AttestationRecord, doc: 'What a worker\'s evidence proved, under which policy, and until when it counts.' })
/** Big-endian seconds, then the worker: so keys come in the order of time. */
const EXPIRY_KEY_BYTES = 40
/** Workers in the order in which their evidence lapses. */
export const evidenceExpiry = storage.map('EvidenceExpiry', { hasher: 'Identity', key: fixedBytes(EXPIRY_KEY_BYTES), type: bool, doc: 'Workers by the time at which their evidence lapses: big-endian seconds and public key.' })
/** Workers in good standing of each platform family. */
export const familyWorkers = storage.doubleMap('FamilyWorkers', { hashers: ['Blake2_128Concat', 'Twox64Concat'], keys: [PlatformFamily, Sr25519Public], type: bool, doc: 'Workers in good standing by platform family.' })
/** How many workers in good standing a family has. */
export const familySize = storage.map('FamilySize', { hasher: 'Blake2_128Concat', key: PlatformFamily, type: u32, default: 0, doc: 'Number of workers in good standing of a platform family.' })
/** Canonical sets in force. */
export const canonicalCollateral = storage.map('CanonicalCollateral', { hasher: 'Blake2_128Concat', key: CollateralKey, type: CanonicalSet, doc: 'The set that evidence of a TEE, family and authority is judged with.' })
/** Canonical sets that wait for their block. */
export const pendingCollateral = storage.map('PendingCollateral', { hasher: 'Blake2_128Concat', key: CollateralKey, type: CanonicalSet, doc: 'A newer set and the block from which it counts.' })
/** Most sets that may wait at a time. */
export const PENDING_SETS_MAX = 256
/** Keys of the sets that wait. */
export const pendingKeys = storage.value('PendingKeys', { type: vecUpTo(CollateralKey, PENDING_SETS_MAX), default: [], doc: 'Keys of the sets that wait for their block.' })
/** Most reviews under way at a time. */
export const REVIEWS_MAX = 64
/** Revocations and policy changes that are still being carried out. */
export const reviews = storage.value('Reviews', { type: vecUpTo(Review, REVIEWS_MAX), default: [], doc: 'Revocations and policy changes whose workers are still being looked at.' })

/** Gatekeepers that showed to hold the master key, with the block since which their votes count. */
export const confirmedGatekeepers = storage.value('ConfirmedGatekeepers', {
  type: vecUpTo(tuple(Sr25519Public, u32), LIST_ENTRIES_MAX), default: [], doc: 'Gatekeepers that showed to hold the master key, and since which block.',
})
/** Votes on what gatekeepers found in a block, by block and number of the outcome. */
export const outcomes = storage.doubleMap('GatekeeperOutcomes', {
  hashers: ['Twox64Concat', 'Twox64Concat'], keys: [u32, u32], type: OpenOutcome, doc: 'Gatekeepers\' votes by block and number of the outcome.',
})
/** The gatekeepers' verdict on a worker's evidence. */
export const gatekeeperVerdicts = storage.map('GatekeeperVerdicts', {
  hasher: 'Twox64Concat', key: Sr25519Public, type: GatekeeperVerdict, doc: 'What the gatekeepers found of a worker\'s evidence.',
})
/** Block in which a worker's evidence was last sent to the gatekeepers. */
export const evidenceSentAt = storage.map('EvidenceSentAt', {
  hasher: 'Twox64Concat', key: Sr25519Public, type: u32, doc: 'Block in which a worker\'s evidence was last sent to the gatekeepers.',
})
/** Evidence that was sent to the gatekeepers and the block in which it was, by the block in which it is looked at whether they can still judge it. */
export const evidenceAwaited = storage.doubleMap('EvidenceAwaited', {
  hashers: ['Twox64Concat', 'Twox64Concat'], keys: [u32, Sr25519Public], type: u32, doc: 'Evidence sent to the gatekeepers, by the block in which it is looked at again.',
})
/** Block in which a collateral or policy was last sent to the gatekeepers. */
export const attachmentSentAt = storage.map('AttachmentSentAt', {
  hasher: 'Identity', key: Hash, type: u32, doc: 'Block in which collateral or a policy was last sent to the gatekeepers.',
})
/** Block since which gatekeepers may not know what was sent before. */
export const attachmentsForgottenAt = storage.value('AttachmentsForgottenAt', { type: u32, default: 0, doc: 'Block in which a gatekeeper joined that does not know what was sent before.' })
/** The rotation candidate that the chain passed on: rotation id and proposer. */
export const rotationCandidate = storage.value('RotationCandidate', { type: tuple(u64, Sr25519Public), doc: 'Rotation id and proposer of the candidate under way.' })
/** Gatekeepers that showed by their votes that they could open the candidate, once a quorum did. */
export const rotatedKeyHolders = storage.value('RotatedKeyHolders', { type: vecUpTo(Sr25519Public, LIST_ENTRIES_MAX), default: [], doc: 'Gatekeepers whose votes decided on the key of the rotation under way.' })
/** Latest value of the gatekeepers' beacon: its round (a block number) and 32 random bytes. */
export const beacon = storage.value('Beacon', { type: tuple(u32, fixedBytes(32)), doc: 'Latest round and value of the gatekeepers\' beacon.' })
