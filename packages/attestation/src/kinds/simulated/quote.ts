/** Owns writing quotes of versions 3 to 5 for the simulated vendor: the layout of dcap/quote.ts, signed by its keys. */
import type { Crypto } from '@phalanx/primitives/crypto'
import { concatBytes, parseHex, utf8 } from '@phalanx/primitives/bytes'
import { formatPem } from '../../x509/pem.ts'
import type { Issuer } from './certificates.ts'
import { PCE_SVN, QE } from './documents.ts'

/** What an enclave report is to say; the rest is zero. */
export interface ReportFields {
  readonly mrEnclave: Uint8Array
  readonly mrSigner: Uint8Array
  readonly isvProdId?: number
  readonly isvSvn?: number
  /** 16 bytes; production attributes unless given. */
  readonly attributes?: Uint8Array
  readonly cpuSvn?: Uint8Array
  readonly miscSelect?: Uint8Array
}

/** One deliberate fault of a quote, for tests and simulations. */
export type QuoteFault = 'quoteSignature' | 'qeReportSignature' | 'binding' | 'foreignQe' | 'qeDebug' | 'vendor'

/** INIT, MODE64BIT, XFRM legacy: no debug. */
export const PRODUCTION_ATTRIBUTES = parseHex('0500000000000000e700000000000000')
/** The same with the debug bit. */
export const DEBUG_ATTRIBUTES = parseHex('0700000000000000e700000000000000')
const QE_ATTRIBUTES = parseHex('1500000000000000e700000000000000')
const QE_DEBUG_ATTRIBUTES = parseHex('1700000000000000e700000000000000')
const QE_VENDOR = parseHex('939a7233f79c4ca9940a0db3957f0607')
const FOREIGN_VENDOR = parseHex('000102030405060708090a0b0c0d0e0f')

const u16 = (value: number): Uint8Array => Uint8Array.of(value & 0xff, value >> 8)
const u32 = (value: number): Uint8Array => Uint8Array.of(value & 0xff, (value >> 8) & 0xff, (value >> 16) & 0xff, value >>> 24)
const zeros = (length: number): Uint8Array => new Uint8Array(length)

const padTo = (bytes: Uint8Array, length: number): Uint8Array => concatBytes(bytes.subarray(0, length), zeros(Math.max(0, length - bytes.length)))

/** 384 bytes of an enclave report. */
export const writeReport = (fields: ReportFields, reportData: Uint8Array): Uint8Array =>
  concatBytes(
    padTo(fields.cpuSvn ?? zeros(0), 16), padTo(fields.miscSelect ?? zeros(0), 4), zeros(28), padTo(fields.attributes ?? PRODUCTION_ATTRIBUTES, 16),
    padTo(fields.mrEnclave, 32), zeros(32), padTo(fields.mrSigner, 32), zeros(96),
    u16(fields.isvProdId ?? 0), u16(fields.isvSvn ?? 0), zeros(60), padTo(reportData, 64),
  )

/** Everything that signs a quote. */
export interface QuoteSigners {
  readonly pck: Issuer
  readonly attestationKey: Issuer
  /** PCK certificate, authority, root: DER. */
  readonly chain: readonly Uint8Array[]
  readonly qeIsvSvn: number
  readonly cpuSvn: Uint8Array
}

const flip = (bytes: Uint8Array): Uint8Array => bytes.map((byte, i) => (i === 7 ? byte ^ 1 : byte))

/** A quote to write: of which version, about what. */
export interface QuoteContent {
  readonly version: 3 | 4 | 5
  readonly teeType: number
  /** Type of the body, written from version 5 on. */
  readonly bodyType: number
  readonly body: Uint8Array
  /** Product of the quoting enclave that vouches for it. */
  readonly qeIsvProdId: number
  readonly fault?: QuoteFault | undefined
}

const writeQeReport = (content: QuoteContent, signers: QuoteSigners, authData: Uint8Array, crypto: Crypto): Uint8Array => {
  const { fault } = content
  const binding = crypto.sha256(concatBytes(signers.attestationKey.publicKey, authData))
  return writeReport(
    {
      mrEnclave: crypto.sha256(utf8('simulated QE')), mrSigner: fault === 'foreignQe' ? flip(QE.mrSigner) : QE.mrSigner, isvProdId: content.qeIsvProdId,
      isvSvn: signers.qeIsvSvn, attributes: fault === 'qeDebug' ? QE_DEBUG_ATTRIBUTES : QE_ATTRIBUTES, cpuSvn: signers.cpuSvn,
    },
    fault === 'binding' ? flip(binding) : binding,
  )
}

/** Writes and signs a quote. From version 4 on the QE report is itself certification data (type 6) around that of the platform (type 5). */
export const writeQuote = (content: QuoteContent, signers: QuoteSigners, crypto: Crypto): Uint8Array => {
  const { version, body, fault } = content
  const { pck, attestationKey } = signers
  const header = concatBytes(u16(version), u16(2), u32(content.teeType), u16(QE.isvSvn), u16(PCE_SVN), fault === 'vendor' ? FOREIGN_VENDOR : QE_VENDOR, zeros(20))
  const signed = concatBytes(header, version < 5 ? zeros(0) : concatBytes(u16(content.bodyType), u32(body.length)), body)
  const authData = crypto.sha256(utf8('simulated quoting enclave')).slice(0, 32)
  const qeReport = writeQeReport(content, signers, authData, crypto)
  const signature = crypto.p256.sign(attestationKey.secret, signed)
  const qeSignature = crypto.p256.sign(pck.secret, qeReport)
  const pem = utf8(formatPem(signers.chain))
  const certified = concatBytes(qeReport, fault === 'qeReportSignature' ? flip(qeSignature) : qeSignature, u16(authData.length), authData, u16(5), u32(pem.length), pem)
  const nested = version < 4 ? certified : concatBytes(u16(6), u32(certified.length), certified)
  const authentication = concatBytes(fault === 'quoteSignature' ? flip(signature) : signature, attestationKey.publicKey, nested)
  return concatBytes(signed, u32(authentication.length), authentication)
}
