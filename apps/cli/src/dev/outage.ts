/** Owns the outage that one asks for: the last worker goes offline and comes back, by blocks or by a signal. */
import { toHex } from '@phalanx/primitives/bytes'
import type { DevWorker } from './dev-worker.ts'
import type { EconomyPicture } from './watch.ts'

/** Told of both ends. */
export interface OutageListener {
  offline(event: { readonly worker: string; readonly block: number }): void
  online(event: { readonly worker: string; readonly block: number }): void
  failed(error: unknown): void
}

/** When the worker goes and comes, in blocks; without `backAfter` it stays away until it is asked back. */
export interface OutagePlan {
  readonly offlineAfter: number | undefined
  readonly backAfter: number | undefined
}

/** An outage under way or to come. */
export interface Outage {
  /** Looks at the newest picture and does what is due. */
  onBlock(picture: EconomyPicture): void
  /** Takes the worker off, or brings it back. */
  toggle(): void
}

/** Plans an outage; `from` is the block of the first computing. */
export const createOutage = (plan: OutagePlan, parts: { readonly worker: DevWorker; readonly from: number; readonly listener: OutageListener }): Outage => {
  const { worker, from, listener } = parts
  const identity = toHex(worker.identity() ?? new Uint8Array(0))
  let block = from
  let isBusy = false
  let hasGone = false
  let silentSince: number | undefined

  const act = async (): Promise<void> => {
    if (isBusy) return
    isBusy = true
    try {
      if (worker.isOnline) {
        hasGone = true
        await worker.stop()
        listener.offline({ worker: identity, block })
      } else {
        silentSince = undefined
        await worker.start()
        listener.online({ worker: identity, block })
      }
    } catch (error) {
      listener.failed(error)
    } finally {
      isBusy = false
    }
  }

  return {
    onBlock(picture) {
      block = picture.block
      if (worker.isOnline) {
        if (!hasGone && plan.offlineAfter !== undefined && block >= from + plan.offlineAfter) void act()
        return
      }
      const isSilent = picture.workers.some((one) => one.worker === identity && one.state === 'WorkerUnresponsive')
      if (isSilent) silentSince ??= block
      if (silentSince !== undefined && plan.backAfter !== undefined && block >= silentSince + plan.backAfter) void act()
    },
    toggle: () => void act(),
  }
}
