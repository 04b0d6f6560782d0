/** Owns gas: the meter of a frame, lending to called frames, and what operations on the state cost. */
import { AppError } from '@phalanx/primitives/errors'
import type { GasMeter } from '../vm.ts'

/** Costs in picoseconds of reference time, charged before the work. */
export const STATE_GAS = {
  read: 8_000_000n, write: 16_000_000n, byte: 1_000n, transfer: 30_000_000n, call: 50_000_000n, instantiate: 150_000_000n, codeByte: 200n,
  terminate: 100_000_000n, removeItem: 16_000_000n, event: 3_000_000n, eventByte: 1_000n, debugByte: 100n, extension: 10_000_000n, extensionByte: 1_000n, importByte: 20_000n,
} as const

/** Gas limits of the reference by whether the state is kept. */
export const GAS_LIMIT = { transaction: 2_500_000_000_000n, query: 50_000_000_000_000n } as const

/** Gas of one frame; frames called from it borrow what is left and bring the rest back. */
export class Meter implements GasMeter {
  private rest: bigint
  private lowest: bigint

  constructor(limit: bigint) {
    this.rest = limit
    this.lowest = limit
  }

  get left(): bigint {
    return this.rest
  }

  /** Lowest the meter ever was, loans counted: what a limit must cover at least. */
  get low(): bigint {
    return this.rest < this.lowest ? this.rest : this.lowest
  }

  charge(amount: bigint): void {
    if (amount > this.rest) {
      this.rest = 0n
      throw new AppError('CONTRACT_TRAPPED', { error: 'OutOfGas', reason: 'the gas is used up' })
    }
    this.rest -= amount
  }

  /** Lends gas to a called frame: 0n lends everything. */
  lend(amount: bigint): Meter {
    const lent = amount === 0n ? this.rest : amount
    if (lent > this.rest) throw new AppError('CONTRACT_TRAPPED', { error: 'OutOfGas', reason: 'more gas is lent to a call than there is' })
    this.rest -= lent
    return new Meter(lent)
  }

  /** Takes back what a called frame left. */
  takeBack(loan: Meter): void {
    const low = this.rest === 0n ? loan.low : this.rest
    if (low < this.lowest) this.lowest = low
    this.rest += loan.rest
  }
}
