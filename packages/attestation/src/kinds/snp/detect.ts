/** Owns recognising SEV-SNP reports and certificates in files: raw reports, JSON with hex, base64 or PEM members, SCALE collateral. */
import { bytesEqual } from '@phalanx/primitives/bytes'
import { isAppError } from '@phalanx/primitives/errors'
import { bytesOfJson, memberOf, type DetectionInput } from '../../detection.ts'
import { asArray, type JsonObject, type JsonValue } from '../../json.ts'
import { parseCertificate, type Certificate } from '../../x509/certificate.ts'
import { parsePem } from '../../x509/pem.ts'
import { REPORT_LENGTH, REPORT_VERSIONS, readReportVersion } from './report.ts'
import { SnpCollateral, type SnpEvidence } from './wire.ts'

const REPORT_NAMES = ['reportHex', 'report', 'attestation_report', 'attestationReport', 'snp_report', 'sev_snp_report']
const ENDORSEMENT_NAMES = ['vcekOrVlekPem', 'vcek', 'vlek', 'endorsement', 'vcek_cert', 'vcekPem', 'vlekPem']
const CHAIN_NAMES = ['chainPem', 'chain', 'cert_chain', 'certChain']
const CRL_NAMES = ['crl', 'revocationList', 'revocation_list']

const isReport = (bytes: Uint8Array): boolean => bytes.length === REPORT_LENGTH && REPORT_VERSIONS.includes(readReportVersion(bytes))

/** Certificates of a member: PEM text of one or several, base64 or hex of one, or a list of these. */
const readCertificates = (value: JsonValue | undefined): readonly Uint8Array[] => {
  if (typeof value === 'string' && value.includes('-----BEGIN')) return parsePem(value.trim())
  if (Array.isArray(value) && typeof value[0] === 'string') return asArray(value as readonly JsonValue[], 'chain', 8).flatMap(readCertificates)
  const der = bytesOfJson(value)
  return der === undefined ? [] : [der]
}

const readChain = (json: JsonObject): SnpCollateral | undefined => {
  const [authority, root] = readCertificates(memberOf(json, CHAIN_NAMES))
  if (authority === undefined || root === undefined) return undefined
  return { kind: 'SevSnp', value: { authority, root, revocationList: bytesOfJson(memberOf(json, CRL_NAMES)) } }
}

/** SEV-SNP evidence in a file. A raw report lacks its certificates. */
export const detectSnp = ({ bytes, json }: DetectionInput): SnpEvidence | undefined => {
  if (json === undefined) return isReport(bytes) ? { report: bytes, endorsement: new Uint8Array(0), collateral: undefined } : undefined
  const report = bytesOfJson(memberOf(json, REPORT_NAMES))
  if (report === undefined || !isReport(report)) return undefined
  return { report, endorsement: readCertificates(memberOf(json, ENDORSEMENT_NAMES))[0] ?? new Uint8Array(0), collateral: readChain(json) }
}

const decodeCollateral = (bytes: Uint8Array): SnpCollateral | undefined => {
  try {
    return SnpCollateral.decode(bytes)
  } catch (error) {
    if (isAppError(error) && error.code.startsWith('CODEC_')) return undefined
    throw error
  }
}

/**
 * Certificates of a file, in any order and with others among them, told apart by their names: the root names itself as issuer, the
 * authority issued the endorsement certificate, and the endorsement certificate, where the evidence lacks it, issued nothing.
 */
const arrange = (endorsement: Uint8Array, blocks: readonly Uint8Array[]): Pick<SnpEvidence, 'endorsement' | 'collateral'> | undefined => {
  const certificates = blocks.map(parseCertificate)
  const issues = (one: Certificate): boolean => certificates.some((other) => other !== one && bytesEqual(other.issuer, one.subject))
  const isRoot = (one: Certificate): boolean => bytesEqual(one.issuer, one.subject)
  const leaf = endorsement.length > 0 ? parseCertificate(endorsement) : certificates.find((one) => !isRoot(one) && !issues(one))
  const authority = leaf === undefined ? undefined : certificates.find((one) => !isRoot(one) && bytesEqual(one.subject, leaf.issuer))
  const root = authority === undefined ? undefined : certificates.find((one) => isRoot(one) && bytesEqual(one.subject, authority.issuer))
  if (leaf === undefined || authority === undefined || root === undefined) return undefined
  return { endorsement: leaf.der, collateral: { kind: 'SevSnp', value: { authority: authority.der, root: root.der, revocationList: undefined } } }
}

const BLOCKS_MAX = 8

/**
 * Evidence with the certificates of a second file: PEM of intermediate and root in any order, with the endorsement certificate among them
 * where the evidence lacks it; JSON with the same members as evidence; or SCALE. @throws ATTESTATION_ codes for certificates that cannot be read
 */
export const attachSnpCollateral = (evidence: SnpEvidence, { bytes, text, json }: DetectionInput): SnpEvidence | undefined => {
  if (json !== undefined) {
    const [endorsement = evidence.endorsement] = readCertificates(memberOf(json, ENDORSEMENT_NAMES))
    const collateral = readChain(json)
    return collateral === undefined ? undefined : { ...evidence, endorsement, collateral }
  }
  if (text?.startsWith('-----BEGIN') === true) {
    const blocks = parsePem(text)
    const arranged = blocks.length > BLOCKS_MAX ? undefined : arrange(evidence.endorsement, blocks)
    return arranged === undefined ? undefined : { ...evidence, ...arranged }
  }
  const collateral = decodeCollateral(bytes)
  return collateral === undefined ? undefined : { ...evidence, collateral }
}
