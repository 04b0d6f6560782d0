/** Owns the anchoring of workers' ECDH keys: one per epoch, epochs only grow, `Workers` holds the current one. */
import { bytesEqual } from '@phalanx/primitives/bytes'
import type { EcdhKeyAnnouncement } from '@phalanx/primitives/messages'
import type { RegistryContext } from './declaration.ts'
import { pushNotice } from './notices.ts'
import * as storage from './storage.ts'

/** Fails with InvalidEcdhKey unless the key is a point of its own. */
export const ensureEcdhKey = (ctx: RegistryContext, pubkey: Uint8Array, ecdhPubkey: Uint8Array): void => {
  if (bytesEqual(pubkey, ecdhPubkey) || !ctx.crypto.sr25519.isValidPoint(ecdhPubkey)) ctx.fail('InvalidEcdhKey')
}

/** Records a key for an epoch and tells all workers. */
export const anchorEcdhKey = (ctx: RegistryContext, pubkey: Uint8Array, { epoch, ecdhPubkey }: EcdhKeyAnnouncement): void => {
  storage.ecdhEpoch.set(ctx, pubkey, epoch)
  storage.ecdhKeys.set(ctx, pubkey, epoch, { ecdhPubkey, announcedAt: ctx.block.number })
  ctx.emit('WorkerEcdhKeyAnchored', { pubkey, epoch, ecdhPubkey })
  pushNotice(ctx, { kind: 'EcdhKeyAnchored', value: { pubkey, epoch, ecdhPubkey } })
}

/** A registered worker announces a fresh key. Fails with WorkerNotFound, InvalidEcdhKey, InvalidEcdhEpoch. */
export const announceEcdhKey = (ctx: RegistryContext, pubkey: Uint8Array, announcement: EcdhKeyAnnouncement): void => {
  const worker = storage.workers.get(ctx, pubkey) ?? ctx.fail('WorkerNotFound')
  ensureEcdhKey(ctx, pubkey, announcement.ecdhPubkey)
  const current = storage.ecdhEpoch.get(ctx, pubkey)
  if (current !== undefined && announcement.epoch <= current) ctx.fail('InvalidEcdhEpoch')
  storage.workers.set(ctx, pubkey, { ...worker, ecdhPubkey: announcement.ecdhPubkey })
  anchorEcdhKey(ctx, pubkey, announcement)
}
