/** Owns the messages that computation acts on: heartbeats of workers and settlements of the gatekeepers. */
import { bytesEqual } from '@phalanx/primitives/bytes'
import { TOPICS, type Message } from '@phalanx/primitives/messages'
import type { Context } from '../../frame/context.ts'
import { decodePayload } from '../phala-registry/decode-payload.ts'
import { computationParts } from './declaration.ts'
import { onHeartbeat } from './heartbeats.ts'
import { onWorkingUpdate } from './updates.ts'

/** Offers a message to computation; other topics pass. Refusals fail with BadSender and are undone by the caller. */
export const onComputationMessage = (context: Context, message: Message): void => {
  const { sender, destination, payload } = message
  if (bytesEqual(destination, TOPICS.workingReport.topic)) {
    const ctx = computationParts.in(context)
    onHeartbeat(ctx, sender.kind === 'Worker' ? sender.value : ctx.fail('BadSender'), decodePayload(TOPICS.workingReport.payload, payload))
  } else if (bytesEqual(destination, TOPICS.workingUpdate.topic)) {
    const ctx = computationParts.in(context)
    if (sender.kind !== 'Gatekeeper') ctx.fail('BadSender')
    onWorkingUpdate(ctx, decodePayload(TOPICS.workingUpdate.payload, payload))
  }
}
