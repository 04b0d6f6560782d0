/** Owns the messages from workers and gatekeepers that the registry acts on (registry.md section 6, 7). */
import { bytesEqual } from '@phalanx/primitives/bytes'
import { TOPICS, type Message, type MessageOrigin, type RegistryEvent } from '@phalanx/primitives/messages'
import type { Context } from '../../frame/context.ts'
import { now } from '../timestamp/storage.ts'
import { registryParts, type RegistryContext } from './declaration.ts'
import { decodePayload } from './decode-payload.ts'
import { announceEcdhKey } from './ecdh-keys.ts'
import { learnMasterPubkey } from './gatekeepers.ts'
import { pushWorkerEvent } from './notices.ts'
import * as storage from './storage.ts'

/** Highest benchmark score. */
const SCORE_MAX = 6000
/** Score points per iteration and second. */
const SCORE_FACTOR = 6n
const U32_MASK = 0xffff_ffffn

const ensureWorker = (ctx: RegistryContext, sender: MessageOrigin): Uint8Array => (sender.kind === 'Worker' ? sender.value : ctx.fail('InvalidSender'))

/**
 * Score of a benchmark: iterations per second times six, at most 6000, in the reference's integer arithmetic. An elapsed time under a
 * second counts as one second (the reference divides by zero there).
 */
export const benchmarkScore = (report: { readonly elapsedMs: bigint; readonly iterations: bigint }): number => {
  const seconds = report.elapsedMs / 1000n
  const score = ((report.iterations / (seconds === 0n ? 1n : seconds)) * SCORE_FACTOR) & U32_MASK
  return score > BigInt(SCORE_MAX) ? SCORE_MAX : Number(score)
}

const onBenchReport = (ctx: RegistryContext, pubkey: Uint8Array, report: { readonly startTime: bigint; readonly iterations: bigint }): void => {
  const nowMs = now.get(ctx)
  if (nowMs <= report.startTime) ctx.fail('InvalidBenchReport')
  const worker = storage.workers.get(ctx, pubkey) ?? ctx.fail('WorkerNotFound')
  const score = benchmarkScore({ elapsedMs: nowMs - report.startTime, iterations: report.iterations })
  storage.workers.set(ctx, pubkey, { ...worker, initialScore: score, lastUpdated: nowMs / 1000n })
  pushWorkerEvent(ctx, pubkey, { kind: 'BenchScore', value: score })
  ctx.emit('InitialScoreSet', { pubkey, initScore: score })
}

const onRegistryEvent = (ctx: RegistryContext, sender: MessageOrigin, event: RegistryEvent): void => {
  const pubkey = ensureWorker(ctx, sender)
  switch (event.kind) {
    case 'BenchReport':
      return onBenchReport(ctx, pubkey, event.value)
    case 'MasterPubkey':
      return learnMasterPubkey(ctx, pubkey, event.value.masterPubkey)
  }
}

/** Offers a message to the registry; other topics pass. Refusals fail and are undone by the caller. */
export const onRegistryMessage = (context: Context, message: Message): void => {
  const { sender, destination, payload } = message
  if (bytesEqual(destination, TOPICS.registryEvent.topic)) {
    onRegistryEvent(registryParts.in(context), sender, decodePayload(TOPICS.registryEvent.payload, payload))
  } else if (bytesEqual(destination, TOPICS.ecdhKey.topic)) {
    const ctx = registryParts.in(context)
    announceEcdhKey(ctx, ensureWorker(ctx, sender), decodePayload(TOPICS.ecdhKey.payload, payload))
  }
}
