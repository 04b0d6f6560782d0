/** Owns writing DER, the inverse of der.ts, for the simulated vendor and for tests that need a certificate with a fault. */
import { concatBytes, utf8 } from '@phalanx/primitives/bytes'
import { TAG } from './der.ts'
import { formatDerTime } from './time.ts'

/** One element. */
export const der = (tag: number, ...content: readonly Uint8Array[]): Uint8Array => {
  const body = concatBytes(...content)
  const length = body.length
  const head = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : length < 0x10000 ? [0x82, length >> 8, length & 0xff] : [0x83, length >> 16, (length >> 8) & 0xff, length & 0xff]
  return concatBytes(Uint8Array.of(tag, ...head), body)
}

/** SEQUENCE of elements. */
export const derSequence = (...content: readonly Uint8Array[]): Uint8Array => der(TAG.sequence, ...content)

/** INTEGER of unsigned big-endian bytes. */
export const derUnsigned = (bytes: Uint8Array): Uint8Array => {
  let start = 0
  while (start < bytes.length - 1 && bytes[start] === 0) start++
  const body = bytes.subarray(start)
  return der(TAG.integer, (body[0] ?? 0) >= 0x80 ? Uint8Array.of(0) : new Uint8Array(0), body.length === 0 ? Uint8Array.of(0) : body)
}

/** INTEGER of a number below 2^32. */
export const derInteger = (value: number): Uint8Array => derUnsigned(Uint8Array.of((value >>> 24) & 0xff, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff))

/** OBJECT IDENTIFIER of dotted text. */
export const derOid = (text: string): Uint8Array => {
  const parts = text.split('.').map(BigInt)
  const [first = 0n, second = 0n, ...rest] = parts
  const out: number[] = []
  for (const part of [first * 40n + second, ...rest]) {
    const digits = [Number(part & 0x7fn)]
    for (let left = part >> 7n; left > 0n; left >>= 7n) digits.unshift(Number(left & 0x7fn) | 0x80)
    out.push(...digits)
  }
  return der(TAG.oid, Uint8Array.from(out))
}

/** OCTET STRING. */
export const derOctets = (bytes: Uint8Array): Uint8Array => der(TAG.octetString, bytes)

/** BIT STRING of whole bytes. */
export const derBits = (bytes: Uint8Array): Uint8Array => der(TAG.bitString, Uint8Array.of(0), bytes)

/** BOOLEAN TRUE. */
export const derTrue: Uint8Array = Uint8Array.of(TAG.boolean, 1, 0xff)

/** UTF8String. */
export const derText = (text: string): Uint8Array => der(TAG.utf8String, utf8(text))

/** UTCTime or GeneralizedTime of whole seconds since 1970. */
export const derTime = (seconds: number): Uint8Array => {
  const { tag, text } = formatDerTime(seconds)
  return der(tag, utf8(text))
}

/** ECDSA-Sig-Value of raw r ‖ s. */
export const derEcdsaSignature = (raw: Uint8Array): Uint8Array =>
  derSequence(derUnsigned(raw.subarray(0, raw.length / 2)), derUnsigned(raw.subarray(raw.length / 2)))
