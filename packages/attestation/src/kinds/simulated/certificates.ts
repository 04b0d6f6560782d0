/** Owns the certificates and revocation lists of a simulated vendor: the real profile plus the critical mark. */
import type { Crypto } from '@phalanx/primitives/crypto'
import { concatBytes, utf8 } from '@phalanx/primitives/bytes'
import { EXTENSION_OID } from '../../x509/certificate.ts'
import { SIMULATED_OID } from '../../x509/chain.ts'
import { contextTag } from '../../x509/der.ts'
import { der, derBits, derEcdsaSignature, derInteger, derOctets, derOid, derSequence, derText, derTime, derTrue, derUnsigned } from '../../x509/der-writer.ts'
import { OID } from '../../x509/signature.ts'
import { SGX_EXTENSION, type PlatformExtension } from '../dcap/platform.ts'

/** 2020-01-01T00:00:00Z: from when simulated certificates are valid. */
const VALID_FROM = 1_577_836_800
/** 2120-01-01T00:00:00Z: until when. */
const VALID_UNTIL = 4_733_510_400

/** A key pair with the name it signs under. */
export interface Issuer {
  readonly commonName: string
  readonly secret: Uint8Array
  /** Raw x ‖ y, of P-256 or P-384 by its length. */
  readonly publicKey: Uint8Array
}

/** Derives a key pair from the vendor's seed and a label. */
export const deriveIssuer = (seed: Uint8Array, label: string, commonName: string, crypto: Crypto): Issuer => {
  const secret = crypto.hkdfSha256({ ikm: seed, salt: utf8('phalanx simulated vendor'), info: utf8(label), length: 32 })
  // Below the group order in every case: the order begins with 32 one bits.
  secret[0] = (secret[0] as number) & 0x7f
  return { commonName, secret, publicKey: crypto.p256.publicKey(secret) }
}

/** Derives a P-384 key pair from the vendor's seed and a label, for keys that sign reports. It signs no certificates. */
export const deriveReportKey = (seed: Uint8Array, label: string, commonName: string, crypto: Crypto): Issuer => {
  const secret = crypto.hkdfSha256({ ikm: seed, salt: utf8('phalanx simulated vendor'), info: utf8(label), length: 48 })
  secret[0] = (secret[0] as number) & 0x7f
  return { commonName, secret, publicKey: crypto.p384.publicKey(secret) }
}

/** Serial number of a label: positive, 20 bytes. */
export const serialOf = (label: string, crypto: Crypto): Uint8Array => {
  const serial = crypto.sha256(utf8(`serial ${label}`)).slice(0, 20)
  serial[0] = ((serial[0] as number) & 0x3f) | 0x40
  return serial
}

const keyId = (issuer: Issuer, crypto: Crypto): Uint8Array => crypto.sha256(issuer.publicKey).slice(0, 20)

const distinguishedName = (commonName: string): Uint8Array =>
  derSequence(
    der(0x31, derSequence(derOid('2.5.4.3'), derText(commonName))),
    der(0x31, derSequence(derOid('2.5.4.10'), derText('Simulated, for development only'))),
  )

const publicKeyInfo = (point: Uint8Array): Uint8Array =>
  derSequence(derSequence(derOid(OID.ecPublicKey), derOid(point.length === 96 ? OID.p384 : OID.p256)), derBits(concatBytes(Uint8Array.of(4), point)))

const ecdsaSha256 = derSequence(derOid(OID.ecdsaSha256))

/** One extension, complete. */
export const extension = (oid: string, value: Uint8Array, critical: boolean): Uint8Array =>
  derSequence(derOid(oid), ...(critical ? [derTrue] : []), derOctets(value))

const authorityKeyId = (issuer: Issuer, crypto: Crypto): Uint8Array =>
  extension(EXTENSION_OID.authorityKeyId, derSequence(der(contextTag(0, false), keyId(issuer, crypto))), false)

const signDer = (tbs: Uint8Array, issuer: Issuer, crypto: Crypto): Uint8Array =>
  derSequence(tbs, ecdsaSha256, derBits(derEcdsaSignature(crypto.p256.sign(issuer.secret, tbs))))

/** keyCertSign and cRLSign; digitalSignature and nonRepudiation. */
const USAGE_CA = Uint8Array.of(0x03, 0x02, 0x01, 0x06)
const USAGE_LEAF = Uint8Array.of(0x03, 0x02, 0x06, 0xc0)

/** What a certificate is to say. */
export interface CertificateOptions {
  readonly subject: Issuer
  readonly issuer: Issuer
  readonly serial: Uint8Array
  /** Path length of an authority; undefined for an end entity. */
  readonly pathLength?: number
  readonly notBefore?: number
  readonly notAfter?: number
  /** Further extensions, complete. */
  readonly extensions?: readonly Uint8Array[]
  /** Whether to leave out the mark: only to show that such a certificate gains nothing. */
  readonly unmarked?: boolean
  /** Content of the key usage extension, if another than the role's. */
  readonly keyUsage?: Uint8Array
  /** Content of the basic constraints extension, if another than the role's. */
  readonly basicConstraints?: Uint8Array
}

/** Writes and signs a certificate; returns its DER. */
export const writeCertificate = (options: CertificateOptions, crypto: Crypto): Uint8Array => {
  const { subject, issuer, pathLength } = options
  const isAuthority = pathLength !== undefined
  const constraints = isAuthority ? derSequence(derTrue, derInteger(pathLength)) : derSequence()
  const extensions = [
    authorityKeyId(issuer, crypto),
    extension(EXTENSION_OID.subjectKeyId, derOctets(keyId(subject, crypto)), false),
    extension(EXTENSION_OID.keyUsage, options.keyUsage ?? (isAuthority ? USAGE_CA : USAGE_LEAF), true),
    extension(EXTENSION_OID.basicConstraints, options.basicConstraints ?? constraints, true),
    ...(options.unmarked === true ? [] : [extension(SIMULATED_OID, derText('simulated vendor: proves nothing'), true)]),
    ...(options.extensions ?? []),
  ]
  const tbs = derSequence(
    der(contextTag(0), derInteger(2)),
    derUnsigned(options.serial),
    ecdsaSha256,
    distinguishedName(issuer.commonName),
    derSequence(derTime(options.notBefore ?? VALID_FROM), derTime(options.notAfter ?? VALID_UNTIL)),
    distinguishedName(subject.commonName),
    publicKeyInfo(subject.publicKey),
    der(contextTag(3), derSequence(...extensions)),
  )
  return signDer(tbs, issuer, crypto)
}

/** What a revocation list is to say. */
export interface RevocationListOptions {
  readonly issuer: Issuer
  /** Who signs it; the issuer unless a test says otherwise. */
  readonly signer?: Issuer
  readonly thisUpdate: number
  readonly nextUpdate: number
  readonly revoked: readonly Uint8Array[]
}

/** Writes and signs a revocation list; returns its DER. */
export const writeRevocationList = (options: RevocationListOptions, crypto: Crypto): Uint8Array => {
  const { issuer, revoked, thisUpdate } = options
  const reason = derSequence(extension(EXTENSION_OID.crlReason, Uint8Array.of(0x0a, 0x01, 0x01), false))
  const entries = revoked.map((serial) => derSequence(derUnsigned(serial), derTime(thisUpdate), reason))
  const tbs = derSequence(
    derInteger(1),
    ecdsaSha256,
    distinguishedName(issuer.commonName),
    derTime(thisUpdate),
    derTime(options.nextUpdate),
    ...(entries.length === 0 ? [] : [derSequence(...entries)]),
    der(contextTag(0), derSequence(extension(EXTENSION_OID.crlNumber, derInteger(1), false), authorityKeyId(issuer, crypto))),
  )
  return signDer(tbs, options.signer ?? issuer, crypto)
}

const member = (suffix: string, value: Uint8Array): Uint8Array => derSequence(derOid(`${SGX_EXTENSION}.${suffix}`), value)

/** The SGX extension of a PCK certificate. */
export const writePlatformExtension = (platform: PlatformExtension): Uint8Array => {
  const levels = [
    ...platform.components.map((svn, i) => member(`2.${i + 1}`, derInteger(svn))),
    member('2.17', derInteger(platform.pceSvn)),
    member('2.18', derOctets(platform.cpuSvn)),
  ]
  const members = [
    member('1', derOctets(platform.ppid)),
    member('2', derSequence(...levels)),
    member('3', derOctets(platform.pceId)),
    member('4', derOctets(platform.fmspc)),
    member('5', Uint8Array.of(0x0a, 0x01, 0x00)),
  ]
  return extension(SGX_EXTENSION, derSequence(...members), false)
}
