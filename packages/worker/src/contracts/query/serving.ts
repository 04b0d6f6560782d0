/** Owns whether a worker answers for its cluster, and what a query is checked against and runs on: all of it follows from the worker's state. */
import { toHex } from '@phalanx/primitives/bytes'
import type { QueryStanding, ReplyPoint } from '@phalanx/primitives/contracts'
import { AppError, isAppError } from '@phalanx/primitives/errors'
import type { Build, LiveState, WorkerState } from '../../core/state.ts'
import { summarize } from '../../system/status.ts'
import type { ClusterState } from '../cluster/state.ts'
import type { QuerySnapshot } from './run-query.ts'

/** A worker that answers for a cluster. */
export interface Serving {
  readonly state: LiveState
  readonly cluster: ClusterState
}

/**
 * The cluster that this worker answers for. A worker whose state differs from what its cluster agreed on answers nothing; nor does a gatekeeper: who
 * holds the root secret talks to no contract.
 * @throws WORKER_UNINITIALIZED, QUERY_NOT_SERVING, QUERY_GATEKEEPER, QUERY_NO_CLUSTER, QUERY_STATE_DIFFERS
 */
export const assertServing = (build: Build, state: WorkerState): Serving => {
  if (state.kind !== 'live') throw new AppError('WORKER_UNINITIALIZED', {})
  const { serving, reason } = summarize(build, state)
  if (!serving) throw new AppError('QUERY_NOT_SERVING', { reason })
  const { cluster } = state
  if (state.gatekeeper !== undefined) throw new AppError('QUERY_GATEKEEPER', {})
  if (cluster === undefined) throw new AppError('QUERY_NO_CLUSTER', {})
  if (cluster.differsSince !== undefined) throw new AppError('QUERY_STATE_DIFFERS', { cluster: toHex(cluster.id), block: cluster.differsSince })
  return { state, cluster }
}

/** The cluster that a worker answers for; undefined where it does not. */
export const findServing = (build: Build, state: WorkerState): Serving | undefined => {
  try {
    return assertServing(build, state)
  } catch (error) {
    if (isAppError(error)) return undefined
    throw error
  }
}

/** What conditions of a query are compared with. */
export const standingOf = ({ state, cluster }: Serving): QueryStanding => ({
  genesis: state.follow.genesisHash,
  worker: state.keys.identity.publicKey,
  cluster: cluster.id,
  blockNumber: state.follow.head.number,
  hashOf: (number) => state.follow.recent.find((block) => block.number === number)?.hash,
})

/** Where in the chain an answer belongs. */
export const replyPointOf = ({ state, cluster }: Serving): ReplyPoint =>
  ({ blockNumber: state.follow.head.number, blockHash: state.follow.head.hash, stateRoot: cluster.contracts.root })

/** What queries run on. */
export const snapshotOf = ({ state, cluster }: Serving): QuerySnapshot => ({
  contracts: cluster.contracts,
  point: {
    blockNumber: state.follow.head.number, nowMs: state.follow.head.timeMs, clusterSecret: cluster.secret.reveal(), eventChainHead: cluster.eventChain,
  },
})
