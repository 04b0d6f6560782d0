/** Owns the worker's core without its shell, for tests and benchmarks. */
import type { AuthoritySet } from '@phalanx/primitives/chain'
import type { Crypto } from '@phalanx/primitives/crypto'
import { encodeCheckpoint, type Build, type WorkerState } from '../core/state.ts'
import { EMPTY_STATE, assertLive, step, type Core } from '../core/step.ts'
import type { TestChain } from './chain.ts'

/** A core without a shell: takes feeds and nothing else. */
export interface TestFeeder {
  readonly authorities: AuthoritySet
  /** Number of the last executed block. @throws LIGHT_ codes */
  feed(blocks: Uint8Array): number
  /** Checkpoint as it would be after a feed, which is not taken. @throws LIGHT_ codes */
  preview(blocks: Uint8Array): Uint8Array
}

/** A core that has been initialised with a chain's genesis. */
export const createTestFeeder = (crypto: Crypto, chain: Pick<TestChain, 'genesisInfo'>): TestFeeder => {
  const core = createTestCore(crypto)
  const entropy = new Uint8Array(32)
  let { state } = step(core, EMPTY_STATE, { kind: 'init', value: { genesis: chain.genesisInfo, operator: undefined, entropy } })
  const { authorities } = assertLive(state).follow
  const after = (blocks: Uint8Array): WorkerState => step(core, state, { kind: 'feed', value: { blocks, genesisHash: undefined, iterations: 0n, entropy } }).state
  return {
    authorities,
    feed(blocks) {
      state = after(blocks)
      return assertLive(state).follow.head.number
    },
    preview: (blocks) => encodeCheckpoint(assertLive(after(blocks))),
  }
}

/** Build and crypto of a test worker. */
export const createTestCore = (crypto: Crypto, build: Partial<Build> = {}): Core => ({
  crypto,
  build: { version: [0, 1, 0], maxConsensusVersion: 0, measurement: new Uint8Array(32).fill(7), features: [1, 1], checkpointEveryBlocks: 1_000_000, ...build },
})
