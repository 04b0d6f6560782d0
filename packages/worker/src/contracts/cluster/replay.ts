/** Owns the catching up of a cluster that can run at last: what it heard while it could not is done block by block, as it would have been. */
import { bytesEqual } from '@phalanx/primitives/bytes'
import { TOPICS, type Message } from '@phalanx/primitives/messages'
import { isAppError } from '@phalanx/primitives/errors'
import { logEffect } from '../../core/effects.ts'
import type { Draft } from '../../system/draft.ts'
import { refreshEpochs, sayChannelKeys } from './channel.ts'
import { deliverCommand } from './commands.ts'
import { endBlock, startBlock } from './block-end.ts'
import { withAnnounced, withEpoch } from './epochs.ts'
import { runInstantiation, runOperation, takeSystemCode } from './operations.ts'
import { compareAgreed } from './reports.ts'
import type { BufferedBlock, EpochFact, JoiningCluster } from './state.ts'
import { membershipOf, runningCluster, updateCluster, updateMembership } from './work.ts'

const NO_ROOT = new Uint8Array(32)

const replayNotice = (draft: Draft, { payload }: Message): void => {
  const notice = TOPICS.clusterNotice.payload.decode(payload)
  const membership = membershipOf(draft)
  if (notice.kind === 'SystemCode') return takeSystemCode(draft, notice.value.code)
  if (notice.kind !== 'EpochBegan' || membership === undefined || !bytesEqual(notice.value.cluster, membership.cluster)) return
  const { epoch, pubkey, retireAt } = notice.value
  const { number, hash } = draft.block
  updateMembership(draft, { epochs: withEpoch(membership.epochs, { epoch, publicKey: pubkey, anchor: hash, since: number }, retireAt) })
  refreshEpochs(draft)
  sayChannelKeys(draft, runningCluster(draft)?.deployed.map(({ id }) => id) ?? [])
}

const replayAnnounced = (draft: Draft, { payload }: Message): void => {
  const { epoch, keys } = TOPICS.clusterChannel.payload.decode(payload).value
  const epochs = membershipOf(draft)?.epochs ?? []
  if (keys.length > 0) updateMembership(draft, { epochs: withAnnounced(epochs, epoch) })
}

const replayMessage = (draft: Draft, message: Message): void => {
  const { destination, payload } = message
  if (bytesEqual(destination, TOPICS.clusterChannel.topic)) return replayAnnounced(draft, message)
  if (bytesEqual(destination, TOPICS.clusterNotice.topic)) return replayNotice(draft, message)
  if (bytesEqual(destination, TOPICS.clusterOperation.topic)) return runOperation(draft, TOPICS.clusterOperation.payload.decode(payload))
  if (bytesEqual(destination, TOPICS.contractOperation.topic)) return runInstantiation(draft, TOPICS.contractOperation.payload.decode(payload))
  return deliverCommand(draft, message)
}

const replayBlock = (draft: Draft, { number, hash, timeMs, messages }: BufferedBlock, begin: (() => void) | undefined): void => {
  draft.block = { number, hash, timeMs, stateRoot: NO_ROOT }
  startBlock(draft)
  begin?.()
  for (const message of messages) {
    try {
      replayMessage(draft, message)
    } catch (error) {
      // Messages that do not decode were skipped when they came, too.
      if (!isAppError(error) || error.code === 'CONTRACT_ENGINE_FAILED') throw error
    }
  }
  endBlock(draft)
}

/**
 * Ends a wait. `epochs` are those of the state at which the cluster begins; `deploy` makes it at the first of the kept blocks, where it is not there already.
 * A command that cannot be opened begins another wait. @throws CONTRACT_ENGINE_FAILED
 */
export const replayWaiting = (draft: Draft, joining: JoiningCluster, epochs: readonly EpochFact[], deploy?: () => void): void => {
  const { block } = draft
  const work = { ...draft.cluster }
  draft.state = { ...draft.state, joining: undefined }
  updateMembership(draft, { epochs })
  refreshEpochs(draft)
  const blocks = [...joining.blocks]
  let begin = deploy
  let next = blocks.shift()
  while (next !== undefined) {
    replayBlock(draft, next, begin)
    begin = undefined
    const again = draft.state.joining
    if (again !== undefined) {
      // What is left is kept for the next wait, and so are the epochs that the chain told meanwhile.
      const rest = [next, ...blocks]
      draft.state = { ...draft.state, joining: { ...again, blocks: rest, agreed: joining.agreed } }
      rest.slice(1).forEach((one) => replayEpochs(draft, one))
      break
    }
    next = blocks.shift()
  }
  draft.block = block
  Object.assign(draft.cluster, work)
  // Older states were reported by those who had them; only they are to be compared.
  updateCluster(draft, { reportedUpTo: block.number - 1 })
  for (const agreed of joining.agreed) compareAgreed(draft, { cluster: joining.cluster, ...agreed })
  if (runningCluster(draft) !== undefined) draft.effects.push(logEffect('info', 'cluster has caught up', { block: block.number }))
}

const replayEpochs = (draft: Draft, { number, hash, timeMs, messages }: BufferedBlock): void => {
  draft.block = { number, hash, timeMs, stateRoot: NO_ROOT }
  for (const message of messages) {
    if (bytesEqual(message.destination, TOPICS.clusterNotice.topic)) replayNotice(draft, message)
    else if (bytesEqual(message.destination, TOPICS.clusterChannel.topic)) replayAnnounced(draft, message)
  }
}
