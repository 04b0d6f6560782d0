/** Owns how the benchmarks of contracts measure: the same call over and over, on machines that take turns. */
import { performance } from 'node:perf_hooks'
import { assert } from '@phalanx/primitives/assert'
import { addressOf, type ContractBench } from '../packages/worker/src/testing/contracts.ts'

const ROUNDS = 3

/** A contract and the call of it that is measured. */
export interface CallCase {
  readonly code: Uint8Array
  readonly constructorInput: Uint8Array
  readonly input: Uint8Array
  /** Calls of a round. */
  readonly calls: number
}

/** Calls per second of each bench, in turns: the best of some rounds after one to warm up. */
export const callsPerSecond = (benches: readonly ContractBench[], { code, constructorInput, input, calls }: CallCase): readonly number[] => {
  const addresses = benches.map((each) => addressOf(each.deploy(code, constructorInput)))
  const best = benches.map(() => 0)
  for (let round = 0; round <= ROUNDS; round++) {
    benches.forEach((each, which) => {
      const started = performance.now()
      for (let i = 0; i < calls; i++) {
        const { result } = each.call(addresses[which] as Uint8Array, input).result
        assert(result.ok && result.value.flags === 0, 'the call succeeds')
      }
      if (round > 0) best[which] = Math.max(best[which] ?? 0, (calls / (performance.now() - started)) * 1000)
    })
  }
  return best
}
