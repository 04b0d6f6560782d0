/**
 * Owns running instrumented modules on the engine of this process: compiled modules kept by code hash, memories used again, gas
 * carried between module and host. Does not know what the host functions do.
 */
import { bytesToKey } from '@phalanx/primitives/bytes'
import { AppError } from '@phalanx/primitives/errors'
import type { HostFunction, ImportedFunction, MachineMemory, WasmMachine } from '../../contracts/ink/machine.ts'
import type { StoredCode } from '../../contracts/vm.ts'
import { engine, type WasmGlobal, type WasmImports, type WasmMemory, type WasmModule } from './api.ts'
import { refused } from './bytes.ts'
import { engineFailed, explainStop, GasLink } from './gas-link.ts'
import { GAS_EXPORT, instrument, STACK_EXPORT } from './instrument.ts'
import { isWasmModule, readModule, type ModuleLayout } from './read-module.ts'
import { INK_QUERY_RULES, INK_RULES, type ModuleRules } from './rules.ts'

/** Bytes of instrumented code whose compiled modules are kept. */
const CACHE_BYTES = 64 * 1024 * 1024
const PAGE = 65_536
/** Memories kept for the next run, and the largest kept. */
const POOLED_MEMORIES = 64
const POOLED_PAGES = 16

interface Compiled {
  readonly module: WasmModule
  readonly imports: readonly ImportedFunction[]
  readonly memory: ModuleLayout['memory']
  readonly size: number
}

/** Reads, checks, instruments and compiles a module. `isMetered` false only for comparisons. @throws CONTRACT_CODE_REFUSED */
const compileModule = (code: Uint8Array, rules: ModuleRules, isMetered = true): Compiled => {
  const layout = readModule(code, rules)
  const bytes = instrument(layout, rules, isMetered)
  // The original must be valid by itself: what is put in must not make a wrong module right.
  if (!engine.validate(code)) throw refused('it is not valid WebAssembly')
  try {
    return { module: new engine.Module(bytes), imports: layout.imports, memory: layout.memory, size: bytes.length }
  } catch (cause) {
    throw new AppError('CONTRACT_CODE_REFUSED', { reason: 'the engine does not take it' }, { cause })
  }
}

/** Compiled modules, the most recently used kept up to a number of bytes. */
class ModuleCache {
  private readonly kept = new Map<string, Compiled>()
  private total = 0

  get(key: string, make: () => Compiled): Compiled {
    let found = this.kept.get(key)
    if (found === undefined) {
      found = make()
      this.total += found.size
    } else this.kept.delete(key)
    this.kept.set(key, found)
    for (const [oldest, compiled] of this.kept) {
      if (this.total <= CACHE_BYTES || oldest === key) break
      this.kept.delete(oldest)
      this.total -= compiled.size
    }
    return found
  }
}

/** Memories by size. One that did not grow is cleared and used again: making one costs more than a short call. */
class MemoryPool {
  private readonly free = new Map<string, WasmMemory[]>()
  private total = 0

  take({ initial, maximum }: Compiled['memory']): WasmMemory {
    const pooled = this.free.get(`${initial}:${maximum}`)?.pop()
    if (pooled !== undefined) {
      this.total--
      return pooled
    }
    try {
      return new engine.Memory({ initial, maximum })
    } catch (cause) {
      throw engineFailed('no memory for a contract', cause)
    }
  }

  give(memory: WasmMemory, { initial, maximum }: Compiled['memory']): void {
    if (memory.buffer.byteLength !== initial * PAGE || initial > POOLED_PAGES || this.total >= POOLED_MEMORIES) return
    const key = `${initial}:${maximum}`
    const list = this.free.get(key) ?? []
    this.free.set(key, list)
    new Uint8Array(memory.buffer).fill(0)
    list.push(memory)
    this.total++
  }
}

const importsOf = (compiled: Compiled, functions: readonly HostFunction[], memory: WasmMemory): WasmImports => {
  const imports: WasmImports = { env: { memory } }
  compiled.imports.forEach(({ module, name }, i) => {
    const group = (imports[module] ??= {})
    group[name] = functions[i] as HostFunction
  })
  return imports
}

/** The WebAssembly engine for contracts. `isMetered` false counts neither gas nor stack: only to compare with. */
export const createWasmMachine = (options: { readonly isMetered?: boolean } = {}): WasmMachine => {
  const isMetered = options.isMetered ?? true
  const cache = new ModuleCache()
  const pool = new MemoryPool()
  const rulesOf = (deterministic: boolean): ModuleRules => (deterministic ? INK_RULES : INK_QUERY_RULES)
  const compiledOf = (code: StoredCode): Compiled =>
    cache.get(`${code.isDeterministic ? 'd' : 'q'}${bytesToKey(code.hash)}`, () => compileModule(code.bytes, rulesOf(code.isDeterministic), isMetered))
  return {
    recognises: isWasmModule,
    check: (code, { deterministic }) => compileModule(code, rulesOf(deterministic), isMetered).imports,
    run(code, { entry, gas, host }) {
      const compiled = compiledOf(code)
      const memory = pool.take(compiled.memory)
      const view: MachineMemory = { get bytes() { return new Uint8Array(memory.buffer) } }
      const link = new GasLink(gas)
      const functions = host(view, compiled.imports).map((each) => link.wrap(each))
      let stack: WasmGlobal<number> | undefined
      try {
        const { exports } = new engine.Instance(compiled.module, importsOf(compiled, functions, memory))
        link.counter = exports[GAS_EXPORT] as WasmGlobal<bigint>
        stack = exports[STACK_EXPORT] as WasmGlobal<number>
        link.toModule()
        ;(exports[entry] as () => void)()
        link.toHost()
        return { kind: 'Done' }
      } catch (error) {
        const end = explainStop(error, link, stack)
        if (end === undefined) throw error
        return end
      } finally {
        pool.give(memory, compiled.memory)
      }
    },
  }
}
