/** Public face of `@phalanx/worker/testing`: chains, a registry and stand-ins for the outside world. */
import './errors.ts'

export { TEST_GENESIS_TIME_MS, createTestChain, justifyBlock, type TestBlock, type TestChain } from './testing/chain.ts'
export { createDirectClient, createHarness, type StartOptions, type WorkerHarness } from './testing/harness.ts'
export { comparableState, createTestCore, createTestFeeder, replayFromGenesis, startAt, startWithIdentity, type TestFeeder } from './testing/core.ts'
export {
  createMemoryBlobStore, createTestBenchmark, createTestClock, createTestRandom, type MemoryBlobStore, type TestClock,
} from './testing/outside.ts'
export { contractChannelKey } from './contracts/cluster/keyring.ts'
export { clusterEpochContext, openClusterSecret } from './gatekeeper/cluster-shares.ts'
export { decodeCheckpoint, encodeCheckpoint, type LiveState, type WorkerState } from './core/state.ts'
export { authoritiesHash, type TrustedAnchor } from './core/anchors.ts'
export { EgressMessages } from './core/mq.ts'
export { assertLive, step, type Core } from './core/step.ts'
export { PlainEconomics } from './gatekeeper/economics/testing.ts'
export type { KeyPair } from './core/keys.ts'
export { openBytes, sealBytes } from './platform/seal.ts'
export { countCall, returned } from './testing/script-vm.ts'
export { createTestRegistry, type TestRegistry } from './testing/registry.ts'
export { replayRecording, type Recording, type Replay } from './testing/devices.ts'
