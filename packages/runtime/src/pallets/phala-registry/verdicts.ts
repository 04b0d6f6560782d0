/**
 * Owns what gatekeepers are sent of each registration's evidence, and the verdict they reach on it. Does not own what a verdict entitles
 * to (duties.ts), nor the chain's own judgement (registration.ts).
 */
import { AttestationPolicy } from '@phalanx/attestation'
import { concatBytes, bytesEqual } from '@phalanx/primitives/bytes'
import { TOPICS, type RegistrationVerdict } from '@phalanx/primitives/messages'
import { pushPalletMessage } from '../phala-mq/push.ts'
import { REGISTRY, type RegistryContext } from './declaration.ts'
import { policyInForce } from './judgement.ts'
import * as storage from './storage.ts'

/** How long gatekeepers remember collateral and policies; sent again when older. */
const ATTACHMENT_LIFE_BLOCKS = 1024

/** Whether every gatekeeper still knows an attachment. */
const isKnown = (ctx: RegistryContext, hash: Uint8Array): boolean => {
  const sentAt = storage.attachmentSentAt.get(ctx, hash)
  return sentAt !== undefined && sentAt > storage.attachmentsForgottenAt.get(ctx) && ctx.block.number - sentAt < ATTACHMENT_LIFE_BLOCKS
}

const attach = (ctx: RegistryContext, hash: Uint8Array, bytes: Uint8Array | undefined): readonly Uint8Array[] => {
  if (bytes === undefined || isKnown(ctx, hash)) return []
  storage.attachmentSentAt.set(ctx, hash, ctx.block.number)
  return [bytes]
}

/**
 * Sends a worker's evidence, as it was just kept, to the gatekeepers. Before any gatekeeper has launched nobody is there to judge, and the
 * chain's own verdict stands.
 */
export const sendEvidence = (ctx: RegistryContext, pubkey: Uint8Array): void => {
  if (!storage.gatekeeperMasterPubkey.has(ctx)) return
  const kept = storage.evidence.get(ctx, pubkey)
  if (kept === undefined) return
  const { info, report, collateral } = kept
  const encodedPolicy = AttestationPolicy.encode(policyInForce(ctx))
  const policy = ctx.crypto.blake2b256(encodedPolicy)
  const attachments = [
    ...(collateral === undefined ? [] : attach(ctx, collateral, storage.collateral.get(ctx, collateral))),
    ...attach(ctx, policy, encodedPolicy),
  ]
  storage.evidenceSentAt.set(ctx, pubkey, ctx.block.number)
  pushPalletMessage(ctx, REGISTRY, TOPICS.registrationEvidence, { pubkey, info, report, collateral, policy, attachments })
}

/** Keeps the gatekeepers' verdict beside the worker; one on evidence that was replaced meanwhile is too late. An alarm where it is not the chain's. */
export const takeVerdict = (ctx: RegistryContext, verdict: RegistrationVerdict): void => {
  const { pubkey, registeredAt, evidence, accepted, confidenceLevel, code } = verdict
  const kept = storage.evidence.get(ctx, pubkey)
  if (kept === undefined || storage.evidenceSentAt.get(ctx, pubkey) !== registeredAt) return
  if (!bytesEqual(evidence, ctx.crypto.blake2b256(concatBytes(kept.info, kept.report)))) return
  storage.gatekeeperVerdicts.set(ctx, pubkey, { accepted, confidenceLevel, code, evidence, registeredAt, judgedAt: ctx.block.number })
  ctx.emit('VerdictGiven', { pubkey, accepted, confidenceLevel })
  const worker = storage.workers.get(ctx, pubkey)
  if (!accepted || worker?.confidenceLevel !== confidenceLevel) ctx.emit('VerdictDiffers', { pubkey, accepted, confidenceLevel })
}
