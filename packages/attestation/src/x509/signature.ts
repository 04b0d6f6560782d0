/**
 * Owns public keys and signature algorithms of X.509 (RFC 5280, 5480, 4055): reading them strictly and checking a signature
 * through `Crypto`. Each EC curve goes with one hash; nothing weaker than SHA-256 or RSA-2048 is known here.
 */
import type { Crypto } from '@phalanx/primitives/crypto'
import { bytesEqual, toHexPlain } from '@phalanx/primitives/bytes'
import { attestationError, isAttestationError } from '../errors.ts'
import { type DerReader, TAG, assertNull, bitStringBytes, oidText, readDer, unsignedBytes, wholeOf, type DerElement } from './der.ts'

/** A public key: raw x ‖ y of a NIST curve, or an RSA modulus and exponent (big endian). */
export type PublicKey =
  | { readonly kind: 'p256'; readonly value: Uint8Array }
  | { readonly kind: 'p384'; readonly value: Uint8Array }
  | { readonly kind: 'rsa'; readonly value: { readonly modulus: Uint8Array; readonly exponent: Uint8Array } }

/** A signature algorithm of a certificate or CRL. */
export type SignatureAlgorithm = 'ecdsa-sha256' | 'ecdsa-sha384' | 'rsa-sha256' | 'rsa-sha384' | 'rsa-sha512' | 'rsa-pss-sha384'

const ALGORITHMS: Readonly<Record<string, SignatureAlgorithm>> = {
  '1.2.840.10045.4.3.2': 'ecdsa-sha256',
  '1.2.840.10045.4.3.3': 'ecdsa-sha384',
  '1.2.840.113549.1.1.11': 'rsa-sha256',
  '1.2.840.113549.1.1.12': 'rsa-sha384',
  '1.2.840.113549.1.1.13': 'rsa-sha512',
}

/** Dotted object identifiers that the writers of test certificates need too. */
export const OID = {
  ecPublicKey: '1.2.840.10045.2.1',
  p256: '1.2.840.10045.3.1.7',
  p384: '1.3.132.0.34',
  rsaEncryption: '1.2.840.113549.1.1.1',
  ecdsaSha256: '1.2.840.10045.4.3.2',
} as const

/** RSASSA-PSS of RFC 4055 section 3.1; its hash, mask and salt stand in the parameters. */
const RSA_PSS_OID = '1.2.840.113549.1.1.10'

/**
 * The two encodings of the only admitted parameters: SHA-384, MGF1 with SHA-384, salt of 48 bytes. The second states the default
 * trailer field, which DER forbids and a vendor's roots in use nevertheless do; nothing else is read, so nothing can be smuggled in.
 */
const PSS_SHA384_MEMBERS = 'a00f300d06096086480165030402020500a11c301a06092a864886f70d010108300d06096086480165030402020500a203020130'
const PSS_SHA384: readonly string[] = [`3034${PSS_SHA384_MEMBERS}`, `3039${PSS_SHA384_MEMBERS}a303020101`]

const readPssAlgorithm = (inner: DerReader): SignatureAlgorithm => {
  const parameters = toHexPlain(wholeOf(inner.next(TAG.sequence)))
  inner.finish()
  if (!PSS_SHA384.includes(parameters)) throw attestationError('ATTESTATION_CERTIFICATE_ALGORITHM', 'RSASSA-PSS with other parameters than SHA-384 and a salt of 48 bytes')
  return 'rsa-pss-sha384'
}

/** Reads an AlgorithmIdentifier of a signature. ECDSA has no parameters, RSA PKCS#1 has NULL (RFC 5758, 4055). */
export const readSignatureAlgorithm = (reader: DerReader): SignatureAlgorithm => {
  const inner = reader.enter()
  const oid = oidText(inner.next(TAG.oid))
  if (oid === RSA_PSS_OID) return readPssAlgorithm(inner)
  const algorithm = ALGORITHMS[oid]
  if (algorithm === undefined) throw attestationError('ATTESTATION_CERTIFICATE_ALGORITHM', `signature algorithm ${oid}`)
  if (algorithm.startsWith('rsa')) assertNull(inner.next(TAG.null))
  inner.finish()
  return algorithm
}

const readPoint = (key: Uint8Array, kind: 'p256' | 'p384'): PublicKey => {
  const size = kind === 'p256' ? 64 : 96
  if (key.length !== size + 1 || key[0] !== 4) throw attestationError('ATTESTATION_POINT_INVALID', `not an uncompressed ${kind} point: ${toHexPlain(key.subarray(0, 8))}…`)
  return { kind, value: key.slice(1) }
}

/** Reads a SubjectPublicKeyInfo. */
export const readPublicKey = (reader: DerReader): PublicKey => {
  const info = reader.enter()
  const algorithm = info.enter()
  const oid = oidText(algorithm.next(TAG.oid))
  const key = bitStringBytes(info.next(TAG.bitString))
  info.finish()
  if (oid === OID.ecPublicKey) {
    const curve = oidText(algorithm.next(TAG.oid))
    algorithm.finish()
    if (curve === OID.p256) return readPoint(key, 'p256')
    if (curve === OID.p384) return readPoint(key, 'p384')
    throw attestationError('ATTESTATION_CERTIFICATE_ALGORITHM', `curve ${curve}`)
  }
  if (oid !== OID.rsaEncryption) throw attestationError('ATTESTATION_CERTIFICATE_ALGORITHM', `public key algorithm ${oid}`)
  assertNull(algorithm.next(TAG.null))
  algorithm.finish()
  return readDer(key, TAG.sequence, (content) => ({
    kind: 'rsa' as const,
    value: { modulus: unsignedBytes(content.next(TAG.integer)).slice(), exponent: unsignedBytes(content.next(TAG.integer)).slice() },
  }))
}

/** Raw r ‖ s of a DER ECDSA-Sig-Value (RFC 3279 section 2.2.3). */
const rawEcdsaSignature = (signature: Uint8Array, width: number): Uint8Array =>
  readDer(signature, TAG.sequence, (content) => {
    const out = new Uint8Array(2 * width)
    for (const half of [0, 1]) {
      const value = unsignedBytes(content.next(TAG.integer))
      if (value.length > width) throw attestationError('ATTESTATION_DER_VALUE', `signature half of ${value.length} bytes`)
      out.set(value, width * (half + 1) - value.length)
    }
    return out
  })

const tryRawSignature = (signature: Uint8Array, width: number): Uint8Array | undefined => {
  try {
    return rawEcdsaSignature(signature, width)
  } catch (error) {
    if (isAttestationError(error)) return undefined
    throw error
  }
}

/** What a signature check needs. */
export interface SignedBytes {
  readonly algorithm: SignatureAlgorithm
  /** Content of the BIT STRING: DER for ECDSA, raw for RSA. */
  readonly signature: Uint8Array
  readonly message: Uint8Array
  readonly key: PublicKey
}

/** Whether the signature is the key's over the message. False when it is malformed, or algorithm and key do not go together. */
export const verifySignature = (signed: SignedBytes, crypto: Crypto): boolean => {
  const { algorithm, signature, message, key } = signed
  if (key.kind === 'rsa') {
    if (algorithm === 'rsa-pss-sha384') return crypto.rsa.verifyPss({ hash: 'sha384', saltLength: 48, modulus: key.value.modulus, exponent: key.value.exponent, message, signature })
    const hash = algorithm === 'rsa-sha256' ? 'sha256' : algorithm === 'rsa-sha384' ? 'sha384' : algorithm === 'rsa-sha512' ? 'sha512' : undefined
    return hash !== undefined && crypto.rsa.verifyPkcs1({ hash, modulus: key.value.modulus, exponent: key.value.exponent, message, signature })
  }
  if (algorithm !== (key.kind === 'p256' ? 'ecdsa-sha256' : 'ecdsa-sha384')) return false
  const raw = tryRawSignature(signature, key.value.length / 2)
  return raw !== undefined && crypto[key.kind].verify(raw, message, key.value)
}

/** Same key: same algorithm and same numbers. */
export const publicKeysEqual = (a: PublicKey, b: PublicKey): boolean => {
  if (a.kind === 'rsa') return b.kind === 'rsa' && bytesEqual(a.value.modulus, b.value.modulus) && bytesEqual(a.value.exponent, b.value.exponent)
  return a.kind === b.kind && bytesEqual(a.value, b.value)
}

/** Algorithm and key size in words, for verdicts. */
export const describeKey = (key: PublicKey): string =>
  key.kind === 'rsa' ? `RSA ${key.value.modulus.length * 8} bits` : key.kind === 'p256' ? 'ECDSA P-256' : 'ECDSA P-384'

const CURVES = {
  p256: {
    p: (1n << 256n) - (1n << 224n) + (1n << 192n) + (1n << 96n) - 1n,
    b: 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604bn,
  },
  p384: {
    p: (1n << 384n) - (1n << 128n) - (1n << 96n) + (1n << 32n) - 1n,
    b: 0xb3312fa7e23ee7e4988e056be3f82d19181d9c6efe8141120314088f5013875ac656398d8a2ed19d2a85c8edd3ec2aefn,
  },
} as const

/** Whether raw x ‖ y lies on the curve (SEC 1 section 3.2.2.1). Used to name the cause once a signature has failed. */
export const isOnCurve = (curve: 'p256' | 'p384', point: Uint8Array): boolean => {
  const width = curve === 'p256' ? 32 : 48
  if (point.length !== 2 * width) return false
  const { p, b } = CURVES[curve]
  const x = BigInt(`0x${toHexPlain(point.subarray(0, width))}`)
  const y = BigInt(`0x${toHexPlain(point.subarray(width))}`)
  return x < p && y < p && (y * y - (x * x * x - 3n * x + b)) % p === 0n
}

/** Bytes of a BIT STRING element that holds a signature. */
export const signatureBytes = (element: DerElement): Uint8Array => bitStringBytes(element).slice()

