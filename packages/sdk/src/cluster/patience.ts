/**
 * Owns holding out over a broken connection within limits: what was asked is asked again once the node is back, until time is up, the caller has had enough, or the
 * client is closed. For what changes nothing by being asked twice; extrinsics are in submissions.ts.
 */
import { AppError, isAppError } from '@phalanx/primitives/errors'
import type { Clock, Logger, Random } from '@phalanx/primitives/ports'
import { backOffMs, randomFraction, type BackOff } from '../back-off.ts'
import '../errors.ts'
import type { RpcClient } from '../rpc-client.ts'

/** The part of an `AbortSignal` that is used. */
export interface AbortSignalLike {
  readonly aborted: boolean
  addEventListener(type: 'abort', listener: () => void): void
  removeEventListener(type: 'abort', listener: () => void): void
}

/** How long something may take. */
export interface Limits {
  readonly timeoutMs: number
  /** Ends the wait at once, with SDK_WAIT_ABORTED. */
  readonly signal?: AbortSignalLike | undefined
}

/** A span of patience. */
export interface SpanOptions extends Limits {
  /** What is waited for, for people: "receipt", "key of the contract". */
  readonly what: string
  /** From when the time counts: from now where left out, or from when the node goes away first, for what may also wait for a person. */
  readonly from?: 'now' | 'outage'
}

/** What a span needs from outside. */
export interface SpanDependencies {
  readonly rpc: Pick<RpcClient, 'url' | 'onConnection' | 'onClose'>
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
}

/** Between two tries while the node is away; its coming back ends the pause. */
const PAUSE: BackOff = { firstMs: 200, maxMs: 5000 }

/** Codes that say that the node could not be asked, not what it answered. */
const OUTAGE_CODES: readonly string[] = ['SDK_CONNECTION_FAILED', 'SDK_CONNECTION_LOST', 'SDK_REQUEST_TIMEOUT']

/** Whether an error says only that the node could not be asked. */
export const isOutage = (error: unknown): boolean => isAppError(error) && OUTAGE_CODES.includes(error.code)

/** Codes that end a wait whatever is waited for. */
const END_CODES: readonly string[] = ['SDK_WAIT_ABORTED', 'SDK_CLIENT_CLOSED', 'SDK_CHAIN_DIFFERS']

/** Whether an error is of the wait or of the connection, and says nothing about whoever was asked. */
export const isOfWait = (error: unknown): boolean => isOutage(error) || (isAppError(error) && END_CODES.includes(error.code))

/** Begins at once; `close` it when it is not needed any more. */
export const createSpan = (options: SpanOptions, dependencies: SpanDependencies): Span => new Span(options, dependencies)

/** Time in which something is waited for. */
export class Span {
  readonly what: string
  private readonly outside: SpanDependencies
  private readonly listeners = new Set<(error: unknown) => void>()
  private readonly releases: (() => void)[]
  private readonly startTimer: () => void
  /** Why it is over. */
  private end: { readonly reason: unknown } | undefined
  private trouble: unknown
  private connections = 0

  constructor({ what, timeoutMs, signal, from = 'now' }: SpanOptions, outside: SpanDependencies) {
    const { rpc, clock } = outside
    this.what = what
    this.outside = outside
    const abort = (): void => this.fail(new AppError('SDK_WAIT_ABORTED', { what }))
    let isRunning = false
    this.startTimer = () => {
      if (isRunning) return
      isRunning = true
      this.releases.push(clock.after(timeoutMs, () => this.fail(new AppError('SDK_WAIT_TIMEOUT', { what, waitedMs: timeoutMs }, { cause: this.trouble }))))
    }
    this.releases = [
      rpc.onConnection((connected) => void (this.connections += connected ? 1 : 0)),
      () => signal?.removeEventListener('abort', abort),
    ]
    if (from === 'now') this.startTimer()
    signal?.addEventListener('abort', abort)
    if (signal?.aborted === true) abort()
    this.releases.push(rpc.onClose(() => this.fail(new AppError('SDK_CLIENT_CLOSED', { url: rpc.url }))))
  }

  get isOver(): boolean {
    return this.end !== undefined
  }

  /** Ends it: whoever waits in it, or tries to, gets this error. Only the first end counts. */
  fail(error: unknown): void {
    if (this.end !== undefined) return
    this.end = { reason: error }
    this.close()
    for (const listener of [...this.listeners]) listener(error)
    this.listeners.clear()
  }

  /** Says what keeps the caller waiting; a time-out names it as its cause. */
  note(trouble: unknown): void {
    this.trouble = trouble
  }

  /** Lets go of clock, connection and signal. */
  close(): void {
    for (const release of this.releases.splice(0)) release()
  }

  /** The promise, unless the span ends before it does. */
  within<T>(promise: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const settle = (act: () => void): void => {
        this.listeners.delete(reject)
        act()
      }
      if (this.end === undefined) this.listeners.add(reject)
      else reject(this.end.reason)
      promise.then((value) => settle(() => resolve(value)), (error: unknown) => settle(() => reject(error)))
    })
  }

  /** What `ask` gives, asked again as often as the node goes away meanwhile. @throws SDK_WAIT_TIMEOUT, SDK_WAIT_ABORTED, SDK_CLIENT_CLOSED and what else `ask` throws */
  async through<T>(ask: () => Promise<T>): Promise<T> {
    const { logger, rpc } = this.outside
    for (let failures = 1; ; failures++) {
      if (this.end !== undefined) throw this.end.reason
      const { connections } = this
      try {
        return await this.within(ask())
      } catch (error) {
        // Answers over two connections may be of two states of the node: what is wrong with them together says nothing.
        const isMixed = isAppError(error) && this.connections !== connections
        if (this.end !== undefined || !(isOutage(error) || isMixed)) throw error
        this.note(error)
        this.startTimer()
        logger.debug('waiting for the node to come back', { url: rpc.url, what: this.what, failures }, error)
      }
      await this.pause(failures)
    }
  }

  /** Waits a little, or until the node is back. */
  private async pause(failures: number): Promise<void> {
    const { clock, random, rpc } = this.outside
    const delayMs = backOffMs(PAUSE, { failures, fraction: randomFraction(random) })
    let release = (): void => {}
    try {
      await this.within(new Promise<void>((resolve) => {
        const cancel = clock.after(delayMs, resolve)
        const stop = rpc.onConnection((connected) => {
          if (connected) resolve()
        })
        release = () => {
          cancel()
          stop()
        }
      }))
    } finally {
      release()
    }
  }
}
