/** Owns the port through which ink! contracts reach a WebAssembly engine: check, instrument, run. The engine itself is engines/wasm. */
import type { EntryPoint, GasMeter, StoredCode } from '../vm.ts'

/** An import of a module; `signature` like `iij>i`: i for i32, j for i64. */
export interface ImportedFunction {
  readonly module: string
  readonly name: string
  readonly signature: string
}

/** A host function as the engine calls it: i32 as number, i64 as bigint. What it throws goes through the module to `run`'s caller. */
export type HostFunction = (...args: (number | bigint)[]) => number | bigint | undefined

/** The memory of a running module. `bytes` changes when it grows: read it anew in every host call. */
export interface MachineMemory {
  readonly bytes: Uint8Array
}

/** How a run ended: the entry point came back, or the module stopped by itself. */
export type MachineEnd = { readonly kind: 'Done' } | { readonly kind: 'Trapped'; readonly value: { readonly isOutOfGas: boolean; readonly reason: string } }

/** A WebAssembly engine with counters built in. */
export interface WasmMachine {
  /** Whether bytes begin as a module does. */
  recognises(code: Uint8Array): boolean
  /** Checks a module completely, engine's own validation included. @throws CONTRACT_CODE_REFUSED */
  check(code: Uint8Array, options: { readonly deterministic: boolean }): readonly ImportedFunction[]
  /** Runs an entry point on fresh memory; `host` makes the functions for the module's imports. @throws CONTRACT_ENGINE_FAILED */
  run(code: StoredCode, options: {
    readonly entry: EntryPoint
    readonly gas: GasMeter
    readonly host: (memory: MachineMemory, imports: readonly ImportedFunction[]) => readonly HostFunction[]
  }): MachineEnd
}
