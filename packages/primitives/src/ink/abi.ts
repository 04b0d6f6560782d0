/**
 * Owns how contracts are spoken to in ink!'s way: what is declared of constructors, messages, events and storage, and the bytes of
 * calls, answers and events. One declaration serves who runs a contract, who calls it and its metadata.
 */
import { concatBytes, parseHex, utf8 } from '../bytes.ts'
import { bytes, named, result, tuple, variant, type Codec, type ResultValue, type TypeOf } from '../codec/index.ts'
import type { Crypto } from '../crypto/crypto.ts'
import { snakeCase } from '../codec/type-info.ts'

/** What the language itself answers where a contract never saw the call. */
export const LangError = named('ink_primitives::LangError', variant('LangError', { CouldNotReadInput: { index: 1 } }))
export type LangError = TypeOf<typeof LangError>

/** A type as arguments have it: how it is written, and the name under which metadata shows it. */
export interface ArgumentSpec<T> {
  readonly codec: Codec<T>
  readonly displayName: readonly string[]
}

/** Arguments by name, in wire order. Metadata writes the names in snake_case. */
export type ArgumentSpecs = Readonly<Record<string, ArgumentSpec<any>>>

/** Values of arguments. */
export type ArgumentsOf<A extends ArgumentSpecs> = { readonly [K in keyof A]: TypeOf<A[K]['codec']> }

/** A constructor. */
export interface ConstructorSpec<A extends ArgumentSpecs = ArgumentSpecs> {
  readonly label: string
  /** Four bytes as hex. */
  readonly selector: `0x${string}`
  readonly args: A
  readonly docs: readonly string[]
}

/** A message. `isFailure`: whether a value of the answer takes the changes back, as an `Err` does in ink!. */
export interface MessageSpec<A extends ArgumentSpecs = any, R = any> extends ConstructorSpec<A> {
  readonly mutates: boolean
  readonly returns: Codec<R>
  isFailure(value: R): boolean
}

/** An event; `indexed` fields are topics as well. */
export interface EventSpec<A extends ArgumentSpecs = any> {
  readonly label: string
  readonly index: number
  readonly args: A
  readonly indexed: readonly (keyof A & string)[]
  readonly docs: readonly string[]
}

/** Where a field of the storage is: in the root cell, or as a mapping under its own root key (a number). */
export type StorageFieldSpec = { readonly kind: 'Inline'; readonly value: Codec<any> } | { readonly kind: 'Mapping'; readonly rootKey: number; readonly value: Codec<any> }

/** Everything that is declared of a contract. */
export interface ContractSpec {
  readonly name: string
  readonly version: string
  readonly authors: readonly string[]
  /** Name of the storage struct, which stands before the names of events. */
  readonly storageName: string
  readonly constructors: Readonly<Record<string, ConstructorSpec>>
  readonly messages: Readonly<Record<string, MessageSpec>>
  readonly events: Readonly<Record<string, EventSpec>>
  readonly storage: Readonly<Record<string, StorageFieldSpec>>
}

interface MessageParts<A extends ArgumentSpecs> {
  readonly selector: `0x${string}`
  readonly label: string
  readonly mutates?: boolean
  readonly args: A
  readonly docs?: readonly string[]
}

/** A message that always answers. */
export const message = <const A extends ArgumentSpecs, R>(parts: MessageParts<A>, returns: Codec<R>): MessageSpec<A, R> => ({
  mutates: false, docs: [], ...parts, returns, isFailure: () => false,
})

/** A message that answers or fails; where it fails its changes are taken back. */
export const fallibleMessage = <const A extends ArgumentSpecs, R, E>(
  parts: MessageParts<A>, returns: { readonly ok: Codec<R>; readonly error: Codec<E> },
): MessageSpec<A, ResultValue<R, E>> => ({ mutates: false, docs: [], ...parts, returns: result(returns.ok, returns.error), isFailure: (value) => !value.ok })

/** An event. */
export const event = <const A extends ArgumentSpecs>(parts: {
  readonly label: string; readonly index: number; readonly args: A; readonly indexed?: readonly (keyof A & string)[]; readonly docs?: readonly string[]
}): EventSpec<A> => ({ indexed: [], docs: [], ...parts })

/** Arguments of a message. */
export type MessageArguments<M extends MessageSpec> = M extends MessageSpec<infer A, any> ? ArgumentsOf<A> : never

/** What a message answers. */
export type MessageReturn<M extends MessageSpec> = TypeOf<M['returns']>

/** Codec of all arguments in order. */
export const argumentsCodec = (args: ArgumentSpecs): Codec<readonly unknown[]> => tuple(...Object.values(args).map(({ codec }) => codec)) as unknown as Codec<readonly unknown[]>

/** Input of a call: selector and arguments. @throws CODEC_ codes where a value does not fit */
export const encodeInput = <A extends ArgumentSpecs>(entry: ConstructorSpec<A>, args: ArgumentsOf<A>): Uint8Array =>
  concatBytes(parseHex(entry.selector), argumentsCodec(entry.args).encode(Object.keys(entry.args).map((name) => args[name])))

/** Arguments by name. @throws CODEC_ codes */
export const decodeArguments = <A extends ArgumentSpecs>(args: A, encoded: Uint8Array): ArgumentsOf<A> => {
  const values = argumentsCodec(args).decode(encoded)
  return Object.fromEntries(Object.keys(args).map((name, place) => [name, values[place]])) as ArgumentsOf<A>
}

/** What a message's answer looks like: the value inside the result of the language. */
export const answerCodec = <R>(returns: Codec<R>): Codec<ResultValue<R, LangError>> => result(returns, LangError)

const TOPIC_BYTES = 32

/** A topic holds short contents as they are, and the hash of others. */
const topicOf = (crypto: Pick<Crypto, 'blake2b256'>, prefix: string, value: Uint8Array): Uint8Array => {
  const content = concatBytes(bytes.encode(utf8(prefix)), value)
  if (content.length > TOPIC_BYTES) return crypto.blake2b256(content)
  const topic = new Uint8Array(TOPIC_BYTES)
  topic.set(content)
  return topic
}

/** Topics and data of an event as ink! 4 writes them. */
export const encodeEvent = <A extends ArgumentSpecs>(
  crypto: Pick<Crypto, 'blake2b256'>, storageName: string, spec: EventSpec<A>, values: ArgumentsOf<A>,
): { readonly topics: readonly Uint8Array[]; readonly data: Uint8Array } => {
  const path = `${storageName}::${spec.label}`
  const indexed = spec.indexed.map((name) => topicOf(crypto, `${path}::${snakeCase(name)}`, (spec.args[name] as ArgumentSpec<unknown>).codec.encode(values[name])))
  return {
    topics: [topicOf(crypto, '', utf8(path)), ...indexed],
    data: concatBytes(Uint8Array.of(spec.index), argumentsCodec(spec.args).encode(Object.keys(spec.args).map((name) => values[name]))),
  }
}
