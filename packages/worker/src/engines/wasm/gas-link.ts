/** Owns how a module's counters and the meter of its frame are kept equal, and what a module's stop means. */
import { AppError } from '@phalanx/primitives/errors'
import type { HostFunction, MachineEnd } from '../../contracts/ink/machine.ts'
import type { GasMeter } from '../../contracts/vm.ts'
import { engine, type WasmGlobal } from './api.ts'
import { MEMORY_FAILED } from './instrument.ts'

/** The error of an engine that could not do what the code may ask: the run has no result. */
export const engineFailed = (reason: string, cause?: unknown): AppError<'CONTRACT_ENGINE_FAILED'> => new AppError('CONTRACT_ENGINE_FAILED', { reason }, { cause })

/** The gas counter inside a module and the meter of its frame, kept equal whenever one hands over to the other. */
export class GasLink {
  counter: WasmGlobal<bigint> | undefined
  private readonly meter: GasMeter
  private seen: bigint

  constructor(meter: GasMeter) {
    this.meter = meter
    this.seen = meter.left
  }

  /** Shows the module what the meter holds. */
  toModule(): void {
    this.seen = this.meter.left
    if (this.counter !== undefined) this.counter.value = this.seen
  }

  /** Charges the meter with what the module used. @returns whether it used more than there was */
  toHost(): boolean {
    const left = this.counter?.value ?? this.seen
    if (left === MEMORY_FAILED) throw engineFailed('no memory for a contract that may have more')
    this.meter.charge(left < 0n ? this.meter.left : this.seen - left)
    this.seen = left
    return left < 0n
  }

  /** A host function with the counter carried to the meter before it and back behind it. */
  wrap(run: HostFunction): HostFunction {
    return (...args) => {
      this.toHost()
      const answer = run(...args)
      this.toModule()
      return answer
    }
  }
}

/** Causes of a trap in our words, by what engines' own texts have in common: the cause stands in receipts, which all members of a cluster make equal. */
const TRAPS: readonly (readonly [said: RegExp, reason: string])[] = [
  [/unreachable/, 'it reached code that must not be reached'], [/by zero/, 'it divided by zero'], [/unrepresentable/, 'a number does not fit'],
  [/memory/, 'it left its memory'], [/table|signature|function/, 'it called what is no function'],
]

/** Cause of a trap. */
const trapReason = (said: string): string => TRAPS.find(([text]) => text.test(said))?.[1] ?? 'it was stopped by a trap'

/** What stopped a module, as the end of its run; undefined for errors of host functions, which pass. */
export const explainStop = (error: unknown, gas: GasLink, stack: WasmGlobal<number> | undefined): MachineEnd | undefined => {
  if (error instanceof RangeError) throw engineFailed('its native stack or memory is used up', error)
  if (!(error instanceof engine.RuntimeError)) return undefined
  const isOutOfGas = gas.toHost()
  const reason = isOutOfGas ? 'the gas is used up' : (stack?.value ?? 0) < 0 ? 'the stack is used up' : trapReason(error.message)
  return { kind: 'Trapped', value: { isOutOfGas, reason } }
}
