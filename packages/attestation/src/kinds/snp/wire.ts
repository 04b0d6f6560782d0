/** Owns the wire forms of SEV-SNP evidence and of the collateral that many reports of one product share. */
import { bytesUpTo, named, option, struct, variant, type TypeOf } from '@phalanx/primitives/codec'

const certificate = bytesUpTo(4096)

/** Certificates above endorsement keys, DER: the product's intermediate (ASK for VCEK, ASVK for VLEK), its root, the root's revocation list. */
export const SnpCertificates = named('phalanx_attestation::snp::Certificates', struct({ authority: certificate, root: certificate, revocationList: option(bytesUpTo(64 * 1024)) }))
export type SnpCertificates = TypeOf<typeof SnpCertificates>

/** Collateral of SEV-SNP evidence; the index continues those of other kinds' collateral. */
export const SnpCollateral = named('phalanx_attestation::snp::Collateral', variant('Collateral', { SevSnp: { index: 3, value: SnpCertificates } }))
export type SnpCollateral = TypeOf<typeof SnpCollateral>

/** SEV-SNP evidence: the report as the firmware signed it and the certificate of the key that signed (VCEK or VLEK), DER. */
export interface SnpEvidence {
  readonly report: Uint8Array
  readonly endorsement: Uint8Array
  readonly collateral: SnpCollateral | undefined
}

/** Fields of SEV-SNP evidence in wire order. */
export const snpEvidenceFields = { report: bytesUpTo(4096), endorsement: certificate, collateral: option(SnpCollateral) } as const
