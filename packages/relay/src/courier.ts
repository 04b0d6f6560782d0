/**
 * Owns how messages of many workers travel: gathered for a moment, carried in one extrinsic that goes on after failures, and each told
 * apart by the block's events. What becomes of a message is told to whoever offered it; trying again is for them (step.ts), from what
 * the chain says it has. A message is under way at most once.
 */
import { bytesEqual, concatBytes } from '@phalanx/primitives/bytes'
import { compactU32 } from '@phalanx/primitives/codec'
import { isAppError } from '@phalanx/primitives/errors'
import { SignedMessage, TOPICS } from '@phalanx/primitives/messages'
import type { Clock, Logger } from '@phalanx/primitives/ports'
import { encodeCall, type CallOutcome, type ChainClient, type DispatchOutcome } from '@phalanx/sdk'
import type { Account } from './account.ts'
import { messageKey } from './egress.ts'
import { failureOf } from './failure.ts'
import type { Failure } from './state.ts'

/** What became of a message. */
export type Delivery =
  | { readonly kind: 'delivered' }
  /** The chain has it or waits for an earlier one: the next look at the chain tells. */
  | { readonly kind: 'passed' }
  /** The chain ran it and said no. */
  | { readonly kind: 'refused'; readonly name: string; readonly docs: string }
  /** It did not get into a block; without a failure that is nobody's fault. */
  | { readonly kind: 'lost'; readonly failure: Failure | undefined }

/** A message to carry. */
export interface Parcel {
  readonly message: SignedMessage
  /** Chain of its worker. */
  readonly genesis: string | undefined
  readonly settled: (delivery: Delivery) => void
}

/** Bounds of one extrinsic. Both are far within a block: 100 messages are about 65 ms of 1.3 s, 512 KiB a seventh of its length. */
export interface BatchLimits {
  readonly messages: number
  readonly bytes: number
}

/** Batches unless told otherwise. */
export const BATCH_LIMITS: BatchLimits = { messages: 100, bytes: 512 * 1024 }

/** What a courier did. */
export interface CourierStats {
  readonly delivered: number
  readonly refused: number
  readonly batches: number
  readonly queued: number
  readonly underWay: number
}

/** Carries messages with one account. */
export interface Courier {
  /** False where the message is under way already; then `settled` is not called. */
  offer(parcel: Parcel): boolean
  stats(): CourierStats
  close(): void
}

/** How long the first message waits for others: a block is much longer. */
const GATHER_MS = 50
/** Extrinsics of one account with messages that wait for their blocks. */
const UNDER_WAY_MAX = 16
/** An extrinsic lives 64 blocks; one of which nothing is heard any more is given up. */
const PATIENCE_MS = 15 * 60_000

const FORCE_BATCH = { pallet: 'Utility', call: 'force_batch' } as const
const SYNC = { pallet: 'PhalaMq', call: 'sync_offchain_message' } as const

/**
 * Messages that the chain carries free of charge. One that leads its sender's sequence travels alone and free; those behind it go in a batch
 * and are paid for: alone, each would wait in the pool for the one before, and hold a nonce there that everything else needs.
 */
const FREE_TOPICS: readonly Uint8Array[] = [TOPICS.gatekeeperVote.topic, TOPICS.rotationCandidate.topic]
const isFree = ({ message }: SignedMessage): boolean => message.sender.kind === 'Gatekeeper' || FREE_TOPICS.some((topic) => bytesEqual(topic, message.destination))

interface Waiting {
  readonly parcel: Parcel
  readonly key: string
  readonly args: Uint8Array
  readonly isFree: boolean
}

/** Key of a number of the parcel's sender on its chain. */
const keyAt = ({ genesis, message }: Parcel, sequence: bigint): string => `${genesis ?? ''} ${messageKey(message.message.sender, sequence)}`

/** A refusal that a smaller batch may not meet. */
const isTooMuch = (error: unknown): boolean => isAppError(error, 'RELAY_POOL_REFUSED') && /exhaust|too (?:long|large|big|many)|length limit/i.test(error.context.reason)

/** One outcome per call; undefined where the events do not say. */
const outcomesOf = (outcome: DispatchOutcome, count: number): readonly CallOutcome[] | undefined => {
  if (count === 1 && outcome.items === undefined) return [outcome]
  if (!outcome.ok) return Array.from({ length: count }, () => outcome)
  return outcome.items?.length === count ? outcome.items : undefined
}

const deliveryOf = (outcome: CallOutcome): Delivery => {
  if (outcome.ok) return { kind: 'delivered' }
  // Somebody else delivered it first, or the one before it failed.
  return outcome.name === 'PhalaMq.BadSequence' ? { kind: 'passed' } : { kind: 'refused', name: outcome.name, docs: outcome.docs }
}

class BatchingCourier implements Courier {
  private queue: Waiting[] = []
  private readonly known = new Set<string>()
  private readonly account: Account
  private readonly pick: (genesis: string | undefined) => ChainClient
  private readonly clock: Clock
  private readonly logger: Logger
  private readonly most: BatchLimits
  /** Shrinks when a chain says a batch is too much, and grows again. */
  private messages: number
  private underWay = 0
  private counts = { delivered: 0, refused: 0, batches: 0 }
  private isGathering = false
  private isClosed = false
  private cancelTimer: () => void = () => {}

  constructor(options: { readonly account: Account; readonly pick: (genesis: string | undefined) => ChainClient; readonly limits: BatchLimits }, dependencies: { readonly clock: Clock; readonly logger: Logger }) {
    this.account = options.account
    this.pick = options.pick
    this.most = options.limits
    this.messages = options.limits.messages
    this.clock = dependencies.clock
    this.logger = dependencies.logger
  }

  offer(parcel: Parcel): boolean {
    const { message } = parcel
    const key = keyAt(parcel, message.sequence)
    if (this.isClosed || this.known.has(key)) return false
    this.known.add(key)
    this.queue.push({ parcel, key, args: SignedMessage.encode(message), isFree: isFree(message) })
    if (this.queue.length >= this.messages) this.send()
    else this.gather()
    return true
  }

  stats(): CourierStats {
    return { ...this.counts, queued: this.queue.length, underWay: this.known.size - this.queue.length }
  }

  close(): void {
    this.isClosed = true
    this.cancelTimer()
    this.queue = []
  }

  private gather(): void {
    if (this.isGathering || this.isClosed || this.queue.length === 0) return
    this.isGathering = true
    this.cancelTimer = this.clock.after(GATHER_MS, () => {
      this.isGathering = false
      this.send()
    })
  }

  private send(): void {
    while (this.queue.length > 0 && this.underWay < UNDER_WAY_MAX && !this.isClosed) void this.carry(this.next())
  }

  /** The messages of the next extrinsic, in the order of offering. */
  private next(): readonly Waiting[] {
    const [first] = this.queue
    if (first === undefined) return []
    if (this.travelsAlone(first)) return this.queue.splice(0, 1)
    let count = 0
    let size = 0
    for (const waiting of this.queue) {
      const { parcel, args } = waiting
      if (this.travelsAlone(waiting) || parcel.genesis !== first.parcel.genesis || count >= this.messages || (count > 0 && size + args.length > this.most.bytes)) break
      count++
      size += args.length
    }
    return this.queue.splice(0, count)
  }

  private async carry(batch: readonly Waiting[]): Promise<void> {
    this.underWay++
    try {
      await this.deliver(batch)
    } finally {
      this.underWay--
      if (this.queue.length > 0) this.send()
    }
  }

  private async deliver(batch: readonly Waiting[]): Promise<void> {
    try {
      const node = this.pick(batch[0]?.parcel.genesis)
      const { included } = await this.account.submit(node, await this.callOf(node, batch))
      const inclusion = await this.within(included)
      this.counts.batches++
      this.messages = Math.min(this.most.messages, this.messages * 2)
      this.settle(batch, inclusion?.outcome)
    } catch (error) {
      if (batch.length > 1 && isTooMuch(error)) {
        this.messages = Math.max(1, batch.length >> 1)
        this.queue.unshift(...batch)
        return
      }
      this.logger.debug('messages did not get into a block', { count: batch.length, ...failureOf(error) })
      this.lose(batch, error)
    }
  }

  private lose(batch: readonly Waiting[], error: unknown): void {
    // One alone that is stale: the chain or its pool has it, which is what we wanted. One that fell out of the pool is offered again.
    if (batch.length === 1 && isAppError(error, 'RELAY_EXTRINSIC_STALE')) return this.tell(batch, () => ({ kind: 'passed' }))
    const failure = isAppError(error, 'SDK_EXTRINSIC_DROPPED') ? undefined : failureOf(error)
    this.tell(batch, () => ({ kind: 'lost', failure }))
  }

  private async callOf(node: ChainClient, batch: readonly Waiting[]): Promise<{ readonly pallet: string; readonly call: string; readonly args: Uint8Array }> {
    const [first] = batch
    if (first !== undefined && batch.length === 1 && this.isLeading(first)) return { ...SYNC, args: first.args }
    const metadata = await node.metadata()
    return { ...FORCE_BATCH, args: concatBytes(compactU32.encode(batch.length), ...batch.map(({ args }) => encodeCall(metadata, SYNC, args))) }
  }

  /**
   * Whether nothing under way must go before. Only then may a message be an extrinsic of its own: the pool looks into single ones, and would keep
   * one whose predecessor it cannot see.
   */
  private isLeading({ parcel }: Waiting): boolean {
    return !this.known.has(keyAt(parcel, parcel.message.sequence - 1n))
  }

  private travelsAlone(waiting: Waiting): boolean {
    return waiting.isFree && this.isLeading(waiting)
  }

  private within<T>(promise: Promise<T>): Promise<T | undefined> {
    return new Promise((resolve, reject) => {
      const cancel = this.clock.after(PATIENCE_MS, () => resolve(undefined))
      promise.then(resolve, reject).finally(cancel)
    })
  }

  private settle(batch: readonly Waiting[], outcome: DispatchOutcome | undefined): void {
    const outcomes = outcome === undefined ? undefined : outcomesOf(outcome, batch.length)
    this.tell(batch, (i) => {
      const each = outcomes?.[i]
      return each === undefined ? { kind: 'lost', failure: undefined } : deliveryOf(each)
    })
  }

  /** Frees all before it tells any: whoever is told may offer the next at once. */
  private tell(batch: readonly Waiting[], delivery: (i: number) => Delivery): void {
    for (const { key } of batch) {
      this.known.delete(key)
    }
    batch.forEach(({ parcel }, i) => {
      const what = delivery(i)
      if (what.kind === 'delivered') this.counts.delivered++
      if (what.kind === 'refused') this.counts.refused++
      if (!this.isClosed) parcel.settled(what)
    })
  }
}

/** A courier that pays with an account. `pick` gives a node of a chain. */
export const createCourier = (
  options: { readonly account: Account; readonly pick: (genesis: string | undefined) => ChainClient; readonly limits?: BatchLimits },
  dependencies: { readonly clock: Clock; readonly logger: Logger },
): Courier => new BatchingCourier({ ...options, limits: options.limits ?? BATCH_LIMITS }, dependencies)
