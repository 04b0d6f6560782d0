/** Owns validity windows: the only part of a judgement that depends on the time, kept apart so that the rest can be cached. */
import type { AttestationErrorCode } from './errors.ts'
import type { AttestationPolicy } from './policy.ts'
import type { CheckRecorder, Lapse } from './verdict.ts'
import type { Certificate } from './x509/certificate.ts'
import { formatIsoSeconds } from './x509/time.ts'

/** Time in which a document counts; both ends included. Seconds. */
export interface Window {
  readonly name: string
  readonly rule: string
  readonly notBefore: number
  readonly notAfter: number
  readonly early: AttestationErrorCode
  readonly late: AttestationErrorCode
  /** Which grace of the policy lengthens it. */
  readonly grace: 'none' | 'collateral' | 'revocation'
}

/** Window of a certificate. */
export const certificateWindow = (certificate: Certificate): Window => ({
  name: certificate.commonName,
  rule: 'RFC 5280 section 4.1.2.5: notBefore ≤ now ≤ notAfter',
  notBefore: certificate.notBefore,
  notAfter: certificate.notAfter,
  early: 'ATTESTATION_CERTIFICATE_NOT_YET_VALID',
  late: 'ATTESTATION_CERTIFICATE_EXPIRED',
  grace: 'none',
})

/** The span in which all windows hold. */
export interface Span {
  readonly notBefore: number
  readonly notAfter: number
  /** The ends of all windows, the earliest first. */
  readonly lapses: readonly Lapse[]
}

/** Lapses in order of their time; of two at one time the one named first stays first. */
export const sortLapses = (lapses: readonly Lapse[]): readonly Lapse[] => [...lapses].sort((a, b) => a.at - b.at)

const graceSeconds = (window: Window, policy: AttestationPolicy): number =>
  window.grace === 'collateral' ? policy.collateralGraceSeconds : window.grace === 'revocation' ? policy.revocationGraceSeconds : 0

const outside = (window: Window, early: boolean, end: number): string =>
  early ? `${window.name} begins ${formatIsoSeconds(window.notBefore)}` : `${window.name} ended ${formatIsoSeconds(end)}`

/** Judges every window at a time and returns the span in which all of them hold, grace included. */
export const checkWindows = (checks: CheckRecorder, windows: readonly Window[], policy: AttestationPolicy, nowSeconds: number): Span => {
  let notBefore = 0
  let notAfter = Number.MAX_SAFE_INTEGER
  const lapses: Lapse[] = []
  for (const window of windows) {
    const end = window.notAfter + graceSeconds(window, policy)
    notBefore = Math.max(notBefore, window.notBefore)
    notAfter = Math.min(notAfter, end)
    lapses.push({ name: window.name, at: end })
    const early = nowSeconds < window.notBefore
    const pass = !early && nowSeconds <= end
    checks.check(
      { name: window.name, rule: window.rule, seen: nowSeconds, expected: `${window.notBefore}..${end}` },
      { pass, code: early ? window.early : window.late, detail: pass ? '' : outside(window, early, end) },
    )
  }
  return { notBefore, notAfter, lapses: sortLapses(lapses) }
}
