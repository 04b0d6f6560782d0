/**
 * Owns the judgement of workers' evidence on this chain: under the policy in force, with the canonical collateral, at the chain's
 * time, made for a block that the chain remembers. Keeps nothing but offered collateral; registration.ts does.
 */
import {
  AnyCollateral, collateralKeyOf, evaluateRegistration, separateCollateral, teeKinds,
  type AttestationPolicy, type AttestationProvider, type AttestationReport, type Facts, type RegistrationPalletError,
} from '@phalanx/attestation'
import { bytesEqual } from '@phalanx/primitives/bytes'
import { blockHash } from '../system/storage.ts'
import { now } from '../timestamp/storage.ts'
import { canonicalSet, offerCollateral, withSet } from './collateral-sets.ts'
import type { RegistryContext } from './declaration.ts'
import * as storage from './storage.ts'

/** Blocks whose hashes evidence may carry. */
const ANCHOR_BLOCKS = 256
/** Where the hash of a recent block stands in the report data; the commitment is before it. */
const ANCHOR_OFFSET = 32
/** `validUntil` of evidence that nothing ends. */
export const NEVER = (1n << 64n) - 1n

/** What evidence proved about a registration. Times in Unix seconds. */
export interface Attested {
  readonly provider: AttestationProvider
  readonly confidenceLevel: number
  readonly facts: Facts
  /** Hash of the canonical set it was judged with. */
  readonly collateral: Uint8Array | undefined
  readonly policyVersion: number
  readonly validUntil: bigint
  readonly renewFrom: bigint
}

/** The policy in force, with the chain's measurement list. */
export const policyInForce = (ctx: RegistryContext): AttestationPolicy => ({
  ...storage.attestationPolicy.get(ctx), enforceMeasurements: true, measurements: storage.allowList.get(ctx),
})

const hasAnchor = (facts: Facts): boolean => facts.reportData.subarray(ANCHOR_OFFSET).some((byte) => byte !== 0)

/** A host can feed a genuine enclave an old or forked chain; a recent hash inside the evidence bounds how old. */
const ensureAnchored = (ctx: RegistryContext, facts: Facts, policy: AttestationPolicy): void => {
  if (!hasAnchor(facts)) {
    if (!policy.admitUnanchored) ctx.fail('AnchorMissing')
    return
  }
  // The reference ignores these bytes: so does a policy that admits what the reference's workers send.
  if (policy.admitUnanchored) return
  const anchor = facts.reportData.subarray(ANCHOR_OFFSET)
  const oldest = Math.max(0, ctx.block.number - ANCHOR_BLOCKS)
  for (let number = ctx.block.number - 1; number >= oldest; number--) if (bytesEqual(blockHash.get(ctx, number), anchor)) return
  ctx.fail('UnknownAnchor')
}

/** Until when evidence counts, and from when it should be renewed: in the policy's window before its end, but not in its first half. */
const lifetimeOf = (options: { facts: Facts; isReport: boolean; policy: AttestationPolicy; verifiedAt: bigint; setUntil: bigint }): { validUntil: bigint; renewFrom: bigint } => {
  const { facts, isReport, policy, verifiedAt, setUntil } = options
  // A dated report's age limit is about handing it in, not about how long it counts.
  const own = isReport || facts.notAfter >= Number.MAX_SAFE_INTEGER ? NEVER : BigInt(facts.notAfter)
  const byPolicy = policy.reattestationSeconds === 0 ? NEVER : verifiedAt + BigInt(policy.reattestationSeconds)
  const validUntil = own < byPolicy ? own : byPolicy
  if (validUntil === NEVER) return { validUntil, renewFrom: NEVER }
  const end = setUntil < validUntil ? setUntil : validUntil
  const window = end - BigInt(policy.renewalWindowSeconds)
  const half = verifiedAt + (end - verifiedAt) / 2n
  return { validUntil, renewFrom: window > half ? window : half }
}

/** Judges with the canonical set; collateral that comes with the evidence is a candidate for it, nothing more. */
const judge = (ctx: RegistryContext, evidence: AttestationReport, commit: Uint8Array, policy: AttestationPolicy) => {
  const common = { commit, policy, nowSeconds: Number(now.get(ctx) / 1000n), crypto: ctx.crypto }
  const { report, collateral: given } = separateCollateral(evidence)
  const key = policy.kinds.includes(evidence.kind) ? collateralKeyOf(report) : undefined
  if (key === undefined) return { outcome: evaluateRegistration({ ...common, report: evidence }), set: undefined, refusal: undefined }
  const known = storage.canonicalCollateral.get(ctx, key)
  const isNews = given !== undefined && (known === undefined || !bytesEqual(known.hash, ctx.crypto.blake2b256(given)))
  const offer = isNews ? offerCollateral(ctx, AnyCollateral.decode(given)) : undefined
  const canonical = canonicalSet(ctx, key)
  if (canonical !== undefined) return { outcome: evaluateRegistration({ ...common, ...withSet(report, canonical) }), set: canonical.set, refusal: undefined }
  // Nothing canonical, and what came along cannot be: judging by it only names the cause.
  const refusal: RegistrationPalletError = offer?.kind === 'refused' ? offer.error : 'CollateralInvalid'
  return { outcome: evaluateRegistration({ ...common, report: evidence }), set: undefined, refusal }
}

/**
 * Judges evidence for registration info of which `commit` is the blake2b-256. Fails with the error that the first failing check maps
 * to, AnchorMissing or UnknownAnchor.
 */
export const ensureGenuine = (ctx: RegistryContext, evidence: AttestationReport, commit: Uint8Array): Attested => {
  const policy = policyInForce(ctx)
  const { outcome, set, refusal } = judge(ctx, evidence, commit, policy)
  if (!outcome.ok) return ctx.fail(outcome.palletError)
  if (refusal !== undefined) return ctx.fail(refusal)
  const { facts, provider, confidenceLevel } = outcome
  ensureAnchored(ctx, facts, policy)
  const { isReport } = teeKinds[evidence.kind]
  const lifetime = lifetimeOf({ facts, isReport, policy, verifiedAt: now.get(ctx) / 1000n, setUntil: set?.validUntil ?? NEVER })
  return { provider, confidenceLevel, facts, collateral: set?.hash, policyVersion: policy.version, ...lifetime }
}
