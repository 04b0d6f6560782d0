/**
 * Owns the language in which worker methods are described: messages with protobuf tags, and methods. Pure data and types:
 * bytes and JSON are made from it in wire/, routes in server/, handlers are checked against it in methods/.
 */

/** Scalar types in use. `uint64` is bigint, the other numbers are number. */
export type ScalarType = 'bool' | 'uint32' | 'uint64' | 'string' | 'bytes'

/** How often a field occurs: proto3 singular, proto3 optional, repeated. */
export type FieldRule = 'single' | 'optional' | 'repeated'

/** One field of a message. */
export interface Field<T> {
  readonly tag: number
  readonly type: ScalarType | MessageSchema<unknown>
  readonly rule: FieldRule
  /** Type carrier only; never set. */
  readonly value?: T
}

/** Fields by name, in camelCase; JSON and protobuf text call them by the same name in snake_case. */
export type Fields = Readonly<Record<string, Field<any>>>

/** A message: its protobuf name and fields. */
export interface MessageSchema<T> {
  readonly name: string
  readonly fields: Fields
  /** Type carrier only; never set. */
  readonly value?: T
}

type FieldValue<F> = F extends Field<infer T> ? T : never
type AbsentKeys<F extends Fields> = { [K in keyof F]: undefined extends FieldValue<F[K]> ? K : never }[keyof F]
type ValueOf<F extends Fields> = { readonly [K in Exclude<keyof F, AbsentKeys<F>>]: FieldValue<F[K]> } & {
  readonly [K in AbsentKeys<F>]?: FieldValue<F[K]> | undefined
}

/** Static type of a message's values. */
export type MessageOf<S> = S extends MessageSchema<infer T> ? T : never

const scalar = <T>(type: ScalarType) => (tag: number): Field<T> => ({ tag, type, rule: 'single' })

/** Boolean field. */
export const bool = scalar<boolean>('bool')
/** 32-bit unsigned field. */
export const uint32 = scalar<number>('uint32')
/** 64-bit unsigned field. */
export const uint64 = scalar<bigint>('uint64')
/** Text field. */
export const string = scalar<string>('string')
/** Byte field. */
export const bytes = scalar<Uint8Array>('bytes')

/** The field with presence: absent is `undefined`, which differs from the default value. */
export const optional = <T>(field: Field<T>): Field<T | undefined> => ({ tag: field.tag, type: field.type, rule: 'optional' })
/** A list of the field's values. */
export const repeated = <T>(field: Field<T>): Field<readonly T[]> => ({ tag: field.tag, type: field.type, rule: 'repeated' })
/** A nested message; absent is `undefined`. */
export const nested = <T>(tag: number, schema: MessageSchema<T>): Field<T | undefined> => ({ tag, type: schema, rule: 'optional' })
/** A list of nested messages. */
export const nestedList = <T>(tag: number, schema: MessageSchema<T>): Field<readonly T[]> => ({ tag, type: schema, rule: 'repeated' })

/** Describes a message. */
export const message = <const F extends Fields>(name: string, fields: F): MessageSchema<ValueOf<F>> => ({ name, fields })

/** One method: everything that server, clients and documents need to know of it. */
export interface Method<P, R> {
  /** One sentence for people. */
  readonly doc: string
  readonly params: MessageSchema<P>
  readonly result: MessageSchema<R>
  /** `public` methods are also served by the public listener. */
  readonly access: 'public' | 'private'
  /** A `command` may change the worker's state. */
  readonly kind: 'query' | 'command'
  /** Largest request body. */
  readonly limitBytes: number
}

/** Methods by wire name. */
export type Methods = Readonly<Record<string, Method<any, any>>>

/** Declares a method. */
export const method = <P, R>(spec: Method<P, R>): Method<P, R> => spec

/** Static type of a method's parameters. */
export type ParamsOf<M> = M extends Method<infer P, any> ? P : never
/** Static type of a method's result. */
export type ResultOf<M> = M extends Method<any, infer R> ? R : never

/** One handler per method: a schema without a handler does not compile. */
export type Handlers<M extends Methods, Context> = {
  readonly [K in keyof M]: (context: Context, params: ParamsOf<M[K]>) => ResultOf<M[K]> | Promise<ResultOf<M[K]>>
}

/** 1 KiB. */
export const KIB = 1024
/** 1 MiB. */
export const MIB = 1024 * KIB
