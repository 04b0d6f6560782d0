/**
 * Owns two-dimensional weights, dispatch classes and what a call costs. One unit of `refTime` is a picosecond on the
 * reference machine (two cores, Node 20); `proofSize` is bytes of storage a proof of the call would carry.
 */
import { compactU64, named, struct, variant, type TypeOf } from '@phalanx/primitives/codec'

/** Computation time in picoseconds and proof size in bytes. */
export const Weight = named('sp_weights::weight_v2::Weight', struct({ refTime: compactU64, proofSize: compactU64 }))
export type Weight = TypeOf<typeof Weight>

/** Normal calls share a part of the block, operational ones may use all of it, mandatory ones (inherents) always fit. */
export const DispatchClass = named(
  'frame_support::dispatch::DispatchClass',
  variant('DispatchClass', { Normal: { index: 0 }, Operational: { index: 1 }, Mandatory: { index: 2 } }),
)
export type DispatchClass = TypeOf<typeof DispatchClass>
/** Name of a dispatch class. */
export type DispatchClassName = DispatchClass['kind']

/** Whether the sender pays a fee. */
const Pays = named('frame_support::dispatch::Pays', variant('Pays', { Yes: { index: 0 }, No: { index: 1 } }))
type Pays = TypeOf<typeof Pays>

/** What is known about the cost of a call: before it ran, and in its event what it really took. */
export const DispatchInfo = named(
  'frame_system::DispatchEventInfo',
  struct({ weight: Weight, class: DispatchClass, paysFee: Pays }),
)
export type DispatchInfo = TypeOf<typeof DispatchInfo>

/** Declared cost of a call. */
export interface CallInfo {
  readonly weight: Weight
  readonly class: DispatchClassName
  readonly paysFee: boolean
}

/** No weight. */
export const ZERO_WEIGHT: Weight = { refTime: 0n, proofSize: 0n }
/** Picoseconds of one storage read. */
export const READ_REF_TIME = 5_000_000n
/** Picoseconds of one storage write, its share of the trie included. */
export const WRITE_REF_TIME = 20_000_000n
const READ_PROOF_SIZE = 512n
const BASE_REF_TIME = 10_000_000n

/** Sum of weights. */
export const addWeights = (...weights: readonly Weight[]): Weight => {
  let refTime = 0n
  let proofSize = 0n
  for (const weight of weights) {
    refTime += weight.refTime
    proofSize += weight.proofSize
  }
  return { refTime: saturate(refTime), proofSize: saturate(proofSize) }
}

const U64_MAX = (1n << 64n) - 1n
const saturate = (value: bigint): bigint => (value > U64_MAX ? U64_MAX : value)

/** The smaller of two weights in each dimension. */
export const minWeight = (a: Weight, b: Weight): Weight => ({
  refTime: a.refTime < b.refTime ? a.refTime : b.refTime,
  proofSize: a.proofSize < b.proofSize ? a.proofSize : b.proofSize,
})

/** Whether any dimension of `weight` is above `limit`. */
export const exceedsWeight = (weight: Weight, limit: Weight): boolean =>
  weight.refTime > limit.refTime || weight.proofSize > limit.proofSize

/** Weight of a call that reads and writes so many items and computes for `micros` microseconds besides. */
export const weigh = (cost: { readonly reads?: number; readonly writes?: number; readonly micros?: number }): Weight => {
  const reads = BigInt(cost.reads ?? 0)
  const writes = BigInt(cost.writes ?? 0)
  return {
    refTime: BASE_REF_TIME + reads * READ_REF_TIME + writes * WRITE_REF_TIME + BigInt(cost.micros ?? 0) * 1_000_000n,
    proofSize: reads * READ_PROOF_SIZE,
  }
}

/** Weight of a call that reads and then writes `count` items. */
export const writes = (count: number): Weight => weigh({ reads: count, writes: count })

/** Wire form of the pays flag. */
const paysOf = (paysFee: boolean): Pays => ({ kind: paysFee ? 'Yes' : 'No' })

/** Wire form of a call's cost. */
export const dispatchInfo = (info: CallInfo): DispatchInfo => ({ weight: info.weight, class: { kind: info.class }, paysFee: paysOf(info.paysFee) })

