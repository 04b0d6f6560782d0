/** Owns the wire forms of DCAP evidence and collateral (registry.md §2): names, field orders and indices are the reference's. */
import { bytesUpTo, named, struct, textUpTo, variant, type TypeOf } from '@phalanx/primitives/codec'

const TEXT_MAX = 256 * 1024
const chainText = textUpTo(64 * 1024)
const documentText = textUpTo(TEXT_MAX)
const signatureBytes = bytesUpTo(256)

/** Collateral of a DCAP quote. CRLs are DER in hex (or PEM); the two documents are the exact signed texts; signatures raw r ‖ s. */
export const SgxV30QuoteCollateral = named(
  'pink_types::sgx::SgxV30QuoteCollateral',
  struct({
    pckCrlIssuerChain: chainText,
    rootCaCrl: documentText,
    pckCrl: documentText,
    tcbInfoIssuerChain: chainText,
    tcbInfo: documentText,
    tcbInfoSignature: signatureBytes,
    qeIdentityIssuerChain: chainText,
    qeIdentity: documentText,
    qeIdentitySignature: signatureBytes,
  }),
)
export type SgxV30QuoteCollateral = TypeOf<typeof SgxV30QuoteCollateral>

/** Collateral of any kind; later kinds append variants. */
export const Collateral = named('pink_types::sgx::Collateral', variant('Collateral', { SgxV30: { index: 0, value: SgxV30QuoteCollateral } }))
export type Collateral = TypeOf<typeof Collateral>

/** `Option<Collateral>` in the evidence's `collateral` field. */
export type OptionalCollateral = Collateral | undefined

/** Evidence of a DCAP kind: a quote, and its collateral where it carries one. */
export interface DcapEvidence {
  readonly quote: Uint8Array
  readonly collateral: OptionalCollateral
}
