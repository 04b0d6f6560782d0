/**
 * Owns decoding of values by the chain's own type registry, for what a client knows only by metadata (events, errors).
 * Values it has declared types for should use those codecs instead.
 */
import { AppError } from '@phalanx/primitives/errors'
import {
  bool, ByteReader, i128, i16, i32, i64, i8, readCompact, readLength, text, u128, u16, u256, u32, u64, u8, type Codec,
} from '@phalanx/primitives/codec'
import type { MetadataField, MetadataTypeDef } from './metadata-index.ts'

/** A decoded value: numbers up to 32 bits, bigints above, bytes, text, lists, records, variants as `{ kind, value }`. */
export type DynamicValue =
  | number | bigint | boolean | string | Uint8Array | undefined
  | readonly DynamicValue[]
  | { readonly [field: string]: DynamicValue }

const ELEMENTS_MAX = 1_000_000
/** scale-info's order; characters are read as u32, i256 is not used by any chain. */
const PRIMITIVES: readonly (Codec<never> | undefined)[] = [
  bool, u32, text, u8, u16, u32, u64, u128, u256, i8, i16, i32, i64, i128, undefined,
] as unknown as readonly (Codec<never> | undefined)[]
const U8 = 3

const unsupported = (what: string): AppError => new AppError('SDK_METADATA_MALFORMED', { what })

/** Reads one value of type number `type`. @throws SDK_METADATA_MALFORMED, CODEC_ codes */
export const readDynamic = (types: readonly MetadataTypeDef[], type: number, input: ByteReader): DynamicValue => {
  input.enter()
  const value = readDefinition(types, definitionOf(types, type), input)
  input.leave()
  return value
}

/** The value of exactly these bytes. @throws SDK_METADATA_MALFORMED, CODEC_ codes */
export const decodeDynamic = (types: readonly MetadataTypeDef[], type: number, bytes: Uint8Array): DynamicValue => {
  const input = new ByteReader(bytes)
  const value = readDynamic(types, type, input)
  input.finish()
  return value
}

const definitionOf = (types: readonly MetadataTypeDef[], type: number): MetadataTypeDef => {
  const def = types[type]
  if (def === undefined) throw unsupported(`there is no type ${type}`)
  return def
}

const isByte = (types: readonly MetadataTypeDef[], type: number): boolean => {
  const def = types[type]
  return def?.kind === 'primitive' && def.primitive === U8
}

const readMany = (types: readonly MetadataTypeDef[], element: number, count: number, input: ByteReader): DynamicValue => {
  if (isByte(types, element)) return input.raw(count)
  const out: DynamicValue[] = []
  for (let i = 0; i < count; i++) out.push(readDynamic(types, element, input))
  return out
}

const readFields = (types: readonly MetadataTypeDef[], fields: readonly MetadataField[], input: ByteReader): DynamicValue => {
  const [only] = fields
  if (only === undefined) return undefined
  if (fields.length === 1 && only.name === undefined) return readDynamic(types, only.type, input)
  if (only.name === undefined) return fields.map(({ type }) => readDynamic(types, type, input))
  const out: Record<string, DynamicValue> = {}
  for (const { name, type } of fields) out[name ?? ''] = readDynamic(types, type, input)
  return out
}

const readDefinition = (types: readonly MetadataTypeDef[], def: MetadataTypeDef, input: ByteReader): DynamicValue => {
  switch (def.kind) {
    case 'composite': return readFields(types, def.fields, input)
    case 'sequence': return readMany(types, def.element, readLength(input, ELEMENTS_MAX), input)
    case 'array': return readMany(types, def.element, def.length, input)
    case 'tuple': return def.elements.map((element) => readDynamic(types, element, input))
    case 'compact': return readCompact(input)
    case 'variant': {
      const index = input.u8()
      const found = def.variants.find((candidate) => candidate.index === index)
      if (found === undefined) throw new AppError('CODEC_INVALID_VARIANT', { index, type: 'a type of the metadata' })
      return { kind: found.name, value: readFields(types, found.fields, input) }
    }
    case 'primitive': {
      const codec = PRIMITIVES[def.primitive]
      if (codec === undefined) throw unsupported('256-bit signed integers are not supported')
      return codec.read(input)
    }
    case 'bitSequence': throw unsupported('bit sequences are not supported')
  }
}
