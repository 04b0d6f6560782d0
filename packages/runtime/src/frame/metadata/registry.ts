/** Owns the numbering of types: collects everything reachable, merges what is structurally equal, recursive types included. */
import { assert } from '@phalanx/primitives/assert'
import type { FieldInfo, TypeInfo } from '@phalanx/primitives/codec'
import type { PortableType } from './codec.ts'

/** Numbers types on demand; ids are final once `finish` was called. */
export interface TypeRegistry {
  /** Provisional id of a type. */
  add(info: TypeInfo): number
  /** All types with final ids, and the way from provisional to final ids. */
  finish(): { readonly types: readonly PortableType[]; readonly idOf: (provisional: number) => number }
}

const childrenOf = ({ params, def }: TypeInfo): readonly TypeInfo[] => {
  const out: TypeInfo[] = params.flatMap(({ type }) => (type === undefined ? [] : [type()]))
  const fields = (list: readonly FieldInfo[]): void => { for (const { type } of list) out.push(type()) }
  switch (def.kind) {
    case 'composite': fields(def.fields); break
    case 'variant': for (const variant of def.variants) fields(variant.fields); break
    case 'sequence': out.push(def.element()); break
    case 'array': out.push(def.element()); break
    case 'tuple': for (const element of def.elements) out.push(element()); break
    case 'compact': out.push(def.inner()); break
    case 'bitSequence': out.push(def.store(), def.order()); break
    case 'primitive': break
  }
  return out
}

/** One text per nested list of texts and numbers; no two lists share one. */
const textOf = (value: unknown): string => {
  if (Array.isArray(value)) return `[${value.map(textOf).join('')}]`
  const text = String(value)
  return `${typeof value === 'string' ? 's' : 'n'}${text.length}:${text}`
}

const fieldShape = ({ name, typeName, docs }: FieldInfo): unknown => [name ?? null, typeName ?? null, docs ?? []]

/** Everything about a type but its children, as text. */
const shapeOf = ({ path, params, def, docs }: TypeInfo): string => {
  const head = [path, params.map(({ name, type }) => [name, type !== undefined]), docs, def.kind]
  switch (def.kind) {
    case 'composite': return textOf([head, def.fields.map(fieldShape)])
    case 'variant': return textOf([head, def.variants.map(({ name, index, fields, docs: own }) => [name, index, own ?? [], fields.map(fieldShape)])])
    case 'array': return textOf([head, def.length])
    case 'tuple': return textOf([head, def.elements.length])
    case 'primitive': return textOf([head, def.name])
    default: return textOf(head)
  }
}

/** Numbers texts in order of first appearance. */
const number = (texts: readonly string[]): readonly number[] => {
  const seen = new Map<string, number>()
  return texts.map((text) => {
    let id = seen.get(text)
    if (id === undefined) seen.set(text, (id = seen.size))
    return id
  })
}

/** Splits types into classes of equal structure: start from equal shapes, split while children differ. */
const classify = (shapes: readonly string[], children: readonly (readonly number[])[]): readonly number[] => {
  let classes = number(shapes)
  let count = new Set(classes).size
  for (;;) {
    const current = classes
    const next = number(current.map((own, i) => `${own}:${(children[i] as readonly number[]).map((child) => current[child]).join(',')}`))
    const nextCount = new Set(next).size
    if (nextCount === count) return next
    classes = next
    count = nextCount
  }
}

const portable = (id: number, info: TypeInfo, idOf: (info: TypeInfo) => number): PortableType => {
  const { def } = info
  const field = ({ name, type, typeName, docs }: FieldInfo) => ({ name, type: idOf(type()), typeName, docs: docs ?? [] })
  const definition = (): PortableType['def'] => {
    switch (def.kind) {
      case 'composite': return { kind: 'composite', value: def.fields.map(field) }
      case 'variant': return { kind: 'variant', value: def.variants.map(({ name, index, fields, docs }) => ({ name, index, fields: fields.map(field), docs: docs ?? [] })) }
      case 'sequence': return { kind: 'sequence', value: idOf(def.element()) }
      case 'array': return { kind: 'array', value: { length: def.length, element: idOf(def.element()) } }
      case 'tuple': return { kind: 'tuple', value: def.elements.map((element) => idOf(element())) }
      case 'primitive': return { kind: 'primitive', value: { kind: def.name } }
      case 'compact': return { kind: 'compact', value: idOf(def.inner()) }
      case 'bitSequence': return { kind: 'bitSequence', value: { store: idOf(def.store()), order: idOf(def.order()) } }
    }
  }
  return {
    id, path: info.path, docs: info.docs, def: definition(),
    params: info.params.map(({ name, type }) => ({ name, type: type === undefined ? undefined : idOf(type()) })),
  }
}

/** Starts a registry. `substitute` replaces stand-ins (marks.ts) by what the runtime knows. */
export const createTypeRegistry = (substitute: ReadonlyMap<TypeInfo, TypeInfo>): TypeRegistry => {
  const provisional = new Map<TypeInfo, number>()
  const infos: TypeInfo[] = []
  const real = (info: TypeInfo): TypeInfo => substitute.get(info) ?? info
  const add = (given: TypeInfo): number => {
    const info = real(given)
    const known = provisional.get(info)
    if (known !== undefined) return known
    const id = infos.push(info) - 1
    provisional.set(info, id)
    for (const child of childrenOf(info)) add(child)
    return id
  }
  return {
    add,
    finish() {
      const provisionalOf = (info: TypeInfo): number => {
        const id = provisional.get(real(info))
        assert(id !== undefined, 'every reachable type was added')
        return id
      }
      const classes = classify(infos.map(shapeOf), infos.map((info) => childrenOf(info).map(provisionalOf)))
      const idOf = (id: number): number => classes[id] as number
      const types: PortableType[] = []
      for (const [i, info] of infos.entries()) {
        const id = idOf(i)
        if (id === types.length) types.push(portable(id, info, (child) => idOf(provisionalOf(child))))
      }
      return { types, idOf }
    },
  }
}
