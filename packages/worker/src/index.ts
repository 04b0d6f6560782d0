/** Public face of `@phalanx/worker`. */
export { CONSENSUS_VERSION_MAX, WORKER_VERSION } from './build.ts'
export { CHECKPOINT_FILES } from './checkpoints.ts'
export { createWorker, type Worker, type WorkerDependencies, type WorkerOptions } from './create-worker.ts'
export { workerErrors } from './errors.ts'
export { createBenchmark, type Benchmark } from './platform/benchmark.ts'
export type { ListenOptions, Listening } from './server/listen.ts'
export { IDENTITY_FILE } from './shell.ts'
export type { StatusSummary } from './system/status.ts'
