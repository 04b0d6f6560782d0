/** Owns the judgement of revocation lists (RFC 5280 section 6.3, complete lists issued by the authority itself). Time is judged in validity.ts. */
import type { Crypto } from '@phalanx/primitives/crypto'
import { bytesEqual, toHexPlain } from '@phalanx/primitives/bytes'
import type { CheckRecorder } from '../verdict.ts'
import type { Certificate } from './certificate.ts'
import type { RevocationList } from './crl.ts'
import { describeKey, verifySignature } from './signature.ts'

/** Judges who issued a list and whether that issuer signed it; returns whether it stands. */
export const checkRevocationList = (checks: CheckRecorder, list: RevocationList, authority: Certificate, crypto: Crypto): boolean => {
  const isIssuer = checks.check(
    { name: 'issuer', rule: 'RFC 5280 section 6.3.3 (b): the list\'s issuer is the authority', seen: list.issuerCommonName, expected: authority.commonName },
    { pass: bytesEqual(list.issuer, authority.subject), code: 'ATTESTATION_CRL_ISSUER_MISMATCH', detail: `"${list.issuerCommonName}", not "${authority.commonName}"` },
  )
  const rule = 'RFC 5280 section 5.2.1: authorityKeyIdentifier is the authority\'s subjectKeyIdentifier'
  if (list.authorityKeyId === undefined || authority.subjectKeyId === undefined) checks.skip({ name: 'issuer key', rule }, 'no key identifiers')
  else
    checks.check(
      { name: 'issuer key', rule, seen: list.authorityKeyId, expected: authority.subjectKeyId },
      { pass: bytesEqual(list.authorityKeyId, authority.subjectKeyId), code: 'ATTESTATION_CRL_ISSUER_MISMATCH', detail: `list of key ${toHexPlain(list.authorityKeyId)}, authority has key ${toHexPlain(authority.subjectKeyId)}` },
    )
  const mayIssue = checks.check(
    { name: 'may sign lists', rule: 'RFC 5280 section 4.2.1.3: the authority has cRLSign', seen: authority.keyUsage?.crlSign === true },
    { pass: authority.keyUsage?.crlSign === true, code: 'ATTESTATION_CERTIFICATE_KEY_USAGE', detail: `"${authority.commonName}"` },
  )
  const spec = { name: 'signature', rule: 'RFC 5280 section 6.3.3 (f), (g): the authority\'s key signed the list', seen: list.signature, expected: describeKey(authority.publicKey) }
  const { algorithm, signature, tbs: message } = list
  const valid = verifySignature({ algorithm, signature, message, key: authority.publicKey }, crypto)
  const signed = checks.check(spec, { pass: valid, code: 'ATTESTATION_CRL_SIGNATURE_INVALID', detail: `list of "${list.issuerCommonName}"` })
  return isIssuer && mayIssue && signed
}

/** Records that a certificate is not on its authority's list. */
export const checkNotRevoked = (checks: CheckRecorder, certificate: Certificate, list: RevocationList): boolean => {
  const serial = toHexPlain(certificate.serial)
  return checks.check(
    { name: 'not revoked', rule: 'RFC 5280 section 6.3.3 (i): the serial number is not on the list', seen: certificate.serial, expected: `not among ${list.revoked.size} entries of "${list.issuerCommonName}"` },
    { pass: !list.revoked.has(serial), code: 'ATTESTATION_CERTIFICATE_REVOKED', detail: `"${certificate.commonName}" (serial ${serial})` },
  )
}
