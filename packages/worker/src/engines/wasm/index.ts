/** Entry point of the WebAssembly door: the machine for ink! code, and the instrumentation that language machines use too. */
export { createWasmMachine } from './engine.ts'
export { GAS_EXPORT, MEMORY_FAILED, STACK_EXPORT, instrument } from './instrument.ts'
export { readModule, type FunctionImport, type ModuleLayout } from './read-module.ts'
export { ENGINE_RULES, INK_RULES, type ModuleRules } from './rules.ts'
