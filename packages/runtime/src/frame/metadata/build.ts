/** Owns what metadata says: gathers pallets, extrinsic, runtime APIs and outer enums of an assembled runtime, once per version. */
import { MultiAddress, MultiSignature, EXTRINSIC_VERSION } from '@phalanx/primitives/chain'
import { plainInfo, snakeCase, unit, type Codec, type TypeInfo } from '@phalanx/primitives/codec'
import type { ApiSpec } from '../api.ts'
import { RUNTIME_CRATE, type OuterEnums, type PlacedPallet } from '../calls.ts'
import type { RuntimeServices } from '../context.ts'
import type { TransactionExtension } from '../extension.ts'
import { EXTRINSIC_MARK, RUNTIME_CALL_MARK, RUNTIME_EVENT_MARK } from '../marks.ts'
import type { ConstantSpec } from '../pallet.ts'
import type { StorageEntryInfo, StorageItem } from '../storage.ts'
import { Metadata, METADATA_MAGIC, type MetadataV14, type MetadataV15, type MetadataV16 } from './codec.ts'
import { createTypeRegistry, type TypeRegistry } from './registry.ts'

/** What metadata is made of. */
export interface MetadataParts {
  readonly pallets: readonly PlacedPallet[]
  readonly enums: OuterEnums
  readonly extensions: readonly TransactionExtension[]
  readonly apis: readonly ApiSpec[]
  readonly services: RuntimeServices
}

const U8: TypeInfo = plainInfo({ kind: 'primitive', name: 'u8' })
const BYTES: TypeInfo = plainInfo({ kind: 'sequence', element: () => U8 })
const RUNTIME: TypeInfo = { path: [RUNTIME_CRATE, 'Runtime'], params: [], docs: [], def: { kind: 'composite', fields: [] } }
const NOT_DEPRECATED = { kind: 'NotDeprecated' } as const

/** Type of an extension's part of the extrinsic, under its own name. */
const extraInfo = ({ name, extra }: TransactionExtension): TypeInfo => ({
  path: [RUNTIME_CRATE, 'extensions', name], params: [], docs: [],
  def: { kind: 'composite', fields: extra === undefined ? [] : [{ type: extra.info }] },
})

interface ExtrinsicTypes {
  readonly extrinsic: TypeInfo
  readonly extra: TypeInfo
  readonly extras: readonly TypeInfo[]
}

const extrinsicTypes = (parts: MetadataParts): ExtrinsicTypes => {
  const extras = parts.extensions.map(extraInfo)
  const extra = plainInfo({ kind: 'tuple', elements: extras.map((info) => () => info) })
  const extrinsic: TypeInfo = {
    path: ['sp_runtime', 'generic', 'unchecked_extrinsic', 'UncheckedExtrinsic'],
    params: [
      { name: 'Address', type: MultiAddress.info },
      { name: 'Call', type: parts.enums.RuntimeCall.info },
      { name: 'Signature', type: MultiSignature.info },
      { name: 'Extra', type: () => extra },
    ],
    docs: [],
    def: { kind: 'composite', fields: [{ type: () => BYTES }] },
  }
  return { extrinsic, extra, extras }
}

const storageType = (types: TypeRegistry, entry: StorageEntryInfo): MetadataV15StorageType => {
  const value = types.add(entry.value())
  if (entry.key === undefined) return { kind: 'Plain', value }
  return { kind: 'Map', value: { hashers: entry.hashers.map((kind) => ({ kind })), key: types.add(entry.key()), value } }
}

type PalletV15 = MetadataV15['pallets'][number]
type MetadataV15StorageType = NonNullable<PalletV15['storage']>['items'][number]['type']

const storageItems = (types: TypeRegistry, items: readonly StorageItem[]) =>
  items.map(({ entry }) => ({
    name: entry.name, modifier: { kind: entry.modifier }, type: storageType(types, entry), fallback: entry.fallback, docs: entry.docs,
  }))

const constantItems = (types: TypeRegistry, services: RuntimeServices, constants: Readonly<Record<string, ConstantSpec>>) =>
  Object.entries(constants).map(([name, { type, value, doc }]) => ({
    name, type: types.add(type.info()), docs: [doc],
    value: (type as Codec<unknown>).encode(typeof value === 'function' ? (value as (runtime: RuntimeServices) => unknown)(services) : value),
  }))

const palletItems = (types: TypeRegistry, { services, enums, pallets }: MetadataParts): readonly PalletV15[] =>
  pallets.map(({ index, pallet }) => {
    const infos = enums.typeInfos.get(pallet.name)
    const idOf = (info: TypeInfo | undefined): number | undefined => (info === undefined ? undefined : types.add(info))
    return {
      name: pallet.name, index, docs: pallet.doc === '' ? [] : [pallet.doc],
      storage: pallet.storage.length === 0 ? undefined : { prefix: pallet.name, items: storageItems(types, pallet.storage) },
      calls: idOf(infos?.calls), events: idOf(infos?.events), errors: idOf(infos?.errors),
      constants: constantItems(types, services, pallet.constants),
    }
  })

const apiItems = (types: TypeRegistry, apis: readonly ApiSpec[]) =>
  apis.map((api) => ({
    name: api.name, docs: [api.doc],
    methods: Object.entries(api.methods).map(([name, method]) => ({
      name: snakeCase(name), docs: [method.doc], output: types.add(method.result.info()),
      inputs: Object.entries(method.params).map(([param, codec]) => ({ name: snakeCase(param), type: types.add(codec.info()) })),
    })),
  }))

/** Version 15 with provisional type ids replaced by final ones: rebuilt in a second pass, once all types are known. */
const buildV15 = (parts: MetadataParts): MetadataV15 => {
  const extrinsic = extrinsicTypes(parts)
  const marks = new Map<TypeInfo, TypeInfo>([
    [RUNTIME_EVENT_MARK, parts.enums.RuntimeEvent.info()], [RUNTIME_CALL_MARK, parts.enums.RuntimeCall.info()], [EXTRINSIC_MARK, extrinsic.extrinsic],
  ])
  const registry = createTypeRegistry(marks)
  const collect = (types: TypeRegistry): Omit<MetadataV15, 'types'> => ({
    pallets: palletItems(types, parts),
    extrinsic: {
      version: EXTRINSIC_VERSION,
      address: types.add(MultiAddress.info()), call: types.add(parts.enums.RuntimeCall.info()), signature: types.add(MultiSignature.info()), extra: types.add(extrinsic.extra),
      signedExtensions: parts.extensions.map(({ name, additional }, i) => ({
        identifier: name, type: types.add(extrinsic.extras[i] as TypeInfo), additionalSigned: types.add((additional ?? unit).info()),
      })),
    },
    runtime: types.add(RUNTIME),
    apis: apiItems(types, parts.apis),
    outerEnums: { call: types.add(parts.enums.RuntimeCall.info()), event: types.add(parts.enums.RuntimeEvent.info()), error: types.add(parts.enums.errorInfo) },
    custom: [],
  })
  registry.add(extrinsic.extrinsic)
  collect(registry)
  const { types, idOf } = registry.finish()
  return { types, ...collect({ ...registry, add: (info) => idOf(registry.add(info)) }) }
}

const toV14 = ({ types, pallets, extrinsic, runtime }: MetadataV15, extrinsicType: number): MetadataV14 => ({
  types, pallets, runtime, extrinsic: { type: extrinsicType, version: extrinsic.version, signedExtensions: extrinsic.signedExtensions },
})

const toV16 = (v15: MetadataV15, apis: readonly ApiSpec[]): MetadataV16 => {
  const reference = (type: number | undefined) => (type === undefined ? undefined : { type, deprecationInfo: [] })
  return {
    types: v15.types,
    pallets: v15.pallets.map((pallet) => ({
      name: pallet.name, index: pallet.index, docs: pallet.docs, deprecationInfo: NOT_DEPRECATED, associatedTypes: [], viewFunctions: [],
      storage: pallet.storage === undefined ? undefined : { prefix: pallet.storage.prefix, items: pallet.storage.items.map((item) => ({ ...item, deprecationInfo: NOT_DEPRECATED })) },
      calls: reference(pallet.calls), events: reference(pallet.events), errors: reference(pallet.errors),
      constants: pallet.constants.map((item) => ({ ...item, deprecationInfo: NOT_DEPRECATED })),
    })),
    extrinsic: {
      versions: Uint8Array.of(v15.extrinsic.version), address: v15.extrinsic.address, call: v15.extrinsic.call, signature: v15.extrinsic.signature,
      extensionsByVersion: [[0, v15.extrinsic.signedExtensions.map((_, i) => i)]], signedExtensions: v15.extrinsic.signedExtensions,
    },
    apis: v15.apis.map((api, i) => ({
      ...api, version: (apis[i] as ApiSpec).version, deprecationInfo: NOT_DEPRECATED,
      methods: api.methods.map((method) => ({ ...method, deprecationInfo: NOT_DEPRECATED })),
    })),
    outerEnums: v15.outerEnums,
    custom: v15.custom,
  }
}

const EXTRINSIC_TYPE_NAME = 'UncheckedExtrinsic'

/** Metadata of an assembled runtime, magic included. */
export const encodeMetadata = (parts: MetadataParts & { readonly version: 14 | 15 | 16 }): Uint8Array => {
  const v15 = buildV15(parts)
  const extrinsicType = v15.types.find(({ path }) => path.at(-1) === EXTRINSIC_TYPE_NAME)?.id ?? 0
  const content: Metadata['content'] =
    parts.version === 14 ? { kind: 'V14', value: toV14(v15, extrinsicType) }
    : parts.version === 15 ? { kind: 'V15', value: v15 }
    : { kind: 'V16', value: toV16(v15, parts.apis) }
  return Metadata.encode({ magic: METADATA_MAGIC, content })
}
