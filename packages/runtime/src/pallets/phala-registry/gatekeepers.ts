/** Owns the chain's side of gatekeepers: their list and the launch and rotation of the master key (registry.md section 7). */
import { bytesEqual } from '@phalanx/primitives/bytes'
import { TOPICS } from '@phalanx/primitives/messages'
import { pushPalletMessage } from '../phala-mq/push.ts'
import { now } from '../timestamp/storage.ts'
import { REGISTRY, type RegistryContext } from './declaration.ts'
import * as storage from './storage.ts'

const isGatekeeper = (ctx: RegistryContext, pubkey: Uint8Array): boolean => storage.gatekeeper.get(ctx).some((one) => bytesEqual(one, pubkey))

const ensureNoRotation = (ctx: RegistryContext): void => {
  if (storage.masterKeyRotationLock.get(ctx) !== undefined) ctx.fail('MasterKeyInRotation')
}

/** Makes a registered worker a gatekeeper; one that is listed already only gets the event again, as in the reference. */
export const registerGatekeeper = (ctx: RegistryContext, pubkey: Uint8Array): void => {
  ensureNoRotation(ctx)
  const gatekeepers = storage.gatekeeper.get(ctx)
  if (gatekeepers.length > 0 && storage.gatekeeperMasterPubkey.get(ctx) === undefined) ctx.fail('MasterKeyUninitialized')
  if (!isGatekeeper(ctx, pubkey)) {
    const worker = storage.workers.get(ctx, pubkey) ?? ctx.fail('WorkerNotFound')
    if (gatekeepers.length >= storage.LIST_ENTRIES_MAX) ctx.fail('ListFull')
    storage.gatekeeper.set(ctx, [...gatekeepers, pubkey])
    const keys = { pubkey, ecdhPubkey: worker.ecdhPubkey }
    if (gatekeepers.length === 0) pushPalletMessage(ctx, REGISTRY, TOPICS.gatekeeperLaunch, { kind: 'FirstGatekeeper', value: keys })
    else pushPalletMessage(ctx, REGISTRY, TOPICS.gatekeeperChange, { kind: 'Registered', value: keys })
  }
  ctx.emit('GatekeeperAdded', { pubkey })
}

/** Takes a gatekeeper off the list; the last one stays. */
export const unregisterGatekeeper = (ctx: RegistryContext, pubkey: Uint8Array): void => {
  ensureNoRotation(ctx)
  if (!isGatekeeper(ctx, pubkey)) ctx.fail('InvalidGatekeeper')
  const rest = storage.gatekeeper.get(ctx).filter((one) => !bytesEqual(one, pubkey))
  if (rest.length === 0) ctx.fail('CannotRemoveLastGatekeeper')
  storage.gatekeeper.set(ctx, rest)
  pushPalletMessage(ctx, REGISTRY, TOPICS.gatekeeperChange, { kind: 'Unregistered', value: { pubkey } })
  ctx.emit('GatekeeperRemoved', { pubkey })
}

/** Asks the gatekeepers for a new master key. */
export const rotateMasterKey = (ctx: RegistryContext): void => {
  ensureNoRotation(ctx)
  if (storage.gatekeeperMasterPubkey.get(ctx) === undefined) ctx.fail('MasterKeyUninitialized')
  const gkIdentities = storage.gatekeeper.get(ctx).map((pubkey) => {
    const worker = storage.workers.get(ctx, pubkey) ?? ctx.fail('WorkerNotFound')
    return { pubkey, ecdhPubkey: worker.ecdhPubkey }
  })
  const rotationId = storage.rotationCounter.get(ctx) + 1n
  storage.rotationCounter.set(ctx, rotationId)
  storage.masterKeyRotationLock.set(ctx, rotationId)
  pushPalletMessage(ctx, REGISTRY, TOPICS.gatekeeperLaunch, { kind: 'RotateMasterKey', value: { rotationId, gkIdentities } })
}

/** A gatekeeper reports the first master public key. Fails with InvalidGatekeeper, MasterKeyMismatch. */
export const learnMasterPubkey = (ctx: RegistryContext, gatekeeper: Uint8Array, masterPubkey: Uint8Array): void => {
  if (!isGatekeeper(ctx, gatekeeper)) ctx.fail('InvalidGatekeeper')
  const known = storage.gatekeeperMasterPubkey.get(ctx)
  if (known !== undefined) {
    if (!bytesEqual(known, masterPubkey)) ctx.fail('MasterKeyMismatch')
    return
  }
  storage.gatekeeperMasterPubkey.set(ctx, masterPubkey)
  storage.gatekeeperLaunchedAt.set(ctx, [ctx.block.number, now.get(ctx) / 1000n])
  pushPalletMessage(ctx, REGISTRY, TOPICS.gatekeeperLaunch, { kind: 'MasterPubkeyOnChain', value: { masterPubkey } })
  ctx.emit('GatekeeperLaunched')
}
