/** Owns which epochs of channel keys open commands in which block. Equal on every worker: it follows from what the chain told only. */
import type { EpochFact } from './state.ts'

/** Whether commands of an epoch count in a block. */
export const isOpenAt = ({ since, retireAt }: EpochFact, block: number): boolean => since <= block && (retireAt === undefined || block <= retireAt)

/** The epochs after another began: those before it end with block `retireAt`, unless they end sooner. */
export const withEpoch = (epochs: readonly EpochFact[], begun: EpochFact, retireAt: number): readonly EpochFact[] => [
  ...epochs.filter(({ epoch }) => epoch < begun.epoch).map((one) => ({ ...one, retireAt: Math.min(one.retireAt ?? retireAt, retireAt) })), begun,
]

/** The epochs that still open something after a block. */
export const epochsAfter = (epochs: readonly EpochFact[], block: number): readonly EpochFact[] => {
  const rest = epochs.filter(({ retireAt }) => retireAt === undefined || retireAt > block)
  return rest.length === epochs.length ? epochs : rest
}
