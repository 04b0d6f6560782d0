/**
 * Owns the canonical collateral: one set per TEE, platform family and authority, taken from anyone who brings a genuine newer one,
 * in force after the policy's delay. Evidence is judged by these sets and by nothing its submitter chose. What makes a set genuine
 * and newer is @phalanx/attestation's.
 */
import { AnyCollateral, CollateralKey, isNewerSet, joinCollateral, judgeCollateral, prepareSet, type AttestationReport, type CanonicalSet, type PreparedCollateral, type RegistrationPalletError, type StandingSet } from '@phalanx/attestation'
import { bytesEqual } from '@phalanx/primitives/bytes'
import { transientList } from '../../frame/transient.ts'
import { now } from '../timestamp/storage.ts'
import type { RegistryContext } from './declaration.ts'
import * as storage from './storage.ts'

/** What became of a candidate. */
export type Offer =
  | { readonly kind: 'inForce' | 'pending' | 'notNewer' | 'waiting' }
  | { readonly kind: 'refused'; readonly error: RegistrationPalletError }

/** Sets that were prepared in this block: judging one takes longer than judging a quote, and many quotes share it. */
const preparedInBlock = transientList<{ readonly hash: Uint8Array; readonly policyVersion: number; readonly prepared: PreparedCollateral }>('prepared collateral')

const putInForce = (ctx: RegistryContext, key: CollateralKey, set: CanonicalSet): void => {
  storage.canonicalCollateral.set(ctx, key, set)
  ctx.emit('CollateralUpdated', { key, hash: set.hash, evaluationNumber: set.evaluationNumber, validUntil: set.validUntil })
}

const sameKey = (one: CollateralKey, other: CollateralKey): boolean => bytesEqual(CollateralKey.encode(one), CollateralKey.encode(other))

const dropPending = (ctx: RegistryContext, key: CollateralKey): void => {
  storage.pendingCollateral.remove(ctx, key)
  storage.pendingKeys.mutate(ctx, (keys) => keys.filter((other) => !sameKey(other, key)))
}

const setOf = (set: StandingSet, rest: Pick<CanonicalSet, 'hash' | 'activeAt'>): CanonicalSet => ({
  ...rest, evaluationNumber: set.evaluationNumber, dates: set.dates.map(BigInt), validUntil: BigInt(set.validUntil), graceUntil: BigInt(set.graceUntil),
})

/** Offers a candidate. It is in force at once where there is no set that still counts, otherwise after the policy's delay. */
export const offerCollateral = (ctx: RegistryContext, candidate: AnyCollateral): Offer => {
  const policy = storage.attestationPolicy.get(ctx)
  const nowSeconds = now.get(ctx) / 1000n
  const verdict = judgeCollateral(candidate, { policy, nowSeconds: Number(nowSeconds), crypto: ctx.crypto })
  if (!verdict.ok) return { kind: 'refused', error: verdict.palletError }
  const { key } = verdict.set
  const current = storage.canonicalCollateral.get(ctx, key)
  if (current !== undefined && !isNewerSet(verdict.set, current)) return { kind: 'notNewer' }
  const pending = storage.pendingCollateral.get(ctx, key)
  if (pending !== undefined && !isNewerSet(verdict.set, pending)) return { kind: 'notNewer' }
  const isAtOnce = current === undefined || nowSeconds > current.graceUntil || policy.collateralDelayBlocks === 0
  // Whoever keeps bringing newer sets must not keep the first of them waiting for ever.
  if (!isAtOnce && (pending !== undefined || storage.pendingKeys.get(ctx).length >= storage.PENDING_SETS_MAX)) return { kind: 'waiting' }
  const bytes = AnyCollateral.encode(candidate)
  const hash = ctx.crypto.blake2b256(bytes)
  if (!storage.collateral.has(ctx, hash)) storage.collateral.set(ctx, hash, bytes)
  const { prepared } = verdict.set
  if (prepared !== undefined) preparedInBlock.append(ctx, { hash, policyVersion: policy.version, prepared })
  if (isAtOnce) {
    if (pending !== undefined) dropPending(ctx, key)
    putInForce(ctx, key, setOf(verdict.set, { hash, activeAt: ctx.block.number }))
    return { kind: 'inForce' }
  }
  const activeAt = ctx.block.number + policy.collateralDelayBlocks
  storage.pendingCollateral.set(ctx, key, setOf(verdict.set, { hash, activeAt }))
  storage.pendingKeys.set(ctx, [...storage.pendingKeys.get(ctx), key])
  ctx.emit('CollateralPending', { key, hash, evaluationNumber: verdict.set.evaluationNumber, activeAt })
  return { kind: 'pending' }
}

/** Somebody offers a set by itself. Fails with what the first failing check maps to, CollateralNotNewer or CollateralPending; one that is taken is free. */
export const submitCollateral = (ctx: RegistryContext, candidate: AnyCollateral): { readonly paysFee: boolean } => {
  const offer = offerCollateral(ctx, candidate)
  switch (offer.kind) {
    case 'refused': return ctx.fail(offer.error)
    case 'notNewer': return ctx.fail('CollateralNotNewer')
    case 'waiting': return ctx.fail('CollateralPending')
    default: return { paysFee: false }
  }
}

/** Puts the sets in force whose block has come; returns how many. */
export const activateCollateral = (ctx: RegistryContext): number => {
  let activated = 0
  for (const key of storage.pendingKeys.get(ctx)) {
    const pending = storage.pendingCollateral.get(ctx, key)
    if (pending === undefined || pending.activeAt > ctx.block.number) continue
    dropPending(ctx, key)
    putInForce(ctx, key, pending)
    activated++
  }
  return activated
}

/** A set in force: its bytes, and prepared under the roots of the policy in force where its kind's verifier takes it so. */
export interface SetInForce {
  readonly set: CanonicalSet
  readonly bytes: Uint8Array
  readonly prepared: PreparedCollateral | undefined
}

/** The set in force under a key; undefined where there is none. */
export const canonicalSet = (ctx: RegistryContext, key: CollateralKey): SetInForce | undefined => {
  const set = storage.canonicalCollateral.get(ctx, key)
  if (set === undefined) return undefined
  const bytes = storage.collateral.get(ctx, set.hash) ?? new Uint8Array(0)
  return { set, bytes, prepared: preparedSet(ctx, set.hash, bytes) }
}

/** What a verification takes of a set: documents judged before, or the evidence with the set joined to it. */
export const withSet = (report: AttestationReport, { bytes, prepared }: SetInForce): { readonly report: AttestationReport; readonly prepared?: PreparedCollateral } =>
  prepared === undefined ? { report: joinCollateral({ report, collateral: bytes }) } : { report, prepared }

const preparedSet = (ctx: RegistryContext, hash: Uint8Array, bytes: Uint8Array): PreparedCollateral | undefined => {
  const policy = storage.attestationPolicy.get(ctx)
  const known = preparedInBlock.all(ctx).find((one) => one.policyVersion === policy.version && bytesEqual(one.hash, hash))
  if (known !== undefined) return known.prepared
  const prepared = prepareSet(bytes, policy, ctx.crypto)
  if (prepared !== undefined) preparedInBlock.append(ctx, { hash, policyVersion: policy.version, prepared })
  return prepared
}
