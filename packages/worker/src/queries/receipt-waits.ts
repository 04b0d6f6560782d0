/** Owns waiting for receipts: whoever asks is told as soon as a block brought one, nobody polls. Bounded in number and time, ended when the asker leaves. */
import { AppError } from '@phalanx/primitives/errors'
import type { Clock } from '@phalanx/primitives/ports'

/** Requests that may wait at a time, and for how long: fewer than a listener has connections, so that waits, which are free, never take all of them. */
const WAITS_MAX = 128
const WAIT_MAX_MS = 60_000

/** One wait: `find` looks at the worker's present state. */
export interface ReceiptWait<T> {
  readonly find: () => T | undefined
  readonly waitMs: number
  readonly signal: AbortSignal | undefined
  /** Hash of the command, for people. */
  readonly commandHash: string
}

/** Waits of all askers. */
export class ReceiptWaits {
  private readonly checks = new Set<() => void>()
  private readonly clock: Clock
  private readonly max: number
  private isClosed = false

  constructor(dependencies: { readonly clock: Clock }, max = WAITS_MAX) {
    this.clock = dependencies.clock
    this.max = max
  }

  /** The worker's state has changed. */
  noteChange(): void {
    for (const check of [...this.checks]) check()
  }

  /** Ends every wait. */
  close(): void {
    this.isClosed = true
    this.noteChange()
  }

  /** What `find` finds, now or after some block. @throws RECEIPT_NOT_YET, RECEIPT_WAITS_EXCEEDED, QUERY_CANCELLED and what `find` throws */
  async wait<T>({ find, waitMs, signal, commandHash }: ReceiptWait<T>): Promise<T> {
    const found = find()
    if (found !== undefined) return found
    const limitMs = Math.min(waitMs, WAIT_MAX_MS)
    const late = new AppError('RECEIPT_NOT_YET', { commandHash, waitedMs: limitMs })
    if (limitMs === 0) return Promise.reject(late)
    if (this.checks.size >= this.max) throw new AppError('RECEIPT_WAITS_EXCEEDED', { max: this.max })
    return new Promise((resolve, reject) => {
      const end = (settle: () => void): void => {
        cancelTimer()
        this.checks.delete(check)
        signal?.removeEventListener('abort', check)
        settle()
      }
      const check = (): void => {
        if (this.isClosed || signal?.aborted === true) return end(() => reject(new AppError('QUERY_CANCELLED', {})))
        try {
          const now = find()
          if (now !== undefined) end(() => resolve(now))
        } catch (error) {
          end(() => reject(error))
        }
      }
      const cancelTimer = this.clock.after(limitMs, () => end(() => reject(late)))
      this.checks.add(check)
      signal?.addEventListener('abort', check)
      if (this.isClosed || signal?.aborted === true) check()
    })
  }
}
