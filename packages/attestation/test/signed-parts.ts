/** Owns the list of signed parts of a DCAP case, each with the way to put altered bytes back in its place. */
import { concatBytes, parseHex, parseUtf8, toHexPlain, utf8 } from '@phalanx/primitives/bytes'
import { parseQuote } from '../src/kinds/dcap/quote.ts'
import { formatPem, parsePem } from '../src/x509/pem.ts'
import type { CaseCollateral } from './cases.ts'

/** A quote with collateral. */
export interface Subject {
  readonly quote: Uint8Array
  readonly collateral: CaseCollateral
}

/** One signed part: its bytes, and the subject with other bytes in their place. */
export interface SignedPart {
  readonly name: string
  readonly bytes: Uint8Array
  replace(bytes: Uint8Array): Subject
}

const latin1 = (bytes: Uint8Array): string => Array.from(bytes, (byte) => String.fromCharCode(byte)).join('')

/** Text of bytes that may no longer be UTF-8. */
const textOf = (bytes: Uint8Array): string => {
  try {
    return parseUtf8(bytes)
  } catch {
    return latin1(bytes)
  }
}

const chainParts = (name: string, pem: string, put: (pem: string) => Subject): readonly SignedPart[] => {
  const blocks = parsePem(pem)
  return blocks.map((bytes, i) => ({ name: `${name}[${i}]`, bytes, replace: (altered) => put(formatPem(blocks.map((block, j) => (i === j ? altered : block)))) }))
}

const quoteParts = (subject: Subject): readonly SignedPart[] => {
  const { quote } = subject
  const { at, authentication } = parseQuote(quote)
  const part = (name: string, offset: number, length: number): SignedPart => ({
    name, bytes: quote.slice(offset, offset + length),
    replace: (bytes) => ({ ...subject, quote: concatBytes(quote.subarray(0, offset), bytes, quote.subarray(offset + length)) }),
  })
  const withChain = (pem: string): Subject => ({ ...subject, quote: replaceChain(quote, pem) })
  const parts = (['body', 'signature', 'attestationKey', 'qeReport', 'qeReportSignature', 'qeAuthData'] as const).map((name) => part(name, at[name].offset, at[name].length))
  // The header, and from version 5 on type and size of the body, are under the quote's signature too.
  return [part('header', 0, at.body.offset), ...parts, ...chainParts('PCK chain', textOf(authentication.certificationData), withChain)]
}

const writeU32 = (bytes: Uint8Array, offset: number, value: number): void => {
  new DataView(bytes.buffer, bytes.byteOffset).setUint32(offset, value, true)
}

/** A quote with another certificate chain: every length around it is put right, so that only the chain differs. */
const replaceChain = (quote: Uint8Array, pem: string): Uint8Array => {
  const { at, header, signed } = parseQuote(quote)
  const chain = utf8(pem)
  const altered = concatBytes(quote.subarray(0, at.certificationData.offset), chain)
  writeU32(altered, at.certificationData.offset - 4, chain.length)
  writeU32(altered, signed.length, altered.length - signed.length - 4)
  if (header.version >= 4) writeU32(altered, at.qeReport.offset - 4, altered.length - at.qeReport.offset)
  return altered
}

type Field = keyof CaseCollateral

const collateralParts = (subject: Subject): readonly SignedPart[] => {
  const { collateral } = subject
  const put = (field: Field) => (text: string): Subject => ({ ...subject, collateral: { ...collateral, [field]: text } })
  const hex = (field: Field): SignedPart => ({ name: field, bytes: parseHex(collateral[field]), replace: (bytes) => put(field)(toHexPlain(bytes)) })
  const text = (field: Field): SignedPart => ({ name: field, bytes: utf8(collateral[field]), replace: (bytes) => put(field)(textOf(bytes)) })
  return [
    ...(['pck_crl_issuer_chain', 'tcb_info_issuer_chain', 'qe_identity_issuer_chain'] as const).flatMap((field) => chainParts(field, collateral[field], put(field))),
    hex('root_ca_crl'), hex('pck_crl'), hex('tcb_info_signature'), hex('qe_identity_signature'), text('tcb_info'), text('qe_identity'),
  ]
}

/** Every signed part of a quote and its collateral. */
export const signedParts = (subject: Subject): readonly SignedPart[] => [...quoteParts(subject), ...collateralParts(subject)]

/** A copy with one byte changed. */
export const flipAt = (bytes: Uint8Array, at: number, mask: number): Uint8Array => bytes.map((byte, i) => (i === at ? byte ^ mask : byte))
