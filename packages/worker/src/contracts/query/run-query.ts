/**
 * Owns one round of a query: a call or an estimate on a snapshot of the cluster, whose changes are dropped. Pure: what differs between workers is
 * handed in. Does not own rounds (queries/) nor who may ask (checks.ts).
 */
import { toHex } from '@phalanx/primitives/bytes'
import { ContractExecResult, ContractInstantiateResult } from '@phalanx/primitives/contracts'
import type { Crypto } from '@phalanx/primitives/crypto'
import { AppError } from '@phalanx/primitives/errors'
import type { Trie } from '@phalanx/primitives/trie'
import type { LogLine } from '../execution/effects.ts'
import type { ExecutionEnv, ExecutionMode, PendingEffect } from '../execution/env.ts'
import { callContract, inspect, instantiate, type ExecutionOutcome } from '../execution/execute.ts'
import type { HttpAnswer } from '../execution/http.ts'
import type { CodeVm } from '../vm.ts'
import type { CacheChange, ContractCache } from './local-cache.ts'

/** Gas of a query, picoseconds. */
const QUERY_GAS = 10n * 10n ** 12n

/** Lines of log that a query brings along, and characters of each: who asks is told far less, and a thread must not flood the one that answers. */
const LOGS_MAX = 1024
const LOG_CHARACTERS_MAX = 1001

/** A cluster's state as queries see it. */
export interface QuerySnapshot {
  readonly contracts: Trie
  readonly point: SnapshotPoint
}

/** What belongs to a snapshot besides its entries; times in milliseconds. */
export interface SnapshotPoint {
  readonly blockNumber: number
  readonly nowMs: bigint
  /** 64-byte secret of the cluster's key. */
  readonly clusterSecret: Uint8Array
  readonly eventChainHead: { readonly number: bigint; readonly hash: Uint8Array }
}

/** What is to be run, on behalf of `origin`. `deposit` is lent to it. */
export type QueryJob =
  | {
      readonly kind: 'call'
      readonly value: {
        readonly mode: Exclude<ExecutionMode, 'Transaction'>; readonly origin: Uint8Array; readonly contract: Uint8Array; readonly input: Uint8Array
        readonly transfer: bigint; readonly deposit: bigint
      }
    }
  | {
      readonly kind: 'instantiate'
      readonly value: {
        readonly origin: Uint8Array; readonly codeHash: Uint8Array; readonly salt: Uint8Array; readonly input: Uint8Array; readonly transfer: bigint; readonly deposit: bigint
      }
    }

/** What a round has besides the snapshot: equal in every round of a query but for the answers. */
export interface RoundEnv {
  /** 32 fresh random bytes. */
  readonly randomSeed: Uint8Array
  readonly workerPublicKey: Uint8Array
  readonly untrustedNowMs: bigint
  readonly answers: readonly (readonly HttpAnswer[])[]
}

/** A query that came to its end. `output` is SCALE `ContractExecResult` or `ContractInstantiateResult`. */
export interface QueryResult {
  readonly output: Uint8Array
  readonly failure: string | undefined
  readonly logs: readonly LogLine[]
  readonly cacheChanges: readonly CacheChange[]
}

/** How a round ended. */
export type RoundOutcome = { readonly kind: 'Done'; readonly value: QueryResult } | { readonly kind: 'NeedsEffect'; readonly value: PendingEffect }

/** What rounds run with. */
export interface QueryMachines {
  readonly crypto: Crypto
  readonly vms: readonly CodeVm[]
  readonly cache: ContractCache
}

/** Whether there is a contract at an address. */
export const hasContract = (contracts: Trie, crypto: Crypto, id: Uint8Array): boolean => inspect(contracts, crypto).contract(id) !== undefined

const complete = <Result>(outcome: ExecutionOutcome<Result>, encode: (result: Result) => Uint8Array, cacheChanges: readonly CacheChange[]): RoundOutcome => {
  if (outcome.kind === 'NeedsEffect') return outcome
  const { result, failure, effects } = outcome
  const logs = effects.logs.slice(0, LOGS_MAX).map((line) => ({ ...line, message: line.message.slice(0, LOG_CHARACTERS_MAX) }))
  return { kind: 'Done', value: { output: encode(result), failure, logs, cacheChanges } }
}

/**
 * Runs one round. @throws QUERY_CONTRACT_UNKNOWN, CONTRACT_ENGINE_FAILED
 */
export const runQuery = (machines: QueryMachines, snapshot: QuerySnapshot, job: QueryJob, round: RoundEnv): RoundOutcome => {
  const { crypto, vms, cache } = machines
  const { contracts, point } = snapshot
  const mode = job.kind === 'call' ? job.value.mode : 'Estimating'
  const session = cache.openSession(round.untrustedNowMs)
  const { randomSeed, workerPublicKey, untrustedNowMs, answers } = round
  const env: ExecutionEnv = {
    crypto, vms, mode, blockNumber: point.blockNumber, nowMs: point.nowMs, clusterSecret: point.clusterSecret, callNonce: new Uint8Array(0), eventChainHead: point.eventChainHead,
    ...(mode === 'Query' ? { query: { randomSeed, workerPublicKey, untrustedNowMs, answers, cache: session } } : {}),
  }
  const free = { gasLimit: QUERY_GAS, gasFree: true, storageDepositLimit: undefined } as const
  if (job.kind === 'instantiate') {
    const { origin, codeHash, salt, input, transfer, deposit } = job.value
    return complete(instantiate(contracts, env, { ...free, origin, codeHash, salt, input, transfer, deposit }), (result) => ContractInstantiateResult.encode(result), session.changes)
  }
  const { origin, contract, input, transfer, deposit } = job.value
  if (!hasContract(contracts, crypto, contract)) throw new AppError('QUERY_CONTRACT_UNKNOWN', { contract: toHex(contract) })
  return complete(callContract(contracts, env, { ...free, origin, contract, input, transfer, deposit }), (result) => ContractExecResult.encode(result), session.changes)
}
