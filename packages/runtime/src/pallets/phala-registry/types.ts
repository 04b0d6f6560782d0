/** Owns the registry's on-chain types (registry.md sections 2 and 4). Payloads shared with workers are in primitives/messages. */
import { AttestationProvider, PlatformFamily } from '@phalanx/attestation'
import { named, option, struct, u32, u64, u8, variant, vecUpTo, type TypeOf } from '@phalanx/primitives/codec'
import { AccountId, Sr25519Public } from '@phalanx/primitives/chain'

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

/** Longest collateral kept. */
export const COLLATERAL_BYTES_MAX = 256 * 1024

/** Work that lasts several blocks: taking workers off that a revocation or a newer policy strikes. */
export const Review = named(
  'phalanx_pallets::registry::Review',
  struct({
    /** Every worker of a family, or every attested worker under the policy of this version. */
    scope: variant('ReviewScope', { Family: { index: 0, value: PlatformFamily }, Policy: { index: 1, value: u32 } }),
    /** Last worker looked at. */
    after: option(Sr25519Public),
    examined: u32,
    evicted: u32,
  }),
)
export type Review = TypeOf<typeof Review>
