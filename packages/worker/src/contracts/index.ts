/** Entry point of contract execution: state, entrances, machines' seam, wire forms. */
import '../errors.ts'

export { contractAddress } from './execution/address.ts'
export {
  callContract, createContractState, depositBalance, inspect, instantiate, readConfig, uploadCode, writeConfig, writeLatestSystemCode,
  type CallRequest, type Executed, type ExecutionOutcome, type InstantiateRequest,
} from './execution/execute.ts'
export type { ContractEvent, ExecutionEffects, LogLine } from './execution/effects.ts'
export type { ExecutionEnv, ExecutionMode, LocalCache, PendingEffect, QueryEnv } from './execution/env.ts'
export { HttpRequest, HttpRequestError, HttpResponse, type HttpAnswer } from './execution/http.ts'
export { coarse, coarseDeposit, coarseGas } from './execution/results.ts'
export { ContractExecResult, ContractInstantiateResult, contractErrorName } from '@phalanx/primitives/contracts'
export { CacheOp, PINK_EVENT_RULES, PINK_EVENT_TOPIC, PinkEvent, type PinkEventRule } from './execution/pink-event.ts'
export type { ClusterConfig } from './execution/schema.ts'
export { createInkVm } from './ink/create-ink-vm.ts'
export { createBuiltinVm } from './system-contract/create-builtin-vm.ts'
export { createJsVm, JS_CODE_MAX, JS_CODE_PREFIX } from './js/create-js-vm.ts'
export type { JsMachine } from './js/machine.ts'
export type * from './vm.ts'
