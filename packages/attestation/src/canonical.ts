/**
 * Owns the judgement of collateral for a chain's canonical set: whether it stands now, under which key it counts, and whether it is
 * newer than the set in force. Does not keep anything.
 */
import type { Crypto } from '@phalanx/primitives/crypto'
import type { AttestationErrorCode } from './errors.ts'
import { judgeDocuments, type AnyCollateral } from './kinds/canonical.ts'
import type { PreparedCollateral } from './kinds/dcap/collateral.ts'
import { palletErrorOf, type RegistrationPalletError } from './pallet-errors.ts'
import type { AttestationPolicy } from './policy.ts'
import type { CollateralKey } from './records.ts'
import { checkWindows } from './validity.ts'
import { createCheckRecorder, firstFailure, firstFailurePath } from './verdict.ts'

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
