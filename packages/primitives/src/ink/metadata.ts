/** Owns ink! metadata (JSON of version 4) of a declared contract, for clients that call contracts by it. */
import { toHex } from '../bytes.ts'
import { named, newtype, u128, u32, u64, unit, variant, fixedBytes, type Codec } from '../codec/index.ts'
import { snakeCase } from '../codec/type-info.ts'
import { answerCodec, LangError, type ArgumentSpec, type ArgumentSpecs, type ConstructorSpec, type ContractSpec, type StorageFieldSpec } from './abi.ts'
import { createTypeList, type JsonType, type TypeList } from './type-list.ts'

const VERSION = '4'
const TOPICS_MAX = 4

/** An account in a contract's interface. */
export const InkAccountId = newtype('ink_primitives::types::AccountId', fixedBytes(32))
/** A hash in a contract's interface, where it has a type of its own. */
export const InkHash = newtype('ink_primitives::types::Hash', fixedBytes(32))

interface TypeRef {
  readonly displayName: readonly string[]
  readonly type: number
}

interface ArgumentJson {
  readonly label: string
  readonly type: TypeRef
}

interface EntryJson {
  readonly label: string
  readonly selector: string
  readonly args: readonly ArgumentJson[]
  readonly returnType: TypeRef
  readonly payable: boolean
  readonly default: boolean
  readonly docs: readonly string[]
}

/** The JSON, as far as somebody reads it here. */
export interface InkMetadata {
  readonly source: { readonly hash: string; readonly language: string; readonly compiler: string }
  readonly contract: { readonly name: string; readonly version: string; readonly authors: readonly string[] }
  readonly spec: {
    readonly constructors: readonly EntryJson[]
    readonly messages: readonly (EntryJson & { readonly mutates: boolean })[]
    readonly events: readonly { readonly label: string; readonly args: readonly (ArgumentJson & { readonly indexed: boolean; readonly docs: readonly string[] })[]; readonly docs: readonly string[] }[]
    readonly docs: readonly string[]
    readonly lang_error: TypeRef
    readonly environment: Readonly<Record<string, TypeRef | number>>
  }
  readonly storage: unknown
  readonly types: readonly JsonType[]
  readonly version: string
}

/** Root keys are numbers and stand in this version's JSON with their highest byte first, though keys in the storage begin with the lowest. */
const keyHex = (key: number): string => `0x${key.toString(16).padStart(8, '0')}`

const leafLayout = (types: TypeList, key: number, codec: Codec<unknown>): unknown => {
  const { def, path } = codec.info()
  if (def.kind !== 'tuple' || def.elements.length === 0 || path.length > 0) return { leaf: { key: keyHex(key), ty: types.idOf(codec.info()) } }
  const fields = def.elements.map((element, place) => ({ name: String(place), layout: { leaf: { key: keyHex(key), ty: types.idOf(element()) } } }))
  const names = def.elements.map((_, place) => String.fromCharCode('A'.charCodeAt(0) + place))
  return { struct: { name: `(${names.join(', ')})`, fields } }
}

const fieldLayout = (types: TypeList, field: StorageFieldSpec): unknown => {
  if (field.kind === 'Inline') return leafLayout(types, 0, field.value)
  return { root: { root_key: keyHex(field.rootKey), layout: leafLayout(types, field.rootKey, field.value) } }
}

const argumentsToJson = (types: TypeList, args: ArgumentSpecs): readonly ArgumentJson[] =>
  Object.entries(args).map(([name, { codec, displayName }]: [string, ArgumentSpec<unknown>]) => ({ label: snakeCase(name), type: { displayName, type: types.idOf(codec.info()) } }))

const entryToJson = (types: TypeList, entry: ConstructorSpec, returns: { readonly codec: Codec<unknown>; readonly displayName: readonly string[] }): EntryJson => ({
  label: entry.label, selector: entry.selector, args: argumentsToJson(types, entry.args),
  returnType: { displayName: returns.displayName, type: types.idOf(answerCodec(returns.codec).info()) },
  payable: false, default: false, docs: entry.docs,
})

const environmentOf = (types: TypeList, extension: string): InkMetadata['spec']['environment'] => {
  const ref = (name: string, codec: Codec<any>): TypeRef => ({ displayName: [name], type: types.idOf(codec.info()) })
  return {
    accountId: ref('AccountId', InkAccountId), balance: ref('Balance', u128), blockNumber: ref('BlockNumber', u32), hash: ref('Hash', InkHash),
    timestamp: ref('Timestamp', u64), chainExtension: ref('ChainExtension', named(extension, variant('ChainExtension', {}))), maxEventTopics: TOPICS_MAX,
  }
}

/** The metadata of a contract. `source.hash` is the hash of its code (32 bytes); `chainExtension` is the path of the extension's type. */
export const createInkMetadata = (
  spec: ContractSpec, options: { readonly codeHash: Uint8Array; readonly language: string; readonly compiler: string; readonly chainExtension: string },
): InkMetadata => {
  const types = createTypeList()
  // Order counts: types are numbered where they are first used.
  const fields = Object.entries(spec.storage).map(([name, field]) => ({ name: snakeCase(name), layout: fieldLayout(types, field) }))
  const constructors = Object.values(spec.constructors).map((each) => entryToJson(types, each, { codec: unit, displayName: ['ink_primitives', 'ConstructorResult'] }))
  const messages = Object.values(spec.messages).map((each) => ({ ...entryToJson(types, each, { codec: each.returns, displayName: ['ink', 'MessageResult'] }), mutates: each.mutates }))
  const events = Object.values(spec.events).map((each) => ({
    label: each.label, docs: each.docs,
    args: argumentsToJson(types, each.args).map((argument, place) => ({ ...argument, indexed: each.indexed.includes(Object.keys(each.args)[place] as string), docs: [] })),
  }))
  const langError = { displayName: ['ink', 'LangError'], type: types.idOf(LangError.info()) }
  const environment = environmentOf(types, options.chainExtension)
  return {
    source: { hash: toHex(options.codeHash), language: options.language, compiler: options.compiler },
    contract: { name: spec.name, version: spec.version, authors: spec.authors },
    spec: { constructors, messages, events, docs: [], lang_error: langError, environment },
    storage: { root: { root_key: keyHex(0), layout: { struct: { name: spec.storageName, fields } } } },
    types: types.finish(),
    version: VERSION,
  }
}
