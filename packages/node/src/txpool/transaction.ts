/** Owns what the pool knows of one transaction, and the statuses it passes through. */
import { bytesKey } from '../bytes-key.ts'
import type { SignatureCheck, ValidTransaction } from '@phalanx/runtime/frame'

/** What became of a transaction, as watchers hear it. `block` is a block hash, `index` the place in its body. */
export type TransactionStatus =
  | { readonly kind: 'future' }
  | { readonly kind: 'ready' }
  | { readonly kind: 'inBlock'; readonly block: Uint8Array; readonly index: number }
  | { readonly kind: 'finalized'; readonly block: Uint8Array; readonly index: number }
  | { readonly kind: 'usurped'; readonly by: Uint8Array }
  | { readonly kind: 'dropped'; readonly reason: string }
  | { readonly kind: 'invalid'; readonly reason: string }

/** A transaction in the pool. Tags are strings with one character per byte. */
export interface PoolTransaction {
  /** blake2b-256 of the bytes, length prefix included. */
  readonly hash: Uint8Array
  readonly key: string
  readonly bytes: Uint8Array
  /** Signing account, undefined for bare transactions. */
  readonly sender: string | undefined
  readonly requires: readonly string[]
  readonly provides: readonly string[]
  readonly priority: bigint
  /** First block that may not contain it any more. */
  readonly deathBlock: bigint
  /** Order of arrival. */
  readonly arrival: number
  /** Signature checks made for it, so that their verdicts can be forgotten with it. */
  readonly checks: readonly SignatureCheck[]
}

/** A pool transaction from its verdict. */
export const createPoolTransaction = (parts: {
  readonly hash: Uint8Array
  readonly bytes: Uint8Array
  readonly sender: string | undefined
  readonly validity: ValidTransaction
  readonly at: number
  readonly arrival: number
  readonly checks: readonly SignatureCheck[]
}): PoolTransaction => ({
  hash: parts.hash,
  key: bytesKey(parts.hash),
  bytes: parts.bytes,
  sender: parts.sender,
  requires: parts.validity.requires.map(bytesKey),
  provides: parts.validity.provides.map(bytesKey),
  priority: parts.validity.priority,
  deathBlock: BigInt(parts.at) + 1n + parts.validity.longevity,
  arrival: parts.arrival,
  checks: parts.checks,
})
