/** Public face for unit tests of contracts: a cluster in memory, and what to expect of it. */
export { createTestCluster, type DeployOptions, type TestCallOptions, type TestCluster, type TestHandle, type TestMessages } from './cluster.ts'
export { expectRevert, expectStop } from './expect.ts'
export type { TestHttp } from './extension.ts'
export type { TestLog } from './world.ts'
