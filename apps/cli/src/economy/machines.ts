/** Owns the simulated workers: how populations become workers, when each is online, what it computes. Chance comes from the seed alone. */
import { concatBytes, utf8 } from '@phalanx/primitives/bytes'
import { u32 } from '@phalanx/primitives/codec'
import type { Crypto } from '@phalanx/primitives/crypto'
import type { TokenomicParameters } from '@phalanx/primitives/messages'
import { INIT_P_MIN, initialV, minimalStake } from '@phalanx/runtime/economy'
import type { ComputingPopulation } from './scenario.ts'

const MS_PER_HOUR = 3_600_000
const MS_PER_DAY = 86_400_000
const MILLION = 1_000_000n
/** Iterations of a second are a sixth of the score; times in ms. */
const SCORE_MS = 6000n

/** Draws from a seed: equal labels give equal draws. */
export interface Chance {
  bytes(label: string, index: number): Uint8Array
  /** Uniform in 0 .. limit − 1. */
  below(label: string, index: number, limit: number): number
}

/** Chance from a seed. */
export const createChance = (seed: number, crypto: Pick<Crypto, 'blake2b256'>): Chance => {
  const draw = (label: string, index: number): Uint8Array => crypto.blake2b256(concatBytes(utf8(`phalanx simulate economy ${label}`), u32.encode(seed), u32.encode(index)))
  return { bytes: draw, below: (label, index, limit) => (u32.decode(draw(label, index).slice(0, 4)) % limit) }
}

/** Why the chain does not start a worker. */
export type Refusal = 'BenchmarkTooLow' | 'InsufficientStake' | 'TooMuchStake'

/** A worker. `stake` in plancks; `workedMs` is how long it computed. */
export interface Machine {
  readonly pubkey: Uint8Array
  readonly population: number
  readonly pool: number
  readonly score: number
  readonly phaseMs: number
  stake: bigint
  workedMs: number
  sessionId: number | undefined
  refusal: Refusal | undefined
  startedAtMs: number
  unresponsive: boolean
  hosts: boolean
  slashedUntilMs: number
  /** Delegators' part of its last payout per block, plancks: what snipers go by. */
  perBlock: bigint
}

/** Workers of a population; sybils are split. `pools`: index of its first pool. */
export const machinesOf = (population: ComputingPopulation, place: { readonly index: number; readonly firstPool: number; readonly firstWorker: number }, chance: Chance): Machine[] => {
  const parts = population.strategy === 'sybil' ? population.split : 1
  const cycleMs = population.strategy === 'flapping' ? (population.onlineHours + population.offlineHours) * MS_PER_HOUR : 1
  return Array.from({ length: population.workers * parts }, (_, i) => ({
    pubkey: chance.bytes('worker', place.firstWorker + i), population: place.index, pool: place.firstPool + (Math.floor(i / parts) % population.pools),
    score: Math.floor(population.score / parts), phaseMs: chance.below('phase', place.firstWorker + i, cycleMs), stake: population.stake / BigInt(parts), workedMs: 0,
    sessionId: undefined, refusal: undefined, startedAtMs: 0, unresponsive: false, hosts: false, slashedUntilMs: 0, perBlock: 0n,
  }))
}

/** Whether the chain would start the worker, by its own checks, and with which V. */
export const startOf = (machine: Machine, params: TokenomicParameters, confidenceLevel: number): { readonly initV: bigint } | Refusal => {
  if (machine.score < INIT_P_MIN) return 'BenchmarkTooLow'
  if (machine.stake < minimalStake(params, machine.score)) return 'InsufficientStake'
  const initV = initialV(params, { stake: machine.stake, p: machine.score, confidenceLevel })
  return initV > params.vMax ? 'TooMuchStake' : { initV }
}

/** Whether a population's workers are there at this time after the start. */
export const hasBegun = (population: ComputingPopulation, elapsedMs: number): boolean => elapsedMs >= population.startDay * MS_PER_DAY

/** Whether a worker answers at this time after the start. */
export const isOnline = (population: ComputingPopulation, machine: Machine, elapsedMs: number): boolean => {
  if (population.strategy !== 'flapping') return true
  const onlineMs = population.onlineHours * MS_PER_HOUR
  return (elapsedMs + machine.phaseMs) % (onlineMs + population.offlineHours * MS_PER_HOUR) < onlineMs
}

/** Iterations that a worker has made in all. A machine that is offline makes none. */
export const iterationsOf = (population: ComputingPopulation, machine: Machine): bigint => {
  const effort = population.strategy === 'lazy' ? BigInt(population.effortPpm) : MILLION
  return (BigInt(machine.workedMs) * BigInt(machine.score) * effort) / (SCORE_MS * MILLION)
}
