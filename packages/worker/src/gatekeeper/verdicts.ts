/** Owns the gatekeeper's own judgement of registrations' evidence, with the collateral and policies that the chain sent. */
import { AttestationPolicy, AttestationReport, evaluateRegistration, joinCollateral } from '@phalanx/attestation'
import { bytesEqual, concatBytes } from '@phalanx/primitives/bytes'
import { isAppError } from '@phalanx/primitives/errors'
import { TOPICS, type RegistrationEvidence, type RegistrationVerdict } from '@phalanx/primitives/messages'
import type { Draft } from '../system/draft.ts'
import { gatekeeperOf, mayVote, raiseAlarm, updateGatekeeper } from './draft.ts'
import { noteOutcome, takeOutcomeId } from './outcomes.ts'

/** How long an attachment is kept after it was sent; the chain sends it again before that. */
const ATTACHMENT_LIFE_BLOCKS = 1100

const keepAttachments = (draft: Draft, attachments: readonly Uint8Array[]): void => {
  const state = gatekeeperOf(draft)
  if (state === undefined || attachments.length === 0) return
  const { number } = draft.block
  const fresh = attachments.map((bytes) => [draft.crypto.blake2b256(bytes), number, bytes] as const)
  const others = state.attachments.filter(([hash, sentAt]) => sentAt + ATTACHMENT_LIFE_BLOCKS > number && !fresh.some(([one]) => bytesEqual(one, hash)))
  updateGatekeeper(draft, { attachments: [...others, ...fresh] })
}

const attachment = (draft: Draft, hash: Uint8Array): Uint8Array | undefined => gatekeeperOf(draft)?.attachments.find(([one]) => bytesEqual(one, hash))?.[2]

/** The finding on evidence: accepted with a level, or refused with the verifier's code. Bytes that do not decode are refused with theirs. */
const judge = (draft: Draft, evidence: RegistrationEvidence, bytes: { readonly policy: Uint8Array; readonly collateral: Uint8Array | undefined }) => {
  const refused = (code: string) => ({ accepted: false, confidenceLevel: 0, code })
  try {
    const report = joinCollateral({ report: AttestationReport.decode(evidence.report), collateral: bytes.collateral })
    const outcome = evaluateRegistration({
      report, commit: draft.crypto.blake2b256(evidence.info), policy: AttestationPolicy.decode(bytes.policy), nowSeconds: Number(draft.block.timeMs / 1000n), crypto: draft.crypto,
    })
    return outcome.ok ? { accepted: true, confidenceLevel: outcome.confidenceLevel, code: '' } : refused(outcome.code)
  } catch (error) {
    if (!isAppError(error)) throw error
    return refused(error.code)
  }
}

/** Judges a registration and votes on the finding. */
export const onEvidence = (draft: Draft, evidence: RegistrationEvidence): void => {
  const state = gatekeeperOf(draft)
  if (state === undefined) return
  const id = takeOutcomeId(draft)
  keepAttachments(draft, evidence.attachments)
  if (!mayVote(state, id.block)) return
  const policy = attachment(draft, evidence.policy)
  const collateral = evidence.collateral === undefined ? undefined : attachment(draft, evidence.collateral)
  if (policy === undefined || (evidence.collateral !== undefined && collateral === undefined)) return raiseAlarm(draft, 'unjudged', id.block)
  const verdict: RegistrationVerdict = {
    pubkey: evidence.pubkey, registeredAt: id.block, evidence: draft.crypto.blake2b256(concatBytes(evidence.info, evidence.report)), ...judge(draft, evidence, { policy, collateral }),
  }
  noteOutcome(draft, id, TOPICS.registrationVerdict, verdict)
}
