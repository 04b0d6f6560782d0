/** Owns structs and variants. Fields keep declaration order; variant indices are written, never implied. */
import { AppError, atPath } from '../errors.ts'
import { createCodec, type Codec, type TypeOf } from './codec.ts'
import { plainInfo, snakeCase, type FieldInfo, type TypeInfo, type VariantInfo } from './type-info.ts'

/** Field name → codec, in wire order. */
export type Shape = Readonly<Record<string, Codec<any>>>

/** Static type of a struct of that shape. */
export type StructOf<S extends Shape> = { readonly [K in keyof S]: TypeOf<S[K]> }

const fieldInfos = (shape: Shape): readonly FieldInfo[] =>
  Object.entries(shape).map(([name, codec]) => ({ name: snakeCase(name), type: codec.info }))

/** `struct { a, b, … }`: the fields one after another. */
export const struct = <const S extends Shape>(shape: S): Codec<StructOf<S>> => {
  const names = Object.keys(shape)
  const codecs = Object.values(shape)
  let info: TypeInfo | undefined
  return createCodec<StructOf<S>>({
    info: () => (info ??= plainInfo({ kind: 'composite', fields: fieldInfos(shape) })),
    minSize: codecs.reduce((sum, codec) => sum + codec.minSize, 0),
    write(out, value) {
      if (typeof value !== 'object' || value === null) throw new AppError('CODEC_OUT_OF_RANGE', { expected: 'a struct', got: String(value) })
      for (let i = 0; i < names.length; i++) {
        const name = names[i] as string
        try {
          ;(codecs[i] as Codec<unknown>).write(out, (value as Record<string, unknown>)[name])
        } catch (error) {
          throw atPath(error, name)
        }
      }
    },
    read(input) {
      const out: Record<string, unknown> = {}
      for (let i = 0; i < names.length; i++) {
        const name = names[i] as string
        try {
          out[name] = (codecs[i] as Codec<unknown>).read(input)
        } catch (error) {
          throw atPath(error, name)
        }
      }
      return out as StructOf<S>
    },
  })
}

/** A single-field wrapper under a type path, for example `primitive_types::H256`: same bytes, composite in metadata. */
export const newtype = <T>(path: string, inner: Codec<T>): Codec<T> => {
  let info: TypeInfo | undefined
  return createCodec<T>({
    info: () => (info ??= { ...plainInfo({ kind: 'composite', fields: [{ type: inner.info }] }), path: path.split('::') }),
    minSize: inner.minSize,
    write: inner.write,
    read: inner.read,
  })
}

/** One case: its wire index and at most one of `value` (one unnamed field), `fields` (named) or `tuple` (several unnamed). */
export interface CaseSpec {
  readonly index: number
  readonly docs?: readonly string[]
  readonly value?: Codec<any>
  readonly fields?: Shape
  readonly tuple?: Codec<any>
}

/** Case name → spec. */
export type Cases = Readonly<Record<string, CaseSpec>>

type CaseValue<S extends CaseSpec> = S extends { readonly fields: infer F extends Shape }
  ? { readonly value: StructOf<F> }
  : S extends { readonly value: infer C }
    ? { readonly value: TypeOf<C> }
    : S extends { readonly tuple: infer C }
      ? { readonly value: TypeOf<C> }
      : { readonly value?: undefined }

/** Static type of a variant: a union of `{ kind, value }`; cases without content have no value. */
export type VariantOf<C extends Cases> = { readonly [K in keyof C]: { readonly kind: K } & CaseValue<C[K]> }[keyof C]

const caseFields = (spec: CaseSpec): readonly FieldInfo[] => {
  if (spec.fields !== undefined) return fieldInfos(spec.fields)
  if (spec.value !== undefined) return [{ type: spec.value.info }]
  if (spec.tuple === undefined) return []
  const { def } = spec.tuple.info()
  return def.kind === 'tuple' ? def.elements.map((type) => ({ type })) : [{ type: spec.tuple.info }]
}

/** `enum`: one index byte, then the case's content. `name` appears in errors and, unless renamed by `named`, not in metadata. */
export const variant = <const C extends Cases>(name: string, cases: C): Codec<VariantOf<C>> => {
  const byIndex: ({ kind: string; codec: Codec<unknown> | undefined } | undefined)[] = []
  const byKind = new Map<string, { index: number; codec: Codec<unknown> | undefined }>()
  for (const [kind, spec] of Object.entries(cases)) {
    const codec: Codec<unknown> | undefined = spec.value ?? spec.tuple ?? (spec.fields === undefined ? undefined : struct(spec.fields))
    if (byIndex[spec.index] !== undefined || !Number.isInteger(spec.index) || spec.index < 0 || spec.index > 255)
      throw new AppError('CODEC_INVALID_VARIANT', { index: spec.index, type: name })
    byIndex[spec.index] = { kind, codec }
    byKind.set(kind, { index: spec.index, codec })
  }
  const describeCase = ([kind, spec]: [string, CaseSpec]): VariantInfo => ({
    name: kind, index: spec.index, fields: caseFields(spec), docs: spec.docs ?? [],
  })
  let info: TypeInfo | undefined
  return createCodec<VariantOf<C>>({
    info: () => (info ??= plainInfo({ kind: 'variant', variants: Object.entries(cases).map(describeCase) })),
    minSize: 1,
    write(out, value) {
      const found = byKind.get(value?.kind as string)
      if (found === undefined) throw new AppError('CODEC_UNKNOWN_VARIANT', { kind: String(value?.kind), type: name })
      out.u8(found.index)
      try {
        found.codec?.write(out, (value as { value?: unknown }).value)
      } catch (error) {
        throw atPath(error, value.kind as string)
      }
    },
    read(input) {
      const index = input.u8()
      const found = byIndex[index]
      if (found === undefined) throw new AppError('CODEC_INVALID_VARIANT', { index, type: name })
      if (found.codec === undefined) return { kind: found.kind } as VariantOf<C>
      input.enter()
      try {
        const value = found.codec.read(input)
        input.leave()
        return { kind: found.kind, value } as VariantOf<C>
      } catch (error) {
        throw atPath(error, found.kind)
      }
    },
  })
}
