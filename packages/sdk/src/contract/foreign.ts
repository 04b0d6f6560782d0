/**
 * Owns declaring contracts that others wrote, in ink! or TypeScript, as far as one calls them: messages with their types and selectors, and
 * no code. What is called by such a declaration is typed as if its source were here, and none of it gets into the caller's code.
 */
import type { Codec, Shape, TypeOf } from '@phalanx/primitives/codec'
import { AppError } from '@phalanx/primitives/errors'
import {
  command, constructor, defineContract, query, type CommandOptions, type Constructor, type ContractDefinition, type Message, type Messages, type QueryOptions,
} from './define.ts'
import './errors.ts'
import type { AnyEvent } from './event.ts'

type NoArgs = Record<never, never>

const elsewhere = (): never => {
  throw new AppError('SDK_CONTRACT_STOPPED', { reason: 'this is the interface of a contract and not the contract' })
}

/** Declares a command of a contract that others wrote; `selector` where it does not follow from the name. */
export const foreignCommand = <const A extends Shape = NoArgs, C extends Codec<any> = Codec<void>, X extends Codec<any> = Codec<never>>(
  options: Omit<CommandOptions<A, C, X, TypeOf<C>>, 'run'>,
): Message<'command', NoInfer<A>, TypeOf<C>, TypeOf<X>> => command<A, C, X, never>({ ...options, run: elsewhere })

/** Declares a query of a contract that others wrote. */
export const foreignQuery = <const A extends Shape = NoArgs, C extends Codec<any> = Codec<void>, X extends Codec<any> = Codec<never>>(
  options: Omit<QueryOptions<A, C, X, TypeOf<C>>, 'run'>,
): Message<'query', NoInfer<A>, TypeOf<C>, TypeOf<X>> => query<A, C, X, never>({ ...options, run: elsewhere })

/** What `defineInterface` takes. */
export interface InterfaceOptions<M extends Messages, V extends readonly AnyEvent[]> {
  readonly name: string
  readonly messages: M
  readonly events?: V
}

/** Declares the interface of a contract that others wrote, for `ctx.contract` and for clients; there is nothing to deploy. @throws SDK_CONTRACT_MALFORMED */
export const defineInterface = <const M extends Messages, const V extends readonly AnyEvent[] = readonly []>(
  options: InterfaceOptions<M, V>,
): ContractDefinition<{ readonly elsewhere: Constructor<NoArgs, never> }, M, V> => defineContract({ ...options, constructors: { elsewhere: constructor({ run: elsewhere }) } })
