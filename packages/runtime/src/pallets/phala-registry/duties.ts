/**
 * Owns the rule which workers may take duties on: computing, gatekeeping, hosting contracts. A duty that runs goes on when the worker
 * registers again; an eviction ends it (eviction.ts).
 */
import type { StorageHost } from '../../frame/overlay.ts'
import type { Context } from '../../frame/context.ts'
import { registryParts } from './declaration.ts'
import { isInGoodStanding } from './eviction.ts'
import * as storage from './storage.ts'

/**
 * Whether a worker may take a duty on. It must be registered and its evidence must count now. Evidence that was sent to the gatekeepers
 * needs their consent: no verdict yet, or a refusal, is a no; a verdict on earlier evidence counts until the newer is judged. Evidence from
 * before the gatekeepers' launch, and workers that root registered on a simulated chain, stand by the chain's own verdict.
 */
export const mayServe = (host: StorageHost, pubkey: Uint8Array): boolean => {
  if (!storage.workers.has(host, pubkey)) return false
  if (storage.attestations.has(host, pubkey) && !isInGoodStanding(host, pubkey)) return false
  if (storage.evidenceSentAt.get(host, pubkey) === undefined) return true
  return storage.gatekeeperVerdicts.get(host, pubkey)?.accepted === true
}

/** Fails with PhalaRegistry's WorkerNotFound or WorkerNotVouchedFor unless the worker may take a duty on. */
export const ensureMayServe = (context: Context, pubkey: Uint8Array): void => {
  const ctx = registryParts.in(context)
  if (!storage.workers.has(ctx, pubkey)) ctx.fail('WorkerNotFound')
  if (!mayServe(ctx, pubkey)) ctx.fail('WorkerNotVouchedFor')
}
