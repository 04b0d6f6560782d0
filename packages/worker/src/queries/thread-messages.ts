/** Owns what is said between the worker and its query threads. Everything is plain data; states travel packed (contracts/query/pack.ts). */
import type { CacheChange } from '../contracts/query/local-cache.ts'
import type { QueryJob, RoundEnv, RoundOutcome, SnapshotPoint } from '../contracts/query/run-query.ts'
import type { CacheWeights } from './executor.ts'

/** An entry of the local cache as threads take it over. */
export interface CacheEntry {
  readonly contract: string
  readonly key: string
  readonly value: Uint8Array
  readonly expiresAtMs: bigint
}

/** To a thread. A snapshot is made of an earlier one, or of nothing, by packed writes. */
export type ToThread =
  | { readonly kind: 'snapshot'; readonly id: number; readonly base: number | undefined; readonly changes: Uint8Array; readonly point: SnapshotPoint }
  | { readonly kind: 'forget'; readonly id: number }
  | { readonly kind: 'cache'; readonly changes: readonly CacheChange[]; readonly nowMs: bigint }
  | { readonly kind: 'cacheEntries'; readonly entries: readonly CacheEntry[] }
  | { readonly kind: 'weights'; readonly weights: CacheWeights }
  | { readonly kind: 'run'; readonly id: number; readonly snapshot: number; readonly job: QueryJob; readonly env: RoundEnv }

/** A refusal as it crosses threads: errors lose their class on the way. */
export interface ThreadRefusal {
  readonly code: string
  readonly context: Readonly<Record<string, unknown>>
}

/** From a thread. `refused` with a code; `failed` by a fault of ours, with its text. */
export type FromThread =
  | { readonly kind: 'ready' }
  | { readonly kind: 'done'; readonly id: number; readonly outcome: RoundOutcome }
  | { readonly kind: 'refused'; readonly id: number; readonly refusal: ThreadRefusal }
  | { readonly kind: 'failed'; readonly id: number; readonly text: string }
