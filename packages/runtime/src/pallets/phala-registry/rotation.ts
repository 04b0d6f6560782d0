/**
 * Owns rotations of the master key on chain: every gatekeeper proposes a key, the first proper proposal is passed on to all, and a quorum
 * that could open it makes its public key the chain's. Whoever did not show that it holds it has no vote until it does.
 */
import { bytesEqual } from '@phalanx/primitives/bytes'
import { createMessage, MasterKeyRotationPayload, TOPICS, wrapSignedContent, type Message, type MasterKeyRotationEvent } from '@phalanx/primitives/messages'
import { pushPalletMessage } from '../phala-mq/push.ts'
import { REGISTRY, type RegistryContext } from './declaration.ts'
import { isConfirmed, suspendWithoutRotatedKey } from './outcomes.ts'
import { pushGatekeeperNotice } from './notices.ts'
import { SIGNATURE_BYTES } from './sender-key.ts'
import * as storage from './storage.ts'

/** Asks the gatekeepers for a new master key. Fails with MasterKeyInRotation, MasterKeyUninitialized, WorkerNotFound. */
export const rotateMasterKey = (ctx: RegistryContext): void => {
  if (storage.masterKeyRotationLock.get(ctx) !== undefined) ctx.fail('MasterKeyInRotation')
  if (storage.gatekeeperMasterPubkey.get(ctx) === undefined) ctx.fail('MasterKeyUninitialized')
  const gkIdentities = storage.gatekeeper.get(ctx).map((pubkey) => {
    const worker = storage.workers.get(ctx, pubkey) ?? ctx.fail('WorkerNotFound')
    return { pubkey, ecdhPubkey: worker.ecdhPubkey }
  })
  const rotationId = storage.rotationCounter.get(ctx) + 1n
  storage.rotationCounter.set(ctx, rotationId)
  storage.masterKeyRotationLock.set(ctx, rotationId)
  storage.rotationCandidate.remove(ctx)
  pushPalletMessage(ctx, REGISTRY, TOPICS.gatekeeperLaunch, { kind: 'RotateMasterKey', value: { rotationId, gkIdentities } })
}

/** Gives a rotation up, for example because its candidate cannot be opened. Fails with MasterKeyNotInRotation. */
export const cancelRotation = (ctx: RegistryContext): void => {
  const rotationId = storage.masterKeyRotationLock.get(ctx) ?? ctx.fail('MasterKeyNotInRotation')
  storage.masterKeyRotationLock.set(ctx, undefined)
  storage.rotationCandidate.remove(ctx)
  ctx.emit('MasterKeyRotationCancelled', { rotationId })
  pushGatekeeperNotice(ctx, { kind: 'RotationCancelled', value: { rotationId } })
}

const isForAll = (ctx: RegistryContext, { secretKeys }: MasterKeyRotationEvent): boolean => {
  const gatekeepers = storage.gatekeeper.get(ctx)
  return secretKeys.length === gatekeepers.length && gatekeepers.every((pubkey) => secretKeys.some(([dest]) => bytesEqual(dest, pubkey)))
}

const isSigned = (ctx: RegistryContext, { rotationId, secretKeys, sender, sig }: MasterKeyRotationEvent): boolean =>
  sig.length === SIGNATURE_BYTES && ctx.verify({
    kind: 'sr25519', signature: sig, publicKey: sender,
    message: wrapSignedContent('masterKeyRotation', MasterKeyRotationPayload.encode({ rotationId, secretKeys, sender })),
  })

/**
 * Takes a gatekeeper's proposal; the first proper one of a rotation becomes a message of origin Gatekeeper, later ones are dropped.
 * Fails with GatekeeperNotConfirmed, InvalidRotationCandidate, InvalidSignature.
 */
export const takeCandidate = (ctx: RegistryContext, pubkey: Uint8Array, event: MasterKeyRotationEvent): Message | undefined => {
  if (!isConfirmed(ctx, pubkey)) ctx.fail('GatekeeperNotConfirmed')
  const lock = storage.masterKeyRotationLock.get(ctx)
  if (lock !== event.rotationId || !bytesEqual(event.sender, pubkey) || !isForAll(ctx, event)) ctx.fail('InvalidRotationCandidate')
  if (storage.rotationCandidate.get(ctx)?.[0] === event.rotationId) return undefined
  if (!isSigned(ctx, event)) ctx.fail('InvalidSignature')
  storage.rotationCandidate.set(ctx, [event.rotationId, pubkey])
  ctx.emit('RotationCandidateChosen', { rotationId: event.rotationId, gatekeeper: pubkey })
  return createMessage({ kind: 'Gatekeeper' }, TOPICS.keyDistribution, { kind: 'MasterKeyRotation', value: event })
}

/**
 * The gatekeepers hold the rotated key. The event MasterKeyRotationFailed tells of a key that no rotation asked for; it is not an error,
 * since a refused message leaves nothing behind and nobody would see it.
 */
export const learnRotatedKey = (ctx: RegistryContext, rotationId: bigint, masterPubkey: Uint8Array): void => {
  const rotationLock = storage.masterKeyRotationLock.get(ctx)
  if (rotationLock !== rotationId) {
    storage.rotatedKeyHolders.remove(ctx)
    ctx.emit('MasterKeyRotationFailed', { rotationLock, gatekeeperRotationId: rotationId })
    return
  }
  storage.gatekeeperMasterPubkey.set(ctx, masterPubkey)
  storage.masterKeyRotationLock.set(ctx, undefined)
  storage.rotationCandidate.remove(ctx)
  ctx.emit('MasterKeyRotated', { rotationId, masterPubkey })
  pushPalletMessage(ctx, REGISTRY, TOPICS.gatekeeperLaunch, { kind: 'MasterPubkeyRotated', value: { masterPubkey } })
  suspendWithoutRotatedKey(ctx)
}
