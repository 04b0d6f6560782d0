/** Owns GRANDPA authorities, justifications and the change digests; the one proof of finality that worker, relay and browser check. */
import { AppError } from '../errors.ts'
import { bytesEqual, bytesToKey, utf8 } from '../bytes.ts'
import { fixedBytes, named, struct, tuple, u32, u64, u8, variant, vecUpTo, type TypeOf } from '../codec/index.ts'
import type { Crypto } from '../crypto/crypto.ts'
import { GrandpaAuthorityId, Hash } from './basics.ts'
import { Header, headerHash } from './header.ts'

/** Engine id of GRANDPA in digests. */
export const GRANDPA_ENGINE: Uint8Array = utf8('FRNK')
/** Most authorities of a set. */
export const AUTHORITIES_MAX = 1024

/** Weighted authorities. */
export const AuthorityList = vecUpTo(tuple(GrandpaAuthorityId, u64), AUTHORITIES_MAX)
export type AuthorityList = TypeOf<typeof AuthorityList>

/** A set and its number; the number is part of what authorities sign. */
export const AuthoritySet = struct({ list: AuthorityList, id: u64 })
export type AuthoritySet = TypeOf<typeof AuthoritySet>

/** GRANDPA messages inside digests. */
export const GrandpaLog = named(
  'sp_consensus_grandpa::ConsensusLog',
  variant('GrandpaLog', {
    ScheduledChange: { index: 1, fields: { nextAuthorities: AuthorityList, delay: u32 } },
    ForcedChange: { index: 2, fields: { median: u32, nextAuthorities: AuthorityList, delay: u32 } },
    OnDisabled: { index: 3, value: u64 },
    Pause: { index: 4, value: u32 },
    Resume: { index: 5, value: u32 },
  }),
)
export type GrandpaLog = TypeOf<typeof GrandpaLog>

/** A vote to finalise a block. */
export const Precommit = struct({ targetHash: Hash, targetNumber: u32 })
export type Precommit = TypeOf<typeof Precommit>

/** A vote with its signature. */
export const SignedPrecommit = struct({ precommit: Precommit, signature: fixedBytes(64), id: GrandpaAuthorityId })
export type SignedPrecommit = TypeOf<typeof SignedPrecommit>

/** Proof that a block is final, as `grandpa_proveFinality` and block justifications carry it. */
export const Justification = struct({
  round: u64,
  commit: struct({ targetHash: Hash, targetNumber: u32, precommits: vecUpTo(SignedPrecommit, AUTHORITIES_MAX) }),
  votesAncestries: vecUpTo(Header, AUTHORITIES_MAX),
})
export type Justification = TypeOf<typeof Justification>

const PRECOMMIT_MESSAGE = 1
const signedVote = tuple(u8, Precommit, u64, u64)

/** The bytes an authority signs for a precommit: message kind ‖ target ‖ round ‖ set id. */
export const precommitPayload = (vote: { readonly precommit: Precommit; readonly round: bigint; readonly setId: bigint }): Uint8Array =>
  signedVote.encode([PRECOMMIT_MESSAGE, vote.precommit, vote.round, vote.setId])

/** GRANDPA logs of a header. @throws CODEC_ codes when one does not decode */
export const grandpaLogs = (header: Header): readonly GrandpaLog[] =>
  header.digest.logs.flatMap((item) =>
    item.kind === 'Consensus' && bytesEqual(item.value[0], GRANDPA_ENGINE) ? [GrandpaLog.decode(item.value[1])] : [])

const invalid = (reason: string, number: number): AppError => new AppError('JUSTIFICATION_INVALID', { reason, number })

/** Whether `hash` descends from (or is) the commit target, along the vote ancestries. */
const reachesTarget = (hash: Uint8Array, target: Uint8Array, parents: ReadonlyMap<string, Uint8Array>): boolean => {
  let at: Uint8Array | undefined = hash
  for (let steps = 0; at !== undefined && steps <= parents.size; steps++) {
    if (bytesEqual(at, target)) return true
    at = parents.get(bytesToKey(at))
  }
  return false
}

/**
 * Checks that authorities with more than two thirds of the weight voted for the target or a descendant of it.
 * Every vote must be valid, from the set and counted once.
 * @throws JUSTIFICATION_INVALID
 */
export const verifyJustification = (
  crypto: Pick<Crypto, 'blake2b256' | 'ed25519'>,
  claim: { readonly justification: Justification; readonly authorities: AuthoritySet; readonly target: { readonly hash: Uint8Array; readonly number: number } },
): void => {
  const { justification, authorities, target } = claim
  const { commit, round } = justification
  if (commit.targetNumber !== target.number || !bytesEqual(commit.targetHash, target.hash)) throw invalid('it is for another block', target.number)
  const weights = new Map(authorities.list.map(([id, weight]) => [bytesToKey(id), weight]))
  const total = authorities.list.reduce((sum, [, weight]) => sum + weight, 0n)
  const parents = new Map(justification.votesAncestries.map((header) => [bytesToKey(headerHash(crypto, header)), header.parentHash]))
  const seen = new Set<string>()
  let weight = 0n
  for (const { precommit, signature, id } of commit.precommits) {
    const key = bytesToKey(id)
    const voteWeight = weights.get(key)
    if (voteWeight === undefined) throw invalid('a vote comes from outside the set', target.number)
    if (seen.has(key)) throw invalid('an authority votes twice', target.number)
    seen.add(key)
    if (precommit.targetNumber < target.number || !reachesTarget(precommit.targetHash, target.hash, parents))
      throw invalid('a vote is for a block that does not descend from the target', target.number)
    if (!crypto.ed25519.verify(signature, precommitPayload({ precommit, round, setId: authorities.id }), id))
      throw invalid('a signature is wrong', target.number)
    weight += voteWeight
  }
  if (total === 0n || weight * 3n <= total * 2n) throw invalid('two thirds of the weight are not reached', target.number)
}
