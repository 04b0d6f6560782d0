/** Owns the beginning and the end of a block for a running cluster, equal whether the block is executed or done later. */
import type { Draft } from '../../system/draft.ts'
import { recordEpochs, refreshEpochs } from './channel.ts'
import { epochsAfter } from './epochs.ts'
import { runBlockEndHooks } from './hooks.ts'
import { forgetInvocations } from './records.ts'
import { noteState } from './reports.ts'
import { createClusterWork, membershipOf, runningCluster, setCluster, updateMembership } from './work.ts'

/** Before a block's messages. */
export const startBlock = (draft: Draft): void => {
  Object.assign(draft.cluster, createClusterWork(), { before: runningCluster(draft), wasSentSecret: draft.cluster.wasSentSecret })
}

/** Lets go of the secrets of epochs whose last block this was. Those that a later part of a wait needs are kept by the facts until then. */
const retireEpochs = (draft: Draft): void => {
  const membership = membershipOf(draft)
  if (membership === undefined) return
  const epochs = epochsAfter(membership.epochs, draft.block.number)
  const isOver = epochs !== membership.epochs
  if (isOver) updateMembership(draft, { epochs })
  const { clusterKeys, joining } = draft.state
  // One that is to go on in the past needs the keys of that time until then. If it goes on later than they count, no epoch ends any more and they are over, too.
  const oldest = epochs[0]?.epoch ?? 0n
  const isStale = clusterKeys !== undefined && joining?.deploy === undefined && joining?.state === undefined && clusterKeys.epochs.some(({ epoch }) => epoch < oldest)
  if (isStale) draft.state = { ...draft.state, clusterKeys: { ...clusterKeys, epochs: clusterKeys.epochs.filter(({ epoch }) => epoch >= oldest) } }
  if (isOver || isStale) refreshEpochs(draft)
}

/** After a block's messages: hooks, what is too old, the state to be compared. @throws CONTRACT_ENGINE_FAILED */
export const endBlock = (draft: Draft): void => {
  runBlockEndHooks(draft)
  retireEpochs(draft)
  const cluster = runningCluster(draft)
  if (cluster === undefined) return
  setCluster(draft, forgetInvocations(cluster, draft.block.number + 1))
  recordEpochs(draft, membershipOf(draft)?.epochs ?? [])
  noteState(draft)
}
