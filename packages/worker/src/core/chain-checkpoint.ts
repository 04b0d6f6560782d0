/**
 * Owns the proof of a chain checkpoint: from a set that the worker trusts, over every hand-over of finality, to a final block, its state and the blocks
 * before it. Does not own what the worker makes of the proven view.
 */
import { AppError, isAppError } from '@phalanx/primitives/errors'
import { bytesEqual, toHex } from '@phalanx/primitives/bytes'
import {
  AuthorityList, AuthoritySet, Justification, decodeChainCheckpoint, headerHash, readPhlx, verifyJustification, type ChainCheckpoint, type Header,
} from '@phalanx/primitives/chain'
import type { Crypto } from '@phalanx/primitives/crypto'
import { readProof } from '@phalanx/primitives/trie'
import { readCheckpointView, type CheckpointView } from '@phalanx/runtime/storage'
import { assertAnchored, authoritiesHash, type TrustedAnchor } from './anchors.ts'
import { RECENT_BLOCKS_MAX, scheduledSet, type FollowState } from './light-client.ts'

/** What a proof of a checkpoint is built on. */
export interface CheckpointTrust {
  /** What the worker follows already: genesis, or its own last block. A checkpoint must lie above it. */
  readonly follow: FollowState
  /** The newest block of this chain that the build trusts; a checkpoint below it is refused. */
  readonly anchor: TrustedAnchor | undefined
  /** Identity that the view must cover; undefined for a worker that is only just making one. */
  readonly identity: Uint8Array | undefined
}

/** What a checkpoint proves. */
export interface ProvenCheckpoint {
  readonly follow: FollowState
  readonly view: CheckpointView
}

type CheckpointCrypto = Pick<Crypto, 'blake2b256' | 'blake2b128' | 'twox128' | 'twox64' | 'twox256' | 'ed25519'>

/** A set on the way to the checkpoint, with the first block that it finalises. */
interface Reached {
  readonly set: AuthoritySet
  readonly since: number
}

const refuseHop = (number: number, reason: string): AppError => new AppError('LIGHT_CHECKPOINT_HOP', { number, reason })

const verifyBlock = (crypto: CheckpointCrypto, claim: { readonly header: Header; readonly justification: Uint8Array; readonly set: AuthoritySet }): void => {
  const { header, set } = claim
  verifyJustification(crypto, {
    justification: Justification.decode(claim.justification), authorities: set, target: { hash: headerHash(crypto, header), number: header.number },
  })
}

/** A set that the anchor names must be the one it names. @throws LIGHT_ANCHOR_MISMATCH */
const assertSetOfAnchor = (crypto: CheckpointCrypto, anchor: TrustedAnchor | undefined, set: AuthoritySet): void => {
  if (anchor === undefined || set.id !== anchor.setId) return
  const got = authoritiesHash(crypto, set)
  if (!bytesEqual(got, anchor.authoritiesHash))
    throw new AppError('LIGHT_ANCHOR_MISMATCH', { number: anchor.number, expected: toHex(anchor.authoritiesHash), got: toHex(got) })
}

/** Hand-overs ascend, below the checkpoint: checked before any signature is. @throws LIGHT_CHECKPOINT_HOP */
const assertOrder = ({ hops, header }: ChainCheckpoint): void => {
  let before = 0
  for (const { header: { number } } of hops) {
    if (number <= before) throw refuseHop(number, 'it does not come after the one before it')
    if (number >= header.number) throw refuseHop(number, 'it is not below the checkpoint')
    before = number
  }
}

/**
 * Walks the hand-overs that the worker does not know yet. Where the build trusts a later set, those before it need no proof: their keys may
 * have been stolen since, and the trusted set is known by its hash.
 */
const followHops = (crypto: CheckpointCrypto, { hops }: ChainCheckpoint, { follow, anchor }: CheckpointTrust): Reached => {
  let reached: Reached = { set: follow.authorities, since: follow.authoritiesSince }
  assertSetOfAnchor(crypto, anchor, reached.set)
  for (const [index, hop] of hops.entries()) {
    const { number } = hop.header
    // Hop i ends set i. What ended before the worker's own set is known to it.
    if (BigInt(index) < follow.authorities.id) continue
    if (number <= follow.head.number) throw refuseHop(number, 'the worker has followed that block, and its set did not change there')
    const next = scheduledSet(hop.header, reached.set)
    if (next === undefined) throw refuseHop(number, 'it hands finality to nobody')
    if (anchor === undefined || next.id > anchor.setId) verifyBlock(crypto, { ...hop, set: reached.set })
    assertSetOfAnchor(crypto, anchor, next)
    reached = { set: next, since: number + 1 }
  }
  return reached
}

/** The view of the state under the checkpoint's header. @throws LIGHT_CHECKPOINT_PROOF */
const readView = (crypto: CheckpointCrypto, { header, proof, worker }: ChainCheckpoint): CheckpointView => {
  try {
    const reader = readProof({ crypto, root: header.stateRoot, proof })
    return readCheckpointView(crypto, (key) => reader.get(key), worker)
  } catch (cause) {
    if (!isAppError(cause)) throw cause
    throw new AppError('LIGHT_CHECKPOINT_PROOF', { number: header.number, code: cause.code }, { cause })
  }
}

/** Hashes of the blocks before the checkpoint, ascending: each header must be its child's parent. @throws LIGHT_CHECKPOINT_ANCESTORS */
const linkAncestors = (crypto: CheckpointCrypto, { header, ancestors }: ChainCheckpoint, genesisHash: Uint8Array): FollowState['recent'] => {
  const refuse = (reason: string): AppError => new AppError('LIGHT_CHECKPOINT_ANCESTORS', { number: header.number, reason })
  const expected = Math.min(header.number, RECENT_BLOCKS_MAX - 1)
  if (ancestors.length !== expected) throw refuse(`${ancestors.length} headers are given instead of ${expected}`)
  const recent: { readonly number: number; readonly hash: Uint8Array }[] = []
  let child = header
  for (const ancestor of ancestors) {
    const hash = headerHash(crypto, ancestor)
    if (ancestor.number !== child.number - 1 || !bytesEqual(hash, child.parentHash)) throw refuse(`header ${ancestor.number} is not the parent of header ${child.number}`)
    if (ancestor.number === 0 && !bytesEqual(hash, genesisHash)) throw refuse('they lead to another genesis')
    recent.unshift({ number: ancestor.number, hash })
    child = ancestor
  }
  return recent
}

const assertPlace = (checkpoint: ChainCheckpoint, { follow, anchor, identity }: CheckpointTrust): void => {
  const { header, genesisHash, worker } = checkpoint
  if (!bytesEqual(genesisHash, follow.genesisHash))
    throw new AppError('LIGHT_GENESIS_MISMATCH', { expected: toHex(follow.genesisHash), got: toHex(genesisHash) })
  if (header.number <= follow.head.number) throw new AppError('LIGHT_CHECKPOINT_OLD', { number: header.number, known: follow.head.number })
  if (anchor !== undefined && header.number < anchor.number) throw new AppError('LIGHT_CHECKPOINT_OLD', { number: header.number, known: anchor.number })
  if (identity === undefined ? worker !== undefined : worker === undefined || !bytesEqual(worker, identity))
    throw new AppError('LIGHT_CHECKPOINT_WORKER', { expected: identity === undefined ? 'none' : toHex(identity), got: worker === undefined ? 'none' : toHex(worker) })
}

/** The sets that headers lead to, that the checkpoint states and that its state holds are one. @throws LIGHT_CHECKPOINT_SET */
const assertSet = (checkpoint: ChainCheckpoint, set: AuthoritySet, view: CheckpointView): void => {
  const { header, authorities } = checkpoint
  const refuse = (reason: string): AppError => new AppError('LIGHT_CHECKPOINT_SET', { number: header.number, reason })
  if (!bytesEqual(AuthoritySet.encode(authorities), AuthoritySet.encode(set))) throw refuse('the set it states is not the one that its headers lead to')
  if (view.setId !== set.id || !bytesEqual(AuthorityList.encode(view.authorities), AuthorityList.encode(set.list))) throw refuse('its state holds another set')
}

/**
 * What a checkpoint proves to a worker.
 * @throws CHECKPOINT_ and LIGHT_ codes, JUSTIFICATION_INVALID, HEADER_PHLX_MALFORMED, CODEC_ codes; a checkpoint is taken as a whole or not at all
 */
export const proveCheckpoint = (crypto: CheckpointCrypto, encoded: Uint8Array, trust: CheckpointTrust): ProvenCheckpoint => {
  const checkpoint = decodeChainCheckpoint(encoded)
  const { header } = checkpoint
  const { anchor } = trust
  const { genesisHash } = trust.follow
  assertPlace(checkpoint, trust)
  assertOrder(checkpoint)
  const { timeMs } = readPhlx(header)
  const hash = headerHash(crypto, header)
  const reached = followHops(crypto, checkpoint, trust)
  verifyBlock(crypto, { header, justification: checkpoint.justification, set: reached.set })
  const next = scheduledSet(header, reached.set)
  if (next !== undefined) assertSetOfAnchor(crypto, anchor, next)
  const after: Reached = next === undefined ? reached : { set: next, since: header.number + 1 }
  if (anchor !== undefined && after.set.id < anchor.setId) throw refuseHop(header.number, 'hand-overs before the trusted set are missing')
  const view = readView(crypto, checkpoint)
  assertSet(checkpoint, after.set, view)
  if (!bytesEqual(view.genesisHash, genesisHash)) throw new AppError('LIGHT_GENESIS_MISMATCH', { expected: toHex(genesisHash), got: toHex(view.genesisHash) })
  const { identity } = trust
  if (identity !== undefined && view.gatekeepers.some((one) => bytesEqual(one, identity))) throw new AppError('LIGHT_CHECKPOINT_GATEKEEPER', { number: header.number })
  const recent = [...linkAncestors(crypto, checkpoint, genesisHash), { number: header.number, hash }]
  if (anchor !== undefined) assertAnchored([anchor], genesisHash, recent)
  const follow = {
    genesisHash, authorities: after.set, authoritiesSince: after.since, head: { number: header.number, hash, stateRoot: header.stateRoot, timeMs }, recent, pending: [],
  }
  return { follow, view }
}
