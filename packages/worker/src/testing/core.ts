/** Owns the worker's core without its shell, for tests and benchmarks. */
import type { AuthoritySet } from '@phalanx/primitives/chain'
import type { Crypto } from '@phalanx/primitives/crypto'
import type { Build } from '../core/state.ts'
import { EMPTY_STATE, assertLive, step, type Core } from '../core/step.ts'
import type { TestChain } from './chain.ts'

/** A core without a shell: takes feeds and nothing else. */
export interface TestFeeder {
  readonly authorities: AuthoritySet
  /** Number of the last executed block. @throws LIGHT_ codes */
  feed(blocks: Uint8Array): number
}

/** A core that has been initialised with a chain's genesis. */
export const createTestFeeder = (crypto: Crypto, chain: TestChain): TestFeeder => {
  const core = createTestCore(crypto)
  const entropy = new Uint8Array(32)
  let { state } = step(core, EMPTY_STATE, { kind: 'init', value: { genesis: chain.genesisInfo, operator: undefined, entropy } })
  const { authorities } = assertLive(state).follow
  return {
    authorities,
    feed(blocks) {
      state = step(core, state, { kind: 'feed', value: { blocks, genesisHash: undefined, iterations: 0n, entropy } }).state
      return assertLive(state).follow.head.number
    },
  }
}

/** Build and crypto of a test worker. */
export const createTestCore = (crypto: Crypto, build: Partial<Build> = {}): Core => ({
  crypto,
  build: { version: [0, 1, 0], maxConsensusVersion: 0, measurement: new Uint8Array(32).fill(7), features: [1, 1], checkpointEveryBlocks: 1_000_000, ...build },
})
