/** Owns the shape of a TEE kind: what one file must offer to enter the table in index.ts. */
import type { Codec } from '@phalanx/primitives/codec'
import type { Crypto } from '@phalanx/primitives/crypto'
import type { DetectionInput } from '../detection.ts'
import type { RegistrationPalletError } from '../pallet-errors.ts'
import type { AttestationPolicy } from '../policy.ts'
import type { CollateralKey } from '../records.ts'
import type { Verdict } from '../verdict.ts'
import type { PreparedCollateral } from './dcap/collateral.ts'

/** Everything a verification depends on. */
export interface VerifyInput<Evidence> {
  readonly evidence: Evidence
  readonly policy: AttestationPolicy
  readonly nowSeconds: number
  readonly crypto: Crypto
  /** First bytes that the evidence's report data must have; undefined when the caller looks at the facts itself. */
  readonly expectedReportData?: Uint8Array | undefined
  /** Collateral judged before; takes precedence over collateral in the evidence. */
  readonly prepared?: PreparedCollateral | undefined
}

/** A caching service's answer; header names in lower case. */
export interface CollateralAnswer {
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
}

/** What evidence lacks: documents to ask a caching service for, and how their answers, in the same order, complete it. */
export interface CollateralPlan<Evidence> {
  /** Paths relative to the caching service's address; or to the vendor's own, where it alone keeps the document. */
  readonly requests: readonly { readonly path: string; readonly service?: string }[]
  /** Judges nothing: what comes back is as untrusted as before. @throws ATTESTATION_ codes for answers that cannot be read */
  assemble(answers: readonly CollateralAnswer[]): Evidence
}

/** One kind of evidence. */
export interface TeeKind<Name extends string, Evidence> {
  /** Name in policies and in the `AttestationReport` variant. */
  readonly name: Name
  /** Wire index in `AttestationReport`; explicit, never reused. */
  readonly index: number
  /** Variant of `AttestationProvider` that a worker attested this way gets. */
  readonly provider: { readonly name: string; readonly index: number }
  /** Whether the evidence is a dated report with one signing certificate rather than a quote with collateral. */
  readonly isReport: boolean
  /** Whether the evidence is a device's beside the TEE that code runs in: verified like any other, but no worker registers with it. */
  readonly isDevice?: boolean
  /** Pallet error for faults without a name of their own; the reference's name for quotes unless given. */
  readonly invalidError?: RegistrationPalletError
  /** Codecs of the evidence's fields in wire order. */
  readonly fields: Readonly<Record<string, Codec<any>>>
  /** Type carrier only; never set. */
  readonly evidence?: Evidence
  /** The bytes under the evidence's signature, as far as they are there. */
  signedContent(evidence: Evidence): Uint8Array
  /** What the evidence lacks and a relay can fetch; undefined when nothing. Absent for kinds that need no collateral. */
  collateral?(evidence: Evidence): CollateralPlan<Evidence> | undefined
  /** Evidence of this kind in a file; undefined when the file holds none. @throws ATTESTATION_ codes for a form of it that cannot be read */
  detect(input: DetectionInput): Evidence | undefined
  /** Evidence with the collateral of a second file; undefined when that file holds none. Absent for kinds that need no collateral. */
  attachCollateral?(evidence: Evidence, input: DetectionInput): Evidence | undefined
  /** Which of a chain's canonical sets judges the evidence. Absent for kinds that need no collateral. @throws ATTESTATION_ codes for evidence that cannot be read */
  collateralKey?(evidence: Evidence): CollateralKey
  verify(input: VerifyInput<Evidence>): Verdict
}
