/**
 * Owns running queries in threads, so that code that does not end can be ended: a late thread is terminated and another takes its place. Threads hold the
 * cluster's state: whole at first, then what changed. Does not own which query comes first (contracts/query/fair-queue.ts) nor rounds (query-service.ts).
 */
import { assert } from '@phalanx/primitives/assert'
import { EMPTY } from '@phalanx/primitives/bytes'
import { AppError, type ErrorCode } from '@phalanx/primitives/errors'
import type { Clock, Logger } from '@phalanx/primitives/ports'
import { ContractCache } from '../contracts/query/local-cache.ts'
import { packChanges } from '../contracts/query/pack.ts'
import type { QuerySnapshot, RoundOutcome } from '../contracts/query/run-query.ts'
import type { CacheWeights, QueryExecutor, Round } from './executor.ts'
import type { FromThread, ThreadRefusal, ToThread } from './thread-messages.ts'

/** The part of a worker thread that is used. */
export interface QueryThread {
  postMessage(message: unknown): void
  on(event: 'message' | 'error' | 'exit', listener: (value: never) => void): unknown
  terminate(): Promise<unknown>
  unref?(): void
}

/** What threads are run with. */
export interface ThreadDependencies {
  readonly startThread: () => QueryThread
  readonly clock: Clock
  readonly logger: Logger
}

/** Threads that may die one after another before they were ready; then each query has one started for it, and is refused where that dies too. */
const FAILED_STARTS_MAX = 5
/** How long a round may go on when nobody waits for it any more. */
const ABANDONED_MS = 1000
/** Longest reason that is told. */
const REASON_MAX = 500

interface Kept {
  readonly id: number
  readonly snapshot: QuerySnapshot
  holders: number
}

interface Running {
  readonly id: number
  readonly resolve: (outcome: RoundOutcome) => void
  readonly reject: (error: unknown) => void
  readonly stopWatching: () => void
}

/** A round that waits for a thread. */
interface Waiting {
  readonly take: (slot: Slot) => void
  readonly giveUp: (error: AppError) => void
}

interface Slot {
  readonly thread: QueryThread
  /** Snapshots that the thread holds. */
  readonly known: Set<number>
  running: Running | undefined
  isReady: boolean
  /** Given to a round, whether or not it has been told of it yet. */
  isTaken: boolean
  isGone: boolean
}

const isSameSnapshot = (a: QuerySnapshot, b: QuerySnapshot): boolean => a.contracts === b.contracts && a.point.blockNumber === b.point.blockNumber

const toError = ({ code, context }: ThreadRefusal): AppError => new AppError(code as ErrorCode, context as never)

class ThreadExecutor implements QueryExecutor {
  private readonly slots: Slot[] = []
  /** Ascending by id; the last one is the newest, earlier ones are held by queries. */
  private kept: Kept[] = []
  private waiting: Waiting[] = []
  /** Every thread's cache follows this one. */
  private cache = new ContractCache()
  private weights: CacheWeights = []
  private readonly max: number
  private readonly outside: ThreadDependencies
  private lastId = 0
  private failedStarts = 0
  private isClosed = false

  constructor(max: number, outside: ThreadDependencies) {
    assert(max > 0, 'queries need a thread')
    this.max = max
    this.outside = outside
  }

  prepare(snapshot: QuerySnapshot): void {
    this.keep(snapshot)
    if (this.slots.length === 0) this.start()
  }

  hold(snapshot: QuerySnapshot): () => void {
    const kept = this.keep(snapshot)
    kept.holders++
    let isHeld = true
    return () => {
      if (!isHeld) return
      isHeld = false
      kept.holders--
      this.forgetUnheld()
    }
  }

  async run(round: Round): Promise<RoundOutcome> {
    if (round.signal?.aborted === true) throw new AppError('QUERY_CANCELLED', {})
    const release = this.hold(round.snapshot)
    const deadlineMs = this.outside.clock.nowMs() + round.limitMs
    try {
      const slot = await this.takeSlot(round)
      return await this.runIn(slot, round, Math.max(deadlineMs - this.outside.clock.nowMs(), 1))
    } finally {
      release()
    }
  }

  applyCache(changes: Parameters<QueryExecutor['applyCache']>[0], nowMs: bigint): void {
    if (changes.length === 0) return
    this.cache.apply(changes, nowMs)
    this.tellAll({ kind: 'cache', changes, nowMs })
  }

  setWeights(weights: CacheWeights): void {
    this.weights = weights
    this.cache.setWeights(weights)
    this.tellAll({ kind: 'weights', weights })
  }

  reset(): void {
    void this.endAll()
    this.kept = []
    this.weights = []
    this.cache = new ContractCache()
  }

  async close(): Promise<void> {
    this.isClosed = true
    await this.endAll()
  }

  private async endAll(): Promise<void> {
    const cancelled = new AppError('QUERY_CANCELLED', {})
    for (const waiting of [...this.waiting]) waiting.giveUp(cancelled)
    await Promise.all([...this.slots].map((slot) => {
      this.remove(slot, cancelled)
      return slot.thread.terminate()
    }))
  }

  private tell(slot: Slot, message: ToThread): void {
    slot.thread.postMessage(message)
  }

  private tellAll(message: ToThread): void {
    for (const slot of this.slots) this.tell(slot, message)
  }

  /** The snapshot among those that are kept; a new one is told to every thread as its difference to one that the thread has. */
  private keep(snapshot: QuerySnapshot): Kept {
    const found = this.kept.findLast((kept) => isSameSnapshot(kept.snapshot, snapshot))
    if (found !== undefined) return found
    const made: Kept = { id: ++this.lastId, snapshot, holders: 0 }
    this.kept.push(made)
    const packed = new Map<number | undefined, Uint8Array>()
    for (const slot of this.slots) this.deliver(slot, made, packed)
    this.forgetUnheld()
    return made
  }

  /** Tells a thread of a snapshot. `packed` keeps what was packed for other threads, by the snapshot that it is the difference to. */
  private deliver(slot: Slot, { id, snapshot }: Kept, packed: Map<number | undefined, Uint8Array>): void {
    const base = this.kept.findLast((kept) => slot.known.has(kept.id))
    const pack = (): Uint8Array => packChanges(base === undefined ? [...snapshot.contracts.entries(EMPTY)] : snapshot.contracts.changesSince(base.snapshot.contracts))
    const changes = packed.get(base?.id) ?? pack()
    packed.set(base?.id, changes)
    this.tell(slot, { kind: 'snapshot', id, base: base?.id, changes, point: snapshot.point })
    slot.known.add(id)
  }

  /** Lets go of snapshots that are neither the newest nor in use. */
  private forgetUnheld(): void {
    const newest = this.kept.at(-1)
    const over = this.kept.filter((kept) => kept !== newest && kept.holders === 0)
    if (over.length === 0) return
    this.kept = this.kept.filter((kept) => !over.includes(kept))
    for (const slot of this.slots) for (const { id } of over) if (slot.known.delete(id)) this.tell(slot, { kind: 'forget', id })
  }

  private start(): void {
    const slot: Slot = { thread: this.outside.startThread(), known: new Set(), running: undefined, isReady: false, isTaken: false, isGone: false }
    this.slots.push(slot)
    slot.thread.unref?.()
    slot.thread.on('message', (message: FromThread) => this.hear(slot, message))
    slot.thread.on('error', (error: Error) => this.lose(slot, error.message))
    slot.thread.on('exit', () => this.lose(slot, 'it ended'))
    this.tell(slot, { kind: 'cacheEntries', entries: [...this.cache.export()] })
    this.tell(slot, { kind: 'weights', weights: this.weights })
    for (const kept of this.kept) this.deliver(slot, kept, new Map())
  }

  private hear(slot: Slot, message: FromThread): void {
    if (message.kind === 'ready') {
      slot.isReady = true
      this.failedStarts = 0
      this.giveOut(slot)
      return
    }
    const { running } = slot
    if (running === undefined || running.id !== message.id) return
    slot.running = undefined
    slot.isTaken = false
    running.stopWatching()
    if (message.kind === 'done') running.resolve(message.outcome)
    else if (message.kind === 'refused') running.reject(toError(message.refusal))
    else {
      this.outside.logger.error('query failed by a fault of the worker', { text: message.text })
      running.reject(new AppError('WORKER_INTERNAL', {}))
    }
    this.giveOut(slot)
  }

  /** A thread that ended by itself. */
  private lose(slot: Slot, reason: string): void {
    if (slot.isGone || this.isClosed) return
    if (!slot.isReady) this.failedStarts++
    this.outside.logger.warn('query thread lost', { isReady: slot.isReady })
    const error = new AppError('QUERY_ENGINE_FAILED', { reason: reason.slice(0, REASON_MAX) })
    this.remove(slot, error)
    this.replaceWhereWanted()
    if (this.slots.length === 0) for (const waiting of [...this.waiting]) waiting.giveUp(error)
  }

  private remove(slot: Slot, error: AppError): void {
    slot.isGone = true
    this.slots.splice(this.slots.indexOf(slot), 1)
    const { running } = slot
    slot.running = undefined
    running?.stopWatching()
    running?.reject(error)
  }

  /** Ends the thread of a round that is late. */
  private stop(slot: Slot, error: AppError): void {
    if (slot.isGone) return
    this.outside.logger.warn('query thread stopped: its query took too long', { threads: this.slots.length })
    this.remove(slot, error)
    void slot.thread.terminate()
    this.replaceWhereWanted()
  }

  /** Another thread where somebody waits, or none is left for the next one to ask. */
  private replaceWhereWanted(): void {
    if (this.failedStarts < FAILED_STARTS_MAX && this.slots.length < this.max && (this.waiting.length > 0 || this.slots.length === 0)) this.start()
  }

  private giveOut(slot: Slot): void {
    if (!slot.isReady || slot.isTaken || slot.isGone) return
    this.waiting.shift()?.take(slot)
  }

  /** A thread for one round: an idle one, or the next that becomes idle. @throws QUERY_TIMED_OUT, QUERY_CANCELLED, QUERY_ENGINE_FAILED */
  private takeSlot({ limitMs, signal }: Round): Promise<Slot> {
    const idle = this.slots.find((slot) => slot.isReady && !slot.isTaken)
    if (idle !== undefined) {
      idle.isTaken = true
      return Promise.resolve(idle)
    }
    return new Promise((resolve, reject) => {
      const waiting: Waiting = {
        take(slot) {
          end()
          slot.isTaken = true
          resolve(slot)
        },
        giveUp(error) {
          end()
          reject(error)
        },
      }
      const onAbort = (): void => waiting.giveUp(new AppError('QUERY_CANCELLED', {}))
      const cancelTimer = this.outside.clock.after(limitMs, () => waiting.giveUp(new AppError('QUERY_TIMED_OUT', { limitMs })))
      const end = (): void => {
        this.waiting = this.waiting.filter((each) => each !== waiting)
        cancelTimer()
        signal?.removeEventListener('abort', onAbort)
      }
      signal?.addEventListener('abort', onAbort)
      this.waiting.push(waiting)
      const starting = this.slots.filter(({ isReady }) => !isReady).length
      if (this.slots.length < this.max && starting < this.waiting.length) this.start()
    })
  }

  private runIn(slot: Slot, { snapshot, job, env, signal, limitMs }: Round, leftMs: number): Promise<RoundOutcome> {
    if (slot.isGone) return Promise.reject(new AppError('QUERY_ENGINE_FAILED', { reason: 'its thread ended' }))
    const { clock } = this.outside
    const id = ++this.lastId
    const kept = this.keep(snapshot)
    return new Promise((resolve, reject) => {
      let cancelGrace = (): void => {}
      const onAbort = (): void => {
        cancelGrace = clock.after(ABANDONED_MS, () => this.stop(slot, new AppError('QUERY_CANCELLED', {})))
      }
      const cancelTimer = clock.after(leftMs, () => this.stop(slot, new AppError('QUERY_TIMED_OUT', { limitMs })))
      signal?.addEventListener('abort', onAbort)
      const stopWatching = (): void => {
        cancelTimer()
        cancelGrace()
        signal?.removeEventListener('abort', onAbort)
      }
      slot.running = { id, resolve, reject, stopWatching }
      this.tell(slot, { kind: 'run', id, snapshot: kept.id, job, env })
    })
  }
}

/** An executor with at most `threads` threads, started as they are needed. */
export const createThreadExecutor = (options: { readonly threads: number }, dependencies: ThreadDependencies): QueryExecutor => new ThreadExecutor(options.threads, dependencies)
