/**
 * Owns the list of pallets that read messages from outside, in the reference's order (mq.md section 3). A handler reacts to its topics
 * only. It runs in a layer of its own, so that a refused message leaves nothing behind (the reference keeps what was written before the error).
 */
import type { Message } from '@phalanx/primitives/messages'
import type { Context } from '../../frame/context.ts'
import { DispatchFailure } from '../../frame/dispatch-error.ts'
import { onComputationMessage } from '../phala-computation/messages.ts'
import { onPhatMessage } from '../phala-phat-contracts/messages.ts'
import { onGatekeeperMessage } from '../phala-registry/gatekeeper-messages.ts'
import { onRegistryMessage } from '../phala-registry/messages.ts'

type MessageHandler = (ctx: Context, message: Message) => void

const HANDLERS: readonly MessageHandler[] = [onRegistryMessage, onGatekeeperMessage, onComputationMessage, onPhatMessage]

/** Offers a message to each handler; the first that refuses it ends the routing. The message goes on to workers either way. */
export const routeMessage = (ctx: Context, message: Message): void => {
  ctx.storage.begin()
  try {
    for (const handle of HANDLERS) handle(ctx, message)
    ctx.storage.commit()
  } catch (error) {
    ctx.storage.rollback()
    if (!(error instanceof DispatchFailure)) throw error
  }
}
