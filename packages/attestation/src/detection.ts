/**
 * Owns reading a file of unknown form for the kinds' detectors: its bytes, its text, its JSON object, and byte fields inside JSON.
 * Does not know any kind.
 */
import { parseHex, parseUtf8 } from '@phalanx/primitives/bytes'
import { isAppError } from '@phalanx/primitives/errors'
import { parseBase64 } from './base64.ts'
import { attestationError, isAttestationError } from './errors.ts'
import { parseJson, type JsonObject, type JsonValue } from './json.ts'

/** Largest file looked at: 4 MiB. */
const FILE_MAX = 4 * 1024 * 1024

/** A file as a detector sees it. */
export interface DetectionInput {
  readonly bytes: Uint8Array
  /** The bytes as text, trimmed, where they are UTF-8. */
  readonly text: string | undefined
  /** The text as a JSON object, where it is one. */
  readonly json: JsonObject | undefined
}

const decodeText = (bytes: Uint8Array): string | undefined => {
  try {
    return parseUtf8(bytes).replace(/^\uFEFF/, '').trim()
  } catch (error) {
    if (isAppError(error, 'CODEC_INVALID_UTF8')) return undefined
    throw error
  }
}

/** Reads a file. A text that begins like a JSON object must be one. @throws ATTESTATION_INPUT_TOO_LARGE, ATTESTATION_JSON_ codes */
export const readDetectionInput = (bytes: Uint8Array): DetectionInput => {
  if (bytes.length > FILE_MAX) throw attestationError('ATTESTATION_INPUT_TOO_LARGE', `file of ${bytes.length} bytes, at most ${FILE_MAX}`)
  const text = decodeText(bytes)
  const value = text?.startsWith('{') === true ? parseJson(text) : undefined
  return { bytes, text, json: value instanceof Map ? (value as JsonObject) : undefined }
}

/** Text as the bytes it stands for: hex with or without 0x, or base64 with line breaks; undefined when it is neither. */
export const bytesOfText = (text: string): Uint8Array | undefined => {
  const dense = text.replace(/\s+/g, '')
  if (/^(0x)?([0-9a-fA-F]{2})+$/.test(dense)) return parseHex(dense)
  try {
    return dense === '' ? undefined : parseBase64(dense)
  } catch (error) {
    if (isAttestationError(error)) return undefined
    throw error
  }
}

/** A JSON value as bytes: hex or base64 text, or an array of numbers up to 255; undefined for anything else. */
export const bytesOfJson = (value: JsonValue | undefined): Uint8Array | undefined => {
  if (typeof value === 'string') return bytesOfText(value)
  if (!Array.isArray(value)) return undefined
  const numbers = value as readonly JsonValue[]
  return numbers.every((one) => typeof one === 'number' && Number.isInteger(one) && one >= 0 && one <= 255) ? Uint8Array.from(numbers as readonly number[]) : undefined
}

/** The member of the first of several names that is there. */
export const memberOf = (json: JsonObject, names: readonly string[]): JsonValue | undefined => {
  const name = names.find((one) => json.has(one))
  return name === undefined ? undefined : json.get(name)
}
