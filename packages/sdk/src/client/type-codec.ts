/**
 * Owns codecs made from the types in ink! metadata, with values as the codecs of a TypeScript contract have them: records in camelCase, `{ kind, value }`, undefined
 * for none, `{ ok, … }` for results, bytes as Uint8Array, numbers up to 32 bits as number and bigint above.
 */
import {
  array, bool, bytes as lengthPrefixed, compactU128, compactU16, compactU32, compactU64, compactU8, fixedBytes, i128, i16, i32, i64, i8, late, mapped, option, result, struct,
  text, tuple, u128, u16, u256, u32, u64, u8, unit, variant, vec, type CaseSpec, type Codec, type Shape,
} from '@phalanx/primitives/codec'
import { AppError } from '@phalanx/primitives/errors'
import type { JsonType } from '@phalanx/primitives/ink'
import '../errors.ts'

/** Codecs by type number. */
export type TypeCodecs = (type: number) => Codec<unknown>

interface JsonField {
  readonly name?: string | null
  readonly type: number
}

const PRIMITIVES: Readonly<Record<string, Codec<unknown>>> = {
  bool, char: u32, str: text, u8, u16, u32, u64, u128, u256, i8, i16, i32, i64, i128,
} as unknown as Readonly<Record<string, Codec<unknown>>>

const COMPACTS: Readonly<Record<string, Codec<unknown>>> = { u8: compactU8, u16: compactU16, u32: compactU32, u64: compactU64, u128: compactU128 } as unknown as Readonly<Record<string, Codec<unknown>>>

/** Nothing, which has no bytes. */
const nothing: Codec<unknown> = mapped(unit, () => undefined, () => [] as const)

/** `total_price` is `totalPrice`. */
export const camelCase = (name: string): string => name.replace(/_+([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())

const malformed = (what: string): AppError => new AppError('SDK_INK_METADATA_MALFORMED', { what })

const isByte = (types: readonly JsonType[], type: number): boolean => {
  const def = types[type]?.type.def as { readonly primitive?: string } | undefined
  return def?.primitive === 'u8'
}

const shapeOf = (codecs: TypeCodecs, fields: readonly JsonField[]): Shape => Object.fromEntries(fields.map(({ name, type }) => [camelCase(name ?? ''), codecs(type)]))

/** Fields of a composite: nothing, what one unnamed field holds, a record, or a list. */
const fieldsCodec = (codecs: TypeCodecs, fields: readonly JsonField[]): Codec<unknown> | undefined => {
  const [only] = fields
  if (only === undefined) return undefined
  if (typeof only.name === 'string') return struct(shapeOf(codecs, fields)) as Codec<unknown>
  return fields.length === 1 ? codecs(only.type) : (tuple(...fields.map(({ type }) => codecs(type))) as unknown as Codec<unknown>)
}

const caseOf = (codecs: TypeCodecs, fields: readonly JsonField[]): Pick<CaseSpec, 'value' | 'fields'> => {
  if (fields.length > 0 && typeof fields[0]?.name === 'string') return { fields: shapeOf(codecs, fields) }
  const content = fieldsCodec(codecs, fields)
  return content === undefined ? {} : { value: content }
}

const variantCodec = (codecs: TypeCodecs, json: JsonType['type']): Codec<unknown> => {
  const { def, path = [] } = json
  if (!('variant' in def)) throw malformed('a variant is none')
  const variants = def.variant.variants ?? []
  const fieldOf = (name: string): Codec<unknown> => {
    const field = variants.find((one) => one.name === name)?.fields?.[0]
    if (field === undefined) throw malformed(`${path.join('::')} has no ${name} with a value`)
    return codecs(field.type)
  }
  if (path.length === 1 && path[0] === 'Option') return option(fieldOf('Some')) as Codec<unknown>
  if (path.length === 1 && path[0] === 'Result') return result(fieldOf('Ok'), fieldOf('Err')) as Codec<unknown>
  return variant(path.at(-1) ?? 'variant', Object.fromEntries(variants.map((one) => [one.name, { index: one.index, ...caseOf(codecs, one.fields ?? []) }]))) as Codec<unknown>
}

const unnested = (types: readonly JsonType[], type: number, depth = 0): string | undefined => {
  const def = types[type]?.type.def
  if (def === undefined || depth > types.length) return undefined
  if ('primitive' in def) return def.primitive
  if ('composite' in def && def.composite.fields?.length === 1) return unnested(types, (def.composite.fields[0] as JsonField).type, depth + 1)
  return undefined
}

const definitionCodec = (types: readonly JsonType[], codecs: TypeCodecs, json: JsonType['type']): Codec<unknown> => {
  const { def } = json
  if ('variant' in def) return variantCodec(codecs, json)
  if ('composite' in def) return fieldsCodec(codecs, def.composite.fields ?? []) ?? nothing
  if ('sequence' in def) return isByte(types, def.sequence.type) ? (lengthPrefixed as Codec<unknown>) : (vec(codecs(def.sequence.type)) as Codec<unknown>)
  if ('array' in def) return isByte(types, def.array.type) ? (fixedBytes(def.array.len) as Codec<unknown>) : (array(codecs(def.array.type), def.array.len) as Codec<unknown>)
  if ('tuple' in def) return def.tuple.length === 0 ? nothing : (tuple(...def.tuple.map(codecs)) as unknown as Codec<unknown>)
  const [table, name] = 'compact' in def ? [COMPACTS, unnested(types, def.compact.type)] : [PRIMITIVES, 'primitive' in def ? def.primitive : undefined]
  const codec = name === undefined || !Object.hasOwn(table, name) ? undefined : table[name]
  if (codec === undefined) throw malformed(`the type ${JSON.stringify(def)} is not supported`)
  return codec
}

/** Codecs for the types of one contract, made when they are first used. Types may hold themselves. */
export const createTypeCodecs = (types: readonly JsonType[]): TypeCodecs => {
  const made = new Map<number, Codec<unknown>>()
  const making = new Set<number>()
  const codecs: TypeCodecs = (type) => {
    const known = made.get(type)
    if (known !== undefined) return known
    const json = types[type]?.type
    if (json === undefined) throw malformed(`there is no type ${type}`)
    // A type inside itself: looked up when a value gets so deep, which the readers bound.
    if (making.has(type)) return late(() => codecs(type))
    making.add(type)
    const codec = definitionCodec(types, codecs, json)
    making.delete(type)
    made.set(type, codec)
    return codec
  }
  return codecs
}
