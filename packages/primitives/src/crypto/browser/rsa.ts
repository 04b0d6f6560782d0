/** Owns RSA verification on BigInt (RFC 8017, 8.1.2 and 8.2.2): no secret is involved, so time need not be constant. */
import { sha256, sha384, sha512 } from '@noble/hashes/sha2.js'

import { bytesEqual, concatBytes, parseHex } from '../../bytes.ts'
import type { RsaVerify } from '../crypto.ts'
import { normalizeRsaInput } from '../shared/rsa-rules.ts'

const hashes = {
  sha256: { digest: sha256, length: 32, prefix: parseHex('3031300d060960864801650304020105000420') },
  sha384: { digest: sha384, length: 48, prefix: parseHex('3041300d060960864801650304020205000430') },
  sha512: { digest: sha512, length: 64, prefix: parseHex('3051300d060960864801650304020305000440') },
} as const
type HashName = keyof typeof hashes

const bigEndianToBigint = (bytes: Uint8Array): bigint => {
  let hex = '0x0'
  for (const byte of bytes) hex += byte.toString(16).padStart(2, '0')
  return BigInt(hex)
}

const bigintToBigEndian = (value: bigint, length: number): Uint8Array => parseHex(value.toString(16).padStart(2 * length, '0'))

const modularPower = (base: bigint, exponent: number, modulus: bigint): bigint => {
  let result = 1n
  for (let bit = 31 - Math.clz32(exponent); bit >= 0; bit--) {
    result = (result * result) % modulus
    if (((exponent >>> bit) & 1) === 1) result = (result * base) % modulus
  }
  return result
}

/** The encoded message under a signature (RSAVP1), as long as the modulus, with the modulus' bit length. */
const openSignature = (options: Parameters<RsaVerify['verifyPkcs1']>[0]): { encoded: Uint8Array; bits: number } | undefined => {
  const input = normalizeRsaInput(options)
  if (input === undefined) return undefined
  const modulus = bigEndianToBigint(input.modulus)
  const signature = bigEndianToBigint(input.signature)
  if (signature >= modulus) return undefined
  const opened = modularPower(signature, Number(bigEndianToBigint(input.exponent)), modulus)
  const bits = 8 * input.modulus.length - (Math.clz32(input.modulus[0] as number) - 24)
  return { encoded: bigintToBigEndian(opened, input.modulus.length), bits }
}

const pkcs1Encoding = (hash: HashName, message: Uint8Array, length: number): Uint8Array => {
  const { digest, prefix } = hashes[hash]
  const info = concatBytes(prefix, digest(message))
  const padding = new Uint8Array(length - info.length - 3).fill(0xff)
  return concatBytes(Uint8Array.of(0, 1), padding, Uint8Array.of(0), info)
}

/** MGF1 (RFC 8017, B.2.1). */
const maskOf = (hash: HashName, seed: Uint8Array, length: number): Uint8Array => {
  const { digest, length: digestLength } = hashes[hash]
  const mask = new Uint8Array(Math.ceil(length / digestLength) * digestLength)
  for (let counter = 0; counter * digestLength < length; counter++) {
    mask.set(digest(concatBytes(seed, Uint8Array.of(0, 0, counter >>> 8, counter & 0xff))), counter * digestLength)
  }
  return mask.subarray(0, length)
}

/** EMSA-PSS-VERIFY (RFC 8017, 9.1.2) of an encoded message of `bits` - 1 bits. */
const checkPss = (options: Parameters<RsaVerify['verifyPss']>[0], { encoded, bits }: { encoded: Uint8Array; bits: number }): boolean => {
  const { digest, length: hashLength } = hashes[options.hash]
  const encodedLength = Math.ceil((bits - 1) / 8)
  // A modulus of 8n + 1 bits leaves one byte too many, which must be zero.
  if (encodedLength < encoded.length && encoded[0] !== 0) return false
  const message = encoded.subarray(encoded.length - encodedLength)
  const maskedLength = encodedLength - hashLength - 1
  const saltAt = maskedLength - options.saltLength
  if (saltAt < 1 || message[encodedLength - 1] !== 0xbc) return false
  const hash = message.subarray(maskedLength, maskedLength + hashLength)
  const unusedBits = 8 * encodedLength - (bits - 1)
  if (((message[0] as number) & (0xff00 >> unusedBits) & 0xff) !== 0) return false
  const block = maskOf(options.hash, hash, maskedLength)
  for (let i = 0; i < maskedLength; i++) block[i] = (block[i] as number) ^ (message[i] as number)
  block[0] = (block[0] as number) & (0xff >> unusedBits)
  for (let i = 0; i < saltAt - 1; i++) if (block[i] !== 0) return false
  if (block[saltAt - 1] !== 1) return false
  return bytesEqual(digest(concatBytes(new Uint8Array(8), digest(options.message), block.subarray(saltAt))), hash)
}

/** RSA signatures of certificates and attestation reports. */
export const createRsaVerify = (): RsaVerify => ({
  verifyPkcs1(options) {
    const opened = openSignature(options)
    return opened !== undefined && bytesEqual(opened.encoded, pkcs1Encoding(options.hash, options.message, opened.encoded.length))
  },
  verifyPss(options) {
    if (!Number.isInteger(options.saltLength) || options.saltLength < 0) return false
    const opened = openSignature(options)
    return opened !== undefined && checkPss(options, opened)
  },
})
