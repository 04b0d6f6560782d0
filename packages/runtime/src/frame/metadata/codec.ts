/** Owns the encoded form of metadata versions 14, 15 and 16. Does not own what is in it (build.ts) or type numbering (registry.ts). */
import { bytes, compactU32, fixedBytes, option, struct, text, tuple, u32, u8, variant, vec, type Codec, type TypeOf } from '@phalanx/primitives/codec'

/** "meta", little endian. */
export const METADATA_MAGIC = 0x6174656d

const docs = vec(text)
const typeId = compactU32

const Field = struct({ name: option(text), type: typeId, typeName: option(text), docs })
const Primitive = variant('Primitive', {
  bool: { index: 0 }, char: { index: 1 }, str: { index: 2 }, u8: { index: 3 }, u16: { index: 4 }, u32: { index: 5 }, u64: { index: 6 }, u128: { index: 7 },
  u256: { index: 8 }, i8: { index: 9 }, i16: { index: 10 }, i32: { index: 11 }, i64: { index: 12 }, i128: { index: 13 }, i256: { index: 14 },
})
const TypeDefinition = variant('TypeDef', {
  composite: { index: 0, value: vec(Field) },
  variant: { index: 1, value: vec(struct({ name: text, fields: vec(Field), index: u8, docs })) },
  sequence: { index: 2, value: typeId },
  array: { index: 3, fields: { length: u32, element: typeId } },
  tuple: { index: 4, value: vec(typeId) },
  primitive: { index: 5, value: Primitive },
  compact: { index: 6, value: typeId },
  bitSequence: { index: 7, fields: { store: typeId, order: typeId } },
})

/** One numbered type. */
export const PortableType = struct({ id: typeId, path: docs, params: vec(struct({ name: text, type: option(typeId) })), def: TypeDefinition, docs })
export type PortableType = TypeOf<typeof PortableType>

const Hasher = variant('StorageHasher', {
  Blake2_128: { index: 0 }, Blake2_256: { index: 1 }, Blake2_128Concat: { index: 2 }, Twox128: { index: 3 }, Twox256: { index: 4 }, Twox64Concat: { index: 5 }, Identity: { index: 6 },
})
const storageItem = {
  name: text,
  modifier: variant('StorageModifier', { Optional: { index: 0 }, Default: { index: 1 } }),
  type: variant('StorageType', { Plain: { index: 0, value: typeId }, Map: { index: 1, fields: { hashers: vec(Hasher), key: typeId, value: typeId } } }),
  fallback: bytes,
  docs,
}
const constantItem = { name: text, type: typeId, value: bytes, docs }
const storageOf = <T>(item: Codec<T>) => option(struct({ prefix: text, items: vec(item) }))

const palletV14 = {
  name: text, storage: storageOf(struct(storageItem)), calls: option(typeId), events: option(typeId),
  constants: vec(struct(constantItem)), errors: option(typeId), index: u8,
}
const SignedExtension = struct({ identifier: text, type: typeId, additionalSigned: typeId })
const apiMethod = { name: text, inputs: vec(struct({ name: text, type: typeId })), output: typeId, docs }
const OuterEnums = struct({ call: typeId, event: typeId, error: typeId })
const custom = vec(tuple(text, struct({ type: typeId, value: bytes })))

const note = { note: text, since: option(text) }
const ItemDeprecation = variant('ItemDeprecation', { NotDeprecated: { index: 0 }, DeprecatedWithoutNote: { index: 1 }, Deprecated: { index: 2, fields: note } })
const VariantDeprecation = vec(struct({
  index: u8, deprecation: variant('VariantDeprecation', { DeprecatedWithoutNote: { index: 1 }, Deprecated: { index: 2, fields: note } }),
}))
const enumReference = option(struct({ type: typeId, deprecationInfo: VariantDeprecation }))

/** Content of version 14. */
export const MetadataV14 = struct({
  types: vec(PortableType), pallets: vec(struct(palletV14)),
  extrinsic: struct({ type: typeId, version: u8, signedExtensions: vec(SignedExtension) }), runtime: typeId,
})
export type MetadataV14 = TypeOf<typeof MetadataV14>

/** Content of version 15. */
export const MetadataV15 = struct({
  types: vec(PortableType), pallets: vec(struct({ ...palletV14, docs })),
  extrinsic: struct({ version: u8, address: typeId, call: typeId, signature: typeId, extra: typeId, signedExtensions: vec(SignedExtension) }),
  runtime: typeId, apis: vec(struct({ name: text, methods: vec(struct(apiMethod)), docs })), outerEnums: OuterEnums, custom,
})
export type MetadataV15 = TypeOf<typeof MetadataV15>

/** Content of version 16. */
export const MetadataV16 = struct({
  types: vec(PortableType),
  pallets: vec(struct({
    name: text, storage: storageOf(struct({ ...storageItem, deprecationInfo: ItemDeprecation })), calls: enumReference, events: enumReference,
    constants: vec(struct({ ...constantItem, deprecationInfo: ItemDeprecation })), errors: enumReference,
    associatedTypes: vec(struct({ name: text, type: typeId, docs })),
    viewFunctions: vec(struct({ id: fixedBytes(32), ...apiMethod, deprecationInfo: ItemDeprecation })),
    index: u8, docs, deprecationInfo: ItemDeprecation,
  })),
  extrinsic: struct({
    versions: bytes, address: typeId, call: typeId, signature: typeId, extensionsByVersion: vec(tuple(u8, vec(typeId))), signedExtensions: vec(SignedExtension),
  }),
  apis: vec(struct({ name: text, methods: vec(struct({ ...apiMethod, deprecationInfo: ItemDeprecation })), docs, version: compactU32, deprecationInfo: ItemDeprecation })),
  outerEnums: OuterEnums, custom,
})
export type MetadataV16 = TypeOf<typeof MetadataV16>

/** Magic, version byte, content. */
export const Metadata = struct({
  magic: u32,
  content: variant('Metadata', { V14: { index: 14, value: MetadataV14 }, V15: { index: 15, value: MetadataV15 }, V16: { index: 16, value: MetadataV16 } }),
})
export type Metadata = TypeOf<typeof Metadata>
