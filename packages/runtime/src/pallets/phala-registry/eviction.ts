/**
 * Owns the standing of workers by their evidence: keeping the outcome with its indices (by time, by family), and taking it back.
 * An evicted worker keeps its entry and keys, loses confidence and duties, and returns by registering again.
 */
import type { AttestationRecord } from '@phalanx/attestation'
import { bytesEqual, concatBytes } from '@phalanx/primitives/bytes'
import type { EvictionReason } from '@phalanx/primitives/messages'
import { now } from '../timestamp/storage.ts'
import type { StorageHost } from '../../frame/overlay.ts'
import type { RegistryContext } from './declaration.ts'
import { NEVER, type Attested } from './judgement.ts'
import { registryListeners } from './listeners.ts'
import { pushNotice } from './notices.ts'
import * as storage from './storage.ts'

/** Confidence level of a worker whose evidence counts no longer: worse than every level that evidence earns. */
export const CONFIDENCE_NONE = 255

/** Length of the time in an expiry key. */
const TIME_BYTES = 8

const expiryKey = (validUntil: bigint, pubkey: Uint8Array): Uint8Array => {
  const time = new Uint8Array(TIME_BYTES)
  new DataView(time.buffer).setBigUint64(0, validUntil)
  return concatBytes(time, pubkey)
}

/** Takes an expiry key apart. */
export const readExpiryKey = (key: Uint8Array): { readonly validUntil: bigint; readonly pubkey: Uint8Array } => ({
  validUntil: new DataView(key.buffer, key.byteOffset, TIME_BYTES).getBigUint64(0), pubkey: key.slice(TIME_BYTES),
})

const removeIndices = (ctx: RegistryContext, pubkey: Uint8Array, { family, validUntil, eviction }: AttestationRecord): void => {
  if (eviction !== undefined) return
  if (validUntil !== NEVER) storage.evidenceExpiry.remove(ctx, expiryKey(validUntil, pubkey))
  if (family === undefined) return
  storage.familyWorkers.remove(ctx, family, pubkey)
  const left = storage.familySize.get(ctx, family) - 1
  if (left > 0) storage.familySize.set(ctx, family, left)
  else storage.familySize.remove(ctx, family)
}

/** Keeps what a worker's evidence proved, in place of what was known before. */
export const recordAttestation = (ctx: RegistryContext, pubkey: Uint8Array, attested: Attested): void => {
  const before = storage.attestations.get(ctx, pubkey)
  if (before !== undefined) removeIndices(ctx, pubkey, before)
  const { facts, confidenceLevel, policyVersion, collateral, validUntil, renewFrom } = attested
  const family = facts.family ?? facts.fmspc
  storage.attestations.set(ctx, pubkey, {
    kind: facts.kind, measurement: facts.measurement, family, confidenceLevel, policyVersion, collateral, verifiedAt: now.get(ctx) / 1000n, validUntil, renewFrom,
    eviction: undefined,
  })
  if (validUntil !== NEVER) storage.evidenceExpiry.set(ctx, expiryKey(validUntil, pubkey), true)
  if (family !== undefined) {
    storage.familyWorkers.set(ctx, family, pubkey, true)
    storage.familySize.set(ctx, family, storage.familySize.get(ctx, family) + 1)
  }
  pushNotice(ctx, { kind: 'WorkerAttested', value: { pubkey, validUntil, renewFrom } })
  for (const listener of registryListeners()) listener.onAttested?.(ctx, { pubkey, confidenceLevel })
}

/** Takes a worker's confidence and duties away; nothing happens to one that lost them before or never had evidence. */
export const evict = (ctx: RegistryContext, pubkey: Uint8Array, reason: EvictionReason): boolean => {
  const record = storage.attestations.get(ctx, pubkey)
  if (record === undefined || record.eviction !== undefined) return false
  removeIndices(ctx, pubkey, record)
  storage.attestations.set(ctx, pubkey, { ...record, eviction: reason })
  storage.workers.mutate(ctx, pubkey, (worker) => worker && { ...worker, confidenceLevel: CONFIDENCE_NONE })
  if (reason.kind === 'Lapsed') ctx.emit('WorkerEvidenceLapsed', { pubkey, validUntil: record.validUntil })
  ctx.emit('WorkerEvicted', { pubkey, reason })
  pushNotice(ctx, { kind: 'WorkerEvicted', value: { pubkey, reason } })
  for (const listener of registryListeners()) listener.onEvicted?.(ctx, { pubkey, reason })
  return true
}

/**
 * Whether a worker's evidence counts at this moment: also while its eviction waits for its turn. Workers that root vouches for
 * (simulated chains only) have none and count.
 */
export const isInGoodStanding = (host: StorageHost, pubkey: Uint8Array): boolean => {
  const record = storage.attestations.get(host, pubkey)
  if (record === undefined) return storage.workers.get(host, pubkey)?.attestationProvider?.kind === 'Root'
  const { eviction, validUntil, family } = record
  if (eviction !== undefined || now.get(host) / 1000n > validUntil) return false
  return family === undefined || !storage.attestationPolicy.get(host).blockedFamilies.some((blocked) => bytesEqual(blocked, family))
}

/** Fails with EvidenceLapsed unless the worker's evidence counts. */
export const ensureGoodStanding = (ctx: RegistryContext, pubkey: Uint8Array): void => {
  if (!isInGoodStanding(ctx, pubkey)) ctx.fail('EvidenceLapsed')
}
