/** Owns the runtime API about attestation: a policy's dry run, the canonical sets with their validity, a worker's standing. Reads only. */
import { AttestationPolicy, AttestationRecord, CanonicalSet, CollateralKey } from '@phalanx/attestation'
import { Sr25519Public } from '@phalanx/primitives/chain'
import { bool, named, option, struct, textUpTo, u32, u64, u8, vecUpTo, type TypeOf } from '@phalanx/primitives/codec'
import { apiMethod, runtimeApi, type ApiSpec } from '../../frame/api.ts'
import type { Context } from '../../frame/context.ts'
import { now } from '../timestamp/storage.ts'
import { registryParts, type RegistryContext } from './declaration.ts'
import { isInGoodStanding } from './eviction.ts'
import { policyInForce } from './judgement.ts'
import { policyFault } from './policy-calls.ts'
import { attestedAfter, judgeAgain } from './reviews.ts'
import * as storage from './storage.ts'

/** Most workers that one call judges: about half a second. */
const DRY_RUN_MAX = 256
/** Most sets that one call lists. */
const SETS_MAX = 1024

/** A worker that a policy would evict: the chain's error, the verifier's code, the names down to the failing check. */
const PredictedEviction = named(
  'phalanx_pallets::registry::PredictedEviction',
  struct({ pubkey: Sr25519Public, error: textUpTo(64), code: textUpTo(64), path: vecUpTo(textUpTo(128), 16), confidenceLevel: u8 }),
)

/** One page of a dry run; `next` is where the next one begins. `refused`: the error that setting the policy would end with, nothing was judged. */
export const DryRunPage = named(
  'phalanx_pallets::registry::DryRunPage',
  struct({ refused: option(textUpTo(64)), examined: u32, evictions: vecUpTo(PredictedEviction, DRY_RUN_MAX), next: option(Sr25519Public) }),
)
export type DryRunPage = TypeOf<typeof DryRunPage>

/** A canonical set as people want to see it. Times in Unix seconds. */
const CollateralView = named(
  'phalanx_pallets::registry::CollateralView',
  struct({ key: CollateralKey, set: CanonicalSet, renewFrom: u64, inGrace: bool, lapsed: bool, pending: option(CanonicalSet) }),
)

/** A worker's standing. */
const StandingView = named('phalanx_pallets::registry::StandingView', struct({ record: AttestationRecord, goodStanding: bool, renewalDue: bool }))

const dryRun = (ctx: RegistryContext, policy: AttestationPolicy, after: Uint8Array | undefined): DryRunPage => {
  const refused = policyFault(ctx, policy)
  if (refused !== undefined) return { refused, examined: 0, evictions: [], next: undefined }
  // Without a list of its own a policy is tried with the chain's; with one, the list is part of the question.
  const tried = { ...policy, enforceMeasurements: true, measurements: policy.measurements.length > 0 ? policy.measurements : policyInForce(ctx).measurements }
  const evictions: DryRunPage['evictions'][number][] = []
  let examined = 0
  let last: Uint8Array | undefined
  for (const pubkey of attestedAfter(ctx, after)) {
    if (examined === DRY_RUN_MAX) return { refused: undefined, examined, evictions, next: last }
    examined++
    last = pubkey
    const record = storage.attestations.get(ctx, pubkey)
    if (record === undefined || record.eviction !== undefined) continue
    const refusal = judgeAgain(ctx, pubkey, tried)
    if (refusal !== undefined) evictions.push({ pubkey, confidenceLevel: record.confidenceLevel, ...refusal })
  }
  return { refused: undefined, examined, evictions, next: undefined }
}

const viewOf = (ctx: RegistryContext, key: CollateralKey, set: CanonicalSet): TypeOf<typeof CollateralView> => {
  const nowSeconds = now.get(ctx) / 1000n
  const window = BigInt(storage.attestationPolicy.get(ctx).renewalWindowSeconds)
  return {
    key, set, renewFrom: set.validUntil > window ? set.validUntil - window : 0n,
    inGrace: nowSeconds > set.validUntil && nowSeconds <= set.graceUntil, lapsed: nowSeconds > set.graceUntil,
    pending: storage.pendingCollateral.get(ctx, key),
  }
}

const setsOf = (ctx: RegistryContext): TypeOf<typeof CollateralView>[] => {
  const out: TypeOf<typeof CollateralView>[] = []
  for (const [[key], set] of storage.canonicalCollateral.entries(ctx)) {
    if (out.length === SETS_MAX) break
    out.push(viewOf(ctx, key, set))
  }
  return out
}

const standingOf = (ctx: RegistryContext, pubkey: Uint8Array): TypeOf<typeof StandingView> | undefined => {
  const record = storage.attestations.get(ctx, pubkey)
  return record === undefined ? undefined : { record, goodStanding: isInGoodStanding(ctx, pubkey), renewalDue: now.get(ctx) / 1000n >= record.renewFrom }
}

const registry = (ctx: Context): RegistryContext => registryParts.in(ctx)

/** `AttestationApi`. */
export const attestationApi: ApiSpec = runtimeApi({
  name: 'AttestationApi', version: 1, doc: 'What the chain knows of evidence and collateral, and what a policy would do.',
  methods: {
    dryRunPolicy: apiMethod({
      doc: 'Which attested workers a policy would evict now, and why; up to 256 workers after the given one per call.',
      params: { policy: AttestationPolicy, after: option(Sr25519Public) }, result: DryRunPage,
      call: (ctx, { policy, after }) => dryRun(registry(ctx), policy, after),
    }),
    policy: apiMethod({ doc: 'The policy in force, measurement list included.', params: {}, result: AttestationPolicy, call: (ctx) => policyInForce(registry(ctx)) }),
    collateral: apiMethod({
      doc: 'The canonical sets with their validity.', params: {}, result: vecUpTo(CollateralView, SETS_MAX), call: (ctx) => setsOf(registry(ctx)),
    }),
    standing: apiMethod({
      doc: 'What a worker\'s evidence proved and whether it counts.', params: { pubkey: Sr25519Public }, result: option(StandingView),
      call: (ctx, { pubkey }) => standingOf(registry(ctx), pubkey),
    }),
  },
})
