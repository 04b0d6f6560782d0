/**
 * Owns recognising EPID reports in files: JSON of report, signature and certificate under the names in use, and certificates of TLS end
 * points that carry the three in a comment. Judges nothing; such an end point's certificate proves nothing by itself.
 */
import { parseUtf8, utf8 } from '@phalanx/primitives/bytes'
import { isAppError } from '@phalanx/primitives/errors'
import { bytesOfJson, bytesOfText, memberOf, type DetectionInput } from '../../detection.ts'
import { isAttestationError } from '../../errors.ts'
import { parseJson, type JsonObject, type JsonValue } from '../../json.ts'
import { parseCertificate } from '../../x509/certificate.ts'
import { parsePem } from '../../x509/pem.ts'
import type { IasEvidence } from '../sgx-ias.ts'

/** Names under which files carry the three parts of a report. */
const REPORT_NAMES = ['report', 'raReport', 'ra_report', 'avr']
const SIGNATURE_NAMES = ['signature', 'signatureBase64', 'signature_base64']
const SIGNER_NAMES = ['signingCertDerBase64', 'rawSigningCert', 'raw_signing_cert', 'signing_cert', 'signingCert']

/** Netscape's comment extension, in which attested TLS end points put their report. */
const COMMENT = '2.16.840.1.113730.1.13'

/** The report's text must stay as it is: text that is JSON itself is taken literally, other text as the bytes it stands for. */
const reportBytes = (value: JsonValue | undefined): Uint8Array | undefined =>
  typeof value === 'string' && value.trimStart().startsWith('{') ? utf8(value) : bytesOfJson(value)

const fromParts = (raReport: Uint8Array | undefined, signature: Uint8Array | undefined, rawSigningCert: Uint8Array | undefined): IasEvidence | undefined =>
  raReport === undefined || signature === undefined || rawSigningCert === undefined ? undefined : { raReport, signature, rawSigningCert }

const fromJson = (json: JsonObject): IasEvidence | undefined =>
  fromParts(reportBytes(memberOf(json, REPORT_NAMES)), bytesOfJson(memberOf(json, SIGNATURE_NAMES)), bytesOfJson(memberOf(json, SIGNER_NAMES)))

/** A comment is `report|signature|certificate`, or JSON of the three. */
const fromComment = (comment: string): IasEvidence | undefined => {
  if (comment.startsWith('{"report"')) return fromJson(parseJson(comment) as JsonObject)
  const parts = comment.split('|')
  const [report = '', signature = '', signer = ''] = parts
  return parts.length === 3 && report.startsWith('{') ? fromParts(utf8(report), bytesOfText(signature), bytesOfText(signer)) : undefined
}

/** What is no certificate, or none with a comment, is simply no evidence of this kind. */
const fromCertificate = (der: Uint8Array): IasEvidence | undefined => {
  try {
    const comment = parseCertificate(der).extensions.get(COMMENT)?.value
    return comment === undefined ? undefined : fromComment(parseUtf8(comment))
  } catch (error) {
    if (isAttestationError(error) || isAppError(error, 'CODEC_INVALID_UTF8')) return undefined
    throw error
  }
}

/** Evidence in a file; undefined when it holds none. */
export const detectIas = ({ bytes, text, json }: DetectionInput): IasEvidence | undefined => {
  if (json !== undefined) return fromJson(json)
  if (text?.startsWith('-----BEGIN CERTIFICATE-----') === true) {
    const [leaf] = parsePem(text)
    return leaf === undefined ? undefined : fromCertificate(leaf)
  }
  return bytes[0] === 0x30 ? fromCertificate(bytes) : undefined
}
