/** Owns changes of the attestation policy: what governance may set, the history by version, and revoking and restoring platform families. */
import { TEE_KIND_NAMES, type AttestationPolicy } from '@phalanx/attestation'
import { bytesEqual } from '@phalanx/primitives/bytes'
import type { RegistryContext } from './declaration.ts'
import { policyInForce } from './judgement.ts'
import { pushNotice } from './notices.ts'
import { dropFamilyReview, startReview } from './reviews.ts'
import * as storage from './storage.ts'

/** The only form of policies so far. */
const POLICY_FORMAT = 1
/** Levels that evidence can earn. */
const CONFIDENCE_WORST = 5

const contains = (list: readonly Uint8Array[], item: Uint8Array): boolean => list.some((one) => bytesEqual(one, item))

/** Notes the policy in force under its version, for whoever judges a verdict of this time again. */
export const notePolicy = (ctx: RegistryContext): void => {
  const policy = policyInForce(ctx)
  storage.attestationPolicies.set(ctx, policy.version, policy)
}

/** Puts a policy in force under the next version. */
const replacePolicy = (ctx: RegistryContext, changes: Partial<AttestationPolicy>): number => {
  const before = storage.attestationPolicy.get(ctx)
  const version = before.version + 1
  storage.attestationPolicy.set(ctx, { ...before, ...changes, version })
  notePolicy(ctx)
  return version
}

const announcePolicy = (ctx: RegistryContext, version: number): void => {
  ctx.emit('AttestationPolicySet', { version })
  pushNotice(ctx, { kind: 'PolicySet', value: version })
}

/** The measurement list changed: verdicts from here on are under another policy. Nobody is judged again for it. */
export const noteMeasurements = (ctx: RegistryContext): void => void replacePolicy(ctx, {})

/** Why this chain cannot have a policy, undefined when it can: trust only shrinks after genesis. */
export const policyFault = (ctx: RegistryContext, policy: AttestationPolicy): 'PolicyWidensTrust' | 'PolicyInvalid' | undefined => {
  const current = storage.attestationPolicy.get(ctx)
  if (policy.simulated !== current.simulated || policy.roots.some((root) => !contains(current.roots, root))) return 'PolicyWidensTrust'
  const knowsKinds = policy.kinds.every((kind) => (TEE_KIND_NAMES as readonly string[]).includes(kind))
  const isInRange = policy.format === POLICY_FORMAT && policy.confidenceLevelMax >= 1 && policy.confidenceLevelMax <= CONFIDENCE_WORST && policy.gatekeeperConfidenceMax >= 1
  // Debug enclaves keep no secret: only a chain without any may admit them.
  return !knowsKinds || !isInRange || (policy.admitDebug && !current.simulated) ? 'PolicyInvalid' : undefined
}

/**
 * Governance sets the policy. It carries the version after the one in force, so that two changes cannot undo each other unseen, and no
 * measurements: their list has its own calls. Every attested worker is judged again over the next blocks.
 */
export const setPolicy = (ctx: RegistryContext, policy: AttestationPolicy): void => {
  const fault = policyFault(ctx, policy)
  if (fault !== undefined) ctx.fail(fault)
  if (policy.measurements.length > 0) ctx.fail('PolicyInvalid')
  if (policy.version !== storage.attestationPolicy.get(ctx).version + 1) ctx.fail('PolicyVersionMismatch')
  const version = replacePolicy(ctx, { ...policy, enforceMeasurements: false })
  announcePolicy(ctx, version)
  startReview(ctx, { kind: 'Policy', value: version })
}

/** Revokes a whole platform family: at once none of its workers counts, and over the next blocks each of them is taken off. */
export const revokeFamily = (ctx: RegistryContext, family: Uint8Array): void => {
  const { blockedFamilies } = storage.attestationPolicy.get(ctx)
  if (family.length === 0) ctx.fail('InvalidInput')
  if (contains(blockedFamilies, family)) ctx.fail('FamilyAlreadyRevoked')
  if (blockedFamilies.length >= storage.LIST_ENTRIES_MAX) ctx.fail('ListFull')
  announcePolicy(ctx, replacePolicy(ctx, { blockedFamilies: [...blockedFamilies, family] }))
  startReview(ctx, { kind: 'Family', value: family })
  ctx.emit('FamilyRevoked', { family, workers: storage.familySize.get(ctx, family) })
  pushNotice(ctx, { kind: 'FamilyRevoked', value: family })
}

/** Admits a revoked family again; its workers return by registering. */
export const restoreFamily = (ctx: RegistryContext, family: Uint8Array): void => {
  const { blockedFamilies } = storage.attestationPolicy.get(ctx)
  if (!contains(blockedFamilies, family)) ctx.fail('FamilyNotRevoked')
  announcePolicy(ctx, replacePolicy(ctx, { blockedFamilies: blockedFamilies.filter((one) => !bytesEqual(one, family)) }))
  dropFamilyReview(ctx, family)
  ctx.emit('FamilyRestored', { family })
}
