/** Owns who wants to hear what becomes of which transaction. */
import type { TransactionStatus } from './transaction.ts'

/** Hears the statuses of one transaction, in order. */
export type StatusListener = (status: TransactionStatus) => void

/** Listeners by transaction key. */
export interface Watchers {
  add(key: string, listener: StatusListener): () => void
  tell(key: string, status: TransactionStatus): void
  /** Whether anybody listens to anything. */
  readonly any: boolean
}

/** Statuses after which nothing more comes. */
export const isFinalStatus = (status: TransactionStatus): boolean =>
  status.kind === 'finalized' || status.kind === 'usurped' || status.kind === 'dropped' || status.kind === 'invalid'

/** No listeners yet. */
export const createWatchers = (): Watchers => {
  const listeners = new Map<string, Set<StatusListener>>()
  const remove = (key: string, listener: StatusListener): void => {
    const found = listeners.get(key)
    found?.delete(listener)
    if (found?.size === 0) listeners.delete(key)
  }
  return {
    get any() {
      return listeners.size > 0
    },
    add(key, listener) {
      const found = listeners.get(key)
      if (found === undefined) listeners.set(key, new Set([listener]))
      else found.add(listener)
      return () => remove(key, listener)
    },
    tell(key, status) {
      for (const listener of [...(listeners.get(key) ?? [])]) listener(status)
      if (isFinalStatus(status)) listeners.delete(key)
    },
  }
}
