/**
 * Owns the Codec shape: one value that carries bytes (read, write), static type (`TypeOf`) and type info (metadata).
 * Combinators live in the sibling files, one family each. SCALE as Substrate writes it; strict on the way in.
 */
import { ByteReader, ByteWriter } from './cursor.ts'
import type { TypeInfo } from './type-info.ts'

/** A SCALE type: how to read, write and describe values of `T`. */
export interface Codec<T> {
  /** Description for metadata. Called lazily so that recursive types may refer to themselves. */
  readonly info: () => TypeInfo
  /** Fewest bytes a value takes; bounds the length prefixes of sequences. */
  readonly minSize: number
  /** Appends a value. @throws CODEC_OUT_OF_RANGE and other CODEC_ codes when the value does not fit the type */
  write(out: ByteWriter, value: T): void
  /** Reads a value from the cursor. @throws CODEC_ codes on any byte that is not canonical */
  read(input: ByteReader): T
  /** Bytes of a value. */
  encode(value: T): Uint8Array
  /** Value of exactly these bytes. @throws CODEC_TRAILING_BYTES and the codes of `read` */
  decode(bytes: Uint8Array): T
}

/** Static type of a codec's values. */
export type TypeOf<C> = C extends Codec<infer T> ? T : never

/** The parts that differ from codec to codec. */
export interface CodecParts<T> {
  readonly info: () => TypeInfo
  readonly minSize: number
  write(out: ByteWriter, value: T): void
  read(input: ByteReader): T
}

/** From this size on a value's buffer begins as large as its type's least size: exact for types of fixed size. */
const EXACT_FROM = 16

/** Completes a codec with `encode` and the strict `decode`. */
export const createCodec = <T>(parts: CodecParts<T>): Codec<T> => ({
  ...parts,
  encode(value) {
    const out = new ByteWriter(parts.minSize >= EXACT_FROM ? parts.minSize : undefined)
    parts.write(out, value)
    return out.finish()
  },
  decode(bytes) {
    const input = new ByteReader(bytes)
    const value = parts.read(input)
    input.finish()
    return value
  },
})

/** A codec that may refer to itself or to one declared later. `minSize` of the target is unknown here and taken as 0 unless given. */
export const late = <T>(target: () => Codec<T>, minSize = 0): Codec<T> =>
  createCodec<T>({
    info: () => target().info(),
    minSize,
    write: (out, value) => target().write(out, value),
    read(input) {
      input.enter()
      const value = target().read(input)
      input.leave()
      return value
    },
  })

/** The same bytes seen as another static type; `to` may refuse a value by throwing, `from` must be its inverse. */
export const mapped = <T, U>(inner: Codec<T>, to: (value: T) => U, from: (value: U) => T): Codec<U> =>
  createCodec<U>({
    info: inner.info,
    minSize: inner.minSize,
    write: (out, value) => inner.write(out, from(value)),
    read: (input) => to(inner.read(input)),
  })

/** The same bytes under a type path (and optional docs) for metadata, for example `sp_core::crypto::AccountId32`. */
export const named = <T>(path: string, inner: Codec<T>, docs: readonly string[] = []): Codec<T> => {
  let info: TypeInfo | undefined
  return createCodec<T>({
    info: () => (info ??= { ...inner.info(), path: path.split('::'), docs }),
    minSize: inner.minSize,
    write: inner.write,
    read: inner.read,
  })
}

/** Brands a codec's static type without changing bytes or info. */
export const branded = <B>(inner: Codec<Uint8Array>): Codec<B> => inner as unknown as Codec<B>
