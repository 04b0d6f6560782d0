/**
 * Owns the work of taking workers off that spans blocks: evidence that lapses, families that were revoked, workers that a newer
 * policy refuses. Each block does a bounded part of it; until their turn comes, `isInGoodStanding` already speaks for them.
 */
import { AttestationReport, collateralKeyOf, evaluateRegistration, firstFailurePath, type AttestationPolicy } from '@phalanx/attestation'
import { bytesEqual, keyToBytes } from '@phalanx/primitives/bytes'
import { toKey } from '../../frame/overlay.ts'
import { now } from '../timestamp/storage.ts'
import { canonicalSet, withSet } from './collateral-sets.ts'
import type { RegistryContext } from './declaration.ts'
import { evict, readExpiryKey } from './eviction.ts'
import { policyInForce } from './judgement.ts'
import * as storage from './storage.ts'
import type { Review } from './types.ts'

/** Most workers whose evidence lapses in one block. */
const LAPSES_PER_BLOCK = 64
/** Most workers of a revoked family that one block takes off. */
const FAMILY_PER_BLOCK = 64
/** Most workers that one block judges again under a newer policy: each costs a whole verification. */
const JUDGED_PER_BLOCK = 16
const U32_MAX = 0xffff_ffff

/** Why a policy would not keep a worker: the chain's error, the verifier's code where it has one, and the names down to the failing check. */
export interface Refusal {
  readonly error: string
  readonly code: string
  readonly path: readonly string[]
}

const refusal = (error: string, code = '', path: readonly string[] = []): Refusal => ({ error, code, path })

/**
 * Judges a worker's kept evidence again: under any policy, now, with the canonical set. The age of a report and of its anchor
 * counted when it was handed in; how long it counts since then is the policy's interval. Undefined: the worker stays.
 */
export const judgeAgain = (ctx: RegistryContext, pubkey: Uint8Array, policy: AttestationPolicy): Refusal | undefined => {
  const kept = storage.evidence.get(ctx, pubkey)
  if (kept === undefined) return refusal('EvidenceLapsed')
  const report = AttestationReport.decode(kept.report)
  const nowSeconds = now.get(ctx) / 1000n
  const key = collateralKeyOf(report)
  const set = key === undefined ? undefined : canonicalSet(ctx, key)
  const outcome = evaluateRegistration({
    ...(set === undefined ? { report } : withSet(report, set)), commit: ctx.crypto.blake2b256(kept.info), nowSeconds: Number(nowSeconds), crypto: ctx.crypto,
    policy: { ...policy, reportAgeSecondsMax: U32_MAX },
  })
  if (!outcome.ok) return refusal(outcome.palletError, outcome.code, firstFailurePath(outcome.verdict.tree))
  if (!policy.admitUnanchored && outcome.facts.reportData.subarray(32).every((byte) => byte === 0)) return refusal('AnchorMissing')
  const isOld = policy.reattestationSeconds > 0 && kept.verifiedAt + BigInt(policy.reattestationSeconds) < nowSeconds
  return isOld ? refusal('EvidenceLapsed') : undefined
}

/** Attested workers after one of them, in the order of their storage keys. */
export function* attestedAfter(ctx: RegistryContext, after: Uint8Array | undefined): Generator<Uint8Array> {
  const prefix = toKey(storage.attestations.prefix(ctx.crypto))
  const from = after === undefined ? '' : toKey(storage.attestations.key(ctx.crypto, after))
  for (const key of ctx.storage.keys(prefix, from)) yield storage.attestations.decodeKey(keyToBytes(key))[0]
}

const take = <T>(items: Iterable<T>, count: number): readonly T[] => {
  const out: T[] = []
  for (const item of items) {
    if (out.length === count) break
    out.push(item)
  }
  return out
}

const lapse = (ctx: RegistryContext): number => {
  const nowSeconds = now.get(ctx) / 1000n
  const due: Uint8Array[] = []
  for (const [key] of storage.evidenceExpiry.keys(ctx)) {
    const { validUntil, pubkey } = readExpiryKey(key)
    if (validUntil >= nowSeconds || due.length === LAPSES_PER_BLOCK) break
    due.push(pubkey)
  }
  for (const pubkey of due) evict(ctx, pubkey, { kind: 'Lapsed' })
  return due.length
}

const continueFamily = (ctx: RegistryContext, review: Review, family: Uint8Array): Review => {
  const batch = take(storage.familyWorkers.keys(ctx, family), FAMILY_PER_BLOCK)
  for (const [, pubkey] of batch) evict(ctx, pubkey, { kind: 'FamilyRevoked' })
  return { ...review, after: batch.at(-1)?.[1] ?? review.after, examined: review.examined + batch.length, evicted: review.evicted + batch.length }
}

const continuePolicy = (ctx: RegistryContext, review: Review, policy: AttestationPolicy): Review => {
  const batch = take(attestedAfter(ctx, review.after), JUDGED_PER_BLOCK)
  let evicted = 0
  for (const pubkey of batch) {
    if (storage.attestations.get(ctx, pubkey)?.eviction !== undefined) continue
    const refused = judgeAgain(ctx, pubkey, policy)
    if (refused === undefined) continue
    const code = refused.code === '' ? refused.error : refused.code
    if (evict(ctx, pubkey, { kind: 'PolicyRefused', value: { version: policy.version, code } })) evicted++
  }
  return { ...review, after: batch.at(-1) ?? review.after, examined: review.examined + batch.length, evicted: review.evicted + evicted }
}

/** Adds a review to those under way. A newer policy takes the place of an older one's review. Fails with ListFull. */
export const startReview = (ctx: RegistryContext, scope: Review['scope']): void => {
  const others = storage.reviews.get(ctx).filter((one) => scope.kind !== 'Policy' || one.scope.kind !== 'Policy')
  if (others.length >= storage.REVIEWS_MAX) ctx.fail('ListFull')
  storage.reviews.set(ctx, [...others, { scope, after: undefined, examined: 0, evicted: 0 }])
}

/** Ends the review of a family: it was restored before all its workers were taken off. */
export const dropFamilyReview = (ctx: RegistryContext, family: Uint8Array): void =>
  storage.reviews.mutate(ctx, (reviews) => reviews.filter(({ scope }) => scope.kind !== 'Family' || !bytesEqual(scope.value, family)))

/** Takes the next step of the oldest review. */
const review = (ctx: RegistryContext): number => {
  const [first, ...rest] = storage.reviews.get(ctx)
  if (first === undefined) return 0
  const { scope } = first
  const next = scope.kind === 'Family'
    ? continueFamily(ctx, first, scope.value)
    : continuePolicy(ctx, first, policyInForce(ctx))
  const finished = scope.kind === 'Family' ? storage.familySize.get(ctx, scope.value) === 0 : next.examined - first.examined < JUDGED_PER_BLOCK
  storage.reviews.set(ctx, finished ? rest : [next, ...rest])
  ctx.emit('ReviewProgress', { review: next, finished })
  return next.examined - first.examined
}

/** One block's part of the work; says how many workers it looked at. */
export const reviewWorkers = (ctx: RegistryContext): { readonly lapsed: number; readonly examined: number } => ({ lapsed: lapse(ctx), examined: review(ctx) })
