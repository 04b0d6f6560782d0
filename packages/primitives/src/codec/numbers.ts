/** Owns integers, booleans and compact integers. u32 and narrower are `number`, wider are `bigint`. */
import { AppError } from '../errors.ts'
import { createCodec, type Codec } from './codec.ts'
import type { ByteReader, ByteWriter } from './cursor.ts'
import { plainInfo, type PrimitiveName, type TypeInfo } from './type-info.ts'

const primitive = (name: PrimitiveName): (() => TypeInfo) => {
  const info = plainInfo({ kind: 'primitive', name })
  return () => info
}

const outOfRange = (expected: string, value: unknown): AppError => new AppError('CODEC_OUT_OF_RANGE', { expected, got: String(value) })

const smallUint = (name: 'u8' | 'u16' | 'u32', size: 1 | 2 | 4): Codec<number> => {
  const max = 2 ** (8 * size) - 1
  return createCodec<number>({
    info: primitive(name),
    minSize: size,
    write(out, value) {
      if (!Number.isInteger(value) || value < 0 || value > max) throw outOfRange(name, value)
      if (size === 1) out.u8(value)
      else if (size === 2) out.u16(value)
      else out.u32(value)
    },
    read: (input) => (size === 1 ? input.u8() : size === 2 ? input.u16() : input.u32()),
  })
}

const wideUint = (name: 'u64' | 'u128' | 'u256', words: 1 | 2 | 4): Codec<bigint> => {
  const limit = 1n << BigInt(64 * words)
  return createCodec<bigint>({
    info: primitive(name),
    minSize: 8 * words,
    write(out, value) {
      if (typeof value !== 'bigint' || value < 0n || value >= limit) throw outOfRange(name, value)
      for (let i = 0; i < words; i++) out.u64(BigInt.asUintN(64, value >> BigInt(64 * i)))
    },
    read(input) {
      let value = 0n
      for (let i = 0; i < words; i++) value |= input.u64() << BigInt(64 * i)
      return value
    },
  })
}

/** Unsigned 8-bit integer. */
export const u8 = smallUint('u8', 1)
/** Unsigned 16-bit integer, little endian. */
export const u16 = smallUint('u16', 2)
/** Unsigned 32-bit integer, little endian. */
export const u32 = smallUint('u32', 4)
/** Unsigned 64-bit integer, little endian. */
export const u64 = wideUint('u64', 1)
/** Unsigned 128-bit integer, little endian. */
export const u128 = wideUint('u128', 2)
/** Unsigned 256-bit integer, little endian. */
export const u256 = wideUint('u256', 4)

const signed = (name: 'i8' | 'i16' | 'i32', size: 1 | 2 | 4, base: Codec<number>): Codec<number> => {
  const half = 2 ** (8 * size - 1)
  return createCodec<number>({
    info: primitive(name),
    minSize: size,
    write(out, value) {
      if (!Number.isInteger(value) || value < -half || value >= half) throw outOfRange(name, value)
      base.write(out, value < 0 ? value + 2 * half : value)
    },
    read(input) {
      const raw = base.read(input)
      return raw >= half ? raw - 2 * half : raw
    },
  })
}

const wideSigned = (name: 'i64' | 'i128', words: 1 | 2, base: Codec<bigint>): Codec<bigint> => {
  const bits = 64 * words
  const half = 1n << BigInt(bits - 1)
  return createCodec<bigint>({
    info: primitive(name),
    minSize: 8 * words,
    write(out, value) {
      if (typeof value !== 'bigint' || value < -half || value >= half) throw outOfRange(name, value)
      base.write(out, BigInt.asUintN(bits, value))
    },
    read: (input) => BigInt.asIntN(bits, base.read(input)),
  })
}

/** Signed 8-bit integer. */
export const i8 = signed('i8', 1, u8)
/** Signed 16-bit integer. */
export const i16 = signed('i16', 2, u16)
/** Signed 32-bit integer. */
export const i32 = signed('i32', 4, u32)
/** Signed 64-bit integer. */
export const i64 = wideSigned('i64', 1, u64)
/** Signed 128-bit integer. */
export const i128 = wideSigned('i128', 2, u128)

/** Boolean: exactly 00 or 01. */
export const bool: Codec<boolean> = createCodec<boolean>({
  info: primitive('bool'),
  minSize: 1,
  write(out, value) {
    if (typeof value !== 'boolean') throw outOfRange('bool', value)
    out.u8(value ? 1 : 0)
  },
  read(input) {
    const byte = input.u8()
    if (byte > 1) throw new AppError('CODEC_INVALID_BOOL', { byte })
    return byte === 1
  },
})

/** Writes a compact integer of up to 536 bits. */
export const writeCompact = (out: ByteWriter, value: bigint): void => {
  if (value < 1n << 6n) out.u8(Number(value) << 2)
  else if (value < 1n << 14n) out.u16((Number(value) << 2) | 1)
  else if (value < 1n << 30n) out.u32(Number(value) * 4 + 2)
  else {
    let size = 4
    while (value >> BigInt(8 * size) > 0n) size++
    if (size > 67) throw outOfRange('compact', value)
    out.u8(((size - 4) << 2) | 3)
    for (let i = 0; i < size; i++) out.u8(Number((value >> BigInt(8 * i)) & 0xffn))
  }
}

const notCanonical = (mode: number): AppError => new AppError('CODEC_COMPACT_NOT_CANONICAL', { mode })

/** Reads a compact integer in its shortest form. @throws CODEC_COMPACT_NOT_CANONICAL */
export const readCompact = (input: ByteReader): bigint => {
  const first = input.u8()
  const mode = first & 3
  if (mode === 0) return BigInt(first >> 2)
  if (mode === 1) {
    const value = (first >> 2) | (input.u8() << 6)
    if (value < 1 << 6) throw notCanonical(mode)
    return BigInt(value)
  }
  if (mode === 2) {
    const value = (first >> 2) + input.u8() * 2 ** 6 + input.u16() * 2 ** 14
    if (value < 1 << 14) throw notCanonical(mode)
    return BigInt(value)
  }
  const size = (first >> 2) + 4
  const raw = input.raw(size)
  let value = 0n
  for (let i = size - 1; i >= 0; i--) value = (value << 8n) | BigInt(raw[i] as number)
  if (raw[size - 1] === 0 || (size === 4 && value < 1n << 30n)) throw notCanonical(mode)
  return value
}

/** Reads a length or count prefix; at most `max`. @throws CODEC_LENGTH_EXCEEDED */
export const readLength = (input: ByteReader, max: number): number => {
  const value = readCompact(input)
  if (value > BigInt(max)) throw new AppError('CODEC_LENGTH_EXCEEDED', { length: Number(value), max })
  return Number(value)
}

const compactOf = <T extends number | bigint>(inner: Codec<T>, max: bigint, toValue: (raw: bigint) => T): Codec<T> => {
  const info = plainInfo({ kind: 'compact', inner: inner.info })
  return createCodec<T>({
    info: () => info,
    minSize: 1,
    write(out, value) {
      const isWhole = typeof value === 'bigint' || (typeof value === 'number' && Number.isInteger(value))
      if (!isWhole || BigInt(value) < 0n || BigInt(value) > max) throw outOfRange(`compact <= ${max}`, value)
      writeCompact(out, BigInt(value))
    },
    read(input) {
      const raw = readCompact(input)
      if (raw > max) throw outOfRange(`compact <= ${max}`, raw)
      return toValue(raw)
    },
  })
}

/** Compact u8. */
export const compactU8 = compactOf(u8, 0xffn, Number)
/** Compact u16. */
export const compactU16 = compactOf(u16, 0xffffn, Number)
/** Compact u32. */
export const compactU32 = compactOf(u32, 0xffff_ffffn, Number)
/** Compact u64. */
export const compactU64 = compactOf(u64, (1n << 64n) - 1n, (raw) => raw)
/** Compact u128. */
export const compactU128 = compactOf(u128, (1n << 128n) - 1n, (raw) => raw)
