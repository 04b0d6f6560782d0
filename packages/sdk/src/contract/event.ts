/** Owns how a contract declares events, and their bytes: data with all fields, topics with the signature and what is indexed. */
import { concatBytes, EMPTY, utf8 } from '@phalanx/primitives/bytes'
import { struct, type Codec, type Shape, type StructOf } from '@phalanx/primitives/codec'
import { AppError } from '@phalanx/primitives/errors'
import './errors.ts'

/** A codec of an event's field by which clients may look events up. */
export type Indexed<T> = Codec<T> & { readonly isIndexed: true }

/** Marks a field of an event as one to look events up by. */
export const indexed = <T>(codec: Codec<T>): Indexed<T> => ({ ...codec, isIndexed: true })

/** A declared event. */
export interface EventDefinition<Name extends string, F extends Shape> {
  readonly name: Name
  readonly docs: readonly string[]
  readonly fields: F
  readonly codec: Codec<StructOf<F>>
}

/** Any event. */
export interface AnyEvent {
  readonly name: string
  readonly docs: readonly string[]
  readonly fields: Shape
  readonly codec: Codec<any>
}

/** Static type of an event that was told. */
export type EventValue<V extends AnyEvent> = V extends EventDefinition<infer Name, infer F> ? { readonly kind: Name; readonly value: StructOf<F> } : never

const EVENT_NAME = /^[A-Z][A-Za-z0-9]{0,63}$/
/** An event has four topics at most, of which one is its signature. */
const INDEXED_MAX = 3

/** Declares an event; the name is in PascalCase. @throws SDK_CONTRACT_MALFORMED */
export const event = <const Name extends string, const F extends Shape>(name: Name, fields: F, docs: string | readonly string[] = []): EventDefinition<Name, F> => {
  const malformed = (reason: string): AppError => new AppError('SDK_CONTRACT_MALFORMED', { contract: `event ${name}`, reason })
  if (!EVENT_NAME.test(name)) throw malformed('its name must be in PascalCase')
  if (Object.values(fields).filter(isIndexed).length > INDEXED_MAX) throw malformed(`at most ${INDEXED_MAX} fields can be indexed`)
  return { name, fields, codec: struct(fields), docs: typeof docs === 'string' ? [docs] : docs }
}

type Hash256 = (bytes: Uint8Array) => Uint8Array

const TOPIC = 32

/** Topic by which an event of a contract is known: hash of `Contract::Event(field,…)`. */
export const signatureTopic = (hash: Hash256, contract: string, definition: AnyEvent): Uint8Array =>
  hash(utf8(`${contract}::${definition.name}(${Object.keys(definition.fields).join(',')})`))

/** Whether a field is indexed. */
export const isIndexed = (codec: Codec<unknown>): boolean => (codec as Partial<Indexed<unknown>>).isIndexed === true

/** Topic of a value as ink! makes it: the value itself where it fits, else its hash; of an option what is in it, zeros for none. */
const valueTopic = (hash: Hash256, codec: Codec<unknown>, value: unknown): Uint8Array => {
  const whole = codec.encode(value)
  const encoded = codec.info().path[0] === 'Option' ? whole.subarray(1) : whole
  if (encoded.length > TOPIC) return hash(encoded)
  return concatBytes(encoded, new Uint8Array(TOPIC - encoded.length))
}

/** Topics and data of an event. */
export const encodeEvent = (hash: Hash256, contract: string, told: { readonly definition: AnyEvent; readonly value: unknown }): { readonly topics: readonly Uint8Array[]; readonly data: Uint8Array } => {
  const { definition, value } = told
  const fields = Object.entries(definition.fields).filter(([, codec]) => isIndexed(codec))
  return {
    topics: [signatureTopic(hash, contract, definition), ...fields.map(([name, codec]) => valueTopic(hash, codec, (value as Record<string, unknown>)[name]))],
    data: Object.keys(definition.fields).length === 0 ? EMPTY : definition.codec.encode(value),
  }
}
