/** Owns the byte cursor: bounded reads that never leave their slice, and a growing writer. Knows nothing of types. */
import { AppError } from '../errors.ts'

/** Deepest nesting of a decoded value; recursive types (calls in calls) stop here. */
export const DEPTH_MAX = 64

/** Reads forward through a slice; every read is checked. */
export class ByteReader {
  readonly bytes: Uint8Array
  readonly end: number
  offset: number
  depth = 0
  /** Made when a wide integer is first read: many values have none. */
  private view: DataView | undefined

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
    this.offset = 0
    this.end = bytes.length
  }

  /** Bytes not read yet. */
  get left(): number {
    return this.end - this.offset
  }

  private take(count: number): number {
    if (count > this.end - this.offset) throw new AppError('CODEC_UNEXPECTED_END', { needed: count, left: this.left })
    const at = this.offset
    this.offset = at + count
    return at
  }

  u8(): number {
    return this.bytes[this.take(1)] as number
  }

  u16(): number {
    const at = this.take(2)
    return (this.bytes[at] as number) | ((this.bytes[at + 1] as number) << 8)
  }

  u32(): number {
    const at = this.take(4)
    const { bytes } = this
    return ((bytes[at] as number) | ((bytes[at + 1] as number) << 8) | ((bytes[at + 2] as number) << 16) | ((bytes[at + 3] as number) << 24)) >>> 0
  }

  u64(): bigint {
    const at = this.take(8)
    this.view ??= new DataView(this.bytes.buffer, this.bytes.byteOffset, this.bytes.byteLength)
    return this.view.getBigUint64(at, true)
  }

  /** A copy of the next `count` bytes, so that a kept value never pins or aliases its message. */
  raw(count: number): Uint8Array {
    const at = this.take(count)
    return this.bytes.slice(at, at + count)
  }

  /** Enters a nested value. @throws CODEC_DEPTH_EXCEEDED */
  enter(): void {
    if (++this.depth > DEPTH_MAX) throw new AppError('CODEC_DEPTH_EXCEEDED', { max: DEPTH_MAX })
  }

  leave(): void {
    this.depth--
  }

  /** @throws CODEC_TRAILING_BYTES unless everything was read */
  finish(): void {
    if (this.offset !== this.end) throw new AppError('CODEC_TRAILING_BYTES', { count: this.left })
  }
}

/** Appends to a buffer that doubles as needed. */
export class ByteWriter {
  private buffer: Uint8Array
  /** Made when a wide integer is first written: many values need none. */
  private view: DataView | undefined
  private length = 0

  constructor(capacity = 64) {
    this.buffer = new Uint8Array(capacity)
  }

  private reserve(count: number): number {
    const at = this.length
    const needed = at + count
    if (needed > this.buffer.length) {
      const grown = new Uint8Array(Math.max(needed, this.buffer.length * 2))
      grown.set(this.buffer.subarray(0, at))
      this.buffer = grown
      this.view = undefined
    }
    this.length = needed
    return at
  }

  /** Bytes written so far. */
  get size(): number {
    return this.length
  }

  /** Takes back everything after the first `size` bytes. Not after `finish`. */
  truncate(size: number): void {
    if (size < this.length) this.length = size
  }

  u8(value: number): void {
    const at = this.reserve(1)
    this.buffer[at] = value
  }

  u16(value: number): void {
    const at = this.reserve(2)
    this.buffer[at] = value
    this.buffer[at + 1] = value >>> 8
  }

  u32(value: number): void {
    const at = this.reserve(4)
    this.buffer[at] = value
    this.buffer[at + 1] = value >>> 8
    this.buffer[at + 2] = value >>> 16
    this.buffer[at + 3] = value >>> 24
  }

  u64(value: bigint): void {
    const at = this.reserve(8)
    this.view ??= new DataView(this.buffer.buffer)
    this.view.setBigUint64(at, value, true)
  }

  raw(bytes: Uint8Array): void {
    const at = this.reserve(bytes.length)
    this.buffer.set(bytes, at)
  }

  /** What was written; the writer's own buffer where it is exactly full, which later writes never touch. */
  finish(): Uint8Array {
    return this.length === this.buffer.length ? this.buffer : this.buffer.slice(0, this.length)
  }
}
