/**
 * Owns the course of a query after it was opened and checked: a place in the fair queue, rounds in an executor, requests to the outside between them, one
 * limit of time over all. Does not own sealing or who may ask (methods/contract-queries.ts).
 */
import { bytesToKey } from '@phalanx/primitives/bytes'
import { AppError, isAppError } from '@phalanx/primitives/errors'
import type { Clock, Random } from '@phalanx/primitives/ports'
import type { PendingEffect } from '../contracts/execution/env.ts'
import type { HttpAnswer } from '../contracts/execution/http.ts'
import { FairQueue } from '../contracts/query/fair-queue.ts'
import type { CacheChange } from '../contracts/query/local-cache.ts'
import type { QueryJob, QueryResult, QuerySnapshot, RoundOutcome } from '../contracts/query/run-query.ts'
import { QueryCounters } from './counters.ts'
import type { CacheWeights, QueryExecutor } from './executor.ts'
import { HTTP_ANSWER_BYTES_MAX, type HttpFetch } from './http-fetch.ts'

/** Rounds of requests to the outside that a query may make. */
const ROUNDS_MAX = 5
/** Time for a whole query, waiting and requests included. */
const LIMIT_MS = 10_000
/** What a batch may take beyond the time it asked for. */
const BATCH_GRACE_MS = 200
/** Queries that may wait for answers from outside: all, and of one contract. */
const OUTSIDE_MAX = 128
const OUTSIDE_PER_CONTRACT_MAX = 16
/** Bytes of answers from outside that are held or may arrive: all, and those of one contract's queries. They stay until their query ends. */
const ANSWER_BYTES_MAX = 256 * 1024 * 1024
const ANSWER_BYTES_PER_CONTRACT_MAX = 64 * 1024 * 1024
/** Queries of quick contracts that may wait, and how long for: as many as a listener has connections, and a fraction of the time that a query has. */
const QUICK_ROOM = { max: 256, waitNs: 2_000_000_000n } as const
const RANDOM_BYTES = 32
const NS_PER_MS = 1_000_000

/** Choices for answering queries. */
export interface QueryServiceOptions {
  /** Rounds that run at a time. */
  readonly depth: number
  /** Rounds of one contract that run at a time: less than all, so that one contract cannot take every place. */
  readonly perContract: number
  readonly limitMs?: number
}

/** Parts that queries are answered with. `elapsedMs` is a clock for measuring, in fractions of a millisecond. */
export interface QueryServiceDependencies {
  readonly executor: QueryExecutor
  readonly fetch: HttpFetch
  readonly clock: Clock
  readonly random: Random
  readonly elapsedMs: () => number
}

/** A query to answer. `contract` is whose turn it takes; `weight` is that contract's. */
export interface QueryAsk {
  readonly snapshot: QuerySnapshot
  readonly job: QueryJob
  readonly contract: Uint8Array
  readonly weight: number
  readonly workerPublicKey: Uint8Array
  readonly signal?: AbortSignal | undefined
}

/** A round in the queue; what is to happen is told once it has to wait. */
interface Waiter {
  enter: () => void
  refuse: (error: AppError) => void
}

/** What one contract's queries have of the room for answers. */
interface OutsideShare {
  /** Queries that wait. */
  waiting: number
  bytes: number
}

const sizeOfAnswer = (answer: HttpAnswer): number => {
  if (!answer.ok) return 0
  const { body, headers } = answer.value
  return body.length + headers.reduce((sum, [name, value]) => sum + name.length + value.length, 0)
}

/** Answers queries. */
export class QueryService {
  readonly counters = new QueryCounters()
  private readonly queue: FairQueue<Waiter>
  private readonly outside: QueryServiceDependencies
  private readonly limitMs: number
  private readonly shares = new Map<string, OutsideShare>()
  private outsideCount = 0
  private answerBytes = 0

  constructor(options: QueryServiceOptions, dependencies: QueryServiceDependencies) {
    this.queue = new FairQueue({ depth: options.depth, flowMax: options.perContract, longMax: Math.max(options.depth - 1, 1), quick: QUICK_ROOM })
    this.limitMs = options.limitMs ?? LIMIT_MS
    this.outside = dependencies
  }

  /**
   * Runs a query to its end.
   * @throws QUERY_OVERLOADED, QUERY_TIMED_OUT, QUERY_ROUNDS_EXCEEDED, QUERY_CANCELLED, QUERY_ENGINE_FAILED, QUERY_CONTRACT_UNKNOWN
   */
  async answer(ask: QueryAsk): Promise<QueryResult> {
    const startMs = this.outside.elapsedMs()
    let isDropped = false
    const release = this.outside.executor.hold(ask.snapshot)
    try {
      return await this.runRounds(ask, this.outside.clock.nowMs() + this.limitMs)
    } catch (error) {
      isDropped = isAppError(error, 'QUERY_OVERLOADED')
      throw error
    } finally {
      release()
      this.counters.noteQuery(ask.contract, { isDropped, timeMs: Math.round(this.outside.elapsedMs() - startMs) })
    }
  }

  /** Operations of commands on the local cache. */
  applyCache(changes: readonly CacheChange[]): void {
    this.outside.executor.applyCache(changes, BigInt(this.outside.clock.nowMs()))
  }

  /** The cluster's state as of now, before anybody asks: the first query finds machines ready. */
  prepare(snapshot: QuerySnapshot): void {
    this.outside.executor.prepare(snapshot)
  }

  /** Contracts' weights changed. */
  setWeights(weights: CacheWeights): void {
    this.outside.executor.setWeights(weights)
  }

  /** The cluster does not run here any more. */
  reset(): void {
    this.outside.executor.reset()
  }

  close(): Promise<void> {
    return this.outside.executor.close()
  }

  private async runRounds(ask: QueryAsk, deadlineMs: number): Promise<QueryResult> {
    const { clock, random, executor } = this.outside
    const env = { randomSeed: random.bytes(RANDOM_BYTES), workerPublicKey: ask.workerPublicKey, untrustedNowMs: BigInt(clock.nowMs()) }
    const answers: (readonly HttpAnswer[])[] = []
    let heldBytes = 0
    try {
      for (;;) {
        const outcome = await this.runRound(ask, { ...env, answers: [...answers] }, deadlineMs)
        if (outcome.kind === 'Done') {
          executor.applyCache(outcome.value.cacheChanges, env.untrustedNowMs)
          return outcome.value
        }
        if (answers.length >= ROUNDS_MAX) throw new AppError('QUERY_ROUNDS_EXCEEDED', { max: ROUNDS_MAX })
        const batch = await this.askOutside(ask, outcome.value, deadlineMs)
        const bytes = batch.reduce((sum, answer) => sum + sizeOfAnswer(answer), 0)
        heldBytes += bytes
        this.takeRoom(ask.contract, { waiting: 0, bytes })
        answers.push(batch)
      }
    } finally {
      this.takeRoom(ask.contract, { waiting: 0, bytes: -heldBytes })
    }
  }

  /** Changes what a contract's queries have of the room outside. */
  private takeRoom(contract: Uint8Array, { waiting, bytes }: OutsideShare): void {
    const id = bytesToKey(contract)
    const share = this.shares.get(id) ?? { waiting: 0, bytes: 0 }
    this.shares.set(id, share)
    this.outsideCount += waiting
    this.answerBytes += bytes
    share.waiting += waiting
    share.bytes += bytes
    if (share.waiting === 0 && share.bytes === 0) this.shares.delete(id)
  }

  /** @throws QUERY_OVERLOADED where a further batch that may bring so many bytes has no room */
  private assertRoom(contract: Uint8Array, bytes: number): void {
    const own = this.shares.get(bytesToKey(contract)) ?? { waiting: 0, bytes: 0 }
    const isCrowded = this.outsideCount >= OUTSIDE_MAX || this.answerBytes + bytes > ANSWER_BYTES_MAX
    if (isCrowded || own.waiting >= OUTSIDE_PER_CONTRACT_MAX || own.bytes + bytes > ANSWER_BYTES_PER_CONTRACT_MAX) throw new AppError('QUERY_OVERLOADED', {})
  }

  private leftMs(deadlineMs: number): number {
    const left = deadlineMs - this.outside.clock.nowMs()
    if (left <= 0) throw new AppError('QUERY_TIMED_OUT', { limitMs: this.limitMs })
    return left
  }

  /** One round, in its turn. Its cost is the time that it ran: what it waits for is nobody's loss. */
  private async runRound(ask: QueryAsk, env: Parameters<QueryExecutor['run']>[0]['env'], deadlineMs: number): Promise<RoundOutcome> {
    const flow = bytesToKey(ask.contract)
    await this.enter(ask, flow, deadlineMs)
    const startMs = this.outside.elapsedMs()
    try {
      return await this.outside.executor.run({ snapshot: ask.snapshot, job: ask.job, env, limitMs: this.leftMs(deadlineMs), signal: ask.signal })
    } finally {
      const elapsedNs = BigInt(Math.max(Math.round((this.outside.elapsedMs() - startMs) * NS_PER_MS), 0))
      for (const next of this.queue.release(flow, elapsedNs)) next.enter()
    }
  }

  /** Takes a turn, most often at once. @throws QUERY_OVERLOADED, QUERY_TIMED_OUT, QUERY_CANCELLED */
  private async enter({ weight, signal }: QueryAsk, flow: string, deadlineMs: number): Promise<void> {
    if (signal?.aborted === true) throw new AppError('QUERY_CANCELLED', {})
    const limitMs = this.leftMs(deadlineMs)
    const waiter: Waiter = { enter() {}, refuse() {} }
    const admission = this.queue.request(flow, weight, waiter)
    if (admission.kind === 'Run') return
    if (admission.kind === 'Overloaded') throw new AppError('QUERY_OVERLOADED', {})
    admission.dropped?.refuse(new AppError('QUERY_OVERLOADED', {}))
    await this.wait(waiter, limitMs, signal)
  }

  /** Waits until the queue gives a waiter its turn. @throws QUERY_OVERLOADED, QUERY_TIMED_OUT, QUERY_CANCELLED */
  private wait(waiter: Waiter, limitMs: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const end = (settle: () => void): void => {
        cancelTimer()
        signal?.removeEventListener('abort', onAbort)
        settle()
      }
      waiter.enter = () => end(resolve)
      waiter.refuse = (error) => end(() => reject(error))
      const leave = (error: AppError): void => {
        if (this.queue.withdraw(waiter)) waiter.refuse(error)
      }
      const onAbort = (): void => leave(new AppError('QUERY_CANCELLED', {}))
      const cancelTimer = this.outside.clock.after(limitMs, () => leave(new AppError('QUERY_TIMED_OUT', { limitMs: this.limitMs })))
      signal?.addEventListener('abort', onAbort)
    })
  }

  private async askOutside(ask: QueryAsk, { requests, timeoutMs }: PendingEffect, deadlineMs: number): Promise<readonly HttpAnswer[]> {
    const bytes = requests.length * HTTP_ANSWER_BYTES_MAX
    this.assertRoom(ask.contract, bytes)
    this.takeRoom(ask.contract, { waiting: 1, bytes })
    try {
      const left = this.leftMs(deadlineMs)
      const limit = timeoutMs === undefined || timeoutMs > BigInt(left) ? left : Math.min(Number(timeoutMs) + BATCH_GRACE_MS, left)
      const answers = await Promise.all(requests.map((request) => this.outside.fetch(request, { timeoutMs: limit, signal: ask.signal })))
      for (const answer of answers) this.counters.noteHttp(ask.contract, answer)
      return answers
    } finally {
      this.takeRoom(ask.contract, { waiting: -1, bytes: -bytes })
    }
  }
}
