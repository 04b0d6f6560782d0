/**
 * Owns the table of TEE kinds and what follows from it: the evidence type and codec, the provider codec, dispatch. Adding a kind
 * is one file beside this one and one line in the table; indices are written in the kinds and never reused.
 */
import { concatBytes } from '@phalanx/primitives/bytes'
import { named, option, variant, type Codec, type TypeOf } from '@phalanx/primitives/codec'
import type { Crypto } from '@phalanx/primitives/crypto'
import { createPolicy, type AttestationPolicy } from '../policy.ts'
import { createCheckRecorder, verdictOf, type Verdict } from '../verdict.ts'
import type { CollateralPlan, TeeKind, VerifyInput } from './kind.ts'
import { nitro } from './nitro.ts'
import { GpuCollateral, nvidia } from './nvidia.ts'
import { sevSnp } from './sev-snp.ts'
import { sgxDcap } from './sgx-dcap.ts'
import { iasEvidenceFields, sgxIas } from './sgx-ias.ts'
import { tdx } from './tdx.ts'
import { dcapRoot, iasRoot } from './dcap/roots.ts'
import { nitroRoot } from './nitro/roots.ts'
import { nvidiaDeviceRoot, nvidiaRimRoot } from './nvidia/roots.ts'
import { SnpCollateral } from './snp/wire.ts'
import { genoaRoot, milanRoot, turinRoot } from './snp/roots.ts'
import { Collateral } from './dcap/wire.ts'

/** Every kind, by the name used in policies and evidence. */
export const teeKinds = {
  SgxIas: sgxIas,
  SgxDcap: sgxDcap,
  Tdx: tdx,
  SevSnp: sevSnp,
  Nitro: nitro,
  Nvidia: nvidia,
} as const

/** Name of a kind. */
export type TeeKindName = keyof typeof teeKinds

/** Names of all kinds. */
export const TEE_KIND_NAMES = Object.keys(teeKinds) as readonly TeeKindName[]

type EvidenceOf<K> = K extends { readonly verify: (input: VerifyInput<infer E>) => Verdict } ? E : never

/** Evidence of any kind: `AttestationReport` of the reference (registry.md §2), later kinds appended. */
export type AttestationReport = { readonly [K in TeeKindName]: { readonly kind: K; readonly value: EvidenceOf<(typeof teeKinds)[K]> } }[TeeKindName]

const reportCases = Object.fromEntries(
  Object.values(teeKinds).map((kind) => [kind.name, { index: kind.index, fields: kind.fields }]),
)

/** Codec of `AttestationReport`. */
export const AttestationReport = named('pink_types::sgx::AttestationReport', variant('AttestationReport', reportCases)) as unknown as Codec<AttestationReport>

/** `Option<AttestationReport>`, the argument of the second registration call; none is the single byte 00. */
export const OptionalAttestationReport = option(AttestationReport)

/** Evidence of the first registration call: EPID only. */
export const Attestation = named(
  'phala_pallets::utils::attestation_legacy::Attestation',
  variant('Attestation', { SgxIas: { index: 0, fields: iasEvidenceFields } }),
)
export type Attestation = TypeOf<typeof Attestation>

/** How a worker's entry came about: by root, or by evidence of a kind. */
export type AttestationProviderName = 'Root' | (typeof teeKinds)[TeeKindName]['provider']['name']
export type AttestationProvider = { readonly kind: AttestationProviderName; readonly value?: undefined }

const providerCases = {
  Root: { index: 0 },
  ...Object.fromEntries(Object.values(teeKinds).map(({ provider }) => [provider.name, { index: provider.index }])),
}

/** Codec of `AttestationProvider`: 0 Root, 1 Ias, 2 Dcap, later kinds appended. */
export const AttestationProvider = named('phala_types::AttestationProvider', variant('AttestationProvider', providerCases)) as unknown as Codec<AttestationProvider>

/** Provider of a kind. */
export const providerOf = (name: TeeKindName): AttestationProvider => ({ kind: teeKinds[name].provider.name })

/** Everything a verification of any kind depends on. */
export type VerifyEvidenceInput = VerifyInput<AttestationReport>

/** Verifies evidence of any kind under a policy at a time. Total: bad input, and a bad policy too, is a verdict and never a throw. */
export const verifyEvidence = (input: VerifyEvidenceInput): Verdict => {
  const { evidence, policy } = input
  const kind = teeKinds[evidence.kind] as TeeKind<TeeKindName, unknown>
  if (policy.kinds.includes(evidence.kind)) return kind.verify({ ...input, evidence: evidence.value })
  const checks = createCheckRecorder()
  checks.check(
    { name: 'kind', rule: 'Policy: admitted kinds', seen: evidence.kind, expected: policy.kinds.join(', ') },
    { pass: false, code: 'ATTESTATION_KIND_REFUSED', detail: evidence.kind },
  )
  return verdictOf(checks.finish({ name: 'evidence', rule: 'Policy' }), { kind: evidence.kind })
}

/**
 * Digest by which a chain knows evidence again (blake2b-256 of the kind's index and the signed content): the same for evidence whose
 * unsigned parts, collateral or malleable signatures were changed. Evidence made again for the same data has the same digest.
 */
export const evidenceDigest = (crypto: Crypto, evidence: AttestationReport): Uint8Array => {
  const kind = teeKinds[evidence.kind] as TeeKind<TeeKindName, unknown>
  return crypto.blake2b256(concatBytes(Uint8Array.of(kind.index), kind.signedContent(evidence.value)))
}

/** Evidence and its collateral apart: many pieces of evidence share one collateral, which is then kept once. */
export interface SeparatedEvidence {
  /** The same evidence without collateral. */
  readonly report: AttestationReport
  /** SCALE of the collateral; undefined where the evidence carries none. */
  readonly collateral: Uint8Array | undefined
}

/** Each kind decodes its own collateral only, so that no report is ever joined with another kind's. */
const collateralCodecOf = (name: TeeKindName): Codec<any> => (name === 'SevSnp' ? SnpCollateral : name === 'Nvidia' ? GpuCollateral : Collateral)

/** Takes the collateral out of evidence. */
export const separateCollateral = (evidence: AttestationReport): SeparatedEvidence => {
  if (!('collateral' in evidence.value) || evidence.value.collateral === undefined) return { report: evidence, collateral: undefined }
  const { collateral, ...rest } = evidence.value
  return { report: { kind: evidence.kind, value: { ...rest, collateral: undefined } } as AttestationReport, collateral: collateralCodecOf(evidence.kind).encode(collateral) }
}

/** Inverse of `separateCollateral`. @throws CODEC_ codes */
export const joinCollateral = ({ report, collateral }: SeparatedEvidence): AttestationReport =>
  collateral === undefined ? report : ({ kind: report.kind, value: { ...report.value, collateral: collateralCodecOf(report.kind).decode(collateral) } } as AttestationReport)

/** What evidence lacks and a relay can fetch for it, undefined when it is complete. @throws ATTESTATION_ codes for evidence that cannot be read */
export const planCollateral = (evidence: AttestationReport): CollateralPlan<AttestationReport> | undefined => {
  const kind = teeKinds[evidence.kind] as TeeKind<TeeKindName, unknown>
  const plan = kind.collateral?.(evidence.value)
  return plan === undefined ? undefined : { requests: plan.requests, assemble: (answers) => ({ kind: evidence.kind, value: plan.assemble(answers) }) as AttestationReport }
}

/** Vendor roots of all kinds, DER. */
export const vendorRoots: readonly Uint8Array[] = [dcapRoot, iasRoot, milanRoot, genoaRoot, turinRoot, nitroRoot, nvidiaDeviceRoot, nvidiaRimRoot]

/** The reference's policy: all kinds, vendor roots, no measurement list. Change what differs. */
export const referencePolicy = (changes: Partial<AttestationPolicy> = {}): AttestationPolicy =>
  createPolicy({ kinds: TEE_KIND_NAMES, roots: vendorRoots, ...changes })
