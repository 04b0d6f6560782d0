/**
 * Owns how a client speaks to a contract: its constructors, messages and events with their bytes, from the declaration of a TypeScript contract or from the metadata
 * of any ink! contract. Values are the same either way.
 */
import { bytesEqual, concatBytes } from '@phalanx/primitives/bytes'
import { result, struct, unit, type Codec, type Shape } from '@phalanx/primitives/codec'
import type { Crypto } from '@phalanx/primitives/crypto'
import { AppError, isAppError } from '@phalanx/primitives/errors'
import { LangError } from '@phalanx/primitives/ink'
import { answerCodec, encodeInput, labelOf, type EntryAnswer } from '../contract/abi.ts'
import type { AnyEntry, ContractDefinition } from '../contract/define.ts'
import { signatureTopic } from '../contract/event.ts'
import '../errors.ts'
import type { InkContract, InkEntry, InkEvent } from './ink-json.ts'
import { camelCase, createTypeCodecs, type TypeCodecs } from './type-codec.ts'

/** A constructor or message as a client uses it. */
export interface EntryInterface {
  /** In camelCase; the label is as metadata writes it. */
  readonly name: string
  readonly label: string
  readonly kind: 'constructor' | 'command' | 'query'
  readonly isPayable: boolean
  readonly isDefault: boolean
  /** Names of the arguments, in order. */
  readonly args: readonly string[]
  /** Codecs of the arguments by name, for who reads them as text. */
  readonly shape: Shape
  /** Input of a call. @throws SDK_ARGUMENTS_MALFORMED */
  encode(args: unknown): Uint8Array
  /** What it gave back. @throws CODEC_ codes */
  decode(data: Uint8Array): EntryAnswer
}

/** An event of a contract. `Unknown` where it declares none such. */
export interface ContractEvent {
  readonly kind: string
  readonly value: unknown
}

/** A contract's whole interface. */
export interface ContractInterface {
  readonly name: string
  readonly constructors: readonly EntryInterface[]
  readonly messages: readonly EntryInterface[]
  readEvent(event: { readonly topics: readonly Uint8Array[]; readonly data: Uint8Array }): ContractEvent
}

type Hashing = Pick<Crypto, 'blake2b256'>

/** What a call's bytes are made by; a value that does not fit is the caller's mistake, with the path to it. */
const orMalformed = (entry: string, encode: () => Uint8Array): Uint8Array => {
  try {
    return encode()
  } catch (cause) {
    if (!isAppError(cause) && !(cause instanceof TypeError)) throw cause
    throw new AppError('SDK_ARGUMENTS_MALFORMED', { entry, reason: cause.message }, { cause })
  }
}

const UNKNOWN = 'Unknown'

const declaredEntry = (hash: (bytes: Uint8Array) => Uint8Array, contract: string, name: string, entry: AnyEntry): EntryInterface => {
  const answer = answerCodec(entry)
  return {
    name, label: labelOf(name), kind: entry.kind, isPayable: entry.isPayable, isDefault: entry.isDefault, args: Object.keys(entry.args), shape: entry.args,
    encode: (args) => orMalformed(`${contract}.${name}`, () => encodeInput(hash, { name, entry, args })),
    decode: (data) => answer.decode(data),
  }
}

/** The interface of a contract that is declared in TypeScript. */
export const interfaceOfDefinition = (crypto: Hashing, definition: ContractDefinition): ContractInterface => {
  const hash = (bytes: Uint8Array): Uint8Array => crypto.blake2b256(bytes)
  const entries = (all: Readonly<Record<string, AnyEntry>>): readonly EntryInterface[] =>
    Object.entries(all).map(([name, entry]) => declaredEntry(hash, definition.name, name, entry))
  return {
    name: definition.name, constructors: entries(definition.constructors), messages: entries(definition.messages),
    readEvent({ topics, data }) {
      const signature = topics[0]
      const found = signature === undefined ? undefined : definition.events.find((event) => bytesEqual(signatureTopic(hash, definition.name, event), signature))
      return found === undefined ? { kind: UNKNOWN, value: data } : { kind: found.name, value: found.codec.decode(data) }
    },
  }
}

/** What constructors of ink! that cannot fail hand back, `Ok(Ok(()))`, though their metadata says `Ok(())`. */
const INNER_OK = Uint8Array.of(0, 0)

/** Codec of an answer: `Result<T, LangError>`, where `T` may be a `Result` itself. */
const answerOf = (
  codecs: TypeCodecs, { types }: InkContract, { type, isConstructor }: { readonly type: number | undefined; readonly isConstructor: boolean },
): ((data: Uint8Array) => EntryAnswer) => {
  const whole = (type === undefined ? result(unit, LangError) : codecs(type)) as Codec<EntryAnswer>
  const json = type === undefined ? undefined : types[type]?.type
  const inner = json !== undefined && 'variant' in json.def ? json.def.variant.variants?.find(({ name }) => name === 'Ok')?.fields?.[0]?.type : undefined
  const isFallible = inner !== undefined && types[inner]?.type.path?.join() === 'Result'
  return (data) => {
    const answer = whole.decode(isConstructor && !isFallible && bytesEqual(data, INNER_OK) ? data.subarray(1) : data)
    return isFallible || !answer.ok ? answer : { ok: true, value: answer as EntryAnswer & { readonly ok: true } }
  }
}

/** `Flipper::flip` is `flipperFlip`, `my_bid` is `myBid`. */
const entryName = (label: string): string => {
  const name = camelCase(label.replaceAll('::', '_'))
  return name.slice(0, 1).toLowerCase() + name.slice(1)
}

const inkEntry = (codecs: TypeCodecs, contract: InkContract, entry: InkEntry, kind: EntryInterface['kind']): EntryInterface => {
  const { label, selector, isDefault, payable: isPayable } = entry
  // Messages of a trait are `Trait::message` and called `traitMessage`.
  const name = entryName(label)
  const args = entry.args.map((one) => camelCase(one.label))
  const shape: Shape = Object.fromEntries(entry.args.map((one, i) => [args[i] as string, codecs(one.type)]))
  const decode = answerOf(codecs, contract, { type: entry.returnType, isConstructor: kind === 'constructor' })
  return {
    name, label, kind, isPayable, isDefault, args, shape, decode,
    encode: (given) => orMalformed(`${contract.name}.${name}`, () => concatBytes(selector, struct(shape).encode((given ?? {}) as never))),
  }
}

const EVENT_INDEX_BYTES = 1

/** Reads events of both layouts: version 5 tells them by the topic of their signature, version 4 by a number in front. */
const eventReader = (codecs: TypeCodecs, contract: InkContract): ContractInterface['readEvent'] => {
  const codecOf = ({ args }: InkEvent): Codec<unknown> => struct(Object.fromEntries(args.map((one) => [camelCase(one.label), codecs(one.type)]))) as Codec<unknown>
  return ({ topics, data }) => {
    const signature = topics[0]
    const isNumbered = contract.version === 4
    const found = isNumbered ? contract.events[data[0] ?? contract.events.length] : contract.events.find(({ topic }) => topic !== undefined && signature !== undefined && bytesEqual(topic, signature))
    if (found === undefined) return { kind: UNKNOWN, value: data }
    try {
      return { kind: found.label, value: codecOf(found).decode(isNumbered ? data.subarray(EVENT_INDEX_BYTES) : data) }
    } catch (error) {
      if (!isAppError(error)) throw error
      return { kind: UNKNOWN, value: data }
    }
  }
}

/** The interface of a contract that is known by its metadata. */
export const interfaceOfMetadata = (contract: InkContract): ContractInterface => {
  const codecs = createTypeCodecs(contract.types)
  return {
    name: contract.name,
    constructors: contract.constructors.map((entry) => inkEntry(codecs, contract, entry, 'constructor')),
    messages: contract.messages.map((entry) => inkEntry(codecs, contract, entry, entry.mutates ? 'command' : 'query')),
    readEvent: eventReader(codecs, contract),
  }
}

/** An entry by its name or its label. @throws SDK_ENTRY_NOT_FOUND */
export const findEntry = (contract: string, entries: readonly EntryInterface[], name: string): EntryInterface => {
  const found = entries.find((entry) => entry.name === name) ?? entries.find((entry) => entry.label === name)
  if (found === undefined) throw new AppError('SDK_ENTRY_NOT_FOUND', { contract, name, known: entries.map((entry) => entry.name).join(', ') })
  return found
}
