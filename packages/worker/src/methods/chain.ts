/** Owns the handlers by which a relay feeds the worker, takes its messages and stops it. */
import { AppError } from '@phalanx/primitives/errors'
import { type chainMethods, type feedMethods } from '../api/chain.ts'
import type { Handlers } from '../api/schema.ts'
import { EgressMessages, waitingMessages } from '../core/mq.ts'
import { assertLive } from '../core/step.ts'
import type { MethodContext } from './context.ts'

/** Handlers of `chainMethods`. */
export const chainHandlers: Handlers<typeof chainMethods, MethodContext> = {
  GetEgressMessages: (context) => ({ encodedMessages: EgressMessages.encode(waitingMessages(assertLive(context.state()).egress)) }),
  async TakeCheckpoint(context) {
    const state = assertLive(await context.dispatch({ kind: 'takeCheckpoint' }))
    return { syncedTo: state.follow.head.number }
  },
  Stop(context, params) {
    context.requestStop(params)
    return {}
  },
}

/** Handlers of `feedMethods`. */
export const feedHandlers: Handlers<typeof feedMethods, MethodContext> = {
  async SkipToCheckpoint(context, { encodedCheckpoint }) {
    const state = assertLive(await context.dispatch({ kind: 'skipTo', value: { checkpoint: encodedCheckpoint, entropy: context.entropy() } }))
    return { syncedTo: state.follow.head.number }
  },
  async FeedBlocks(context, params) {
    const state = assertLive(
      await context.dispatch({
        kind: 'feed',
        value: { blocks: params.encodedBlocks, genesisHash: params.genesisHash, iterations: context.takeIterations(), entropy: context.entropy() },
      }),
    )
    // The relay looks for messages now, and not again before the next block.
    await context.rootAnswers()
    const stopped = state.halted ?? state.failed
    if (stopped !== undefined) throw new AppError('WORKER_HALTED', { reason: stopped })
    return { syncedTo: state.follow.head.number }
  },
}
