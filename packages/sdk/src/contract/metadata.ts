/**
 * Owns the metadata of a contract in the layout of ink! 5 (version 5), made from its declaration alone, so that every client of ink!
 * contracts reads arguments, answers, errors and events of ours. Not part of a contract's code.
 */
import { toHex } from '@phalanx/primitives/bytes'
import { plainInfo, type Codec, type TypeInfo, u128, u32, u64 } from '@phalanx/primitives/codec'
import { createTypeList, LangError, type JsonType, type TypeList } from '@phalanx/primitives/ink'
import { answerCodec, labelOf, selectorOf, selectorsOf, type Hash256 } from './abi.ts'
import type { AnyEntry, ContractDefinition } from './define.ts'
import { isIndexed, signatureTopic, type AnyEvent } from './event.ts'
import type { AnyCell } from './storage.ts'
import { AccountId, Hash } from './types.ts'

type Json = Readonly<Record<string, unknown>>

/** A type where metadata mentions one: its number, and a name for people. */
export interface TypeSpec {
  readonly displayName: readonly string[]
  readonly type: number
}

/** An argument. */
export interface ArgSpec {
  readonly label: string
  readonly type: TypeSpec
}

/** A constructor or message. */
export interface EntrySpec {
  readonly args: readonly ArgSpec[]
  readonly default: boolean
  readonly docs: readonly string[]
  readonly label: string
  readonly payable: boolean
  readonly returnType: TypeSpec
  readonly selector: string
}

/** An event. */
export interface EventSpec {
  readonly args: readonly (ArgSpec & { readonly docs: readonly string[]; readonly indexed: boolean })[]
  readonly docs: readonly string[]
  readonly label: string
  readonly module_path: string
  readonly signature_topic: string
}

/** Metadata of a contract: everything but the source. */
export interface ContractMetadata {
  readonly contract: { readonly name: string; readonly version: string; readonly authors: readonly string[] }
  readonly image: null
  readonly spec: {
    readonly constructors: readonly EntrySpec[]
    readonly docs: readonly string[]
    readonly environment: Json
    readonly events: readonly EventSpec[]
    readonly lang_error: TypeSpec
    readonly messages: readonly (EntrySpec & { readonly mutates: boolean })[]
  }
  readonly storage: Json
  readonly types: readonly JsonType[]
  readonly version: 5
}

/** The one layout that is written. */
const METADATA_VERSION = 5
const EVENT_TOPICS_MAX = 4
const STATIC_BUFFER_SIZE = 16_384

/** Name of a type for people: its own where it has one, else by structure. */
const displayNameOf = (info: TypeInfo): readonly string[] => {
  const { path, def } = info
  const last = path.at(-1)
  if (last !== undefined) return [last]
  return def.kind === 'primitive' ? [def.name] : def.kind === 'sequence' ? ['Vec'] : []
}

const argSpecs = (types: TypeList, entry: AnyEntry): readonly ArgSpec[] =>
  Object.entries(entry.args).map(([name, codec]) => ({ label: labelOf(name), type: typeSpec(types, codec) }))

const typeSpec = (types: TypeList, codec: Codec<unknown>): TypeSpec => {
  const info = codec.info()
  return { displayName: displayNameOf(info), type: types.idOf(info) }
}

const entrySpec = (types: TypeList, hash: Hash256, named: { readonly name: string; readonly entry: AnyEntry; readonly returnName: readonly string[] }): EntrySpec => {
  const { name, entry, returnName } = named
  return {
    args: argSpecs(types, entry), default: entry.isDefault, docs: entry.docs, label: labelOf(name), payable: entry.isPayable,
    returnType: { displayName: returnName, type: types.idOf(answerCodec(entry).codec.info()) },
    selector: toHex(selectorOf(hash, name, entry)),
  }
}

const eventSpec = (types: TypeList, hash: Hash256, contract: string, event: AnyEvent): EventSpec => ({
  args: Object.entries(event.fields).map(([name, codec]) => ({ docs: [], indexed: isIndexed(codec), label: labelOf(name), type: typeSpec(types, codec) })),
  docs: event.docs, label: event.name, module_path: contract, signature_topic: toHex(signatureTopic(hash, contract, event)),
})

const NO_EXTENSION: TypeInfo = { path: ['ink_env', 'types', 'NoChainExtension'], params: [], def: { kind: 'variant', variants: [] }, docs: [] }

const environment = (types: TypeList): Json => {
  const named = (name: string, info: TypeInfo): TypeSpec => ({ displayName: [name], type: types.idOf(info) })
  return {
    accountId: named('AccountId', AccountId.info()), balance: named('Balance', u128.info()), blockNumber: named('BlockNumber', u32.info()),
    chainExtension: named('ChainExtension', NO_EXTENSION), hash: named('Hash', Hash.info()), maxEventTopics: EVENT_TOPICS_MAX,
    staticBufferSize: STATIC_BUFFER_SIZE, timestamp: named('Timestamp', u64.info()),
  }
}

const pathOfCell = (cell: AnyCell): readonly string[] => ['phalanx', 'storage', cell.kind === 'map' ? 'Map' : 'List']

/** Type of a cell: a value's own, or an empty type with what it holds as parameters, as ink! describes its mappings. */
const cellInfo = (cell: AnyCell): TypeInfo => {
  if (cell.kind === 'value') return cell.value.info()
  const value = { name: 'V', type: cell.value.info }
  return { ...plainInfo({ kind: 'composite', fields: [] }), path: pathOfCell(cell), params: cell.kind === 'map' ? [{ name: 'K', type: cell.key.info }, value] : [value] }
}

const cellLayout = (types: TypeList, cell: AnyCell): Json => {
  const key = toHex(cell.rootKey)
  const held = types.idOf(cell.value.info())
  if (cell.kind === 'value') return { leaf: { key, ty: held } }
  return { root: { layout: { leaf: { key, ty: held } }, root_key: key, ty: types.idOf(cellInfo(cell)) } }
}

const storageLayout = (types: TypeList, { name, storage }: ContractDefinition): Json => {
  const cells = Object.values(storage)
  const info: TypeInfo = {
    ...plainInfo({ kind: 'composite', fields: cells.map((cell) => ({ name: labelOf(cell.name), type: () => cellInfo(cell) })) }), path: [name, 'Storage'],
  }
  const fields = cells.map((cell) => ({ layout: cellLayout(types, cell), name: labelOf(cell.name) }))
  return { root: { layout: { struct: { fields, name: 'Storage' } }, root_key: '0x00000000', ty: types.idOf(info) } }
}

/** Metadata of a contract. @throws SDK_CONTRACT_MALFORMED where two entries have one selector */
export const contractMetadata = (definition: ContractDefinition, hash: Hash256): ContractMetadata => {
  selectorsOf(hash, definition)
  const types = createTypeList()
  const { name, version, authors, docs, constructors, messages, events } = definition
  const spec = {
    constructors: Object.entries(constructors).map(([label, entry]) => entrySpec(types, hash, { name: label, entry, returnName: ['ink_primitives', 'ConstructorResult'] })),
    docs,
    environment: environment(types),
    events: events.map((event) => eventSpec(types, hash, name, event)),
    lang_error: { displayName: ['ink', 'LangError'], type: types.idOf(LangError.info()) },
    messages: Object.entries(messages).map(([label, entry]) => ({ ...entrySpec(types, hash, { name: label, entry, returnName: ['ink', 'MessageResult'] }), mutates: entry.kind === 'command' })),
  }
  const storage = storageLayout(types, definition)
  return { contract: { name, version, authors }, image: null, spec, storage, types: types.finish(), version: METADATA_VERSION }
}
