/** Owns the description of types as scale-info (metadata V14 and later) knows them. Numbering types is the metadata builder's work. */

/** Primitive kinds in scale-info's wire order. */
export const PRIMITIVE_NAMES = ['bool', 'char', 'str', 'u8', 'u16', 'u32', 'u64', 'u128', 'u256', 'i8', 'i16', 'i32', 'i64', 'i128', 'i256'] as const

/** Name of a primitive type. */
export type PrimitiveName = (typeof PRIMITIVE_NAMES)[number]

/** A member of a composite or variant; `type` is lazy so that types may be recursive. */
export interface FieldInfo {
  readonly name?: string
  readonly type: () => TypeInfo
  readonly typeName?: string
  readonly docs?: readonly string[]
}

/** One case of a variant with its wire index. */
export interface VariantInfo {
  readonly name: string
  readonly index: number
  readonly fields: readonly FieldInfo[]
  readonly docs?: readonly string[]
}

/** Structure of a type. */
export type TypeDef =
  | { readonly kind: 'composite'; readonly fields: readonly FieldInfo[] }
  | { readonly kind: 'variant'; readonly variants: readonly VariantInfo[] }
  | { readonly kind: 'sequence'; readonly element: () => TypeInfo }
  | { readonly kind: 'array'; readonly length: number; readonly element: () => TypeInfo }
  | { readonly kind: 'tuple'; readonly elements: readonly (() => TypeInfo)[] }
  | { readonly kind: 'primitive'; readonly name: PrimitiveName }
  | { readonly kind: 'compact'; readonly inner: () => TypeInfo }
  | { readonly kind: 'bitSequence'; readonly store: () => TypeInfo; readonly order: () => TypeInfo }

/** A described type. Object identity is the identity of the type: the metadata builder numbers each object once. */
export interface TypeInfo {
  readonly path: readonly string[]
  readonly params: readonly { readonly name: string; readonly type?: () => TypeInfo }[]
  readonly def: TypeDef
  readonly docs: readonly string[]
}

/** A type without path, parameters or docs. */
export const plainInfo = (def: TypeDef): TypeInfo => ({ path: [], params: [], def, docs: [] })

/** `camelCase` to the `snake_case` of metadata. */
export const snakeCase = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
