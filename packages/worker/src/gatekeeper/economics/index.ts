/** Entry point of `@phalanx/worker/economics`: the gatekeepers' replay of the economy, for whoever runs it outside of a worker. */
export { toEconomicsParameters, type EconomicsParameters } from './parameters.ts'
export { beginBlock, endBlock, onEconomicsMessage } from './replay.ts'
export { createEconomics, type EconomicsState } from './state.ts'
export type { Worker } from './worker-record.ts'
