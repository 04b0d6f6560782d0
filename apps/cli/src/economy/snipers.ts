/**
 * Owns stake sniping: a delegator who sees a challenge buys shares of the pool whose workers are about to be paid, and sells them in the next block.
 * He can, because contributions are free stake and rewards belong to whoever holds shares when they come.
 */
import { bytesToKey } from '@phalanx/primitives/bytes'
import type { Machine } from './machines.ts'
import { newTally, type Sample, type Tally } from './outcome.ts'
import { contribute, withdraw, type Pool } from './pools.ts'
import type { SniperPopulation } from './scenario.ts'

/** Shares that a sniper bought for one block. */
export interface Position {
  readonly sniper: number
  readonly pool: Pool
  readonly shares: bigint
  readonly paid: bigint
}

/** All snipers of a run. Sums count every one that a simulated one stands for. */
export class Snipers {
  private readonly populations: readonly SniperPopulation[]
  private readonly pools: readonly Pool[]
  private readonly scale: bigint
  private readonly sums: Tally[]
  private readonly taken = new Map<string, bigint>()
  private readonly paidAt = new Map<string, number>()

  constructor(populations: readonly SniperPopulation[], pools: readonly Pool[], scale: bigint) {
    this.populations = populations
    this.pools = pools
    this.scale = scale
    this.sums = populations.map(({ name, strategy, capital }) => ({ ...newTally(name, strategy), staked: capital }))
  }

  /** Blocks since a worker was paid last; this block is the last from now on. 0 for the first time. */
  lastPaid(worker: string, block: number): number {
    const before = this.paidAt.get(worker)
    this.paidAt.set(worker, block)
    return before === undefined ? 0 : block - before
  }

  /** What all snipers took out of a population's pools. */
  takenFrom(population: string): bigint {
    return this.taken.get(population) ?? 0n
  }

  tallies(): readonly Tally[] {
    return this.sums
  }

  samples(hour: number): readonly Sample[] {
    return this.sums.map(({ name, sniped }) => ({
      hour, population: name, computing: 0, unresponsive: 0, silentShare: 0, meanV: 0n, rewards: sniped, treasury: 0n, slashedV: 0n, slashedStake: 0n, sniped, sharePrice: undefined,
    }))
  }

  /** Each sniper buys into the pool that promises most by what its workers were paid before, if that covers two fees. */
  enter(due: readonly Machine[], block: number): readonly Position[] {
    if (this.populations.length === 0 || due.length === 0) return []
    const expected = new Map<number, bigint>()
    for (const machine of due) {
      const since = block - (this.paidAt.get(bytesToKey(machine.pubkey)) ?? block)
      expected.set(machine.pool, (expected.get(machine.pool) ?? 0n) + machine.perBlock * BigInt(since))
    }
    return this.populations.flatMap((population, sniper) => this.enterOne(population, sniper, expected))
  }

  private enterOne({ targets, capital: all, fee }: SniperPopulation, sniper: number, expected: ReadonlyMap<number, bigint>): readonly Position[] {
    const capital = all / this.scale
    let best: { readonly pool: Pool; readonly gain: bigint } | undefined
    for (const [at, rewards] of expected) {
      const pool = this.pools[at] as Pool
      if (!targets.includes(pool.population)) continue
      const gain = (rewards * capital) / (pool.totalValue + capital + 1n)
      if (best === undefined || gain > best.gain) best = { pool, gain }
    }
    if (best === undefined || best.gain * this.scale <= 2n * fee) return []
    const shares = contribute(best.pool, capital)
    return shares === undefined ? [] : [{ sniper, pool: best.pool, shares, paid: capital }]
  }

  /** Sells what was bought; the pool's free stake holds it. */
  leave(positions: readonly Position[]): void {
    for (const { sniper, pool, shares, paid } of positions) {
      const { amount } = withdraw(pool, shares)
      const tally = this.sums[sniper] as Tally
      const gain = (amount - paid) * this.scale
      tally.sniped += gain
      tally.fees += 2n * (this.populations[sniper] as SniperPopulation).fee
      tally.moves++
      this.taken.set(pool.population, (this.taken.get(pool.population) ?? 0n) + gain)
    }
  }
}
