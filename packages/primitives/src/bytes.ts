/** Owns small operations on byte arrays. Hex is only for people and JSON edges. */
import { AppError } from './errors.ts'

const HEX_DIGITS = '0123456789abcdef'
const BYTE_TO_HEX: readonly string[] = Array.from({ length: 256 }, (_, i) => HEX_DIGITS.charAt(i >> 4) + HEX_DIGITS.charAt(i & 15))
const textEncoder = new TextEncoder()
const textDecoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** No bytes. */
export const EMPTY: Uint8Array = new Uint8Array(0)

/** Joins byte arrays. */
export const concatBytes = (...parts: readonly Uint8Array[]): Uint8Array => {
  let length = 0
  for (const part of parts) length += part.length
  const out = new Uint8Array(length)
  let at = 0
  for (const part of parts) {
    out.set(part, at)
    at += part.length
  }
  return out
}

/** Whether two byte arrays hold the same bytes. Not constant time: never compare secrets with it. */
export const bytesEqual = (a: Uint8Array, b: Uint8Array): boolean => {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}

/** Lexicographic order, shorter first: negative, zero or positive. */
export const compareBytes = (a: Uint8Array, b: Uint8Array): number => {
  const shared = Math.min(a.length, b.length)
  for (let i = 0; i < shared; i++) {
    const difference = (a[i] as number) - (b[i] as number)
    if (difference !== 0) return difference
  }
  return a.length - b.length
}

/** Whether `bytes` begins with `prefix`. */
export const startsWith = (bytes: Uint8Array, prefix: Uint8Array): boolean => {
  if (bytes.length < prefix.length) return false
  for (let i = 0; i < prefix.length; i++) if (bytes[i] !== prefix[i]) return false
  return true
}

/** Lower-case hex without prefix. */
export const toHexPlain = (bytes: Uint8Array): string => {
  let out = ''
  for (let i = 0; i < bytes.length; i++) out += BYTE_TO_HEX[bytes[i] as number] as string
  return out
}

/** Lower-case hex with `0x`. */
export const toHex = (bytes: Uint8Array): string => `0x${toHexPlain(bytes)}`

const nibble = (code: number): number => {
  if (code >= 48 && code <= 57) return code - 48
  const lower = code | 32
  return lower >= 97 && lower <= 102 ? lower - 87 : -1
}

/** Parses hex with or without `0x`, either case. @throws HEX_MALFORMED */
export const parseHex = (text: string): Uint8Array => {
  const start = text.startsWith('0x') ? 2 : 0
  const digits = text.length - start
  if (digits % 2 !== 0) throw new AppError('HEX_MALFORMED', { length: text.length })
  const out = new Uint8Array(digits / 2)
  for (let i = 0; i < out.length; i++) {
    const high = nibble(text.charCodeAt(start + 2 * i))
    const low = nibble(text.charCodeAt(start + 2 * i + 1))
    if (high < 0 || low < 0) throw new AppError('HEX_MALFORMED', { length: text.length })
    out[i] = (high << 4) | low
  }
  return out
}

/** UTF-8 bytes of a text. */
export const utf8 = (text: string): Uint8Array => textEncoder.encode(text)

/** Text of UTF-8 bytes. @throws CODEC_INVALID_UTF8 */
export const parseUtf8 = (bytes: Uint8Array): string => {
  try {
    return textDecoder.decode(bytes)
  } catch (cause) {
    throw new AppError('CODEC_INVALID_UTF8', {}, { cause })
  }
}

/** Arguments that one call surely takes. */
const KEY_CHUNK = 4096

/** A string with one character per byte: a cheap Map key that keeps byte order. One flat string, since joined ones hash slowly. */
export const bytesToKey = (bytes: Uint8Array): string => {
  if (bytes.length <= KEY_CHUNK) return String.fromCharCode.apply(null, bytes as unknown as number[])
  let out = ''
  for (let at = 0; at < bytes.length; at += KEY_CHUNK) out += bytesToKey(bytes.subarray(at, at + KEY_CHUNK))
  return out
}

/** Inverse of `bytesToKey`. */
export const keyToBytes = (key: string): Uint8Array => {
  const out = new Uint8Array(key.length)
  for (let i = 0; i < key.length; i++) out[i] = key.charCodeAt(i)
  return out
}

/** Unsigned little-endian integer of a fixed width. */
export const bigintToLe = (value: bigint, width: number): Uint8Array => {
  const out = new Uint8Array(width)
  let rest = value
  for (let i = 0; i < width; i++) {
    out[i] = Number(rest & 0xffn)
    rest >>= 8n
  }
  return out
}

/** Value of unsigned little-endian bytes of any width. */
export const leToBigint = (bytes: Uint8Array): bigint => {
  let value = 0n
  for (let i = bytes.length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i] as number)
  return value
}
