/** Owns the list of types inside ink! metadata: numbers described types in the order of first use and writes them as its JSON has them. */
import type { FieldInfo, TypeInfo } from '../codec/index.ts'

/** A field as the JSON has it. */
interface JsonField {
  readonly name?: string
  readonly type: number
  readonly typeName?: string
  readonly docs?: readonly string[]
}

/** Structure of a type as the JSON has it. */
export type JsonTypeDef =
  | { readonly composite: { readonly fields?: readonly JsonField[] } }
  | { readonly variant: { readonly variants?: readonly { readonly name: string; readonly index: number; readonly fields?: readonly JsonField[]; readonly docs?: readonly string[] }[] } }
  | { readonly sequence: { readonly type: number } }
  | { readonly array: { readonly len: number; readonly type: number } }
  | { readonly tuple: readonly number[] }
  | { readonly primitive: string }
  | { readonly compact: { readonly type: number } }

/** A numbered type as the JSON has it. */
export interface JsonType {
  readonly id: number
  readonly type: {
    readonly path?: readonly string[]
    readonly params?: readonly { readonly name: string; readonly type: number | null }[]
    readonly def: JsonTypeDef
    readonly docs?: readonly string[]
  }
}

/** Numbers types. */
export interface TypeList {
  /** Number of a type; equal types have one number. */
  idOf(info: TypeInfo): number
  /** All types so far and those that they are made of. */
  finish(): readonly JsonType[]
}

const filled = <K extends string, T>(key: K, list: readonly T[]): Partial<Record<K, readonly T[]>> => (list.length === 0 ? {} : ({ [key]: list } as Record<K, readonly T[]>))

const childrenOf = ({ params, def }: TypeInfo): readonly TypeInfo[] => {
  const own = params.flatMap(({ type }) => (type === undefined ? [] : [type()]))
  const fields = (list: readonly FieldInfo[]): readonly TypeInfo[] => list.map(({ type }) => type())
  switch (def.kind) {
    case 'composite': return [...own, ...fields(def.fields)]
    case 'variant': return [...own, ...def.variants.flatMap((each) => fields(each.fields))]
    case 'sequence': case 'array': return [...own, def.element()]
    case 'tuple': return [...own, ...def.elements.map((element) => element())]
    case 'compact': return [...own, def.inner()]
    case 'bitSequence': return [...own, def.store(), def.order()]
    case 'primitive': return own
  }
}

/** Everything about a type but the types it is made of. */
const shapeOf = ({ path, params, def, docs }: TypeInfo): unknown => {
  const fieldShape = ({ name, typeName, docs: own }: FieldInfo): unknown => [name ?? null, typeName ?? null, own ?? []]
  const head = [path, params.map(({ name, type }) => [name, type !== undefined]), docs, def.kind]
  switch (def.kind) {
    case 'composite': return [head, def.fields.map(fieldShape)]
    case 'variant': return [head, def.variants.map(({ name, index, fields, docs: own }) => [name, index, own ?? [], fields.map(fieldShape)])]
    case 'array': return [head, def.length]
    case 'tuple': return [head, def.elements.length]
    case 'primitive': return [head, def.name]
    default: return head
  }
}

const textOf = (value: unknown): string => {
  if (Array.isArray(value)) return `[${value.map(textOf).join('')}]`
  const text = String(value)
  return `${typeof value}${text.length}:${text}`
}

/** One text per structure; a type inside itself stands as its distance upwards, so that recursive types end. */
const structureOf = (info: TypeInfo, above: readonly TypeInfo[]): string => {
  const distance = above.indexOf(info)
  if (distance >= 0) return `^${above.length - distance}`
  const path = [...above, info]
  return `(${textOf(shapeOf(info))}${childrenOf(info).map((child) => structureOf(child, path)).join('')})`
}

const fieldToJson = ({ name, type, typeName, docs }: FieldInfo, idOf: (info: TypeInfo) => number): JsonField => ({
  ...(name === undefined ? {} : { name }), type: idOf(type()), ...(typeName === undefined ? {} : { typeName }), ...filled('docs', docs ?? []),
})

const defToJson = ({ def }: TypeInfo, idOf: (info: TypeInfo) => number): JsonTypeDef => {
  const fields = (list: readonly FieldInfo[]) => filled('fields', list.map((field) => fieldToJson(field, idOf)))
  switch (def.kind) {
    case 'composite': return { composite: fields(def.fields) }
    case 'variant': return { variant: filled('variants', def.variants.map((each) => ({ name: each.name, index: each.index, ...fields(each.fields), ...filled('docs', each.docs ?? []) }))) }
    case 'sequence': return { sequence: { type: idOf(def.element()) } }
    case 'array': return { array: { len: def.length, type: idOf(def.element()) } }
    case 'tuple': return { tuple: def.elements.map((element) => idOf(element())) }
    case 'primitive': return { primitive: def.name }
    case 'compact': return { compact: { type: idOf(def.inner()) } }
    // Bit sequences are seen as the bytes that they are written as: contracts' clients know no better form.
    case 'bitSequence': return { sequence: { type: idOf(def.store()) } }
  }
}

/** Starts a list. */
export const createTypeList = (): TypeList => {
  const known = new Map<TypeInfo, number>()
  const byStructure = new Map<string, number>()
  const infos: TypeInfo[] = []
  const idOf = (info: TypeInfo): number => {
    const seen = known.get(info)
    if (seen !== undefined) return seen
    const structure = structureOf(info, [])
    const same = byStructure.get(structure)
    const id = same ?? infos.push(info) - 1
    known.set(info, id)
    byStructure.set(structure, id)
    if (same === undefined) for (const child of childrenOf(info)) idOf(child)
    return id
  }
  return {
    idOf,
    finish: () => infos.map((info, id) => ({
      id,
      type: {
        ...filled('path', info.path),
        ...filled('params', info.params.map(({ name, type }) => ({ name, type: type === undefined ? null : idOf(type()) }))),
        def: defToJson(info, idOf),
        ...filled('docs', info.docs),
      },
    })),
  }
}
