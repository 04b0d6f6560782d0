/** Owns the on-chain types of the gatekeepers' votes and verdicts. */
import { bool, bytesUpTo, fixedBytes, named, option, struct, textUpTo, u32, u8, vecUpTo, type TypeOf } from '@phalanx/primitives/codec'
import { Hash, Sr25519Public } from '@phalanx/primitives/chain'
import { OUTCOME_BYTES_MAX, Topic } from '@phalanx/primitives/messages'

/** Most gatekeepers that vote, and so most different proposals. */
const VOTERS_MAX = 1024

/** One way in which an outcome was reported, and by whom. */
export const OutcomeProposal = named(
  'phalanx_pallets::registry::OutcomeProposal',
  struct({ hash: fixedBytes(32), destination: Topic, payload: bytesUpTo(OUTCOME_BYTES_MAX), voters: vecUpTo(Sr25519Public, VOTERS_MAX) }),
)
export type OutcomeProposal = TypeOf<typeof OutcomeProposal>

/** Votes on one outcome. Once decided, only the hash that won is kept, to compare late votes with. */
export const OpenOutcome = named(
  'phalanx_pallets::registry::OpenOutcome',
  struct({ decided: option(fixedBytes(32)), proposals: vecUpTo(OutcomeProposal, VOTERS_MAX) }),
)
export type OpenOutcome = TypeOf<typeof OpenOutcome>

/** The gatekeepers' verdict on the evidence sent in block `registeredAt`; `evidence` is blake2b-256 of registration info and report. */
export const GatekeeperVerdict = named(
  'phalanx_pallets::registry::GatekeeperVerdict',
  struct({ accepted: bool, confidenceLevel: u8, code: textUpTo(64), evidence: Hash, registeredAt: u32, judgedAt: u32 }),
)
export type GatekeeperVerdict = TypeOf<typeof GatekeeperVerdict>
