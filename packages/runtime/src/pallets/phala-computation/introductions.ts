/**
 * Owns telling gatekeepers what happened before their launch, of which they hear nothing else: the parameters, workers that registered
 * earlier, sessions that compute already. The reference leaves them with its built-in parameters and makes such workers register again.
 */
import { TOPICS } from '@phalanx/primitives/messages'
import { pushPalletMessage } from '../phala-mq/push.ts'
import { gatekeeperLaunchedAt, workers } from '../phala-registry/storage.ts'
import { COMPUTATION, type ComputationContext } from './declaration.ts'
import { isKnownToGatekeepers } from './duties.ts'
import { isComputing, tellWorker } from './sessions.ts'
import * as storage from './storage.ts'

/** Tells gatekeepers of a worker that registered before their launch; the worker hears it, too, and knows it already. */
export const introduceWorker = (ctx: ComputationContext, worker: Uint8Array, confidenceLevel: number): void => {
  if (gatekeeperLaunchedAt.has(ctx) && !isKnownToGatekeepers(ctx, worker)) tellWorker(ctx, worker, { kind: 'Registered', value: { confidenceLevel } })
}

/** In the block of the launch: parameters and computing sessions, which begin anew with the V they have. */
export const introduceAtLaunch = (ctx: ComputationContext): void => {
  if (gatekeeperLaunchedAt.get(ctx)?.[0] !== ctx.block.number) return
  const params = storage.tokenomicParameters.get(ctx)
  if (params !== undefined) pushPalletMessage(ctx, COMPUTATION, TOPICS.gatekeeperEvent, { kind: 'TokenomicParametersChanged', value: params })
  for (const [[session], info] of storage.sessions.entries(ctx)) {
    const worker = storage.sessionBindings.get(ctx, session)
    const run = storage.sessionRuns.get(ctx, session)
    if (!isComputing(info.state) || worker === undefined || run === undefined) continue
    introduceWorker(ctx, worker, workers.get(ctx, worker)?.confidenceLevel ?? 0)
    tellWorker(ctx, worker, { kind: 'Started', value: { sessionId: run.sessionId, initV: info.v, initP: info.benchmark.pInit } })
  }
}
