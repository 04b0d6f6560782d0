/** Owns reading a certificate revocation list, version 2 (RFC 5280 section 5). Does not judge it. */
import { toHexPlain } from '@phalanx/primitives/bytes'
import { attestationError } from '../errors.ts'
import { EXTENSION_OID, readAuthorityKeyId, readExtensions, readName, type Extensions } from './certificate.ts'
import { TAG, contextTag, integerBytes, readDer, smallInteger, wholeOf, type DerReader } from './der.ts'
import { readSignatureAlgorithm, signatureBytes, type SignatureAlgorithm } from './signature.ts'
import { derTimeSeconds } from './time.ts'

/** Largest list read: 256 KiB, some seven thousand entries. */
const CRL_MAX = 256 * 1024

/** A parsed revocation list; `revoked` holds serial numbers as lower-case hex. */
export interface RevocationList {
  readonly tbs: Uint8Array
  readonly issuer: Uint8Array
  readonly issuerCommonName: string
  readonly thisUpdate: number
  readonly nextUpdate: number
  readonly revoked: ReadonlySet<string>
  readonly algorithm: SignatureAlgorithm
  readonly signature: Uint8Array
  readonly authorityKeyId: Uint8Array | undefined
}

const UNDERSTOOD: readonly string[] = [EXTENSION_OID.crlNumber, EXTENSION_OID.authorityKeyId, EXTENSION_OID.crlReason]

/** A critical extension may narrow what the list covers (RFC 5280 section 5.2), so an unknown one makes it useless. */
const refuseUnknownCritical = (extensions: Extensions): void => {
  for (const [oid, { critical }] of extensions)
    if (critical && !UNDERSTOOD.includes(oid)) throw attestationError('ATTESTATION_CERTIFICATE_UNKNOWN_CRITICAL', `${oid} in a revocation list`)
}

/** Serial numbers as written, sign byte included, the same form in which a certificate's own serial is compared. */
const readRevoked = (list: DerReader): ReadonlySet<string> => {
  const out = new Set<string>()
  while (!list.done) {
    const entry = list.enter()
    const serial = toHexPlain(integerBytes(entry.next(TAG.integer)))
    derTimeSeconds(entry.next())
    if (!entry.done) refuseUnknownCritical(readExtensions(entry))
    entry.finish()
    if (out.has(serial)) throw attestationError('ATTESTATION_CRL_MALFORMED', `serial number ${serial} listed twice`)
    out.add(serial)
  }
  if (out.size === 0) throw attestationError('ATTESTATION_CRL_MALFORMED', 'an empty list of revoked certificates must be absent')
  return out
}

const isTime = (tag: number): boolean => tag === TAG.utcTime || tag === TAG.generalizedTime

/** `nextUpdate` is optional in the standard and required here: a list without an end could be replayed for ever. */
const readTbs = (tbs: DerReader): Omit<RevocationList, 'algorithm' | 'signature' | 'tbs'> & { readonly inner: SignatureAlgorithm } => {
  if (smallInteger(tbs.next(TAG.integer)) !== 1) throw attestationError('ATTESTATION_CRL_MALFORMED', 'not a version 2 list')
  const inner = readSignatureAlgorithm(tbs)
  const issuer = readName(tbs)
  const thisUpdate = derTimeSeconds(tbs.next())
  if (!isTime(tbs.peek())) throw attestationError('ATTESTATION_CRL_MALFORMED', 'nextUpdate is missing')
  const nextUpdate = derTimeSeconds(tbs.next())
  const revoked = tbs.peek() === TAG.sequence ? readRevoked(tbs.enter()) : new Set<string>()
  const wrapper = tbs.enter(contextTag(0))
  const extensions = readExtensions(wrapper)
  wrapper.finish()
  tbs.finish()
  refuseUnknownCritical(extensions)
  return { inner, issuer: issuer.der, issuerCommonName: issuer.commonName, thisUpdate, nextUpdate, revoked, authorityKeyId: readAuthorityKeyId(extensions) }
}

/** Reads a list of exactly these bytes. @throws ATTESTATION_DER_ and ATTESTATION_CRL_ codes */
export const parseRevocationList = (der: Uint8Array): RevocationList => {
  if (der.length > CRL_MAX) throw attestationError('ATTESTATION_INPUT_TOO_LARGE', `revocation list of ${der.length} bytes, at most ${CRL_MAX}`)
  return readDer(der.slice(), TAG.sequence, (content) => {
    const element = content.next(TAG.sequence)
    const { inner, ...fields } = readTbs(content.into(element))
    const algorithm = readSignatureAlgorithm(content)
    if (algorithm !== inner) throw attestationError('ATTESTATION_CRL_MALFORMED', 'the two signature algorithms differ')
    return { ...fields, tbs: wholeOf(element).slice(), algorithm, signature: signatureBytes(content.next(TAG.bitString)) }
  })
}
