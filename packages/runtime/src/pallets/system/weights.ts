/** Owns the block's weight and length while it runs. */
import type { StorageHost } from '../../frame/overlay.ts'
import { transientValue } from '../../frame/transient.ts'
import { addWeights, exceedsWeight, type CallInfo, type DispatchClassName, type Weight, ZERO_WEIGHT } from '../../frame/weight.ts'
import { BLOCK_LENGTH, BLOCK_WEIGHTS, classField } from './limits.ts'
import type { WeightPerClass } from './types.ts'

const used = transientValue<WeightPerClass>('weight of the block', { normal: ZERO_WEIGHT, operational: ZERO_WEIGHT, mandatory: ZERO_WEIGHT })
const usedLength = transientValue<number>('length of the block', 0)

/** Weight of the block so far. */
export const weightSoFar = (host: StorageHost): WeightPerClass => used.get(host)

/** Adds weight outside extrinsics (hooks). */
export const registerWeight = (host: StorageHost, weight: Weight, name: DispatchClassName): void => {
  const now = used.get(host)
  const field = classField(name)
  used.set(host, { ...now, [field]: addWeights(now[field], weight) })
}

/** Gives back weight that an extrinsic declared and did not use. */
export const refundWeight = (host: StorageHost, unspent: Weight, name: DispatchClassName): void => {
  const now = used.get(host)
  const field = classField(name)
  const { refTime, proofSize } = now[field]
  used.set(host, { ...now, [field]: { refTime: refTime - unspent.refTime, proofSize: proofSize - unspent.proofSize } })
}

/** Weight that an extrinsic with this call takes of its block. */
export const extrinsicWeight = (info: CallInfo): Weight => addWeights(info.weight, BLOCK_WEIGHTS.perClass[classField(info.class)].baseExtrinsic)

/** Whether an extrinsic fits into an empty block. */
export const fitsAnyBlock = (info: CallInfo, length: number): boolean => {
  const field = classField(info.class)
  const { maxExtrinsic } = BLOCK_WEIGHTS.perClass[field]
  return length <= BLOCK_LENGTH.max[field] && (maxExtrinsic === undefined || !exceedsWeight(info.weight, maxExtrinsic))
}

/** Takes weight and length of the block for an extrinsic; false when they are exhausted. */
export const takeBlockSpace = (host: StorageHost, info: CallInfo, length: number): boolean => {
  const field = classField(info.class)
  const nextLength = usedLength.get(host) + length
  if (nextLength > BLOCK_LENGTH.max[field]) return false
  const now = used.get(host)
  const next: WeightPerClass = { ...now, [field]: addWeights(now[field], extrinsicWeight(info)) }
  const { maxTotal } = BLOCK_WEIGHTS.perClass[field]
  const total = addWeights(next.normal, next.operational, next.mandatory)
  if (maxTotal !== undefined && exceedsWeight(next[field], maxTotal)) return false
  if (info.class !== 'Mandatory' && exceedsWeight(total, BLOCK_WEIGHTS.maxBlock)) return false
  used.set(host, next)
  usedLength.set(host, nextLength)
  return true
}
