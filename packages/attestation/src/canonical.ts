/**
 * Owns the judgement of collateral for a chain's canonical set: whether it stands now, under which key it counts, and whether it is
 * newer than the set in force. Does not keep anything.
 */
import { named, variant, type TypeOf } from '@phalanx/primitives/codec'
import type { Crypto } from '@phalanx/primitives/crypto'
import { isAttestationError, type AttestationErrorCode } from './errors.ts'
import { describeDcapSet } from './kinds/dcap/canonical.ts'
import { prepareSgxCollateral, type PreparedCollateral } from './kinds/dcap/collateral.ts'
import { SgxV30QuoteCollateral } from './kinds/dcap/wire.ts'
import { teeKinds, type AttestationReport, type TeeKindName } from './kinds/index.ts'
import type { TeeKind } from './kinds/kind.ts'
import { judgeSnpSet } from './kinds/snp/canonical.ts'
import { SnpCertificates } from './kinds/snp/wire.ts'
import { palletErrorOf, type RegistrationPalletError } from './pallet-errors.ts'
import type { AttestationPolicy } from './policy.ts'
import type { CollateralKey } from './records.ts'
import { checkWindows, type Window } from './validity.ts'
import { createCheckRecorder, firstFailure, firstFailurePath, type CheckRecorder } from './verdict.ts'

/** Collateral of any kind that has canonical sets; bytes and indices are those of the kinds' own codecs. */
export const AnyCollateral = named(
  'phalanx_attestation::AnyCollateral',
  variant('AnyCollateral', { SgxV30: { index: 0, value: SgxV30QuoteCollateral }, SevSnp: { index: 3, value: SnpCertificates } }),
)
export type AnyCollateral = TypeOf<typeof AnyCollateral>

/** A set that stands. Times in Unix seconds. */
export interface StandingSet {
  readonly key: CollateralKey
  readonly evaluationNumber: number
  readonly dates: readonly number[]
  /** Last second without grace. */
  readonly validUntil: number
  /** Last second with the policy's grace. */
  readonly graceUntil: number
  /** Judged for reuse, for kinds whose verifier takes it so. */
  readonly prepared: PreparedCollateral | undefined
}

/** The answer about a candidate. */
export type SetVerdict =
  | { readonly ok: true; readonly set: StandingSet }
  | { readonly ok: false; readonly code: AttestationErrorCode; readonly palletError: RegistrationPalletError }

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
interface JudgedSet {
  readonly key: CollateralKey
  readonly evaluationNumber: number
  readonly dates: readonly number[]
  readonly windows: readonly Window[]
  readonly prepared: PreparedCollateral | undefined
}

const judgeDocuments = (checks: CheckRecorder, collateral: AnyCollateral, policy: AttestationPolicy, crypto: Crypto): JudgedSet | undefined => {
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

/** Judges collateral as a candidate for the canonical set: signatures, chains, revocation, dates, one evaluation. Total. */
export const judgeCollateral = (
  collateral: AnyCollateral,
  { policy, nowSeconds, crypto }: { readonly policy: AttestationPolicy; readonly nowSeconds: number; readonly crypto: Crypto },
): SetVerdict => {
  const checks = createCheckRecorder()
  const judged = judgeDocuments(checks, collateral, policy, crypto)
  const span = checks.group({ name: 'validity', rule: 'Every document now' }, (inner) => checkWindows(inner, judged?.windows ?? [], policy, nowSeconds))
  const tree = checks.finish({ name: 'candidate', rule: 'Canonical collateral' })
  const failed = firstFailure(tree)
  if (failed !== undefined || judged === undefined) {
    const code = failed?.errorCode ?? 'ATTESTATION_COLLATERAL_ABSENT'
    return { ok: false, code, palletError: palletErrorOf({ code, path: firstFailurePath(tree), isReport: false }) }
  }
  const { windows, ...set } = judged
  return { ok: true, set: { ...set, validUntil: Math.min(...windows.map(({ notAfter }) => notAfter)), graceUntil: span.notAfter } }
}

/** What decides which of two sets is newer. */
export interface SetAge {
  readonly evaluationNumber: number
  readonly dates: readonly (number | bigint)[]
}

/**
 * Whether a candidate is newer than the set in force: nothing in it is older, and something is newer. The evaluation number never
 * falls, so that nobody can bring back a kinder one; neither does any document's date, so that no revocation is forgotten.
 */
export const isNewerSet = (candidate: SetAge, current: SetAge): boolean => {
  if (candidate.evaluationNumber < current.evaluationNumber || candidate.dates.length !== current.dates.length) return false
  if (candidate.dates.some((date, i) => date < (current.dates[i] as number | bigint))) return false
  return candidate.evaluationNumber > current.evaluationNumber || candidate.dates.some((date, i) => date > (current.dates[i] as number | bigint))
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
