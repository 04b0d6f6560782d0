/**
 * Owns what a worker believes of the chain: linked headers, finality by GRANDPA justifications, messages and acks as headers commit
 * to them. Knows nothing of what messages say. Every refusal is an AppError and changes nothing.
 */
import { AppError } from '@phalanx/primitives/errors'
import { bytesEqual, toHex } from '@phalanx/primitives/bytes'
import { ByteReader, option, bytesUpTo, readLength, vec } from '@phalanx/primitives/codec'
import {
  FEED_BLOCKS_MAX, Header, JUSTIFICATION_BYTES_MAX, Justification, MessageAck, encodedAcksHash, encodedMessagesHash, grandpaLogs, readPhlx, verifyJustification,
  type AuthoritySet, type BlockMessages, type PhlxDigest,
} from '@phalanx/primitives/chain'
import type { Crypto } from '@phalanx/primitives/crypto'
import { Message } from '@phalanx/primitives/messages'
import { isSoundSet } from './genesis.ts'

/** Most blocks that may wait for a justification, and their size. */
const PENDING_BLOCKS_MAX = FEED_BLOCKS_MAX
const PENDING_BYTES_MAX = 64 * 1024 * 1024
/** How many finalised hashes are remembered. */
export const RECENT_BLOCKS_MAX = 256

/** A block by number, hash and time (ms), with the root of the state after it. */
export interface BlockPoint {
  readonly number: number
  readonly hash: Uint8Array
  readonly stateRoot: Uint8Array
  readonly timeMs: bigint
}

/** A verified link of the chain, not yet final. */
export interface PendingBlock extends BlockPoint {
  readonly messages: BlockMessages
  /** Set that this block schedules; it is in force for the next one. */
  readonly nextSet: AuthoritySet | undefined
  readonly sizeBytes: number
}

/** What the worker follows. */
export interface FollowState {
  readonly genesisHash: Uint8Array
  /** Authorities of the next block after `head`. */
  readonly authorities: AuthoritySet
  /** First block that `authorities` finalise. */
  readonly authoritiesSince: number
  /** Last executed block; always final. */
  readonly head: BlockPoint
  /** Hashes of the last executed blocks, ascending, `head` last. */
  readonly recent: readonly { readonly number: number; readonly hash: Uint8Array }[]
  /** Linked blocks after `head` that wait for a justification. Not part of a checkpoint. */
  readonly pending: readonly PendingBlock[]
}

/** Two final blocks exclude each other. */
export interface FinalityConflict {
  readonly number: number
  readonly ours: Uint8Array
  readonly theirs: Uint8Array
}

/** A feed was taken: blocks to execute in order, and the state after them. Or it proves a conflict. */
export type FeedVerdict =
  | { readonly kind: 'taken'; readonly value: { readonly follow: FollowState; readonly executed: readonly PendingBlock[] } }
  | { readonly kind: 'conflict'; readonly value: FinalityConflict }

interface FedBlock extends PendingBlock {
  readonly header: Header
  readonly digest: PhlxDigest
  readonly justification: Uint8Array | undefined
  /** Messages and acks as they came: their hashes are taken of these bytes. */
  readonly encoded: { readonly messages: Uint8Array; readonly acks: Uint8Array }
}

type FollowCrypto = Pick<Crypto, 'blake2b256' | 'ed25519'>

const messageList = vec(Message)
const ackList = vec(MessageAck)
const justificationBytes = option(bytesUpTo(JUSTIFICATION_BYTES_MAX))
/** Fewest bytes of a block: three hashes, a number, three empty lists and an option. */
const BLOCK_BYTES_MIN = 3 * 32 + 5

/** SCALE `FollowedBlocks`, read in place so that each header is hashed from the bytes it came in. @throws CODEC_ codes */
const readFeed = (crypto: FollowCrypto, bytes: Uint8Array): readonly FedBlock[] => {
  const input = new ByteReader(bytes)
  const count = readLength(input, FEED_BLOCKS_MAX)
  if (count * BLOCK_BYTES_MIN > input.left) throw new AppError('CODEC_UNEXPECTED_END', { needed: count * BLOCK_BYTES_MIN, left: input.left })
  const blocks: FedBlock[] = []
  for (let i = 0; i < count; i++) {
    const start = input.offset
    const header = Header.read(input)
    const hash = crypto.blake2b256(bytes.subarray(start, input.offset))
    const justification = justificationBytes.read(input)
    const messagesAt = input.offset
    const messages = messageList.read(input)
    const acksAt = input.offset
    const acks = ackList.read(input)
    const encoded = { messages: bytes.subarray(messagesAt, acksAt), acks: bytes.subarray(acksAt, input.offset) }
    const digest = readPhlx(header)
    blocks.push({
      header, digest, hash, justification, encoded, messages: { messages, acks }, number: header.number, stateRoot: header.stateRoot, timeMs: digest.timeMs, nextSet: undefined,
      sizeBytes: input.offset - start,
    })
  }
  input.finish()
  return blocks
}

/** Number of the next header wanted: after the pending ones. */
export const nextHeader = (follow: FollowState): number => (follow.pending.at(-1) ?? follow.head).number + 1

/** The set that a header schedules for the next block, if it does. @throws LIGHT_SET_CHANGE_REFUSED */
export const scheduledSet = (header: Header, current: AuthoritySet): AuthoritySet | undefined => {
  const refused = (reason: string): AppError => new AppError('LIGHT_SET_CHANGE_REFUSED', { number: header.number, reason })
  let next: AuthoritySet | undefined
  for (const log of grandpaLogs(header)) {
    if (log.kind === 'OnDisabled') continue
    if (log.kind !== 'ScheduledChange') throw refused(`${log.kind} is not allowed`)
    if (next !== undefined) throw refused('it schedules two changes')
    if (log.value.delay !== 0) throw refused(`its delay is ${log.value.delay}`)
    next = { list: log.value.nextAuthorities, id: current.id + 1n }
    if (!isSoundSet(next)) throw refused('the set is empty, weightless or lists an authority twice')
  }
  return next
}

const verifyFinality = (crypto: FollowCrypto, block: FedBlock, authorities: AuthoritySet): void => {
  const justification = Justification.decode(block.justification ?? new Uint8Array(0))
  verifyJustification(crypto, { justification, authorities, target: { hash: block.hash, number: block.number } })
}

/** Index of the first fed block that contradicts, by its hash or its parent, a block that we executed; -1 where none does. */
const firstDivergence = (follow: FollowState, blocks: readonly FedBlock[]): number => {
  const known = (number: number): Uint8Array | undefined =>
    number === follow.head.number ? follow.head.hash : follow.recent.find((block) => block.number === number)?.hash
  const contradicts = (number: number, hash: Uint8Array): boolean => {
    const ours = number <= follow.head.number ? known(number) : undefined
    return ours !== undefined && !bytesEqual(ours, hash)
  }
  return blocks.findIndex(
    (block) => block.number <= follow.head.number + 1 && (contradicts(block.number, block.hash) || contradicts(block.number - 1, block.header.parentHash)),
  )
}

/**
 * Looks for proof that another history is final too: a fed block that contradicts ours, and at or above it along fed links a
 * justification that our present authorities really signed. Earlier sets are not asked: their keys may have been stolen since.
 */
const findConflict = (crypto: FollowCrypto, follow: FollowState, blocks: readonly FedBlock[]): FinalityConflict | undefined => {
  const at = firstDivergence(follow, blocks)
  const first = blocks[at]
  if (first === undefined) return undefined
  for (let i = at; i < blocks.length; i++) {
    const block = blocks[i] as FedBlock
    const linked = i === at || (block.number === (blocks[i - 1] as FedBlock).number + 1 && bytesEqual(block.header.parentHash, (blocks[i - 1] as FedBlock).hash))
    if (!linked) return undefined
    if (block.justification === undefined || block.number < follow.authoritiesSince) continue
    verifyFinality(crypto, block, follow.authorities)
    const above = first.number > follow.head.number
    return above
      ? { number: follow.head.number, ours: follow.head.hash, theirs: first.header.parentHash }
      : { number: first.number, ours: follow.recent.find(({ number }) => number === first.number)?.hash ?? follow.head.hash, theirs: first.hash }
  }
  return undefined
}

const assertStart = (follow: FollowState, blocks: readonly FedBlock[]): void => {
  const first = (blocks[0] as FedBlock).number
  const last = (blocks.at(-1) as FedBlock).number
  const next = follow.head.number + 1
  if (last < next) throw new AppError('LIGHT_FEED_REPLAYED', { last, next })
  if (first < next) throw new AppError('LIGHT_FEED_STALE', { first, next })
  if (first > nextHeader(follow)) throw new AppError('LIGHT_FEED_FUTURE', { first, next: nextHeader(follow) })
}

/** Refuses a block that claims to be, or to follow, another genesis. */
const assertGenesis = (follow: FollowState, blocks: readonly FedBlock[]): void => {
  for (const block of blocks.slice(0, 2)) {
    const genesis = block.number === 0 ? block.hash : block.number === 1 ? block.header.parentHash : undefined
    if (genesis !== undefined && !bytesEqual(genesis, follow.genesisHash))
      throw new AppError('LIGHT_GENESIS_MISMATCH', { expected: toHex(follow.genesisHash), got: toHex(genesis) })
  }
}

const isCommitted = (crypto: FollowCrypto, { number, digest, encoded }: FedBlock): boolean =>
  bytesEqual(digest.messagesHash, encodedMessagesHash(crypto, number, encoded.messages)) && bytesEqual(digest.acksHash, encodedAcksHash(crypto, number, encoded.acks))

/** Checks links and commitments of the fed blocks; returns them with the sets they schedule. */
const linkBlocks = (crypto: FollowCrypto, follow: FollowState, kept: readonly PendingBlock[], blocks: readonly FedBlock[]): readonly FedBlock[] => {
  let previous: BlockPoint = kept.at(-1) ?? follow.head
  let authorities = kept.reduce((set, block) => block.nextSet ?? set, follow.authorities)
  return blocks.map((block) => {
    if (block.number !== previous.number + 1) throw new AppError('LIGHT_NUMBER_MISMATCH', { expected: previous.number + 1, got: block.number })
    if (!bytesEqual(block.header.parentHash, previous.hash)) throw new AppError('LIGHT_PARENT_MISMATCH', { number: block.number })
    if (!isCommitted(crypto, block)) throw new AppError('LIGHT_MESSAGES_MISMATCH', { number: block.number })
    const nextSet = scheduledSet(block.header, authorities)
    if (nextSet !== undefined) {
      if (block.justification === undefined) throw new AppError('LIGHT_SET_CHANGE_UNJUSTIFIED', { number: block.number })
      verifyFinality(crypto, block, authorities)
      authorities = nextSet
    }
    previous = block
    return nextSet === undefined ? block : { ...block, nextSet }
  })
}

const strip = ({ number, hash, stateRoot, timeMs, messages, nextSet, sizeBytes }: PendingBlock): PendingBlock => ({ number, hash, stateRoot, timeMs, messages, nextSet, sizeBytes })

const assertPending = (pending: readonly PendingBlock[]): void => {
  const size = pending.reduce((sum, block) => sum + block.sizeBytes, 0)
  if (pending.length > PENDING_BLOCKS_MAX || size > PENDING_BYTES_MAX)
    throw new AppError('LIGHT_PENDING_EXCEEDED', { blocks: pending.length, max: PENDING_BLOCKS_MAX })
}

const advance = (follow: FollowState, executed: readonly PendingBlock[], pending: readonly PendingBlock[]): FollowState => {
  const head = executed.at(-1)
  if (head === undefined) return { ...follow, pending }
  const change = executed.findLast(({ nextSet }) => nextSet !== undefined)
  return {
    genesisHash: follow.genesisHash,
    authorities: change?.nextSet ?? follow.authorities,
    authoritiesSince: change === undefined ? follow.authoritiesSince : change.number + 1,
    head: { number: head.number, hash: head.hash, stateRoot: head.stateRoot, timeMs: head.timeMs },
    recent: [...follow.recent, ...executed.map(({ number, hash }) => ({ number, hash }))].slice(-RECENT_BLOCKS_MAX),
    pending,
  }
}

/**
 * Takes in SCALE `FollowedBlocks`. Of the justifications only those of authority changes and the last one are checked: it makes every
 * block before it final. Blocks after the last justified one wait; a feed that begins among waiting blocks replaces them from there on,
 * so that no unproven block can ever keep a proven one out.
 * @throws LIGHT_ codes, HEADER_PHLX_MALFORMED, JUSTIFICATION_INVALID, CODEC_ codes; the state is then unchanged
 */
export const takeFeed = (crypto: FollowCrypto, follow: FollowState, bytes: Uint8Array): FeedVerdict => {
  const blocks = readFeed(crypto, bytes)
  const first = blocks[0]
  if (first === undefined) throw new AppError('LIGHT_FEED_EMPTY', {})
  assertGenesis(follow, blocks)
  const conflict = findConflict(crypto, follow, blocks)
  if (conflict !== undefined) return { kind: 'conflict', value: conflict }
  assertStart(follow, blocks)
  const kept = follow.pending.filter(({ number }) => number < first.number)
  const linked = linkBlocks(crypto, follow, kept, blocks)
  const lastJustified = linked.findLastIndex(({ justification }) => justification !== undefined)
  const last = linked[lastJustified]
  if (last !== undefined && last.nextSet === undefined) verifyFinality(crypto, last, setFor(follow, [...kept, ...linked.slice(0, lastJustified)]))
  const line = [...kept, ...linked]
  const executed = line.slice(0, last === undefined ? 0 : kept.length + lastJustified + 1)
  const pending = line.slice(executed.length).map(strip)
  assertPending(pending)
  return { kind: 'taken', value: { follow: advance(follow, executed, pending), executed } }
}

const setFor = (follow: FollowState, before: readonly PendingBlock[]): AuthoritySet =>
  before.reduce((set, block) => block.nextSet ?? set, follow.authorities)
