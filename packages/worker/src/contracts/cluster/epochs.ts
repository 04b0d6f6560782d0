/** Owns which epochs of channel keys open commands in which block. Equal on every worker: it follows from what the chain told only. */
import type { EpochFact } from './state.ts'

/** Whether commands of an epoch count in a block. Before any key of it was told, whoever names it cannot mean it: no worker may have to wait for its secret then. */
export const isOpenAt = ({ since, retireAt, isAnnounced }: EpochFact, block: number): boolean => isAnnounced && since <= block && (retireAt === undefined || block <= retireAt)

/** The epochs after another began: those before it end with block `retireAt`, unless they end sooner. */
export const withEpoch = (epochs: readonly EpochFact[], begun: Omit<EpochFact, 'isAnnounced' | 'retireAt'>, retireAt: number): readonly EpochFact[] => [
  ...epochs.filter(({ epoch }) => epoch < begun.epoch).map((one) => ({ ...one, retireAt: Math.min(one.retireAt ?? retireAt, retireAt) })), { ...begun, retireAt: undefined, isAnnounced: false },
]

/** The epochs after the cluster told keys of one. */
export const withAnnounced = (epochs: readonly EpochFact[], announced: bigint): readonly EpochFact[] =>
  epochs.map((one) => (one.epoch === announced && !one.isAnnounced ? { ...one, isAnnounced: true } : one))

/** The epochs that still open something after a block. */
export const epochsAfter = (epochs: readonly EpochFact[], block: number): readonly EpochFact[] => {
  const rest = epochs.filter(({ retireAt }) => retireAt === undefined || retireAt > block)
  return rest.length === epochs.length ? epochs : rest
}
