/** Owns the machine for ink! code: which imports a bundle may have, and a run from entry point to outcome. Does not own the engine (a port) nor any state. */
import { AppError, isAppError } from '@phalanx/primitives/errors'
import type { CodeVm, ContractErrorName, VmOutcome } from '../vm.ts'
import type { SealArguments, SealFunction } from './abi.ts'
import { createCallFunctions } from './call-functions.ts'
import { CONTEXT_FUNCTIONS } from './context-functions.ts'
import { InkFrame, trap, type InkCrypto } from './frame.ts'
import { HOST_CALL_GAS } from './gas.ts'
import type { HostFunction, ImportedFunction, WasmMachine } from './machine.ts'
import { STORAGE_FUNCTIONS } from './storage-functions.ts'

/** Arguments as the engine hands them over: signed. */
class RawArguments implements SealArguments {
  private readonly raw: readonly (number | bigint)[]

  constructor(raw: readonly (number | bigint)[]) {
    this.raw = raw
  }

  n(place: number): number {
    return (this.raw[place] as number) >>> 0
  }

  big(place: number): bigint {
    return BigInt.asUintN(64, this.raw[place] as bigint)
  }
}

type Lookup = (imported: ImportedFunction) => SealFunction

/** Finds host functions by import; ink! 3 and 4 write some names with the prefix `seal_`. @throws CONTRACT_IMPORT_UNKNOWN */
const createLookup = (functions: Readonly<Record<string, SealFunction>>): Lookup => {
  const byName = new Map(Object.entries(functions))
  return ({ module, name, signature }) => {
    const found = byName.get(`${module}.${name}`) ?? (name.startsWith('seal_') ? byName.get(`${module}.${name.slice(5)}`) : undefined)
    if (found === undefined) throw new AppError('CONTRACT_IMPORT_UNKNOWN', { name: `${module}.${name}` })
    if (found.signature !== signature) throw new AppError('CONTRACT_IMPORT_UNKNOWN', { name: `${module}.${name} as ${signature}` })
    return found
  }
}

const outcomeOf = (frame: InkFrame | undefined): VmOutcome => {
  if (frame?.isTerminated === true) return { kind: 'Terminated' }
  return { kind: 'Returned', value: frame?.returned ?? { flags: 0, data: new Uint8Array(0) } }
}

/** The machine for ink! 3 to 5 bundles. */
export const createInkVm = (dependencies: { readonly crypto: InkCrypto; readonly machine: WasmMachine }): CodeVm => {
  const { crypto, machine } = dependencies
  // One error for all runs: making one for each would cost more than many a message.
  const stopped = trap('ContractTrapped', 'the run has ended')
  const stopError = (): AppError => stopped
  const stop = (): never => {
    throw stopError()
  }
  const lookup = createLookup({ ...STORAGE_FUNCTIONS, ...CONTEXT_FUNCTIONS, ...createCallFunctions(stop) })
  return {
    kind: 'ink',
    recognises: (code) => machine.recognises(code),
    validate(code, { deterministic }) {
      for (const imported of machine.check(code, { deterministic })) lookup(imported)
      return { kind: 'ink', isDeterministic: deterministic }
    },
    run(code, host) {
      let frame: InkFrame | undefined
      const bind = (run: SealFunction['run'], running: InkFrame): HostFunction => (...args) => {
        host.gas.charge(HOST_CALL_GAS)
        return run(running, new RawArguments(args)) ?? undefined
      }
      try {
        const end = machine.run(code, {
          entry: host.entry,
          gas: host.gas,
          host(memory, imports) {
            const running = new InkFrame({ host, crypto, memory })
            frame = running
            return imports.map((imported) => bind(lookup(imported).run, running))
          },
        })
        if (end.kind === 'Done') return outcomeOf(frame)
        return { kind: 'Trapped', value: { error: end.value.isOutOfGas ? 'OutOfGas' : 'ContractTrapped', reason: end.value.reason } }
      } catch (error) {
        if (error === stopped) return outcomeOf(frame)
        if (!isAppError(error, 'CONTRACT_TRAPPED')) throw error
        return { kind: 'Trapped', value: { error: error.context.error as ContractErrorName, reason: error.context.reason } }
      }
    },
  }
}
