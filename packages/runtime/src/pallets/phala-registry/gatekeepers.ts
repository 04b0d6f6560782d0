/** Owns the chain's side of gatekeepers: their list, the launch of the master key and who is asked for it (registry.md section 7). */
import { bytesEqual } from '@phalanx/primitives/bytes'
import { TOPICS } from '@phalanx/primitives/messages'
import { pushPalletMessage } from '../phala-mq/push.ts'
import { now } from '../timestamp/storage.ts'
import { briefGatekeepers } from './briefing.ts'
import { REGISTRY, type RegistryContext } from './declaration.ts'
import { ensureMayServe } from './duties.ts'
import { confirmGatekeeper, suspendGatekeeper } from './outcomes.ts'
import { CONFIDENCE_ROOT } from './levels.ts'
import { cancelRotation } from './rotation.ts'
import * as storage from './storage.ts'

const isGatekeeper = (ctx: RegistryContext, pubkey: Uint8Array): boolean => storage.gatekeeper.get(ctx).some((one) => bytesEqual(one, pubkey))

const ensureNoRotation = (ctx: RegistryContext): void => {
  if (storage.masterKeyRotationLock.get(ctx) !== undefined) ctx.fail('MasterKeyInRotation')
}

/** Level 128 says that root vouches for the worker; evidence earns at most the level that the policy asks of gatekeepers. */
const isTrusted = (ctx: RegistryContext, confidenceLevel: number): boolean =>
  confidenceLevel === CONFIDENCE_ROOT || confidenceLevel <= storage.attestationPolicy.get(ctx).gatekeeperConfidenceMax

/** Tells the gatekeepers that one of them is to be given the key. */
const announce = (ctx: RegistryContext, keys: { readonly pubkey: Uint8Array; readonly ecdhPubkey: Uint8Array }): void => {
  storage.attachmentsForgottenAt.set(ctx, ctx.block.number)
  pushPalletMessage(ctx, REGISTRY, TOPICS.gatekeeperChange, { kind: 'Registered', value: keys })
}

/** Makes a registered worker a gatekeeper; one that is listed already only gets the event again, as in the reference. */
export const registerGatekeeper = (ctx: RegistryContext, pubkey: Uint8Array): void => {
  ensureNoRotation(ctx)
  const gatekeepers = storage.gatekeeper.get(ctx)
  if (gatekeepers.length > 0 && storage.gatekeeperMasterPubkey.get(ctx) === undefined) ctx.fail('MasterKeyUninitialized')
  if (!isGatekeeper(ctx, pubkey)) {
    const worker = storage.workers.get(ctx, pubkey) ?? ctx.fail('WorkerNotFound')
    if (!isTrusted(ctx, worker.confidenceLevel)) ctx.fail('InsufficientConfidence')
    ensureMayServe(ctx, pubkey)
    if (gatekeepers.length >= storage.LIST_ENTRIES_MAX) ctx.fail('ListFull')
    storage.gatekeeper.set(ctx, [...gatekeepers, pubkey])
    const keys = { pubkey, ecdhPubkey: worker.ecdhPubkey }
    if (gatekeepers.length === 0) pushPalletMessage(ctx, REGISTRY, TOPICS.gatekeeperLaunch, { kind: 'FirstGatekeeper', value: keys })
    else announce(ctx, keys)
  }
  ctx.emit('GatekeeperAdded', { pubkey })
}

const remove = (ctx: RegistryContext, pubkey: Uint8Array): void => {
  storage.gatekeeper.set(ctx, storage.gatekeeper.get(ctx).filter((one) => !bytesEqual(one, pubkey)))
  pushPalletMessage(ctx, REGISTRY, TOPICS.gatekeeperChange, { kind: 'Unregistered', value: { pubkey } })
  suspendGatekeeper(ctx, pubkey)
  ctx.emit('GatekeeperRemoved', { pubkey })
}

/** Takes a gatekeeper off the list; the last one stays, and so does the last one that holds the key. */
export const unregisterGatekeeper = (ctx: RegistryContext, pubkey: Uint8Array): void => {
  ensureNoRotation(ctx)
  if (!isGatekeeper(ctx, pubkey)) ctx.fail('InvalidGatekeeper')
  if (storage.gatekeeper.get(ctx).length === 1) ctx.fail('CannotRemoveLastGatekeeper')
  if (isLastHolder(ctx, pubkey)) ctx.fail('LastKeyHolder')
  remove(ctx, pubkey)
}

const isLastHolder = (ctx: RegistryContext, pubkey: Uint8Array): boolean => {
  const confirmed = storage.confirmedGatekeepers.get(ctx)
  return confirmed.length === 1 && confirmed.some(([one]) => bytesEqual(one, pubkey))
}

/**
 * A worker that lost its standing is no gatekeeper any more; a rotation under way, whose key was meant for it too, is given up. The last one
 * on the list stays there without a vote: without it nobody could ever be given the key, and governance must see that.
 */
export const dismissGatekeeper = (ctx: RegistryContext, pubkey: Uint8Array): void => {
  if (!isGatekeeper(ctx, pubkey)) return
  if (storage.masterKeyRotationLock.get(ctx) !== undefined) cancelRotation(ctx)
  if (storage.gatekeeper.get(ctx).length > 1) remove(ctx, pubkey)
  else suspendGatekeeper(ctx, pubkey)
}

/**
 * A gatekeeper reports the master public key: the first makes it known, later ones show that they hold it, and their votes count from now on.
 * Fails with InvalidGatekeeper, MasterKeyMismatch.
 */
export const learnMasterPubkey = (ctx: RegistryContext, gatekeeper: Uint8Array, masterPubkey: Uint8Array): void => {
  if (!isGatekeeper(ctx, gatekeeper)) ctx.fail('InvalidGatekeeper')
  const known = storage.gatekeeperMasterPubkey.get(ctx)
  if (known === undefined) {
    storage.gatekeeperMasterPubkey.set(ctx, masterPubkey)
    storage.gatekeeperLaunchedAt.set(ctx, [ctx.block.number, now.get(ctx) / 1000n])
    pushPalletMessage(ctx, REGISTRY, TOPICS.gatekeeperLaunch, { kind: 'MasterPubkeyOnChain', value: { masterPubkey } })
    briefGatekeepers(ctx)
    ctx.emit('GatekeeperLaunched')
  } else if (!bytesEqual(known, masterPubkey)) ctx.fail('MasterKeyMismatch')
  confirmGatekeeper(ctx, gatekeeper)
}

/**
 * A listed gatekeeper lacks the master key: its votes stop counting and the others are told to share the key with it, for its present ECDH
 * key. Fails with InvalidGatekeeper, LastKeyHolder, MasterKeyUninitialized, WorkerNotFound, InvalidEcdhKey.
 */
export const requestMasterKey = (ctx: RegistryContext, pubkey: Uint8Array, ecdhPubkey: Uint8Array): void => {
  if (!isGatekeeper(ctx, pubkey)) ctx.fail('InvalidGatekeeper')
  if (!storage.gatekeeperMasterPubkey.has(ctx)) ctx.fail('MasterKeyUninitialized')
  if (isLastHolder(ctx, pubkey)) ctx.fail('LastKeyHolder')
  const worker = storage.workers.get(ctx, pubkey) ?? ctx.fail('WorkerNotFound')
  if (!bytesEqual(worker.ecdhPubkey, ecdhPubkey)) ctx.fail('InvalidEcdhKey')
  suspendGatekeeper(ctx, pubkey)
  announce(ctx, { pubkey, ecdhPubkey })
}
