/** Owns the seam between answering queries and the places where contract code runs for them: threads (thread-executor.ts), or this thread (inline-executor.ts). */
import type { CacheChange } from '../contracts/query/local-cache.ts'
import type { QueryJob, QuerySnapshot, RoundEnv, RoundOutcome } from '../contracts/query/run-query.ts'

/** One round to run. */
export interface Round {
  readonly snapshot: QuerySnapshot
  readonly job: QueryJob
  readonly env: RoundEnv
  /** Time that it may take; what is late is stopped. */
  readonly limitMs: number
  /** Aborts when nobody waits any more. */
  readonly signal: AbortSignal | undefined
}

/** Quotas of contracts' local caches follow from their weights. */
export type CacheWeights = readonly { readonly contract: Uint8Array; readonly weight: number }[]

/** Runs rounds of queries. */
export interface QueryExecutor {
  /** @throws QUERY_TIMED_OUT, QUERY_CANCELLED, QUERY_ENGINE_FAILED, QUERY_CONTRACT_UNKNOWN */
  run(round: Round): Promise<RoundOutcome>
  /** Prepares for queries on a snapshot, so that the first one need not wait. */
  prepare(snapshot: QuerySnapshot): void
  /** A query works on this snapshot until the returned function is called: later rounds find it. */
  hold(snapshot: QuerySnapshot): () => void
  /** Applies what ended queries and commands did to the local caches. */
  applyCache(changes: readonly CacheChange[], nowMs: bigint): void
  setWeights(weights: CacheWeights): void
  /** Forgets everything of the cluster that ran here: states, secrets, caches. What runs is cancelled. */
  reset(): void
  close(): Promise<void>
}
