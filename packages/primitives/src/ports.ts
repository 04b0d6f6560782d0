/**
 * Owns the interfaces through which the outside world enters: time, randomness, storage, logs.
 * Shells implement them for real, the simulator under virtual time. Pure folders receive values, not these,
 * except `Crypto` (crypto/crypto.ts), which is synchronous and deterministic.
 */

/** Wall clock and timers. Times are milliseconds since the Unix epoch. */
export interface Clock {
  nowMs(): number
  /** Runs `callback` once after `delayMs`; the result cancels it. */
  after(delayMs: number, callback: () => void): () => void
}

/** Source of secret randomness. */
export interface Random {
  bytes(length: number): Uint8Array
}

/** One change of a key-value store; `value` undefined deletes. */
export interface KvChange {
  readonly key: Uint8Array
  readonly value: Uint8Array | undefined
}

/** Ordered, durable key-value store. A batch is atomic and, when `write` resolves, on disk (fsync). */
export interface Kv {
  /** Synchronous point read. @throws on an unreadable store (STORAGE_CORRUPT) */
  get(key: Uint8Array): Uint8Array | undefined
  write(changes: readonly KvChange[]): Promise<void>
  /** Entries with `from <= key < to` in order (descending if `reverse`), at most `limit`. */
  range(options: { from: Uint8Array; to: Uint8Array; reverse?: boolean; limit?: number }): AsyncIterable<readonly [Uint8Array, Uint8Array]>
  close(): Promise<void>
}

/** Small files that must survive a crash (sealed blobs). `write` is atomic: after it resolves a reader sees all of it. */
export interface BlobStore {
  read(name: string): Promise<Uint8Array | undefined>
  write(name: string, bytes: Uint8Array): Promise<void>
  remove(name: string): Promise<void>
}

/** Structured log: constant lower-case message, data beside it, error third. Secrets never enter. */
export interface Logger {
  debug(message: string, data?: Readonly<Record<string, unknown>>, error?: unknown): void
  info(message: string, data?: Readonly<Record<string, unknown>>, error?: unknown): void
  warn(message: string, data?: Readonly<Record<string, unknown>>, error?: unknown): void
  error(message: string, data?: Readonly<Record<string, unknown>>, error?: unknown): void
}

/** A logger that says nothing. */
export const silentLogger: Logger = { debug() {}, info() {}, warn() {}, error() {} }
