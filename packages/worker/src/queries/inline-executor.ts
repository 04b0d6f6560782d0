/** Owns running queries in this thread: for tests and the simulator, where nothing needs to be stopped in the middle. */
import type { Crypto } from '@phalanx/primitives/crypto'
import { AppError } from '@phalanx/primitives/errors'
import { ContractCache } from '../contracts/query/local-cache.ts'
import { runQuery } from '../contracts/query/run-query.ts'
import type { CodeVm } from '../contracts/vm.ts'
import type { QueryExecutor } from './executor.ts'
import { asRefusal } from './refusals.ts'

/** An executor without threads. Time limits do not stop code here: only gas does. */
export const createInlineExecutor = (dependencies: { readonly crypto: Crypto; readonly vms: readonly CodeVm[] }): QueryExecutor => {
  let cache = new ContractCache()
  return {
    run({ snapshot, job, env, signal }) {
      if (signal?.aborted === true) return Promise.reject(new AppError('QUERY_CANCELLED', {}))
      try {
        return Promise.resolve(runQuery({ ...dependencies, cache }, snapshot, job, env))
      } catch (error) {
        return Promise.reject(asRefusal(error))
      }
    },
    prepare() {},
    hold: () => () => {},
    applyCache: (changes, nowMs) => cache.apply(changes, nowMs),
    setWeights: (weights) => cache.setWeights(weights),
    reset: () => void (cache = new ContractCache()),
    close: () => Promise.resolve(),
  }
}
