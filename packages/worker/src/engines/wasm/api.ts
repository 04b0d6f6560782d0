/** Owns the types of the process's WebAssembly engine, which the standard library of this project's targets does not declare. */

/** A compiled module. */
export type WasmModule = { readonly isModule: never }

/** A memory of whole pages. */
export interface WasmMemory {
  readonly buffer: ArrayBuffer
  /** Adds pages; the buffer is another one then. @returns how many there were */
  grow(pages: number): number
}

/** A mutable global of a module. */
export interface WasmGlobal<T> {
  value: T
}

/** Import objects by module and name. */
export type WasmImports = Record<string, Record<string, unknown>>

interface EngineApi {
  validate(code: Uint8Array): boolean
  readonly Module: new (code: Uint8Array) => WasmModule
  readonly Memory: new (limits: { readonly initial: number; readonly maximum: number }) => WasmMemory
  readonly Instance: new (module: WasmModule, imports: WasmImports) => { readonly exports: Readonly<Record<string, unknown>> }
  readonly RuntimeError: new () => Error
}

/** The engine. */
export const engine: EngineApi = (globalThis as unknown as { readonly WebAssembly: EngineApi }).WebAssembly
