/**
 * Owns reading GPU attestation reports: an SPDM 1.1 GET_MEASUREMENTS exchange (DMTF DSP0274 section 10.11), request and signed response
 * one after the other, and the vendor's opaque fields in it. Does not judge what they say.
 */
import { attestationError } from '../../errors.ts'
import type { ByteRange } from '../../verdict.ts'

const REQUEST_LENGTH = 37
const SIGNATURE_LENGTH = 96
const NONCE_LENGTH = 32
/** DMTF measurement specification (DSP0274 table 39). */
const DMTF = 1
const BLOCK_HEAD = 4
const VALUE_HEAD = 3
const VALUE_LENGTH_MAX = 64
const FIELDS_MAX = 64

/** One measurement: its number, counted from 1, and its digest. */
export interface Measurement {
  readonly index: number
  /** DMTFSpecMeasurementValueType. */
  readonly type: number
  readonly value: Uint8Array
}

/** A signed exchange. */
export interface GpuReport {
  readonly requestNonce: Uint8Array
  readonly responseNonce: Uint8Array
  readonly measurements: readonly Measurement[]
  /** The vendor's fields by number. */
  readonly fields: ReadonlyMap<number, Uint8Array>
  /** Everything before the signature. */
  readonly signed: Uint8Array
  /** Raw r ‖ s. */
  readonly signature: Uint8Array
  readonly at: { readonly requestNonce: ByteRange; readonly measurements: ByteRange; readonly signature: ByteRange }
}

const bad = (what: string): never => {
  throw attestationError('ATTESTATION_SPDM_MALFORMED', what)
}

/** Reads forward; every read is bounded by the input. */
class SpdmReader {
  readonly source: Uint8Array
  readonly end: number
  at: number

  constructor(source: Uint8Array, at = 0, end: number = source.length) {
    this.source = source
    this.at = at
    this.end = end
  }

  take(length: number): Uint8Array {
    if (length > this.end - this.at) return bad(`${length} bytes expected at byte ${this.at}, ${this.end - this.at} left`)
    this.at += length
    return this.source.subarray(this.at - length, this.at)
  }

  /** Little-endian number of up to three bytes. */
  number(width: 1 | 2 | 3): number {
    return this.take(width).reduceRight((sum, byte) => sum * 256 + byte, 0)
  }
}

const expectByte = (reader: SpdmReader, expected: number, what: string): void => {
  const byte = reader.number(1)
  if (byte !== expected) bad(`${what} is 0x${byte.toString(16)}, 0x${expected.toString(16)} expected`)
}

/** Version 1.1, GET_MEASUREMENTS with signature, all measurements, nonce, slot 0. */
const readRequest = (reader: SpdmReader): Uint8Array => {
  expectByte(reader, 0x11, 'SPDM version of the request')
  expectByte(reader, 0xe0, 'request code')
  expectByte(reader, 0x01, 'request for a signature')
  expectByte(reader, 0xff, 'request for all measurements')
  const nonce = reader.take(NONCE_LENGTH)
  expectByte(reader, 0x00, 'slot')
  return nonce
}

const readBlock = (reader: SpdmReader): Measurement => {
  const index = reader.number(1)
  expectByte(reader, DMTF, `specification of measurement ${index}`)
  const size = reader.number(2)
  const type = reader.number(1)
  const length = reader.number(2)
  if (size !== length + VALUE_HEAD || length === 0 || length > VALUE_LENGTH_MAX) bad(`measurement ${index} has ${length} bytes in ${size}`)
  return { index, type, value: reader.take(length).slice() }
}

/** Blocks must be numbered upwards, so that no number has two values. */
const readMeasurements = (source: Uint8Array, range: ByteRange, count: number): readonly Measurement[] => {
  const reader = new SpdmReader(source, range.offset, range.offset + range.length)
  const out: Measurement[] = []
  while (reader.at < reader.end) {
    if (reader.end - reader.at < BLOCK_HEAD) bad(`${reader.end - reader.at} bytes after measurement ${out.length}`)
    const block = readBlock(reader)
    if (block.index <= (out.at(-1)?.index ?? 0)) bad(`measurement ${block.index} after ${out.at(-1)?.index ?? 0}`)
    out.push(block)
  }
  if (out.length !== count) bad(`${out.length} measurements, ${count} announced`)
  return out
}

const readFields = (source: Uint8Array, range: ByteRange): ReadonlyMap<number, Uint8Array> => {
  const reader = new SpdmReader(source, range.offset, range.offset + range.length)
  const out = new Map<number, Uint8Array>()
  while (reader.at < reader.end) {
    const number = reader.number(2)
    const value = reader.take(reader.number(2)).slice()
    if (out.has(number)) bad(`opaque field ${number} a second time`)
    if (out.size === FIELDS_MAX) bad(`more than ${FIELDS_MAX} opaque fields`)
    out.set(number, value)
  }
  return out
}

/** Reads a report of exactly these bytes. @throws ATTESTATION_SPDM_MALFORMED, ATTESTATION_QUOTE_TRAILING_BYTES */
export const parseGpuReport = (input: Uint8Array): GpuReport => {
  const source = input.slice()
  const reader = new SpdmReader(source)
  const requestNonce = readRequest(reader)
  expectByte(reader, 0x11, 'SPDM version of the response')
  expectByte(reader, 0x60, 'response code')
  reader.take(1)
  expectByte(reader, 0x00, 'slot of the response')
  const count = reader.number(1)
  const measurements = { length: reader.number(3), offset: reader.at }
  reader.take(measurements.length)
  const responseNonce = reader.take(NONCE_LENGTH)
  const opaque = { length: reader.number(2), offset: reader.at }
  reader.take(opaque.length)
  const signed = source.subarray(0, reader.at)
  const signature = reader.take(SIGNATURE_LENGTH)
  if (reader.at !== source.length) throw attestationError('ATTESTATION_QUOTE_TRAILING_BYTES', `${source.length - reader.at} bytes`)
  return {
    requestNonce, responseNonce, signed, signature,
    measurements: readMeasurements(source, measurements, count),
    fields: readFields(source, opaque),
    at: { requestNonce: { offset: 4, length: NONCE_LENGTH }, measurements, signature: { offset: signed.length, length: SIGNATURE_LENGTH } },
  }
}

/** Whether bytes begin like a report. */
export const isGpuReport = (bytes: Uint8Array): boolean =>
  bytes.length > REQUEST_LENGTH + SIGNATURE_LENGTH && bytes[0] === 0x11 && bytes[1] === 0xe0 && bytes[REQUEST_LENGTH] === 0x11 && bytes[REQUEST_LENGTH + 1] === 0x60

/** Numbers of the vendor's fields that are shown or judged. */
export const GPU_FIELD = { driverVersion: 3, vbiosVersion: 6, project: 17, projectSku: 18, chipSku: 15, firmwareId: 20 } as const
