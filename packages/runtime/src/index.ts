/** Entry point of `@phalanx/runtime`: the chain's runtime, its chain spec and the contract with whoever runs it. */
export { createPhalanxRuntime } from './runtime.ts'
export { createDevChainSpec } from './dev-spec.ts'
export { runtimeErrors } from './errors.ts'
export { createEventReader } from './events.ts'
export type { AssembledRuntime } from './frame/create-runtime.ts'
export type { ChainSpec } from './frame/chain-spec.ts'
export type * from './frame/runtime-api.ts'
export type { TransactionSource, TransactionValidity, TransactionValidityError, ValidTransaction } from './frame/validity.ts'
