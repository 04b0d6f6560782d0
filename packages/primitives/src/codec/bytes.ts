/** Owns byte strings, fixed byte arrays and text. */
import { AppError } from '../errors.ts'
import { parseUtf8, utf8 } from '../bytes.ts'
import { createCodec, type Codec } from './codec.ts'
import { readLength, u8, writeCompact } from './numbers.ts'
import { plainInfo } from './type-info.ts'

const notBytes = (expected: string, value: unknown): AppError => new AppError('CODEC_OUT_OF_RANGE', { expected, got: typeof value })

/** Longest byte string accepted unless a tighter bound is declared: 16 MiB. */
export const BYTES_MAX = 16 * 1024 * 1024

const bytesInfo = plainInfo({ kind: 'sequence', element: u8.info })
const textInfo = plainInfo({ kind: 'primitive', name: 'str' })

/** `Vec<u8>` of at most `max` bytes. */
export const bytesUpTo = (max: number): Codec<Uint8Array> =>
  createCodec<Uint8Array>({
    info: () => bytesInfo,
    minSize: 1,
    write(out, value) {
      if (!(value instanceof Uint8Array)) throw notBytes('bytes', value)
      if (value.length > max) throw new AppError('CODEC_LENGTH_EXCEEDED', { length: value.length, max })
      writeCompact(out, BigInt(value.length))
      out.raw(value)
    },
    read: (input) => input.raw(readLength(input, max)),
  })

/** `Vec<u8>`. */
export const bytes = bytesUpTo(BYTES_MAX)

// tidy-allow purity: memo of type descriptions by length; one object per type is what the metadata builder numbers.
const fixedInfos = new Map<number, ReturnType<typeof plainInfo>>()

/** `[u8; length]`. */
export const fixedBytes = (length: number): Codec<Uint8Array> => {
  const info = fixedInfos.get(length) ?? plainInfo({ kind: 'array', length, element: u8.info })
  fixedInfos.set(length, info)
  return createCodec<Uint8Array>({
    info: () => info,
    minSize: length,
    write(out, value) {
      if (!(value instanceof Uint8Array)) throw notBytes(`${length} bytes`, value)
      if (value.length !== length) throw new AppError('CODEC_OUT_OF_RANGE', { expected: `${length} bytes`, got: `${value.length} bytes` })
      out.raw(value)
    },
    read: (input) => input.raw(length),
  })
}

/** UTF-8 text of at most `max` bytes. */
export const textUpTo = (max: number): Codec<string> => {
  const inner = bytesUpTo(max)
  return createCodec<string>({
    info: () => textInfo,
    minSize: 1,
    write(out, value) {
      if (typeof value !== 'string') throw notBytes('text', value)
      inner.write(out, utf8(value))
    },
    read: (input) => parseUtf8(inner.read(input)),
  })
}

/** UTF-8 text. */
export const text = textUpTo(BYTES_MAX)

/** The rest of the input, uninterpreted and without a length. Only for the last field of a value whose bytes are kept as they are. */
export const remainder: Codec<Uint8Array> = createCodec<Uint8Array>({
  info: () => bytesInfo,
  minSize: 0,
  write: (out, value) => out.raw(value),
  read: (input) => input.raw(input.left),
})
