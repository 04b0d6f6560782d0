/**
 * Owns the layout of ECDSA quotes of versions 3, 4 and 5 (Intel SGX DCAP Quoting Library API, appendix A; Intel TDX DCAP Quoting Library
 * API, appendix A): header, body, authentication data. What a body means is its kind's; nothing is judged here.
 */
import { attestationError } from '../../errors.ts'
import type { ByteRange } from '../../verdict.ts'

/** Largest quote read: 64 KiB. */
const QUOTE_MAX = 64 * 1024
/** Length of a quote header. */
const HEADER_LENGTH = 48
/** Length of an enclave report body. */
const REPORT_LENGTH = 384
/** Certification data that holds the QE report, from version 4 on. */
const QE_REPORT_DATA = 6

/** What a quote is about: an enclave, or a guest by the report of version 1.0 or 1.5. */
export type BodyKind = 'enclave' | 'guest10' | 'guest15'

const BODY_LENGTH: Readonly<Record<BodyKind, number>> = { enclave: REPORT_LENGTH, guest10: 584, guest15: 648 }

/** Body types of version 5. */
const BODY_TYPES: Readonly<Record<number, BodyKind>> = { 1: 'enclave', 2: 'guest10', 3: 'guest15' }

/** TEE types in quote headers. */
export const TEE_TYPE = { enclave: 0, guest: 0x81 } as const

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

/** What vouches for the attestation key; all versions carry the same fields. */
export interface QuoteAuthentication {
  readonly signature: Uint8Array
  readonly attestationKey: Uint8Array
  readonly qeReport: EnclaveReport
  readonly qeReportSignature: Uint8Array
  readonly qeAuthData: Uint8Array
  readonly certificationType: number
  readonly certificationData: Uint8Array
}

/** Parts of a quote that checks point at. */
export type QuotePart = 'body' | 'signature' | 'attestationKey' | 'qeReport' | 'qeReportSignature' | 'qeAuthData' | 'certificationData'

/** A quote. `signed` are the bytes under its signature; `at` says where its parts lie. */
export interface Quote {
  readonly header: QuoteHeader
  readonly bodyKind: BodyKind
  readonly body: Uint8Array
  readonly signed: Uint8Array
  readonly authentication: QuoteAuthentication
  readonly at: Readonly<Record<QuotePart, ByteRange>>
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

  /** A reader of the next `length` bytes alone. */
  inner(length: number, what: string): QuoteReader {
    const start = this.offset
    this.take(length, what)
    return new QuoteReader(this.bytes, start, start + length)
  }

  finish(what: string): void {
    if (this.offset !== this.end) throw attestationError('ATTESTATION_QUOTE_MALFORMED', `${this.end - this.offset} bytes left in ${what}`)
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

/** Reads an enclave report of exactly 384 bytes. @throws ATTESTATION_QUOTE_MALFORMED */
export const parseEnclaveReport = (bytes: Uint8Array): EnclaveReport => {
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

/** Body kind and length: by the TEE type up to version 4, by type and size of their own in version 5, where the two must agree. */
const readBodyKind = (reader: QuoteReader, header: QuoteHeader): BodyKind => {
  if (header.version < 5) {
    if (header.teeType === TEE_TYPE.enclave) return 'enclave'
    if (header.teeType === TEE_TYPE.guest && header.version === 4) return 'guest10'
    throw attestationError('ATTESTATION_QUOTE_MALFORMED', `version ${header.version} has no body for TEE type 0x${header.teeType.toString(16)}`)
  }
  const type = reader.uint(2, 'body type')
  const size = reader.uint(4, 'body size')
  const kind = BODY_TYPES[type]
  if (kind === undefined) throw attestationError('ATTESTATION_QUOTE_MALFORMED', `body type ${type}`)
  if (size !== BODY_LENGTH[kind]) throw attestationError('ATTESTATION_QUOTE_MALFORMED', `body type ${type} of ${size} bytes, ${BODY_LENGTH[kind]} expected`)
  if ((kind === 'enclave') !== (header.teeType === TEE_TYPE.enclave)) throw attestationError('ATTESTATION_QUOTE_MALFORMED', `body type ${type} for TEE type 0x${header.teeType.toString(16)}`)
  return kind
}

/** Fields behind the attestation key; from version 4 on they are themselves certification data, nested one level. */
const openQeReport = (reader: QuoteReader, version: number): QuoteReader => {
  if (version < 4) return reader
  const type = reader.uint(2, 'certification data type')
  if (type !== QE_REPORT_DATA) throw attestationError('ATTESTATION_CERTIFICATION_DATA', `outer type ${type}, ${QE_REPORT_DATA} (QE report) expected`)
  return reader.inner(reader.uint(4, 'certification data length'), 'certification data')
}

/** Reads the authentication data, which must fill its reader. */
const readAuthentication = (outer: QuoteReader, version: number): { readonly authentication: QuoteAuthentication; readonly at: Omit<Quote['at'], 'body'> } => {
  const at = (reader: QuoteReader, length: number): ByteRange => ({ offset: reader.offset - length, length })
  const signature = outer.take(64, 'quote signature')
  const signatureAt = at(outer, 64)
  const attestationKey = outer.take(64, 'attestation key')
  const attestationKeyAt = at(outer, 64)
  const reader = openQeReport(outer, version)
  const qeReport = parseEnclaveReport(reader.take(REPORT_LENGTH, 'QE report'))
  const qeReportAt = at(reader, REPORT_LENGTH)
  const qeReportSignature = reader.take(64, 'QE report signature')
  const qeReportSignatureAt = at(reader, 64)
  const qeAuthData = reader.take(reader.uint(2, 'QE authentication data length'), 'QE authentication data')
  const qeAuthDataAt = at(reader, qeAuthData.length)
  const certificationType = reader.uint(2, 'certification data type')
  const certificationData = reader.take(reader.uint(4, 'certification data length'), 'certification data')
  const certificationDataAt = at(reader, certificationData.length)
  reader.finish('the QE report\'s certification data')
  outer.finish('the authentication data')
  return {
    authentication: { signature, attestationKey, qeReport, qeReportSignature, qeAuthData, certificationType, certificationData },
    at: {
      signature: signatureAt, attestationKey: attestationKeyAt, qeReport: qeReportAt, qeReportSignature: qeReportSignatureAt,
      qeAuthData: qeAuthDataAt, certificationData: certificationDataAt,
    },
  }
}

/**
 * Reads a quote of version 3, 4 or 5 that fills `quote`; the caller has judged version and TEE type.
 * @throws ATTESTATION_QUOTE_MALFORMED, ATTESTATION_QUOTE_TRAILING_BYTES, ATTESTATION_CERTIFICATION_DATA
 */
export const parseQuote = (quote: Uint8Array): Quote => {
  const header = parseQuoteHeader(quote)
  const reader = new QuoteReader(quote, HEADER_LENGTH, quote.length)
  const bodyKind = readBodyKind(reader, header)
  const body = reader.take(BODY_LENGTH[bodyKind], 'body')
  const bodyAt = { offset: reader.offset - body.length, length: body.length }
  const signed = quote.slice(0, reader.offset)
  const length = reader.uint(4, 'authentication data length')
  const left = quote.length - reader.offset
  if (length > left) throw attestationError('ATTESTATION_QUOTE_MALFORMED', `${length} bytes of authentication data announced, ${left} left`)
  const { authentication, at } = readAuthentication(reader.inner(length, 'authentication data'), header.version)
  if (reader.offset !== quote.length) throw attestationError('ATTESTATION_QUOTE_TRAILING_BYTES', `${quote.length - reader.offset} bytes`)
  return { header, bodyKind, body, signed, authentication, at: { body: bodyAt, ...at } }
}

/** The bytes under a quote's signature, as far as they are there: nothing else of it identifies the evidence. Reads no further than the header. */
export const signedPartOf = (quote: Uint8Array): Uint8Array => {
  const version = quote.length < 2 ? 0 : u16At(quote, 0)
  if (version < 4) return quote.subarray(0, HEADER_LENGTH + BODY_LENGTH.enclave)
  if (version === 4) return quote.subarray(0, HEADER_LENGTH + ((quote[4] ?? 0) === TEE_TYPE.enclave ? BODY_LENGTH.enclave : BODY_LENGTH.guest10))
  const kind = BODY_TYPES[quote[HEADER_LENGTH] ?? 0] ?? 'guest15'
  return quote.subarray(0, HEADER_LENGTH + 6 + BODY_LENGTH[kind])
}

/** A quote without the bytes behind the length that it states: tools hand out fixed buffers, and nothing signs their rest. */
export const cutQuote = (bytes: Uint8Array): Uint8Array => {
  const at = signedPartOf(bytes).length
  if (at + 4 > bytes.length) return bytes
  const length = new QuoteReader(bytes, at, bytes.length).uint(4, 'authentication data length')
  return bytes.subarray(0, at + 4 + length)
}

/** Bit 1 of an enclave's attributes: its memory is open to a debugger (Intel SDM vol. 3D, ATTRIBUTES.DEBUG). */
export const isDebug = (attributes: Uint8Array): boolean => ((attributes[0] as number) & 0x02) !== 0
