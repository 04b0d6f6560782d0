/** Owns what a transaction costs: base, length and weight fee, tip, and its priority in the pool. */
import { named, option, struct, u128, type TypeOf } from '@phalanx/primitives/codec'
import type { StorageHost } from '../../frame/overlay.ts'
import type { CallInfo, Weight } from '../../frame/weight.ts'
import { BLOCK_LENGTH, BLOCK_WEIGHTS, classField } from '../system/limits.ts'
import { extrinsicWeight } from '../system/weights.ts'
import { FIXED_ONE, nextFeeMultiplier } from './storage.ts'

/** Smallest units per byte: 0.000001 PHA. */
const FEE_PER_BYTE = 1_000_000n
/** Smallest units per picosecond: a transfer costs about 0.002 PHA, a full block 15 PHA. */
const FEE_PER_PICOSECOND = 10n
/** Operational calls outrank normal ones as if they tipped their fee this many times. */
export const OPERATIONAL_FEE_MULTIPLIER = 5

/** The parts of an inclusion fee. */
const InclusionFee = named('pallet_transaction_payment::types::InclusionFee', struct({ baseFee: u128, lenFee: u128, adjustedWeightFee: u128 }))
/** A fee taken apart; without inclusion fee for calls that are free. */
export const FeeDetails = named('pallet_transaction_payment::types::FeeDetails', struct({ inclusionFee: option(InclusionFee), tip: u128 }))
export type FeeDetails = TypeOf<typeof FeeDetails>

/** Fee of a weight before the multiplier. */
export const weightToFee = (weight: Weight): bigint => weight.refTime * FEE_PER_PICOSECOND

/** Fee of a length. */
export const lengthToFee = (length: number): bigint => BigInt(length) * FEE_PER_BYTE

/** What an extrinsic with this call, length and tip costs. */
export const feeDetails = (host: StorageHost, info: CallInfo, parts: { readonly length: number; readonly tip: bigint }): FeeDetails => {
  if (!info.paysFee) return { inclusionFee: undefined, tip: parts.tip }
  const base = BLOCK_WEIGHTS.perClass[classField(info.class)].baseExtrinsic
  return {
    inclusionFee: {
      baseFee: weightToFee(base),
      lenFee: lengthToFee(parts.length),
      adjustedWeightFee: (weightToFee(info.weight) * nextFeeMultiplier.get(host)) / FIXED_ONE,
    },
    tip: parts.tip,
  }
}

/** Sum of a fee's parts. */
export const totalFee = ({ inclusionFee, tip }: FeeDetails): bigint =>
  tip + (inclusionFee === undefined ? 0n : inclusionFee.baseFee + inclusionFee.lenFee + inclusionFee.adjustedWeightFee)

const U64_MAX = (1n << 64n) - 1n

/** Priority: tip per share of a block; operational calls get a virtual tip. */
export const priorityOf = (info: CallInfo, parts: { readonly length: number; readonly tip: bigint; readonly fee: bigint }): bigint => {
  const field = classField(info.class)
  const limit = BLOCK_WEIGHTS.perClass[field].maxTotal ?? BLOCK_WEIGHTS.maxBlock
  const weight = extrinsicWeight(info).refTime
  const byWeight = limit.refTime / (weight > 0n ? weight : 1n)
  const byLength = BigInt(Math.floor(BLOCK_LENGTH.max[field] / Math.max(1, parts.length)))
  const perBlock = byWeight < byLength ? byWeight : byLength
  const virtualTip = info.class === 'Operational' ? parts.fee * BigInt(OPERATIONAL_FEE_MULTIPLIER) : 0n
  const priority = (parts.tip + 1n + virtualTip) * (perBlock > 0n ? perBlock : 1n)
  return priority > U64_MAX ? U64_MAX : priority
}
