/** Owns what modules may contain, as data: one set of rules for contracts, one for language machines that the project ships itself. */

/** Limits and permissions of a module. */
export interface ModuleRules {
  readonly name: string
  readonly codeLengthMax: number
  readonly functionsMax: number
  readonly typesMax: number
  readonly localsMax: number
  readonly globalsMax: number
  readonly tableElementsMax: number
  readonly branchTableMax: number
  /** 64 KiB pages a memory may grow to. */
  readonly memoryPagesMax: number
  /** Where the memory comes from: the import `env.memory` with a declared maximum, as ink! has it, or as the module likes. */
  readonly memory: 'env.memory' | 'any'
  /** Floating point: not at all, or with every NaN made canonical. */
  readonly floats: 'refused' | 'canonical'
  /** A start function, which runs when the module is instantiated, on gas of its own. */
  readonly start: boolean
  /** memory.copy and memory.fill, charged by length; memory.init from passive segments. */
  readonly bulkMemory: boolean
  /** Gas (picoseconds of reference time) of one instruction. */
  readonly instructionGas: number
  /** Stack slots (of about 8 bytes) of all frames of one instance. */
  readonly stackSlots: number
  /** Names of functions that may be exported; undefined for any. Each must take and give nothing. */
  readonly entries: readonly string[] | undefined
}

/** The reference's instruction base weight. */
const REFERENCE_INSTRUCTION_GAS = 8000

/** ink! contracts that every worker must run with equal results. */
export const INK_RULES: ModuleRules = {
  name: 'ink', codeLengthMax: 2 * 1024 * 1024, functionsMax: 16_384, typesMax: 1024, localsMax: 1024, globalsMax: 256, tableElementsMax: 4096,
  branchTableMax: 4096, memoryPagesMax: 64, memory: 'env.memory', floats: 'refused', start: false, bulkMemory: false, stackSlots: 12_288,
  instructionGas: REFERENCE_INSTRUCTION_GAS, entries: ['call', 'deploy'],
}

/** ink! contracts for queries only: floats are allowed. */
export const INK_QUERY_RULES: ModuleRules = { ...INK_RULES, name: 'ink-query', floats: 'canonical' }

/** Language machines that the project itself chose and pins, such as an interpreter: large, and with floats. */
export const ENGINE_RULES: ModuleRules = {
  name: 'engine', codeLengthMax: 8 * 1024 * 1024, functionsMax: 32_768, typesMax: 4096, localsMax: 4096, globalsMax: 1024, tableElementsMax: 65_536,
  branchTableMax: 65_536, memoryPagesMax: 1024, memory: 'any', floats: 'canonical', start: true, bulkMemory: true, stackSlots: 12_288,
  instructionGas: REFERENCE_INSTRUCTION_GAS, entries: undefined,
}
