/** Owns our payloads under `phalanx/gatekeeper/`: votes on outcomes, key requests, verdicts, and the state that a joining gatekeeper is given. */
import { bool, bytesUpTo, fixedBytes, named, option, struct, textUpTo, u32, u64, u8, variant, vecUpTo, type TypeOf } from '../codec/index.ts'
import { Hash, Sr25519Public } from '../chain/basics.ts'
import { Topic } from './message.ts'

/** Longest payload of an outcome. */
export const OUTCOME_BYTES_MAX = 2 * 1024 * 1024
/** Most outcomes of one block. */
export const OUTCOMES_PER_BLOCK_MAX = 4096
/** Longest part of a gatekeeper's state in one message. */
export const STATE_PART_BYTES_MAX = 64 * 1024
/** Most parts of a gatekeeper's state. */
export const STATE_PARTS_MAX = 1024

/**
 * A gatekeeper's vote: executing block `block`, its outcome number `index` was this message. Equal votes of more than half of those who
 * may vote make the chain send it with origin Gatekeeper.
 */
export const GatekeeperVote = named(
  'phalanx_types::GatekeeperVote',
  struct({ block: u32, index: u32, destination: Topic, payload: bytesUpTo(OUTCOME_BYTES_MAX) }),
)
export type GatekeeperVote = TypeOf<typeof GatekeeperVote>

/** A listed gatekeeper lacks the master key and asks for it; `ecdhPubkey` is its anchored key, for which shares are to be made. */
export const GatekeeperKeyRequest = named('phalanx_types::GatekeeperKeyRequest', struct({ ecdhPubkey: Sr25519Public }))
export type GatekeeperKeyRequest = TypeOf<typeof GatekeeperKeyRequest>

/** What the gatekeepers found of a registration of block `registeredAt`: whether its evidence holds, and the error code where it does not. */
export const RegistrationVerdict = named(
  'phalanx_types::RegistrationVerdict',
  struct({ pubkey: Sr25519Public, registeredAt: u32, evidence: Hash, accepted: bool, confidenceLevel: u8, code: textUpTo(64) }),
)
export type RegistrationVerdict = TypeOf<typeof RegistrationVerdict>

/** One part of what the gatekeepers' replay knew after `block`, for gatekeepers that join. */
export const GatekeeperStatePart = named(
  'phalanx_types::GatekeeperStatePart',
  struct({ block: u32, part: u32, parts: u32, bytes: bytesUpTo(STATE_PART_BYTES_MAX) }),
)
export type GatekeeperStatePart = TypeOf<typeof GatekeeperStatePart>

/** Longest registration info, and evidence without collateral, in a message to gatekeepers. */
const INFO_BYTES_MAX = 4096
const EVIDENCE_BYTES_MAX = 64 * 1024
/** Longest collateral or policy. */
const ATTACHMENT_BYTES_MAX = 512 * 1024

/**
 * Evidence of a registration as the chain judged it, for the gatekeepers to judge again: `info` and `report` as they are kept in
 * `Evidence`; collateral and policy by their blake2b-256, and among `attachments` those that were not sent lately.
 */
export const RegistrationEvidence = named(
  'phalanx_types::RegistrationEvidence',
  struct({
    pubkey: Sr25519Public,
    info: bytesUpTo(INFO_BYTES_MAX),
    report: bytesUpTo(EVIDENCE_BYTES_MAX),
    collateral: option(Hash),
    policy: Hash,
    attachments: vecUpTo(bytesUpTo(ATTACHMENT_BYTES_MAX), 2),
  }),
)
export type RegistrationEvidence = TypeOf<typeof RegistrationEvidence>

/** Payload of `phalanx/gatekeeper/notice`: what the chain tells gatekeepers. */
export const GatekeeperNotice = named(
  'phalanx_types::GatekeeperNotice',
  variant('GatekeeperNotice', {
    /** The gatekeeper showed that it holds the master key; its votes count for later blocks. */
    Confirmed: { index: 0, fields: { pubkey: Sr25519Public } },
    /** A quorum agreed on an outcome; `hash` is blake2b-256 of SCALE(destination, payload). */
    Decided: { index: 1, fields: { block: u32, index: u32, hash: fixedBytes(32) } },
    /** Governance gave a rotation up. */
    RotationCancelled: { index: 2, fields: { rotationId: u64 } },
    /** The gatekeeper's votes count no more until it is confirmed again. */
    Suspended: { index: 3, fields: { pubkey: Sr25519Public } },
  }),
)
export type GatekeeperNotice = TypeOf<typeof GatekeeperNotice>
