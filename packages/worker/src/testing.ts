/** Public face of `@phalanx/worker/testing`: chains, a registry and stand-ins for the outside world. */
import './errors.ts'

export { TEST_GENESIS_TIME_MS, createTestChain, justifyBlock, type TestBlock, type TestChain } from './testing/chain.ts'
export { createDirectClient, createHarness, type StartOptions, type WorkerHarness } from './testing/harness.ts'
export { createTestCore, createTestFeeder, type TestFeeder } from './testing/core.ts'
export {
  createMemoryBlobStore, createTestBenchmark, createTestClock, createTestRandom, type MemoryBlobStore, type TestClock,
} from './testing/outside.ts'
export { decodeCheckpoint } from './core/state.ts'
export { openBytes, sealBytes } from './platform/seal.ts'
export { createTestRegistry, type TestRegistry } from './testing/registry.ts'
