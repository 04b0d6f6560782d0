/**
 * Owns the layout of ECDSA quotes (Intel SGX DCAP Quoting Library API reference, appendix A): header, enclave report, version 3
 * body with its authentication data. Later versions share the header and the authentication fields. Does not judge anything.
 */
import { attestationError } from '../../errors.ts'
import type { ByteRange } from '../../verdict.ts'

/** Largest quote read: 64 KiB. */
const QUOTE_MAX = 64 * 1024
/** Length of a quote header. */
const HEADER_LENGTH = 48
/** Length of an enclave report body. */
const REPORT_LENGTH = 384
/** Header and report: what the attestation key signs in version 3. */
export const SIGNED_LENGTH = HEADER_LENGTH + REPORT_LENGTH

/** Quote header, 48 bytes, the same in all versions. */
export interface QuoteHeader {
  readonly version: number
  readonly keyType: number
  readonly teeType: number
  readonly qeSvn: number
  readonly pceSvn: number
  readonly qeVendorId: Uint8Array
  readonly userData: Uint8Array
}

/** Enclave report body, 384 bytes (Intel SDM vol. 3D, REPORT). */
export interface EnclaveReport {
  readonly bytes: Uint8Array
  readonly cpuSvn: Uint8Array
  readonly miscSelect: Uint8Array
  readonly attributes: Uint8Array
  readonly mrEnclave: Uint8Array
  readonly mrSigner: Uint8Array
  readonly isvProdId: number
  readonly isvSvn: number
  readonly reportData: Uint8Array
}

/** What vouches for the attestation key; versions 3 to 5 carry the same fields. */
export interface QuoteAuthentication {
  readonly signature: Uint8Array
  readonly attestationKey: Uint8Array
  readonly qeReport: EnclaveReport
  readonly qeReportSignature: Uint8Array
  readonly qeAuthData: Uint8Array
  readonly certificationType: number
  readonly certificationData: Uint8Array
}

/** A version 3 quote. `signed` are the bytes under the quote's signature; `at` says where its parts lie. */
export interface QuoteV3 {
  readonly header: QuoteHeader
  readonly report: EnclaveReport
  readonly signed: Uint8Array
  readonly authentication: QuoteAuthentication
  readonly at: Readonly<Record<'report' | 'signature' | 'attestationKey' | 'qeReport' | 'qeReportSignature' | 'certificationData', ByteRange>>
}

/** Reads forward, bounded, copying. */
class QuoteReader {
  readonly bytes: Uint8Array
  offset: number
  readonly end: number

  constructor(bytes: Uint8Array, offset: number, end: number) {
    this.bytes = bytes
    this.offset = offset
    this.end = end
  }

  take(length: number, what: string): Uint8Array {
    if (length > this.end - this.offset) throw attestationError('ATTESTATION_QUOTE_MALFORMED', `${what} needs ${length} bytes, ${this.end - this.offset} left at byte ${this.offset}`)
    const at = this.offset
    this.offset += length
    return this.bytes.slice(at, at + length)
  }

  uint(length: 2 | 4, what: string): number {
    const raw = this.take(length, what)
    let value = 0
    for (let i = length - 1; i >= 0; i--) value = value * 256 + (raw[i] as number)
    return value
  }
}

const u16At = (bytes: Uint8Array, at: number): number => (bytes[at] as number) | ((bytes[at + 1] as number) << 8)

/** Reads the header of a quote of any version. @throws ATTESTATION_QUOTE_MALFORMED, ATTESTATION_INPUT_TOO_LARGE */
export const parseQuoteHeader = (quote: Uint8Array): QuoteHeader => {
  if (quote.length > QUOTE_MAX) throw attestationError('ATTESTATION_INPUT_TOO_LARGE', `quote of ${quote.length} bytes, at most ${QUOTE_MAX}`)
  const reader = new QuoteReader(quote, 0, quote.length)
  return {
    version: reader.uint(2, 'version'),
    keyType: reader.uint(2, 'attestation key type'),
    teeType: reader.uint(4, 'TEE type'),
    qeSvn: reader.uint(2, 'QE SVN'),
    pceSvn: reader.uint(2, 'PCE SVN'),
    qeVendorId: reader.take(16, 'QE vendor ID'),
    userData: reader.take(20, 'user data'),
  }
}

/** Reads an enclave report of exactly 384 bytes. */
const parseEnclaveReport = (bytes: Uint8Array): EnclaveReport => {
  if (bytes.length !== REPORT_LENGTH) throw attestationError('ATTESTATION_QUOTE_MALFORMED', `report of ${bytes.length} bytes`)
  return {
    bytes,
    cpuSvn: bytes.slice(0, 16),
    miscSelect: bytes.slice(16, 20),
    attributes: bytes.slice(48, 64),
    mrEnclave: bytes.slice(64, 96),
    mrSigner: bytes.slice(128, 160),
    isvProdId: u16At(bytes, 256),
    isvSvn: u16At(bytes, 258),
    reportData: bytes.slice(320, 384),
  }
}

/** Reads the authentication fields up to `end`. */
const readAuthentication = (reader: QuoteReader): QuoteAuthentication => {
  const signature = reader.take(64, 'quote signature')
  const attestationKey = reader.take(64, 'attestation key')
  const qeReport = parseEnclaveReport(reader.take(REPORT_LENGTH, 'QE report'))
  const qeReportSignature = reader.take(64, 'QE report signature')
  const qeAuthData = reader.take(reader.uint(2, 'QE authentication data length'), 'QE authentication data')
  const certificationType = reader.uint(2, 'certification data type')
  const certificationData = reader.take(reader.uint(4, 'certification data length'), 'certification data')
  return { signature, attestationKey, qeReport, qeReportSignature, qeAuthData, certificationType, certificationData }
}

/** Reads a version 3 quote that fills `quote`. The caller has checked the version. @throws ATTESTATION_QUOTE_MALFORMED, ATTESTATION_QUOTE_TRAILING_BYTES */
export const parseQuoteV3 = (quote: Uint8Array): QuoteV3 => {
  const header = parseQuoteHeader(quote)
  const reader = new QuoteReader(quote, HEADER_LENGTH, quote.length)
  const report = parseEnclaveReport(reader.take(REPORT_LENGTH, 'enclave report'))
  const length = reader.uint(4, 'authentication data length')
  const start = reader.offset
  if (length > quote.length - start) throw attestationError('ATTESTATION_QUOTE_MALFORMED', `${length} bytes of authentication data announced, ${quote.length - start} left`)
  const inner = new QuoteReader(quote, start, start + length)
  const authentication = readAuthentication(inner)
  if (inner.offset !== inner.end) throw attestationError('ATTESTATION_QUOTE_MALFORMED', `${inner.end - inner.offset} bytes left in the authentication data`)
  if (inner.end !== quote.length) throw attestationError('ATTESTATION_QUOTE_TRAILING_BYTES', `${quote.length - inner.end} bytes`)
  const certificationLength = authentication.certificationData.length
  return {
    header, report, authentication, signed: quote.slice(0, SIGNED_LENGTH),
    at: {
      report: { offset: HEADER_LENGTH, length: REPORT_LENGTH },
      signature: { offset: start, length: 64 },
      attestationKey: { offset: start + 64, length: 64 },
      qeReport: { offset: start + 128, length: REPORT_LENGTH },
      qeReportSignature: { offset: start + 128 + REPORT_LENGTH, length: 64 },
      certificationData: { offset: inner.end - certificationLength, length: certificationLength },
    },
  }
}

/** Bit 1 of the attributes: the enclave's memory is open to a debugger (Intel SDM vol. 3D, ATTRIBUTES.DEBUG). */
export const isDebug = (attributes: Uint8Array): boolean => ((attributes[0] as number) & 0x02) !== 0
