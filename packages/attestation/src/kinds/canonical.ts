/** Owns which kinds of collateral have canonical sets, and how each is judged apart from the time. The chain keeps them; canonical.ts above asks. */
import { named, variant, type TypeOf } from '@phalanx/primitives/codec'
import type { Crypto } from '@phalanx/primitives/crypto'
import { isAttestationError } from '../errors.ts'
import type { AttestationPolicy } from '../policy.ts'
import type { CollateralKey } from '../records.ts'
import type { Window } from '../validity.ts'
import type { CheckRecorder } from '../verdict.ts'
import { describeDcapSet } from './dcap/canonical.ts'
import { prepareSgxCollateral, type CollateralTrust, type PreparedCollateral } from './dcap/collateral.ts'
import { SgxV30QuoteCollateral } from './dcap/wire.ts'
import { teeKinds, type AttestationReport, type TeeKindName } from './index.ts'
import type { TeeKind } from './kind.ts'
import { judgeSnpSet } from './snp/canonical.ts'
import { SnpCertificates } from './snp/wire.ts'

/** Collateral of any kind that has canonical sets; bytes and indices are those of the kinds' own codecs. */
export const AnyCollateral = named(
  'phalanx_attestation::AnyCollateral',
  variant('AnyCollateral', { SgxV30: { index: 0, value: SgxV30QuoteCollateral }, SevSnp: { index: 3, value: SnpCertificates } }),
)
export type AnyCollateral = TypeOf<typeof AnyCollateral>

const checkEvaluation = (checks: CheckRecorder, numbers: readonly [number, number], policy: AttestationPolicy): void => {
  const [tcbInfo, qeIdentity] = numbers
  checks.check(
    { name: 'one evaluation', rule: 'A canonical set is of one evaluation', seen: tcbInfo, expected: qeIdentity },
    { pass: tcbInfo === qeIdentity, code: 'ATTESTATION_EVALUATION_NUMBER_MISMATCH', detail: `${tcbInfo} and ${qeIdentity}` },
  )
  const lower = Math.min(tcbInfo, qeIdentity)
  checks.check(
    { name: 'evaluation number', rule: 'Policy: lowest admitted TCB evaluation data number', seen: lower, expected: policy.evaluationNumberMin },
    { pass: lower >= policy.evaluationNumberMin, code: 'ATTESTATION_EVALUATION_NUMBER_LOW', detail: `${lower} < ${policy.evaluationNumberMin}` },
  )
}

/** Collateral judged apart from the time. */
export interface JudgedSet {
  readonly key: CollateralKey
  readonly evaluationNumber: number
  readonly dates: readonly number[]
  readonly windows: readonly Window[]
  readonly prepared: PreparedCollateral | undefined
}

/** Judges the documents of a candidate; undefined when they do not stand, and the checks say why. */
export const judgeDocuments = (checks: CheckRecorder, collateral: AnyCollateral, policy: AttestationPolicy, crypto: Crypto): JudgedSet | undefined => {
  if (collateral.kind === 'SevSnp') {
    const set = checks.group({ name: 'collateral', rule: 'Canonical collateral' }, (inner) => judgeSnpSet(inner, collateral, policy, crypto))
    return set === undefined ? undefined : { ...set, evaluationNumber: 0, prepared: undefined }
  }
  const prepared = prepareSgxCollateral(collateral.value, policy, crypto)
  checks.adopt(prepared.check)
  const described = describeDcapSet(prepared)
  if (described === undefined) return undefined
  checkEvaluation(checks, described.evaluationNumbers, policy)
  return { key: described.key, dates: described.dates, evaluationNumber: described.evaluationNumbers[0], windows: prepared.windows, prepared }
}

/** Prepares a set that was judged before, under the roots trusted now; undefined for kinds whose verifier takes collateral with the evidence. */
export const prepareSet = (bytes: Uint8Array, trust: CollateralTrust, crypto: Crypto): PreparedCollateral | undefined => {
  const collateral = AnyCollateral.decode(bytes)
  return collateral.kind === 'SgxV30' ? prepareSgxCollateral(collateral.value, trust, crypto) : undefined
}

/** Key of the canonical set that judges evidence; undefined for kinds without collateral, and for evidence that cannot be read (its verdict says why). */
export const collateralKeyOf = (evidence: AttestationReport): CollateralKey | undefined => {
  const kind = teeKinds[evidence.kind] as TeeKind<TeeKindName, unknown>
  try {
    return kind.collateralKey?.(evidence.value)
  } catch (error) {
    if (isAttestationError(error)) return undefined
    throw error
  }
}
