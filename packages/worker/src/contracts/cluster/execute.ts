/**
 * Owns the entering of contract execution from a block: surroundings, and what of it a failing machine may touch. Whatever is thrown besides the outcome of a contract
 * is a fault of the machine on this worker: it stops the worker and never becomes a result, which the other workers would not share.
 */
import { assert } from '@phalanx/primitives/assert'
import { AppError, isAppError } from '@phalanx/primitives/errors'
import type { Draft } from '../../system/draft.ts'
import type { ExecutionEnv } from '../execution/env.ts'
import type { Executed, ExecutionOutcome } from '../execution/execute.ts'
import type { ClusterState } from './state.ts'

const EMPTY = new Uint8Array(0)

/** Surroundings of a command, or of what the chain has the cluster do, in the block being executed. */
export const commandEnv = (draft: Draft, cluster: Pick<ClusterState, 'secret' | 'eventChain'>, callNonce: Uint8Array = EMPTY): ExecutionEnv => ({
  crypto: draft.crypto, vms: draft.vms, mode: 'Transaction', blockNumber: draft.block.number, nowMs: draft.block.timeMs, clusterSecret: cluster.secret.reveal(),
  callNonce, eventChainHead: cluster.eventChain,
})

/** Runs something of the machines; `expected` are the codes that are answers. @throws CONTRACT_ENGINE_FAILED, and AppErrors with an expected code */
export const guardEngine = <T>(run: () => T, expected: readonly string[] = []): T => {
  try {
    return run()
  } catch (cause) {
    if (isAppError(cause) && (cause.code === 'CONTRACT_ENGINE_FAILED' || expected.includes(cause.code))) throw cause
    const reason = isAppError(cause) ? cause.code : cause instanceof Error ? cause.name : 'it threw no error'
    throw new AppError('CONTRACT_ENGINE_FAILED', { reason }, { cause })
  }
}

/** Runs a transaction to its end. @throws CONTRACT_ENGINE_FAILED */
export const runTransaction = <Result>(run: () => ExecutionOutcome<Result>): Executed<Result> =>
  guardEngine(() => {
    const outcome = run()
    assert(outcome.kind === 'Executed', 'a transaction asks nothing of the outside')
    return outcome
  })
