/** Owns what an execution is given besides the state: block, mode, machines, keys, and what only queries have. */
import type { Crypto } from '@phalanx/primitives/crypto'
import type { CodeVm } from '../vm.ts'
import type { HttpAnswer, HttpRequest } from './http.ts'

/** Query: read-only on one worker. Estimating: a dry run of a command. Transaction: a command on every worker. */
export type ExecutionMode = 'Query' | 'Estimating' | 'Transaction'

/** Values that a contract keeps on one worker, outside of the state. */
export interface LocalCache {
  get(contract: Uint8Array, key: Uint8Array): Uint8Array | undefined
  /** False where the contract's quota is used up. */
  set(contract: Uint8Array, key: Uint8Array, value: Uint8Array): boolean
  setExpiration(contract: Uint8Array, key: Uint8Array, seconds: bigint): void
  /** The value before. */
  remove(contract: Uint8Array, key: Uint8Array): Uint8Array | undefined
}

/** What only queries can have, because it differs between workers. Equal in every round of one query. */
export interface QueryEnv {
  /** 32 bytes of fresh randomness from which all random numbers of the query follow. */
  readonly randomSeed: Uint8Array
  readonly workerPublicKey: Uint8Array
  readonly untrustedNowMs: bigint
  readonly cache: LocalCache
  /** Answers to the requests of earlier rounds, in order: one list per request of the contract. */
  readonly answers: readonly (readonly HttpAnswer[])[]
}

/** Requests that a query waits for; `timeoutMs` undefined: whatever is left of its time. */
export interface PendingEffect {
  readonly requests: readonly HttpRequest[]
  readonly timeoutMs: bigint | undefined
}

/** Surroundings of an execution. */
export interface ExecutionEnv {
  readonly crypto: Crypto
  readonly vms: readonly CodeVm[]
  readonly mode: ExecutionMode
  readonly blockNumber: number
  readonly nowMs: bigint
  /** 64-byte secret of the cluster key. */
  readonly clusterSecret: Uint8Array
  /** Nonce of the command; empty for queries. */
  readonly callNonce: Uint8Array
  /** Present in mode Query only. */
  readonly query?: QueryEnv
  /** Next number and last hash of the event chain. */
  readonly eventChainHead?: { readonly number: bigint; readonly hash: Uint8Array }
}
