/** Owns the registry's on-chain types (registry.md sections 2 and 4). Payloads shared with workers are in primitives/messages. */
import { AttestationProvider } from '@phalanx/attestation'
import { bytesUpTo, named, option, struct, u32, u64, u8, vecUpTo, type TypeOf } from '@phalanx/primitives/codec'
import { AccountId, Hash, Sr25519Public } from '@phalanx/primitives/chain'

/** Registry entry of a worker; `lastUpdated` in Unix seconds. */
export const WorkerInfoV2 = named(
  'phala_pallets::registry::pallet::WorkerInfoV2',
  struct({
    pubkey: Sr25519Public,
    ecdhPubkey: Sr25519Public,
    runtimeVersion: u32,
    lastUpdated: u64,
    operator: option(AccountId),
    attestationProvider: option(AttestationProvider),
    confidenceLevel: u8,
    initialScore: option(u32),
    features: vecUpTo(u32, 64),
  }),
)
export type WorkerInfoV2 = TypeOf<typeof WorkerInfoV2>

/** Highest consensus version seen in registrations and how many carried it. */
export const KnownConsensusVersion = named('phala_pallets::registry::pallet::KnownConsensusVersion', struct({ version: u32, count: u32 }))
export type KnownConsensusVersion = TypeOf<typeof KnownConsensusVersion>

/** An anchored ECDH key and the block that anchored it. */
export const EcdhKeyRecord = named('phalanx_pallets::registry::EcdhKeyRecord', struct({ ecdhPubkey: Sr25519Public, announcedAt: u32 }))
export type EcdhKeyRecord = TypeOf<typeof EcdhKeyRecord>

/** Longest registration info kept. */
const INFO_BYTES_MAX = 4096
/** Longest evidence kept, its collateral not counted. */
const EVIDENCE_BYTES_MAX = 64 * 1024
/** Longest collateral kept. */
export const COLLATERAL_BYTES_MAX = 256 * 1024

/**
 * Evidence as it was handed in: SCALE of the registration info and of the report without its collateral, which stands once under its
 * hash; `verifiedAt` in Unix seconds.
 */
export const EvidenceRecord = named(
  'phalanx_pallets::registry::EvidenceRecord',
  struct({ info: bytesUpTo(INFO_BYTES_MAX), report: bytesUpTo(EVIDENCE_BYTES_MAX), collateral: option(Hash), verifiedAt: u64 }),
)
export type EvidenceRecord = TypeOf<typeof EvidenceRecord>
