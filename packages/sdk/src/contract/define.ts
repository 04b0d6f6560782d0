/**
 * Owns how a contract is declared: `defineContract` with constructors, commands and queries, and the types that clients derive from a
 * declaration. Running it is dispatch.ts, describing it to other languages metadata.ts.
 */
import { mapped, unit, type Codec, type Shape, type StructOf, type TypeOf } from '@phalanx/primitives/codec'
import { AppError } from '@phalanx/primitives/errors'
import type { CommandContext, QueryContext } from './context.ts'
import type { AnyEvent, EventValue } from './event.ts'
import './errors.ts'
import type { Storage } from './storage.ts'

/** One sentence, or several. */
export type Docs = string | readonly string[]

/** What every entry of a contract may state; `X` is the codec of its errors. */
interface EntryOptions<A extends Shape, X extends Codec<any>> {
  readonly docs?: Docs
  /** Argument name → codec, in the order of the wire. */
  readonly args?: A
  /** Type of the errors that `ctx.revert` takes. */
  readonly errors?: X
  /** Whether a balance may be sent along. */
  readonly payable?: boolean
  /** Whether clients take it where none is named. */
  readonly default?: boolean
  /** Four bytes as 0x hex in place of those that follow from the name. */
  readonly selector?: `0x${string}`
}

/** A constructor as it is declared. */
export interface ConstructorOptions<A extends Shape, X extends Codec<any>> extends EntryOptions<A, X> {
  run(ctx: CommandContext<TypeOf<X>>, args: StructOf<A>): void
}

/**
 * A command as it is declared. What `run` returns is a type of its own, bounded by what `returns` declares: were it the declared one, TypeScript
 * would widen the text of a case or the members of a tuple before it compares them.
 */
export interface CommandOptions<A extends Shape, C extends Codec<any>, X extends Codec<any>, R extends TypeOf<C>> extends EntryOptions<A, X> {
  readonly returns?: C
  run(ctx: CommandContext<TypeOf<X>>, args: StructOf<A>): R
}

/** A query as it is declared: nothing can be sent along and nothing is kept. */
export interface QueryOptions<A extends Shape, C extends Codec<any>, X extends Codec<any>, R extends TypeOf<C>> extends Omit<EntryOptions<A, X>, 'payable'> {
  readonly returns?: C
  run(ctx: QueryContext<TypeOf<X>>, args: StructOf<A>): R
}

/** What of an entry does not depend on its types. */
interface EntryFacts {
  readonly docs: readonly string[]
  readonly isPayable: boolean
  readonly isDefault: boolean
  readonly selector: `0x${string}` | undefined
}

/** A declared constructor. */
export interface Constructor<A extends Shape, E> extends EntryFacts {
  readonly kind: 'constructor'
  readonly args: A
  readonly returns: Codec<void>
  readonly errors: Codec<E> | undefined
  run(ctx: CommandContext<E>, args: StructOf<A>): void
}

/** A declared command or query. */
export interface Message<Kind extends 'command' | 'query', A extends Shape, R, E> extends EntryFacts {
  readonly kind: Kind
  readonly args: A
  readonly returns: Codec<R>
  readonly errors: Codec<E> | undefined
  run(ctx: Kind extends 'command' ? CommandContext<E> : QueryContext<E>, args: StructOf<A>): R
}

/** Any entry, as dispatch and metadata see it. */
export interface AnyEntry extends EntryFacts {
  readonly kind: 'constructor' | 'command' | 'query'
  readonly args: Shape
  readonly returns: Codec<any>
  readonly errors: Codec<any> | undefined
  run(ctx: never, args: never): unknown
}

/** Any constructor. */
export type AnyConstructor = AnyEntry & { readonly kind: 'constructor' }
/** Any command or query. */
export type AnyMessage = AnyEntry & { readonly kind: 'command' | 'query' }

type NoArgs = Record<never, never>

const nothing: Codec<void> = mapped(unit, () => undefined, () => [] as const)

const docsOf = (docs: Docs | undefined): readonly string[] => (docs === undefined ? [] : typeof docs === 'string' ? [docs] : docs)

const factsOf = (options: EntryOptions<Shape, Codec<any>>): EntryFacts => ({
  docs: docsOf(options.docs), isPayable: options.payable ?? false, isDefault: options.default ?? false, selector: options.selector,
})

/** Arguments and codecs of an entry; what is left out is of the type that its parameter has by default. */
const typesOf = (options: EntryOptions<Shape, Codec<any>> & { readonly returns?: Codec<any> }): { readonly args: any; readonly returns: Codec<any>; readonly errors: Codec<any> | undefined } => ({
  args: options.args ?? {}, returns: options.returns ?? nothing, errors: options.errors,
})

// NoInfer on the results below: where they stand inside `defineContract` its constraints would else be taken for their arguments' types.

/** Declares a constructor. */
export const constructor = <const A extends Shape = NoArgs, X extends Codec<any> = Codec<never>>(options: ConstructorOptions<A, X>): Constructor<NoInfer<A>, TypeOf<X>> => ({
  kind: 'constructor', ...factsOf(options), ...typesOf(options), run: (ctx, args) => options.run(ctx, args),
})

/** Declares a command: it runs on every worker of the cluster and may change what is kept. */
export const command = <const A extends Shape = NoArgs, C extends Codec<any> = Codec<void>, X extends Codec<any> = Codec<never>, const R extends TypeOf<C> = TypeOf<C>>(
  options: CommandOptions<A, C, X, R>,
): Message<'command', NoInfer<A>, TypeOf<C>, TypeOf<X>> => ({ kind: 'command', ...factsOf(options), ...typesOf(options), run: (ctx, args) => options.run(ctx, args) })

/** Declares a query: it runs on one worker, changes nothing, and may ask the outside. */
export const query = <const A extends Shape = NoArgs, C extends Codec<any> = Codec<void>, X extends Codec<any> = Codec<never>, const R extends TypeOf<C> = TypeOf<C>>(
  options: QueryOptions<A, C, X, R>,
): Message<'query', NoInfer<A>, TypeOf<C>, TypeOf<X>> => ({ kind: 'query', ...factsOf(options), ...typesOf(options), run: (ctx, args) => options.run(ctx, args) })

/** Constructors by name. */
export type Constructors = Readonly<Record<string, AnyConstructor>>
/** Messages by name. */
export type Messages = Readonly<Record<string, AnyMessage>>

/** A whole contract: what `export default defineContract(…)` gives, what `phalanx contract build` reads and clients take their types from. */
export interface ContractDefinition<C extends Constructors = Constructors, M extends Messages = Messages, V extends readonly AnyEvent[] = readonly AnyEvent[]> {
  readonly format: typeof CONTRACT_FORMAT
  readonly name: string
  readonly version: string
  readonly authors: readonly string[]
  readonly docs: readonly string[]
  readonly constructors: C
  readonly messages: M
  readonly events: V
  readonly storage: Storage
}

/** Marks a definition, so that tools know one when they see it. */
export const CONTRACT_FORMAT = 'phalanx-contract:1'

/** What `defineContract` takes. */
export interface ContractOptions<C extends Constructors, M extends Messages, V extends readonly AnyEvent[]> {
  /** Letters, digits and `_`. */
  readonly name: string
  readonly version?: string
  readonly authors?: readonly string[]
  readonly docs?: Docs
  readonly constructors: C
  readonly messages: M
  readonly events?: V
  /** The cells of `defineStorage`, for the metadata. */
  readonly storage?: Storage
}

const CONTRACT_NAME = /^[A-Za-z][A-Za-z0-9_]{0,63}$/
const ENTRY_NAME = /^[a-z][A-Za-z0-9]{0,63}$/
const SELECTOR = /^0x[0-9a-f]{8}$/

const problemOf = ({ name, constructors, messages, events = [] }: ContractOptions<Constructors, Messages, readonly AnyEvent[]>): string | undefined => {
  if (!CONTRACT_NAME.test(name)) return 'its name must be a letter and then up to 63 letters, digits or _'
  if (Object.keys(constructors).length === 0) return 'it has no constructor'
  if (Object.keys(messages).length === 0) return 'it has no message'
  for (const [group, entries] of [['constructor', constructors], ['message', messages]] as const) {
    const all = Object.entries(entries)
    for (const [entryName, entry] of all) {
      if (!ENTRY_NAME.test(entryName)) return `the ${group} "${entryName}" must be named in camelCase`
      for (const argument of Object.keys(entry.args)) if (!ENTRY_NAME.test(argument)) return `the argument "${argument}" of ${entryName} must be named in camelCase`
      if (entry.selector !== undefined && !SELECTOR.test(entry.selector)) return `the selector of ${entryName} must be 0x and eight lower-case hex digits`
    }
    if (all.filter(([, { isDefault }]) => isDefault).length > 1) return `more than one ${group} is the default`
  }
  const eventNames = events.map((event) => event.name)
  return new Set(eventNames).size === eventNames.length ? undefined : 'two events have the same name'
}

/** Declares a contract. @throws SDK_CONTRACT_MALFORMED */
export const defineContract = <const C extends Constructors, const M extends Messages, const V extends readonly AnyEvent[] = readonly []>(
  options: ContractOptions<C, M, V>,
): ContractDefinition<C, M, V> => {
  const problem = problemOf(options)
  if (problem !== undefined) throw new AppError('SDK_CONTRACT_MALFORMED', { contract: String(options.name), reason: problem })
  const { name, version = '0.1.0', authors = [], constructors, messages, events = [] as unknown as V, storage = {} } = options
  return { format: CONTRACT_FORMAT, name, version, authors, docs: docsOf(options.docs), constructors, messages, events, storage }
}

/** Whether something is a definition of this format, also one made by another copy of this library. */
export const isContractDefinition = (value: unknown): value is ContractDefinition =>
  typeof value === 'object' && value !== null && (value as { readonly format?: unknown }).format === CONTRACT_FORMAT

/** Messages of a definition. */
export type MessagesOf<D extends ContractDefinition> = D['messages']
/** Names of a definition's messages, of one kind where one is given. */
export type MessageNames<D extends ContractDefinition, Kind extends 'command' | 'query' = 'command' | 'query'> = {
  [Name in keyof D['messages']]: D['messages'][Name]['kind'] extends Kind ? Name : never
}[keyof D['messages']] & string

/** Arguments of a message, by name. */
export type ArgsOf<D extends ContractDefinition, Name extends keyof D['messages']> = StructOf<D['messages'][Name]['args']>
/** What a message returns. */
export type ReturnOf<D extends ContractDefinition, Name extends keyof D['messages']> = D['messages'][Name]['returns'] extends Codec<infer R> ? R : never
/** What a message reverts with; never where it declares no errors. */
export type ErrorOf<D extends ContractDefinition, Name extends keyof D['messages']> = Exclude<D['messages'][Name]['errors'], undefined> extends Codec<infer E> ? E : never

/** Names of a definition's constructors. */
export type ConstructorNames<D extends ContractDefinition> = keyof D['constructors'] & string
/** Arguments of a constructor, by name. */
export type ConstructorArgsOf<D extends ContractDefinition, Name extends keyof D['constructors']> = StructOf<D['constructors'][Name]['args']>
/** What a constructor reverts with. */
export type ConstructorErrorOf<D extends ContractDefinition, Name extends keyof D['constructors']> =
  Exclude<D['constructors'][Name]['errors'], undefined> extends Codec<infer E> ? E : never

/** Events of a definition as a union of `{ kind, value }`. */
export type EventsOf<D extends ContractDefinition> = EventValue<D['events'][number]>

/** Parameters before the options of a call: none have to be given where a message takes none. */
export type CallParameters<Args, Options> = keyof Args extends never ? [args?: Args, options?: Options] : [args: Args, options?: Options]
