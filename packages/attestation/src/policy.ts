/**
 * Owns the attestation policy as data, with its codec, so that it can live in genesis and chain storage. `simulated` is
 * immutable there; roots may be removed at run time, never added. Does not evaluate anything.
 */
import { bool, bytesUpTo, mapped, struct, textUpTo, u32, u8, vecUpTo, type Codec, type TypeOf } from '@phalanx/primitives/codec'
import { AppError } from '@phalanx/primitives/errors'
import { TCB_STATUSES, type TcbStatus } from './status.ts'

const MEASUREMENTS_MAX = 1024
const FAMILIES_MAX = 1024

/** Platform family as evidence names it: 6 bytes (FMSPC) for some kinds, up to 32 for others. */
export const PlatformFamily = bytesUpTo(32)

/** A family's lowest admitted TCB version, in the bytes in which its evidence reports one. */
const FamilyMinimum = struct({ family: PlatformFamily, tcb: bytesUpTo(32) })

const statusCodec: Codec<TcbStatus> = mapped(
  u8,
  (index) => {
    const status = TCB_STATUSES[index]
    if (status === undefined) throw new AppError('CODEC_INVALID_VARIANT', { index, type: 'TcbStatus' })
    return status
  },
  (status) => TCB_STATUSES.indexOf(status),
)

/** What evidence must satisfy. Empty lists of families and advisories restrict nothing. */
export const AttestationPolicy = struct({
  /** Form of this structure; 1. */
  format: u8,
  /** Counts up with every change by governance. */
  version: u32,
  /** Genesis flag: whether a simulated vendor's certificates are admitted. Immutable after genesis. */
  simulated: bool,
  /** Names of the admitted kinds, as in the table of kinds. */
  kinds: vecUpTo(textUpTo(32), 16),
  /** Pinned root certificates, DER. */
  roots: vecUpTo(bytesUpTo(4096), 16),
  /** Whether the measurement list is enforced. */
  enforceMeasurements: bool,
  /** Allowed measurements (runtime hashes). */
  measurements: vecUpTo(bytesUpTo(256), MEASUREMENTS_MAX),
  /** Accepted platform statuses; one outside fails. */
  acceptedStatuses: vecUpTo(statusCodec, TCB_STATUSES.length),
  /** Advisories that fail evidence while open on its platform. */
  refusedAdvisories: vecUpTo(textUpTo(64), 1024),
  /** Worst admitted confidence level: 1 is the strictest, 5 admits all that earn one. */
  confidenceLevelMax: u8,
  /** Lowest admitted TCB evaluation data number; 0 admits all. */
  evaluationNumberMin: u32,
  /** Whether TCB info and quoting enclave identity must be of one evaluation. */
  sameEvaluationNumber: bool,
  /** If not empty, only these platform families. */
  allowedFamilies: vecUpTo(PlatformFamily, FAMILIES_MAX),
  /** Never these platform families. */
  blockedFamilies: vecUpTo(PlatformFamily, FAMILIES_MAX),
  /** Whether debug enclaves pass. Only for replaying history: a debug enclave keeps no secret. */
  admitDebug: bool,
  /** Seconds that TCB info and identities are still used after their next update. */
  collateralGraceSeconds: u32,
  /** Seconds that revocation lists are still used after their next update. */
  revocationGraceSeconds: u32,
  /** A dated report this many seconds old is refused (registry.md §2.2.7). */
  reportAgeSecondsMax: u32,
  /** Worst confidence level that a gatekeeper may have: 1 asks for the highest, 255 for none. */
  gatekeeperConfidenceMax: u8,
  /** Seconds that a chain counts accepted evidence before it must be made anew; 0: until something in it ends. */
  reattestationSeconds: u32,
  /** Seconds before evidence or collateral lapses in which it is renewed. */
  renewalWindowSeconds: u32,
  /** Whether evidence may carry zeros where the hash of a recent final block belongs, as the reference's workers do. */
  admitUnanchored: bool,
  /** Blocks that newer collateral waits before it replaces the canonical set; 0: none. */
  collateralDelayBlocks: u32,
  /** Lowest admitted TCB version of platform families whose vendor publishes no signed levels. */
  familyMinimums: vecUpTo(FamilyMinimum, FAMILIES_MAX),
})
export type AttestationPolicy = TypeOf<typeof AttestationPolicy>

/** Statuses that earn a confidence level by registry.md §2.5: all but `Revoked`. */
export const REFERENCE_STATUSES: readonly TcbStatus[] = TCB_STATUSES.filter((status) => status !== 'Revoked')

/** The reference's rules for the given kinds and roots: every status that earns a confidence level, reports under two hours, no debug enclave. */
export const createPolicy = (options: Partial<AttestationPolicy> & Pick<AttestationPolicy, 'roots' | 'kinds'>): AttestationPolicy => ({
  format: 1,
  version: 1,
  simulated: false,
  enforceMeasurements: false,
  measurements: [],
  acceptedStatuses: REFERENCE_STATUSES,
  refusedAdvisories: [],
  confidenceLevelMax: 5,
  evaluationNumberMin: 0,
  sameEvaluationNumber: false,
  allowedFamilies: [],
  blockedFamilies: [],
  admitDebug: false,
  collateralGraceSeconds: 0,
  revocationGraceSeconds: 0,
  reportAgeSecondsMax: 7200,
  gatekeeperConfidenceMax: 255,
  reattestationSeconds: 0,
  renewalWindowSeconds: 0,
  admitUnanchored: true,
  collateralDelayBlocks: 0,
  familyMinimums: [],
  ...options,
})
