/** Owns what a simulated economy came to: per population, and over time. Amounts in plancks, V as fixed point bits; sums count every worker that a simulated one stands for. */
import type { Refusal } from './machines.ts'

/** Running sums of a population. */
export interface Tally {
  readonly name: string
  readonly strategy: string
  workers: number
  computing: number
  readonly refused: Map<Refusal, number>
  /** Stake that started to compute. */
  staked: bigint
  /** What the gatekeepers paid, before commission. */
  rewards: bigint
  treasury: bigint
  ownerRewards: bigint
  toStakers: bigint
  heartbeats: number
  offlines: number
  /** Workers times seconds. */
  workerSeconds: number
  unresponsiveSeconds: number
  slashedV: bigint
  slashedStake: bigint
  /** What snipers took out of its pools, and for snipers what they gained before fees. */
  sniped: bigint
  fees: bigint
  moves: number
}

/** A population that nothing has happened to. */
export const newTally = (name: string, strategy: string): Tally => ({
  name, strategy, workers: 0, computing: 0, refused: new Map(), staked: 0n, rewards: 0n, treasury: 0n, ownerRewards: 0n, toStakers: 0n, heartbeats: 0, offlines: 0,
  workerSeconds: 0, unresponsiveSeconds: 0, slashedV: 0n, slashedStake: 0n, sniped: 0n, fees: 0n, moves: 0,
})

/** A population at one time. `silentShare`: part of its workers' time since the sample before in which they did not answer. `meanV`: fixed point bits over computing workers. `sharePrice`: of its first pool, fixed point bits. */
export interface Sample {
  readonly hour: number
  readonly population: string
  readonly computing: number
  readonly unresponsive: number
  readonly silentShare: number
  readonly meanV: bigint
  readonly rewards: bigint
  readonly treasury: bigint
  readonly slashedV: bigint
  readonly slashedStake: bigint
  readonly sniped: bigint
  readonly sharePrice: bigint | undefined
}

/** A population at the end. `yearlyReturn`: of its stake or capital, all who hold it and the owner together, as a fraction. */
export interface PopulationOutcome extends Readonly<Tally> {
  readonly firstMeanV: bigint
  readonly lastMeanV: bigint
  readonly sharePrice: bigint | undefined
  readonly yearlyReturn: number
}

/** A run with one set of parameters. */
export interface RunOutcome {
  readonly run: string
  readonly days: number
  readonly blocks: number
  readonly stepBlocks: number
  readonly scale: number
  readonly populations: readonly PopulationOutcome[]
  readonly samples: readonly Sample[]
}
