/** Owns the question the registry pallet asks: does this evidence, made for this commitment, register a worker, and as what? */
import type { Crypto } from '@phalanx/primitives/crypto'
import type { AttestationErrorCode } from './errors.ts'
import { palletErrorOf, type RegistrationPalletError } from './pallet-errors.ts'
import type { AttestationPolicy } from './policy.ts'
import { providerOf, teeKinds, verifyEvidence, type AttestationProvider, type AttestationReport } from './kinds/index.ts'
import type { PreparedCollateral } from './kinds/dcap/collateral.ts'
import { createCheckRecorder, firstFailurePath, verdictOf, type Facts, type Verdict } from './verdict.ts'

/** What a registration depends on. `report` undefined is the evidence `None`. */
export interface RegistrationInput {
  readonly report: AttestationReport | undefined
  /** Hash of the registration struct (registry.md §2.1): first bytes of the report data. */
  readonly commit: Uint8Array
  readonly policy: AttestationPolicy
  readonly nowSeconds: number
  readonly crypto: Crypto
  /** Canonical collateral judged before; takes precedence over the evidence's. */
  readonly prepared?: PreparedCollateral | undefined
}

/** The answer. `measurement` is the runtime hash of the allow list. */
export type RegistrationOutcome =
  | {
      readonly ok: true
      readonly provider: AttestationProvider
      readonly measurement: Uint8Array
      readonly confidenceLevel: number
      readonly facts: Facts
      readonly verdict: Verdict
    }
  | { readonly ok: false; readonly palletError: RegistrationPalletError; readonly code: AttestationErrorCode; readonly verdict: Verdict }

const refuseNone = (): Verdict => {
  const checks = createCheckRecorder()
  checks.check(
    { name: 'evidence', rule: 'Evidence `None` is refused everywhere' },
    { pass: false, code: 'ATTESTATION_EVIDENCE_ABSENT', detail: 'evidence None' },
  )
  return verdictOf(checks.finish({ name: 'registration', rule: 'registry.md §2.4' }), {})
}

const isDevice = ({ kind }: AttestationReport): boolean => {
  const found = teeKinds[kind]
  return 'isDevice' in found && found.isDevice
}

/** A genuine device says nothing about the machine that it sits in. */
const refuseDevice = ({ kind }: AttestationReport): Verdict => {
  const checks = createCheckRecorder()
  checks.check(
    { name: 'kind', rule: 'A worker registers with evidence of the TEE that its code runs in', seen: kind },
    { pass: false, code: 'ATTESTATION_DEVICE_ONLY', detail: kind },
  )
  return verdictOf(checks.finish({ name: 'registration', rule: 'Design section 2' }), { kind })
}

/** Judges a registration. Deterministic: the same on every node and in every backend. */
export const evaluateRegistration = (input: RegistrationInput): RegistrationOutcome => {
  const { report, commit, ...rest } = input
  const verdict = report === undefined ? refuseNone() : isDevice(report) ? refuseDevice(report) : verifyEvidence({ ...rest, evidence: report, expectedReportData: commit })
  if (verdict.ok && report !== undefined) {
    const { facts } = verdict
    return { ok: true, provider: providerOf(report.kind), measurement: facts.measurement, confidenceLevel: facts.confidenceLevel, facts, verdict }
  }
  const code = verdict.ok ? 'ATTESTATION_EVIDENCE_ABSENT' : verdict.errorCode
  const kind = report === undefined ? undefined : teeKinds[report.kind]
  const invalidError = kind !== undefined && 'invalidError' in kind ? kind.invalidError : undefined
  return { ok: false, code, palletError: palletErrorOf({ code, path: firstFailurePath(verdict.tree), isReport: kind?.isReport === true, invalidError }), verdict }
}
