/** Owns what gatekeepers keep of a worker besides its V, and the numbers derived from it that idle blocks need again and again. */
import { bool, option, struct, u128, u256, u32, u64, u8, vecUpTo, type TypeOf } from '@phalanx/primitives/codec'
import { Sr25519Public } from '@phalanx/primitives/chain'
import { confidenceScore, fixed, fixedOf, FIXED_ONE, performanceSquare } from '@phalanx/primitives/fixed'
import type { EconomicsParameters } from './parameters.ts'

/** Most challenges that wait for a worker's answer; more are not noted. */
export const WAITING_MAX = 1024

/**
 * A worker as stored. `hash`: its blake2b-256 key hash, read big endian. `waiting`: blocks of challenges without answer, oldest first. Times in
 * ms; p and V are fixed point bits.
 */
export const WorkerRecord = struct({
  pubkey: Sr25519Public,
  hash: u256,
  confidenceLevel: u8,
  session: option(struct({ sessionId: u32, paused: bool })),
  waiting: vecUpTo(u32, WAITING_MAX),
  unresponsive: bool,
  /** Challenge whose silence made it unresponsive. */
  missedChallenge: option(u32),
  vInit: u128,
  vUpdateAt: u64,
  vUpdateBlock: u32,
  iterationLast: u64,
  challengeTimeLast: u64,
  pBench: u128,
  pInstant: u128,
  contractRunning: bool,
})
export type WorkerRecord = TypeOf<typeof WorkerRecord>

/** Derived numbers: p paid for over p at the start, cost per block, and the part of the share that is not V, also as a double. */
export interface WorkerRates {
  readonly multiplier: bigint
  readonly cost: bigint
  readonly square: bigint
  readonly squareNumber: number
}

/** A worker with its derived numbers. `hashTop`: the hash's first 32 bits. */
export interface Worker extends WorkerRecord {
  readonly hashTop: number
  readonly rates: WorkerRates
}

const CAP = fixedOf('1.2')
const SECOND_MS = 1000n
const TOP_SHIFT = 224n

/** p that counts: what the worker started with while a contract runs, else what it showed last. */
const paidPerformance = (worker: WorkerRecord): bigint => (worker.contractRunning ? worker.pBench : worker.pInstant)

const ratesOf = (worker: WorkerRecord, params: EconomicsParameters): WorkerRates => {
  const square = performanceSquare(paidPerformance(worker), confidenceScore(worker.confidenceLevel))
  return {
    multiplier: worker.pBench === 0n ? FIXED_ONE : fixed.div(paidPerformance(worker), worker.pBench),
    cost: fixed.add(fixed.mul(params.costK, worker.pBench), params.costB),
    square,
    squareNumber: Number(square),
  }
}

/** Completes a stored worker. */
export const withRates = (record: WorkerRecord, params: EconomicsParameters): Worker => ({
  ...record, hashTop: Number(record.hash >> TOP_SHIFT), rates: ratesOf(record, params),
})

/** A worker that just registered. */
export const newWorker = (identity: { readonly pubkey: Uint8Array; readonly hash: bigint; readonly confidenceLevel: number }): WorkerRecord => ({
  ...identity, session: undefined, waiting: [], unresponsive: false, missedChallenge: undefined, vInit: 0n, vUpdateAt: 0n, vUpdateBlock: 0, iterationLast: 0n,
  challengeTimeLast: 0n, pBench: 0n, pInstant: 0n, contractRunning: false,
})

/** p of a worker by its iterations since the last answered challenge, at most 1.2 times p at the start. Unchanged where no time has passed. */
export const instantPerformance = (worker: WorkerRecord, report: { readonly nowMs: bigint; readonly iterations: bigint }): bigint => {
  const { iterationLast, challengeTimeLast, pBench, pInstant } = worker
  if (report.nowMs <= challengeTimeLast) return pInstant
  const since = report.iterations < iterationLast ? report.iterations : iterationLast
  const seconds = fixed.divInteger(fixed.fromInteger(report.nowMs - challengeTimeLast), SECOND_MS)
  const measured = fixed.mulInteger(fixed.div(fixed.fromInteger(report.iterations - since), seconds), 6)
  const most = fixed.mul(pBench, CAP)
  return measured < most ? measured : most
}
