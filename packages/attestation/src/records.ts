/**
 * Owns what a chain keeps of evidence so that anyone can judge it again to the same verdict: the evidence, the collateral and
 * policy it was judged with, and the outcome. Codecs only; the registry pallet writes them, the SDK reads them.
 */
import { bytesUpTo, fixedBytes, named, option, struct, textUpTo, u32, u64, u8, vecUpTo, type TypeOf } from '@phalanx/primitives/codec'
import { EvictionReason } from '@phalanx/primitives/messages'
import { PlatformFamily } from './policy.ts'

const Digest = fixedBytes(32)

/** Longest registration info kept. */
const INFO_BYTES_MAX = 4096
/** Longest evidence kept, its collateral not counted. */
const EVIDENCE_BYTES_MAX = 64 * 1024

/**
 * Evidence as it was handed in: SCALE of the registration info and of the report without its collateral. `collateral` is the
 * blake2b-256 of the canonical set that it was judged with; `verifiedAt` in Unix seconds.
 */
export const EvidenceRecord = named(
  'phalanx_pallets::registry::EvidenceRecord',
  struct({ info: bytesUpTo(INFO_BYTES_MAX), report: bytesUpTo(EVIDENCE_BYTES_MAX), collateral: option(Digest), verifiedAt: u64 }),
)
export type EvidenceRecord = TypeOf<typeof EvidenceRecord>

/** Outcome of judging a worker's evidence. Times in Unix seconds. */
export const AttestationRecord = named(
  'phalanx_pallets::registry::AttestationRecord',
  struct({
    /** Name of the kind of evidence. */
    kind: textUpTo(32),
    measurement: bytesUpTo(256),
    family: option(PlatformFamily),
    confidenceLevel: u8,
    /** Version of the policy that it was judged under; `AttestationPolicies` has it. */
    policyVersion: u32,
    /** Canonical collateral that it was judged with, as in the evidence record. */
    collateral: option(Digest),
    verifiedAt: u64,
    /** Last second at which it counts; 2^64 - 1 where nothing ends it. */
    validUntil: u64,
    /** From when a relay should renew it. */
    renewFrom: u64,
    /** Why it counts no longer; undefined while it does. */
    eviction: option(EvictionReason),
  }),
)
export type AttestationRecord = TypeOf<typeof AttestationRecord>

/** Which canonical set: the vendor's word for the TEE, the platform family and the authority that issues its certificates. */
export const CollateralKey = named(
  'phalanx_pallets::registry::CollateralKey',
  struct({ tee: textUpTo(32), family: PlatformFamily, authority: textUpTo(128) }),
)
export type CollateralKey = TypeOf<typeof CollateralKey>

/** A canonical set. `dates` are those of its documents in a fixed order; all times in Unix seconds. */
export const CanonicalSet = named(
  'phalanx_pallets::registry::CanonicalSet',
  struct({
    hash: Digest,
    evaluationNumber: u32,
    dates: vecUpTo(u64, 8),
    /** Last second without grace. */
    validUntil: u64,
    /** Last second with the grace of the policy under which it was taken. */
    graceUntil: u64,
    /** Block from which it counts. */
    activeAt: u32,
  }),
)
export type CanonicalSet = TypeOf<typeof CanonicalSet>
