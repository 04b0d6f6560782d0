/** Owns reading one X.509 v3 certificate (RFC 5280 section 4) by the strict profile of attestation certificates. Does not judge it. */
import { attestationError } from '../errors.ts'
import { DerReader, TAG, booleanOf, contentOf, contextTag, integerBytes, namedBits, oidText, readDer, smallInteger, wholeOf } from './der.ts'
import { readPublicKey, readSignatureAlgorithm, signatureBytes, type PublicKey, type SignatureAlgorithm } from './signature.ts'
import { derTimeSeconds } from './time.ts'

/** Largest certificate read: 16 KiB. */
const CERTIFICATE_MAX = 16 * 1024
/** Most extensions of one certificate or CRL. */
const EXTENSIONS_MAX = 32
/** Longest serial number: 20 bytes and a sign byte (RFC 5280 section 4.1.2.2). */
const SERIAL_MAX = 21

/** One extension. */
export interface Extension {
  readonly critical: boolean
  readonly value: Uint8Array
}

/** Extensions by dotted object identifier. */
export type Extensions = ReadonlyMap<string, Extension>

/** Object identifiers of the extensions read here. */
export const EXTENSION_OID = {
  subjectKeyId: '2.5.29.14',
  keyUsage: '2.5.29.15',
  basicConstraints: '2.5.29.19',
  crlNumber: '2.5.29.20',
  crlReason: '2.5.29.21',
  authorityKeyId: '2.5.29.35',
} as const

/** Uses of a key (RFC 5280 section 4.2.1.3). */
export interface KeyUsage {
  readonly digitalSignature: boolean
  readonly certificateSign: boolean
  readonly crlSign: boolean
}

/** A parsed certificate. Names are their DER bytes; times are seconds. */
export interface Certificate {
  readonly der: Uint8Array
  readonly tbs: Uint8Array
  readonly serial: Uint8Array
  readonly issuer: Uint8Array
  readonly subject: Uint8Array
  readonly issuerCommonName: string
  readonly commonName: string
  readonly notBefore: number
  readonly notAfter: number
  readonly publicKey: PublicKey
  readonly algorithm: SignatureAlgorithm
  readonly signature: Uint8Array
  readonly extensions: Extensions
  readonly basicConstraints: { readonly ca: boolean; readonly pathLength?: number } | undefined
  readonly keyUsage: KeyUsage | undefined
  readonly subjectKeyId: Uint8Array | undefined
  readonly authorityKeyId: Uint8Array | undefined
}

const UNDERSTOOD: readonly string[] = [EXTENSION_OID.keyUsage, EXTENSION_OID.basicConstraints]

/** Critical extensions that this reader does not evaluate. */
export const unknownCritical = (extensions: Extensions): readonly string[] =>
  [...extensions].filter(([oid, { critical }]) => critical && !UNDERSTOOD.includes(oid)).map(([oid]) => oid)

/** Reads `Extensions`; refuses a second one of the same kind. */
export const readExtensions = (reader: DerReader): Extensions => {
  const list = reader.enter()
  const out = new Map<string, Extension>()
  while (!list.done) {
    const entry = list.enter()
    const oid = oidText(entry.next(TAG.oid))
    const flag = entry.optional(TAG.boolean)
    if (flag !== undefined && !booleanOf(flag)) throw attestationError('ATTESTATION_DER_VALUE', `critical FALSE is the default and must be absent (${oid})`)
    const value = contentOf(entry.next(TAG.octetString)).slice()
    entry.finish()
    if (out.has(oid)) throw attestationError('ATTESTATION_CERTIFICATE_DUPLICATE_EXTENSION', oid)
    if (out.size === EXTENSIONS_MAX) throw attestationError('ATTESTATION_CERTIFICATE_MALFORMED', `more than ${EXTENSIONS_MAX} extensions`)
    out.set(oid, { critical: flag !== undefined, value })
  }
  if (out.size === 0) throw attestationError('ATTESTATION_CERTIFICATE_MALFORMED', 'an empty list of extensions')
  return out
}

/** Key identifier of an AuthorityKeyIdentifier, the only form attestation vendors use. */
export const readAuthorityKeyId = (extensions: Extensions): Uint8Array | undefined => {
  const extension = extensions.get(EXTENSION_OID.authorityKeyId)
  if (extension === undefined) return undefined
  return readDer(extension.value, TAG.sequence, (content) => {
    const id = content.optional(contextTag(0, false))
    while (!content.done) content.next()
    return id === undefined ? undefined : contentOf(id).slice()
  })
}

const readSubjectKeyId = (extensions: Extensions): Uint8Array | undefined => {
  const extension = extensions.get(EXTENSION_OID.subjectKeyId)
  if (extension === undefined) return undefined
  const reader = new DerReader(extension.value)
  const id = contentOf(reader.next(TAG.octetString)).slice()
  reader.finish()
  return id
}

/** Defaults must be absent in DER, so that `cA FALSE` has one encoding. */
const readBasicConstraints = (extensions: Extensions): Certificate['basicConstraints'] => {
  const extension = extensions.get(EXTENSION_OID.basicConstraints)
  if (extension === undefined) return undefined
  return readDer(extension.value, TAG.sequence, (content) => {
    const flag = content.optional(TAG.boolean)
    const ca = flag !== undefined && booleanOf(flag)
    if (flag !== undefined && !ca) throw attestationError('ATTESTATION_DER_VALUE', 'cA FALSE is the default and must be absent')
    const length = content.optional(TAG.integer)
    if (length !== undefined && !ca) throw attestationError('ATTESTATION_CERTIFICATE_MALFORMED', 'a path length without cA')
    return length === undefined ? { ca } : { ca, pathLength: smallInteger(length) }
  })
}

const readKeyUsage = (extensions: Extensions): KeyUsage | undefined => {
  const extension = extensions.get(EXTENSION_OID.keyUsage)
  if (extension === undefined) return undefined
  const reader = new DerReader(extension.value)
  const bits = namedBits(reader.next(TAG.bitString), { untrimmed: true })
  reader.finish()
  return { digitalSignature: bits[0] ?? false, certificateSign: bits[5] ?? false, crlSign: bits[6] ?? false }
}

const COMMON_NAME = '2.5.4.3'
const TEXT_TAGS: readonly number[] = [TAG.utf8String, TAG.printableString, TAG.ia5String]
const latin = (bytes: Uint8Array): string => String.fromCharCode(...bytes.subarray(0, 256))

/** DER bytes of a Name and its last common name, for messages and roles. */
export const readName = (reader: DerReader): { readonly der: Uint8Array; readonly commonName: string } => {
  const element = reader.next(TAG.sequence)
  const sets = reader.into(element)
  let commonName = ''
  while (!sets.done) {
    const set = sets.enter(TAG.set)
    do {
      const attribute = set.enter()
      const oid = oidText(attribute.next(TAG.oid))
      const value = attribute.next()
      attribute.finish()
      if (oid !== COMMON_NAME) continue
      if (!TEXT_TAGS.includes(value.tag)) throw attestationError('ATTESTATION_CERTIFICATE_MALFORMED', 'a common name that is no text')
      commonName = latin(contentOf(value))
    } while (!set.done)
  }
  return { der: wholeOf(element).slice(), commonName }
}

/** Serial numbers stay bytes: they are only ever compared, and 20 bytes fit no number. */
const readSerial = (reader: DerReader): Uint8Array => {
  const element = reader.next(TAG.integer)
  const serial = integerBytes(element)
  if (serial.length > SERIAL_MAX || (serial[0] as number) >= 0x80) throw attestationError('ATTESTATION_CERTIFICATE_MALFORMED', `serial number of ${serial.length} bytes`)
  return serial.slice()
}

/** The part under the signature, member by member in the standard's order; unique ids (version 2) are not part of the profile. */
const readTbs = (tbs: DerReader, der: Uint8Array, tbsBytes: Uint8Array): Omit<Certificate, 'algorithm' | 'signature'> & { readonly inner: SignatureAlgorithm } => {
  const version = tbs.enter(contextTag(0))
  if (smallInteger(version.next(TAG.integer)) !== 2) throw attestationError('ATTESTATION_CERTIFICATE_MALFORMED', 'not an X.509 version 3 certificate')
  version.finish()
  const serial = readSerial(tbs)
  const inner = readSignatureAlgorithm(tbs)
  const issuer = readName(tbs)
  const validity = tbs.enter()
  const notBefore = derTimeSeconds(validity.next())
  const notAfter = derTimeSeconds(validity.next())
  validity.finish()
  const subject = readName(tbs)
  const publicKey = readPublicKey(tbs)
  const wrapper = tbs.enter(contextTag(3))
  const extensions = readExtensions(wrapper)
  wrapper.finish()
  tbs.finish()
  return {
    der, tbs: tbsBytes, serial, inner, notBefore, notAfter, publicKey, extensions,
    issuer: issuer.der, issuerCommonName: issuer.commonName, subject: subject.der, commonName: subject.commonName,
    basicConstraints: readBasicConstraints(extensions), keyUsage: readKeyUsage(extensions),
    subjectKeyId: readSubjectKeyId(extensions), authorityKeyId: readAuthorityKeyId(extensions),
  }
}

/** Reads a certificate of exactly these bytes. @throws ATTESTATION_DER_ and ATTESTATION_CERTIFICATE_ codes */
export const parseCertificate = (der: Uint8Array): Certificate => {
  if (der.length > CERTIFICATE_MAX) throw attestationError('ATTESTATION_INPUT_TOO_LARGE', `certificate of ${der.length} bytes, at most ${CERTIFICATE_MAX}`)
  const copy = der.slice()
  return readDer(copy, TAG.sequence, (content) => {
    const element = content.next(TAG.sequence)
    const { inner, ...fields } = readTbs(content.into(element), copy, wholeOf(element).slice())
    const algorithm = readSignatureAlgorithm(content)
    if (algorithm !== inner) throw attestationError('ATTESTATION_CERTIFICATE_MALFORMED', 'the two signature algorithms differ')
    return { ...fields, algorithm, signature: signatureBytes(content.next(TAG.bitString)) }
  })
}
