/**
 * Owns reading DER (ITU-T X.690): definite minimal lengths, one-byte tags, canonical primitives, bounded depth, nothing trailing.
 * BER is refused: two readers must never see two values in one signed byte string. Does not own certificates.
 */
import { attestationError } from '../errors.ts'

/** Universal and context tags that X.509 uses. */
export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  enumerated: 0x0a,
  utf8String: 0x0c,
  printableString: 0x13,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const

/** Deepest nesting; real certificates use nine levels. */
const DER_DEPTH_MAX = 16

/** Context-specific tag `[number]`, constructed unless said otherwise. */
export const contextTag = (number: number, constructed = true): number => 0x80 | (constructed ? 0x20 : 0) | number

/** One element: where it lies in `source` and its tag. */
export interface DerElement {
  readonly source: Uint8Array
  readonly tag: number
  readonly start: number
  readonly contentStart: number
  readonly end: number
}

/** Content bytes of an element (a view, not a copy). */
export const contentOf = (element: DerElement): Uint8Array => element.source.subarray(element.contentStart, element.end)

/** Bytes of an element with its header (a view, not a copy). */
export const wholeOf = (element: DerElement): Uint8Array => element.source.subarray(element.start, element.end)

const hexByte = (value: number): string => `0x${value.toString(16).padStart(2, '0')}`

/**
 * Definite lengths in their shortest form, three length bytes at most (16 MiB): BER's indefinite and padded forms would give one
 * signed value several encodings, and a reader that guesses may see another value than the signer.
 */
const readLengthAt = (source: Uint8Array, at: number, end: number): { length: number; next: number } => {
  if (at >= end) throw attestationError('ATTESTATION_DER_TRUNCATED', `no length at byte ${at}`)
  const first = source[at] as number
  if (first < 0x80) return { length: first, next: at + 1 }
  const count = first & 0x7f
  if (count === 0 || count > 3) throw attestationError('ATTESTATION_DER_LENGTH', `length form ${hexByte(first)} at byte ${at}`)
  if (at + 1 + count > end) throw attestationError('ATTESTATION_DER_TRUNCATED', `length cut at byte ${at}`)
  let length = 0
  for (let i = 1; i <= count; i++) length = length * 256 + (source[at + i] as number)
  if (length < 0x80 || length < 256 ** (count - 1)) throw attestationError('ATTESTATION_DER_LENGTH', `${length} written in ${count + 1} bytes at byte ${at}`)
  return { length, next: at + 1 + count }
}

/** Reads one element after another inside one container. */
export class DerReader {
  readonly source: Uint8Array
  readonly end: number
  readonly depth: number
  offset: number

  constructor(source: Uint8Array, start = 0, end: number = source.length, depth = 0) {
    if (depth > DER_DEPTH_MAX) throw attestationError('ATTESTATION_DER_DEPTH_EXCEEDED', `more than ${DER_DEPTH_MAX} levels at byte ${start}`)
    this.source = source
    this.offset = start
    this.end = end
    this.depth = depth
  }

  /** Whether the container holds nothing more. */
  get done(): boolean {
    return this.offset === this.end
  }

  /** Tag of the next element, or -1 at the end. */
  peek(): number {
    return this.offset < this.end ? (this.source[this.offset] as number) : -1
  }

  /** The next element, of the given tag if one is named. */
  next(tag?: number): DerElement {
    const start = this.offset
    if (start >= this.end) throw attestationError('ATTESTATION_DER_TRUNCATED', `an element is missing at byte ${start}`)
    const found = this.source[start] as number
    if ((found & 0x1f) === 0x1f) throw attestationError('ATTESTATION_DER_TAG', `multi-byte tag at byte ${start}`)
    if (tag !== undefined && found !== tag) throw attestationError('ATTESTATION_DER_TAG', `expected ${hexByte(tag)}, got ${hexByte(found)} at byte ${start}`)
    const { length, next } = readLengthAt(this.source, start + 1, this.end)
    if (length > this.end - next) throw attestationError('ATTESTATION_DER_TRUNCATED', `${length} bytes announced, ${this.end - next} left at byte ${start}`)
    this.offset = next + length
    return { source: this.source, tag: found, start, contentStart: next, end: next + length }
  }

  /** The next element if it has this tag. */
  optional(tag: number): DerElement | undefined {
    return this.peek() === tag ? this.next(tag) : undefined
  }

  /** Reader over the content of the next element. */
  enter(tag: number = TAG.sequence): DerReader {
    return this.into(this.next(tag))
  }

  /** Reader over the content of an element. */
  into(element: DerElement): DerReader {
    return new DerReader(element.source, element.contentStart, element.end, this.depth + 1)
  }

  /** @throws ATTESTATION_DER_TRAILING_BYTES unless everything was read */
  finish(): void {
    if (!this.done) throw attestationError('ATTESTATION_DER_TRAILING_BYTES', `${this.end - this.offset} bytes at byte ${this.offset}`)
  }
}

/** Reads one value that fills `bytes`, with `read` over its content. */
export const readDer = <T>(bytes: Uint8Array, tag: number, read: (content: DerReader) => T): T => {
  const outer = new DerReader(bytes)
  const content = outer.enter(tag)
  outer.finish()
  const value = read(content)
  content.finish()
  return value
}

/** Checks that an INTEGER's content is minimal: a padded serial number would not be found on a revocation list. */
const assertMinimalInteger = (content: Uint8Array, at: number): void => {
  if (content.length === 0) throw attestationError('ATTESTATION_DER_VALUE', `empty integer at byte ${at}`)
  const first = content[0] as number
  const second = content[1]
  if (second === undefined) return
  if ((first === 0 && second < 0x80) || (first === 0xff && second >= 0x80)) throw attestationError('ATTESTATION_DER_VALUE', `padded integer at byte ${at}`)
}

/** Content of an INTEGER element, checked to be minimal; two's complement, big endian. */
export const integerBytes = (element: DerElement): Uint8Array => {
  const content = contentOf(element)
  assertMinimalInteger(content, element.start)
  return content
}

/** Unsigned big-endian bytes of a non-negative INTEGER without its sign byte. */
export const unsignedBytes = (element: DerElement): Uint8Array => {
  const content = integerBytes(element)
  if ((content[0] as number) >= 0x80) throw attestationError('ATTESTATION_DER_VALUE', `negative integer at byte ${element.start}`)
  return content[0] === 0 && content.length > 1 ? content.subarray(1) : content
}

/** A non-negative INTEGER below 2^48 as a number. */
export const smallInteger = (element: DerElement): number => {
  const bytes = unsignedBytes(element)
  if (bytes.length > 6) throw attestationError('ATTESTATION_DER_VALUE', `integer of ${bytes.length} bytes at byte ${element.start}`)
  let value = 0
  for (const byte of bytes) value = value * 256 + byte
  return value
}

/** A BOOLEAN: 00 or FF. */
export const booleanOf = (element: DerElement): boolean => {
  const content = contentOf(element)
  if (content.length !== 1 || (content[0] !== 0 && content[0] !== 0xff)) throw attestationError('ATTESTATION_DER_VALUE', `boolean at byte ${element.start}`)
  return content[0] === 0xff
}

/** Bytes of a BIT STRING that fills whole bytes. */
export const bitStringBytes = (element: DerElement): Uint8Array => {
  const content = contentOf(element)
  if (content.length === 0 || content[0] !== 0) throw attestationError('ATTESTATION_DER_VALUE', `bit string with unused bits at byte ${element.start}`)
  return content.subarray(1)
}

/**
 * A named-bit list (key usage): bit 0 is the first; at most 16 bits, unused bits zero. Trailing zero bits must be removed as DER demands,
 * unless the caller reads certificates of a vendor that leaves them in (AMD's intermediates), which is as unambiguous.
 */
export const namedBits = (element: DerElement, options: { readonly untrimmed?: boolean } = {}): readonly boolean[] => {
  const content = contentOf(element)
  const unused = content[0] ?? 8
  const last = content[content.length - 1] ?? 0
  const empty = content.length === 1 && unused === 0
  const trimmed = empty || (last & ((1 << (unused + 1)) - 1)) === 1 << unused
  const untrimmed = options.untrimmed === true && content.length > 1 && (last & ((1 << unused) - 1)) === 0
  if (unused > 7 || content.length > 3 || (content.length === 1 && unused !== 0) || !(trimmed || untrimmed)) throw attestationError('ATTESTATION_DER_VALUE', `named bits at byte ${element.start}`)
  const bits: boolean[] = []
  for (let i = 0; i < (content.length - 1) * 8 - unused; i++) bits.push((((content[1 + (i >> 3)] as number) >> (7 - (i & 7))) & 1) === 1)
  return bits
}

/** Up to here a number times 128 is exact. */
const OID_NUMBER_MAX = 2 ** 45

/** Dotted text of an OBJECT IDENTIFIER. */
export const oidText = (element: DerElement): string => {
  const content = contentOf(element)
  const broken = attestationErrorAt(element)
  if (content.length === 0 || content.length > 64 || (content[content.length - 1] as number) >= 0x80) throw broken()
  const parts: string[] = []
  let value: number | bigint = 0
  let fresh = true
  for (const byte of content) {
    if (fresh && byte === 0x80) throw broken()
    // Numbers as long as they are exact; only UUID arcs need more.
    value = typeof value === 'number' && value < OID_NUMBER_MAX ? value * 128 + (byte & 0x7f) : (BigInt(value) << 7n) | BigInt(byte & 0x7f)
    fresh = byte < 0x80
    if (!fresh) continue
    if (parts.length === 0) {
      const first = value < 40 ? 0 : value < 80 ? 1 : 2
      parts.push(String(first), String(typeof value === 'number' ? value - first * 40 : value - BigInt(first * 40)))
    } else parts.push(String(value))
    value = 0
  }
  return parts.join('.')
}

const attestationErrorAt = (element: DerElement) => () => attestationError('ATTESTATION_DER_VALUE', `object identifier at byte ${element.start}`)

/** A NULL: no content. */
export const assertNull = (element: DerElement): void => {
  if (element.tag !== TAG.null || element.end !== element.contentStart) throw attestationError('ATTESTATION_DER_VALUE', `expected NULL at byte ${element.start}`)
}
