/**
 * Owns standing still: one step of the gatekeepers' replay for many blocks in which no message comes. Growth, cost and loss of such a stretch are
 * those of the single blocks compounded: v ↦ ρⁿ·v + cost·(ρⁿ − 1)/(ρ − 1), or v ↦ (1 − s)ⁿ·v, in the same fixed point numbers.
 */
import { fixed, FIXED_ONE } from '@phalanx/primitives/fixed'
import type { EconomicsParameters, EconomicsState, Worker } from '@phalanx/worker/economics'

/** What stretches of a length do. `costFactor`: cost of a block into cost of the stretch. */
interface Stretch {
  readonly parameters: EconomicsParameters
  readonly costFactor: bigint
}

const stretchOf = (parameters: EconomicsParameters, blocks: number): Stretch => {
  const rho = fixed.pow(parameters.rho, blocks)
  const growth = parameters.rho - FIXED_ONE
  return {
    parameters: { ...parameters, rho, slashRate: fixed.sub(FIXED_ONE, fixed.pow(fixed.sub(FIXED_ONE, parameters.slashRate), blocks)) },
    costFactor: growth > 0n ? fixed.div(rho - FIXED_ONE, growth) : fixed.fromInteger(blocks),
  }
}

const withCosts = (workers: readonly Worker[], costOf: (worker: Worker, at: number) => bigint): readonly Worker[] =>
  workers.map((worker, at) => ({ ...worker, rates: { ...worker.rates, cost: costOf(worker, at) } }))

/** Compounds stretches; remembers what it worked out for the parameters of the day. */
export class LongBlocks {
  private known: { readonly parameters: EconomicsParameters; readonly byLength: Map<number, Stretch> } | undefined

  /** Runs `step` on a state in which one block counts as `blocks`, and gives back its state as if they had been single ones. */
  run(state: EconomicsState, blocks: number, step: (state: EconomicsState) => EconomicsState): EconomicsState {
    if (blocks <= 1) return step(state)
    const { parameters, workers } = state
    const stretch = this.stretch(parameters, blocks)
    const costs = workers.map(({ rates }) => rates.cost)
    const after = step({ ...state, parameters: stretch.parameters, workers: withCosts(workers, ({ rates }) => fixed.mul(rates.cost, stretch.costFactor)) })
    return { ...after, parameters, workers: withCosts(after.workers, (_worker, at) => costs[at] ?? 0n) }
  }

  private stretch(parameters: EconomicsParameters, blocks: number): Stretch {
    if (this.known?.parameters !== parameters) this.known = { parameters, byLength: new Map() }
    const { byLength } = this.known
    const found = byLength.get(blocks) ?? stretchOf(parameters, blocks)
    byLength.set(blocks, found)
    return found
  }
}
