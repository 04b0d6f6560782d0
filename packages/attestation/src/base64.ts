/** Owns canonical base64 (RFC 4648 section 4): padding required, no white space, unused bits zero. */
import { attestationError } from './errors.ts'

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
const VALUES: readonly number[] = Array.from({ length: 128 }, (_, code) => ALPHABET.indexOf(String.fromCharCode(code)))

/** Decodes canonical base64; the empty text is no bytes. @throws ATTESTATION_BASE64_MALFORMED */
export const parseBase64 = (text: string): Uint8Array => {
  const bad = (at: number): never => {
    throw attestationError('ATTESTATION_BASE64_MALFORMED', `character ${at} of ${text.length}`)
  }
  if (text.length % 4 !== 0) return bad(text.length)
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0
  const digits = text.length - padding
  const out = new Uint8Array((text.length / 4) * 3 - padding)
  let buffer = 0
  let bits = 0
  let written = 0
  for (let i = 0; i < digits; i++) {
    const value = VALUES[text.charCodeAt(i)] ?? -1
    if (value < 0) return bad(i)
    buffer = ((buffer << 6) | value) & 0xffffff
    bits += 6
    if (bits < 8) continue
    bits -= 8
    out[written++] = (buffer >> bits) & 0xff
  }
  if (bits > 0 && (buffer & ((1 << bits) - 1)) !== 0) return bad(digits - 1)
  return out
}

/** Encodes with padding. */
export const toBase64 = (bytes: Uint8Array): string => {
  let out = ''
  for (let i = 0; i < bytes.length; i += 3) {
    const group = ((bytes[i] as number) << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0)
    const left = bytes.length - i
    out += ALPHABET.charAt(group >> 18) + ALPHABET.charAt((group >> 12) & 63)
    out += left > 1 ? ALPHABET.charAt((group >> 6) & 63) : '='
    out += left > 2 ? ALPHABET.charAt(group & 63) : '='
  }
  return out
}
