/** Owns what a worker keeps beside its core to answer for its cluster: the query service, nonces that were used, certificates that were checked, waits for receipts. All of it ends with the process. */
import { bytesEqual } from '@phalanx/primitives/bytes'
import type { Clock, Logger, Random } from '@phalanx/primitives/ports'
import { IssuedCertificates } from '@phalanx/primitives/contracts'
import type { Crypto } from '@phalanx/primitives/crypto'
import type { ClusterState } from '../contracts/cluster/state.ts'
import type { CacheChange } from '../contracts/query/local-cache.ts'
import { findServing, snapshotOf } from '../contracts/query/serving.ts'
import { UsedNonces } from '../contracts/query/used-nonces.ts'
import type { CodeVm } from '../contracts/vm.ts'
import type { Build, WorkerState } from '../core/state.ts'
import type { CacheWeights } from './executor.ts'
import { createHttpFetch, type HttpFetch } from './http-fetch.ts'
import { createInlineExecutor } from './inline-executor.ts'
import { QueryService } from './query-service.ts'
import { ReceiptProofs } from './receipt-proofs.ts'
import { ReceiptWaits } from './receipt-waits.ts'
import { createThreadExecutor, type QueryThread } from './thread-executor.ts'

/** Rounds that run at a time, unless told otherwise. */
const DEPTH = 4

/** Choices for answering for a cluster. */
export interface ContractServiceOptions {
  /** Threads for queries, and so rounds that run at a time. */
  readonly queryThreads?: number
  /** Time for a whole query. */
  readonly queryLimitMs?: number
  /** Whether queries in the reference's form are answered; they are unless switched off. */
  readonly referenceForm?: boolean
}

/** Parts that it is done with. */
export interface ContractServiceDependencies {
  readonly crypto: Crypto
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly vms: readonly CodeVm[]
  /** Starts a thread for queries. Without it they run in this thread, where nothing can stop them but gas: for tests and the simulator. */
  readonly startQueryThread?: (() => QueryThread) | undefined
  readonly httpFetch?: HttpFetch | undefined
  /** A clock for measuring, in fractions of a millisecond. */
  readonly highResolutionMs?: (() => number) | undefined
}

/** What handlers use. */
export interface ContractServices {
  readonly queries: QueryService
  readonly nonces: UsedNonces
  /** Certificates of those who asked. */
  readonly issued: IssuedCertificates
  /** Requests for the cluster's state that were answered. */
  readonly stateRequests: UsedNonces
  readonly receipts: ReceiptWaits
  readonly proofs: ReceiptProofs
  readonly referenceForm: boolean
  /** How many rounds run at a time. */
  readonly depth: number
  /** When the process began to answer, milliseconds since the Unix epoch. */
  readonly startedMs: number
  /** The worker's state is another. */
  noteState(build: Build, state: WorkerState): void
  /** Commands changed what contracts keep on this worker. */
  applyCache(changes: readonly CacheChange[]): void
  close(): Promise<void>
}

const weightsOf = ({ deployed }: ClusterState): CacheWeights => deployed.map(({ id, weight }) => ({ contract: id, weight }))

/** Starts what answers for a cluster, without any yet. */
export const createContractServices = (options: ContractServiceOptions, dependencies: ContractServiceDependencies): ContractServices => {
  const { crypto, vms, clock, random, logger, startQueryThread, httpFetch, highResolutionMs } = dependencies
  const depth = options.queryThreads ?? DEPTH
  const executor = startQueryThread === undefined
    ? createInlineExecutor({ crypto, vms })
    : createThreadExecutor({ threads: depth }, { startThread: startQueryThread, clock, logger })
  const { queryLimitMs, referenceForm } = options
  const queries = new QueryService(
    { depth, perContract: Math.max(Math.floor(depth / 2), 1), ...(queryLimitMs === undefined ? {} : { limitMs: queryLimitMs }) },
    { executor, fetch: httpFetch ?? createHttpFetch(), clock, random, elapsedMs: highResolutionMs ?? (() => clock.nowMs()) },
  )
  const receipts = new ReceiptWaits({ clock })
  let prepared: ClusterState | undefined
  return {
    queries, receipts, depth,
    proofs: new ReceiptProofs({ crypto }),
    nonces: new UsedNonces(),
    issued: new IssuedCertificates(),
    stateRequests: new UsedNonces(),
    referenceForm: referenceForm ?? true,
    startedMs: clock.nowMs(),
    noteState(build, state) {
      receipts.noteChange()
      if (prepared !== undefined && (state.kind !== 'live' || state.cluster === undefined)) {
        prepared = undefined
        queries.reset()
      }
      const serving = findServing(build, state)
      if (serving === undefined) return
      const { cluster } = serving
      const isNew = prepared === undefined || !bytesEqual(prepared.id, cluster.id)
      if (isNew) queries.prepare(snapshotOf(serving))
      if (isNew || prepared?.deployed !== cluster.deployed) queries.setWeights(weightsOf(cluster))
      prepared = cluster
    },
    applyCache: (changes) => queries.applyCache(changes),
    close() {
      receipts.close()
      return queries.close()
    },
  }
}
