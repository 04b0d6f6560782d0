/**
 * Owns what the chain tells gatekeepers at their launch of what happened before: who is registered, and the economy's parameters. Sessions that
 * were started before the launch are not told: the gatekeepers settle sessions that they saw begin.
 */
import { TOPICS } from '@phalanx/primitives/messages'
import { tokenomicParameters } from '../phala-computation/storage.ts'
import { pushPalletMessage } from '../phala-mq/push.ts'
import type { RegistryContext } from './declaration.ts'
import { pushWorkerEvent } from './notices.ts'
import * as storage from './storage.ts'

/** Messages of the launch block that make the gatekeepers' replay complete. */
export const briefGatekeepers = (ctx: RegistryContext): void => {
  for (const [[pubkey], { confidenceLevel }] of storage.workers.entries(ctx)) pushWorkerEvent(ctx, pubkey, { kind: 'Registered', value: { confidenceLevel } })
  const params = tokenomicParameters.get(ctx)
  if (params !== undefined) pushPalletMessage(ctx, 'PhalaComputation', TOPICS.gatekeeperEvent, { kind: 'TokenomicParametersChanged', value: params })
}
