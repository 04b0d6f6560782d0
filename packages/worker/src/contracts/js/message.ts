/**
 * Owns the messages between the prelude and the worker: a head of two words (operation or outcome, length of all), then fields,
 * each at a multiple of 8. Numbers are words, byte strings a length and their bytes, all little-endian.
 */
import { bigintToLe, leToBigint } from '@phalanx/primitives/bytes'
import { AppError } from '@phalanx/primitives/errors'
import type { ContractErrorName } from '../vm.ts'

const HEAD = 8
const WORD = 8

/** The error that stops a contract. */
export const trap = (error: ContractErrorName, reason: string): AppError<'CONTRACT_TRAPPED'> => new AppError('CONTRACT_TRAPPED', { error, reason })

const malformed = (): AppError<'CONTRACT_TRAPPED'> => trap('DecodingFailed', 'a message to the host is malformed')

const wordAt = (bytes: Uint8Array, at: number): number =>
  ((bytes[at] as number) | ((bytes[at + 1] as number) << 8) | ((bytes[at + 2] as number) << 16) | ((bytes[at + 3] as number) << 24)) >>> 0

const wordOf = (value: number): Uint8Array => Uint8Array.of(value & 0xff, (value >>> 8) & 0xff, (value >>> 16) & 0xff, value >>> 24)

/** Reads the fields of a message. @throws CONTRACT_TRAPPED where they are not there */
export class MessageReader {
  readonly bytes: Uint8Array
  private at = HEAD

  constructor(bytes: Uint8Array) {
    if (bytes.length < HEAD) throw malformed()
    this.bytes = bytes
  }

  /** First word of the head. */
  get operation(): number {
    return wordAt(this.bytes, 0)
  }

  private skip(length: number): number {
    const from = this.at
    if (length > this.bytes.length - from) throw malformed()
    this.at += length
    return from
  }

  number(): number {
    return wordAt(this.bytes, this.skip(WORD))
  }

  flag(): boolean {
    const value = this.number()
    if (value > 1) throw malformed()
    return value === 1
  }

  /** A u64 or, with 16 bytes, a u128. */
  big(length: 8 | 16): bigint {
    const from = this.skip(length)
    return leToBigint(this.bytes.subarray(from, from + length))
  }

  /** A byte string, as a view. */
  bytesUpTo(max: number): Uint8Array {
    const length = this.number()
    if (length > max) throw trap('ValueTooLarge', `${length} bytes are given to the host, ${max} are allowed`)
    const from = this.skip((length + 7) & ~7)
    return this.bytes.subarray(from, from + length)
  }

  /** 32 bytes. */
  hash(): Uint8Array {
    const bytes = this.bytesUpTo(32)
    if (bytes.length !== 32) throw malformed()
    return bytes
  }
}

interface Field {
  readonly bytes: Uint8Array
  readonly at: number
}

/** Puts together a message. */
export class MessageWriter {
  private readonly fields: Field[] = []
  private length = HEAD
  private readonly head: number

  /** `head`: the first word. */
  constructor(head = 0) {
    this.head = head
  }

  private add(bytes: Uint8Array): this {
    this.fields.push({ bytes, at: this.length })
    this.length += (bytes.length + 7) & ~7
    return this
  }

  number(value: number): this {
    return this.add(wordOf(value))
  }

  big(value: bigint, length: 8 | 16): this {
    return this.add(bigintToLe(value, length))
  }

  bytes(value: Uint8Array): this {
    return this.number(value.length).add(value)
  }

  /** Bytes, or a word that says there are none. */
  optional(value: Uint8Array | undefined): this {
    return value === undefined ? this.number(0) : this.number(1).bytes(value)
  }

  finish(): Uint8Array {
    const out = new Uint8Array(this.length)
    out.set(wordOf(this.head))
    out.set(wordOf(this.length), 4)
    for (const { bytes, at } of this.fields) out.set(bytes, at)
    return out
  }
}
