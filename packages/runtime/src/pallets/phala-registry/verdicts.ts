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
import { hasElectorate, OUTCOME_WINDOW_BLOCKS, quorumSize } from './outcomes.ts'
import * as storage from './storage.ts'

/** Blocks after which it is looked at whether evidence that has no verdict can still be judged. */
const PATIENCE_BLOCKS = 32
/** Most evidence that is sent again in one block. */
const REPEATED_PER_BLOCK = 16
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
  storage.evidenceAwaited.set(ctx, ctx.block.number + PATIENCE_BLOCKS, pubkey, ctx.block.number)
  pushPalletMessage(ctx, REGISTRY, TOPICS.registrationEvidence, { pubkey, info, report, collateral, policy, attachments })
}

const awaitsVerdict = (ctx: RegistryContext, pubkey: Uint8Array, sentAt: number): boolean =>
  storage.evidenceSentAt.get(ctx, pubkey) === sentAt && storage.gatekeeperVerdicts.get(ctx, pubkey)?.registeredAt !== sentAt

/**
 * Sends evidence again that nobody can judge any more, and says how much was looked at: gatekeepers vote on blocks after the one that
 * confirmed them, so those of its block may all have lost the vote since, or have got it in that very block, at the launch. What is older
 * than the window in which votes are taken is left; its worker registers again.
 */
export const repeatEvidence = (ctx: RegistryContext): number => {
  if (!storage.gatekeeperMasterPubkey.has(ctx)) return 0
  const { number } = ctx.block
  const due = [...storage.evidenceAwaited.entries(ctx, number)]
  let repeated = 0
  for (const [[, pubkey], sentAt] of due) {
    if (!awaitsVerdict(ctx, pubkey, sentAt)) continue
    if (!hasElectorate(ctx, sentAt) && quorumSize(ctx) > 0 && repeated < REPEATED_PER_BLOCK) {
      repeated++
      sendEvidence(ctx, pubkey)
    } else if (number - sentAt < OUTCOME_WINDOW_BLOCKS) storage.evidenceAwaited.set(ctx, number + PATIENCE_BLOCKS, pubkey, sentAt)
  }
  storage.evidenceAwaited.clear(ctx, number)
  return due.length
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
