/** Owns waiting for something on the chain: looked for now and after every finalised block, never by sleeping. */
import { AppError } from '@phalanx/primitives/errors'
import type { Clock } from '@phalanx/primitives/ports'
import type { ChainClient } from '../chain-client.ts'
import '../errors.ts'
import type { Subscription } from '../transport.ts'

/** What is waited for. */
export interface Wait<T> {
  readonly chain: Pick<ChainClient, 'followFinalized'>
  readonly clock: Clock
  /** For people: "a receipt", "the contract's key". */
  readonly what: string
  readonly timeoutMs: number
  /** Looks; undefined where it is not there yet. */
  find(): Promise<T | undefined>
}

/** The first value that `find` gives. @throws SDK_WAIT_TIMEOUT, and what `find` or the subscription throws */
export const waitForState = <T>({ chain, clock, what, timeoutMs, find }: Wait<T>): Promise<T> =>
  new Promise<T>((resolve, reject) => {
    let subscription: Subscription | undefined
    let isDone = false
    let isLooking = false
    let isStale = false
    const end = (settle: () => void): void => {
      if (isDone) return
      isDone = true
      cancelTimer()
      subscription?.unsubscribe()
      settle()
    }
    /** One look at a time; a block that comes meanwhile asks for another. */
    const look = async (): Promise<void> => {
      if (isLooking) {
        isStale = true
        return
      }
      isLooking = true
      do {
        isStale = false
        const found = await find()
        if (found !== undefined) return end(() => resolve(found))
      } while (isStale && !isDone)
      isLooking = false
    }
    const lookOrFail = (): void => void look().catch((error: unknown) => end(() => reject(error)))
    const cancelTimer = clock.after(timeoutMs, () => end(() => reject(new AppError('SDK_WAIT_TIMEOUT', { what, waitedMs: timeoutMs }))))
    chain.followFinalized(lookOrFail).then(
      (made) => {
        subscription = made
        if (isDone) made.unsubscribe()
      },
      (error: unknown) => end(() => reject(error)),
    )
    lookOrFail()
  })
