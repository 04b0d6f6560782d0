/** Owns reading and writing the primitive parts of the WebAssembly binary format: bounded, in shortest or padded LEB128, never past the end. */
import { parseUtf8 } from '@phalanx/primitives/bytes'
import { AppError, isAppError } from '@phalanx/primitives/errors'

/** The error of a module that is not accepted. */
export const refused = (reason: string): AppError<'CONTRACT_CODE_REFUSED'> => new AppError('CONTRACT_CODE_REFUSED', { reason })

/** A cursor over module bytes that ends at `end`. */
export class WasmReader {
  readonly bytes: Uint8Array
  readonly end: number
  at: number

  constructor(bytes: Uint8Array, at = 0, end = bytes.length) {
    this.bytes = bytes
    this.at = at
    this.end = end
  }

  get isAtEnd(): boolean {
    return this.at === this.end
  }

  u8(): number {
    if (this.at >= this.end) throw refused('it ends early')
    return this.bytes[this.at++] as number
  }

  /** Unsigned LEB128 of at most 32 bits. */
  u32(): number {
    let value = 0
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.u8()
      if (shift === 28 && byte > 0x0f) throw refused('a number is out of range')
      value += (byte & 0x7f) * 2 ** shift
      if (byte < 0x80) return value
    }
    throw refused('a number is too long')
  }

  /** Skips a signed LEB128 of at most `bits` bits. */
  skipSigned(bits: 33 | 32 | 64): void {
    for (let left = Math.ceil(bits / 7); left > 0; left--) {
      if (this.u8() < 0x80) return
    }
    throw refused('a number is too long')
  }

  /** Skips bytes and returns them as a view. */
  take(length: number): Uint8Array {
    if (length > this.end - this.at) throw refused('it ends early')
    this.at += length
    return this.bytes.subarray(this.at - length, this.at)
  }

  /** Count of a vector whose elements take at least one byte each. */
  count(what: string, max: number): number {
    const count = this.u32()
    if (count > max) throw refused(`it has ${count} ${what}, ${max} are allowed`)
    if (count > this.end - this.at) throw refused('it ends early')
    return count
  }

  name(): string {
    const length = this.u32()
    if (length > 1024) throw refused('a name is too long')
    try {
      return parseUtf8(this.take(length))
    } catch (error) {
      throw isAppError(error, 'CONTRACT_CODE_REFUSED') ? error : refused('a name is not UTF-8')
    }
  }

  /** A reader of the next `length` bytes; this one goes on behind them. */
  part(length: number): WasmReader {
    const start = this.at
    this.take(length)
    return new WasmReader(this.bytes, start, this.at)
  }
}

/** A growing buffer of module bytes. */
export class WasmWriter {
  private buffer: Uint8Array
  length = 0

  constructor(capacity = 256) {
    this.buffer = new Uint8Array(capacity)
  }

  private reserve(more: number): void {
    if (this.length + more <= this.buffer.length) return
    const next = new Uint8Array(Math.max(this.buffer.length * 2, this.length + more))
    next.set(this.buffer.subarray(0, this.length))
    this.buffer = next
  }

  u8(value: number): void {
    this.reserve(1)
    this.buffer[this.length++] = value
  }

  raw(bytes: Uint8Array): void {
    this.reserve(bytes.length)
    this.buffer.set(bytes, this.length)
    this.length += bytes.length
  }

  op(...bytes: readonly number[]): void {
    for (const byte of bytes) this.u8(byte)
  }

  u32(value: number): void {
    let rest = value
    while (rest >= 0x80) {
      this.u8((rest % 0x80) | 0x80)
      rest = Math.floor(rest / 0x80)
    }
    this.u8(rest)
  }

  /** Signed LEB128 of a number that is not negative. */
  signed(value: number): void {
    let rest = value
    while (rest >= 0x40) {
      this.u8((rest % 0x80) | 0x80)
      rest = Math.floor(rest / 0x80)
    }
    this.u8(rest)
  }

  text(value: string): void {
    this.u32(value.length)
    for (let i = 0; i < value.length; i++) this.u8(value.charCodeAt(i))
  }

  /** What was written, as a view. */
  view(): Uint8Array {
    return this.buffer.subarray(0, this.length)
  }

  clear(): void {
    this.length = 0
  }
}
