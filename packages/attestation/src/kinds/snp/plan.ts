/**
 * Owns what SEV-SNP evidence lacks and where it is kept: the vendor's key distribution service (AMD publication 57230, section 4) hands
 * out endorsement certificates, the certificates above them and revocation lists. Judges nothing.
 */
import { parseUtf8, toHexPlain } from '@phalanx/primitives/bytes'
import { attestationError } from '../../errors.ts'
import { parseCertificate } from '../../x509/certificate.ts'
import { parsePem } from '../../x509/pem.ts'
import type { CollateralPlan } from '../kind.ts'
import { SNP_PRODUCTS, productOfCpuid, readTcb, type SnpProduct } from './products.ts'
import { parseSnpReport, type SnpReport } from './report.ts'
import type { SnpEvidence } from './wire.ts'

const SERVICE = 'https://kdsintf.amd.com'

/** Product by the endorsement's issuer, or by the processor that reports name from version 3 on. */
const productOf = (report: SnpReport, endorsement: Uint8Array): SnpProduct => {
  const issuer = endorsement.length === 0 ? undefined : parseCertificate(endorsement).issuerCommonName
  const product = issuer === undefined ? report.cpuid && productOfCpuid(report.cpuid) : SNP_PRODUCTS.find((name) => issuer.endsWith(`SEV-${name}`) || issuer.endsWith(`SEV-VLEK-${name}`))
  if (product === undefined) throw attestationError('ATTESTATION_PRODUCT_MISMATCH', issuer === undefined ? 'the report names no known processor' : `issuer "${issuer}"`)
  return product
}

/** Where the certificate of a chip at a TCB version is kept. */
const endorsementPath = (report: SnpReport, product: SnpProduct): string => {
  if (report.signingKey !== 'VCEK') throw attestationError('ATTESTATION_SIGNING_KEY', `the certificate of a ${report.signingKey} comes from whom it was lent to`)
  const tcb = readTcb(product, report.reportedTcb)
  const chip = toHexPlain(product === 'Turin' ? report.chipId.subarray(0, 8) : report.chipId)
  const fmc = product === 'Turin' ? `fmcSPL=${tcb.fmc}&` : ''
  return `vcek/v1/${product}/${chip}?${fmc}blSPL=${tcb.bootloader}&teeSPL=${tcb.tee}&snpSPL=${tcb.snp}&ucodeSPL=${tcb.microcode}`
}

/** The plan for evidence that lacks certificates, undefined when it is complete. @throws ATTESTATION_ codes for evidence that cannot be read */
export const planSnpCollateral = (evidence: SnpEvidence): CollateralPlan<SnpEvidence> | undefined => {
  if (evidence.collateral !== undefined && evidence.endorsement.length > 0) return undefined
  const report = parseSnpReport(evidence.report)
  const product = productOf(report, evidence.endorsement)
  const folder = `${report.signingKey === 'VLEK' ? 'vlek' : 'vcek'}/v1/${product}`
  const lacksEndorsement = evidence.endorsement.length === 0
  const paths = [...(lacksEndorsement ? [endorsementPath(report, product)] : []), `${folder}/cert_chain`, `${folder}/crl`]
  return {
    requests: paths.map((path) => ({ path, service: SERVICE })),
    assemble(answers) {
      const [endorsement, chain, list] = lacksEndorsement ? answers : [undefined, ...answers]
      if (chain === undefined || list === undefined) throw attestationError('ATTESTATION_COLLATERAL_ABSENT', 'an answer is missing')
      const [authority, root] = parsePem(parseUtf8(chain.body).trim())
      if (authority === undefined || root === undefined) throw attestationError('ATTESTATION_CHAIN_LENGTH', 'the service\'s chain has fewer than two certificates')
      return { report: evidence.report, endorsement: endorsement?.body ?? evidence.endorsement, collateral: { kind: 'SevSnp', value: { authority, root, revocationList: list.body } } }
    },
  }
}
