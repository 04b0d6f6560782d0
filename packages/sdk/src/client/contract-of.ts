/**
 * Owns the handle of a contract as applications use it: typed by the contract's own declaration, without generated code, or untyped by metadata. `send` seals a command,
 * `query` seals a query, `estimate` tries; nothing of a handle can be sent in the clear.
 */
import { parseHex } from '@phalanx/primitives/bytes'
import type { AnySigner } from '../account.ts'
import type { Network } from '../cluster/network.ts'
import { isContractDefinition, type ArgsOf, type CallParameters, type ContractDefinition, type MessageNames, type ReturnOf } from '../contract/define.ts'
import { parseInkMetadata } from './ink-json.ts'
import { findEntry, interfaceOfDefinition, interfaceOfMetadata, type ContractInterface, type EntryInterface } from './interface.ts'
import { readLogs, type ContractLog, type LogOptions } from './logs.ts'
import {
  estimateMessage, queryMessage, sendMessage, type Answered, type CommandReceipt, type Estimate, type MessageCall, type QueryOptions, type SendOptions,
} from './messages.ts'
import { Session } from './session.ts'

/** Commands as functions that resolve with the proven receipt. */
export type Commands<D extends ContractDefinition> = {
  readonly [Name in MessageNames<D, 'command'>]: (...parameters: CallParameters<ArgsOf<D, Name>, SendOptions>) => Promise<CommandReceipt<ReturnOf<D, Name>>>
}

/** Queries as functions that resolve with the value. Commands may be asked, too: what they would do is dropped. */
export type Queries<D extends ContractDefinition> = {
  readonly [Name in MessageNames<D>]: (...parameters: CallParameters<ArgsOf<D, Name>, QueryOptions>) => Promise<ReturnOf<D, Name>>
}

/** Estimates as functions. */
export type Estimates<D extends ContractDefinition> = {
  readonly [Name in MessageNames<D>]: (...parameters: CallParameters<ArgsOf<D, Name>, Pick<SendOptions, 'value'>>) => Promise<Estimate<ReturnOf<D, Name>>>
}

/** A contract as an application uses it. */
export interface ContractHandle<D extends ContractDefinition> {
  readonly id: Uint8Array
  readonly interface: ContractInterface
  /** All throw SDK_MESSAGE_REVERTED, SDK_MESSAGE_FAILED, SDK_MESSAGE_REFUSED, SDK_ARGUMENTS_MALFORMED, SDK_WORKER_NONE. */
  readonly send: Commands<D>
  readonly query: Queries<D>
  readonly estimate: Estimates<D>
  /** A query by name, with the block, the worker and what that worker proved. */
  ask(name: string, args?: unknown, options?: QueryOptions): Promise<Answered<unknown>>
  /** Records that the signer may read. */
  logs(options?: LogOptions): AsyncGenerator<ContractLog, void, undefined>
}

/** Messages by name where no declaration gives types. */
export interface AnyMessages<Options, Result> {
  readonly [name: string]: (args?: Readonly<Record<string, unknown>>, options?: Options) => Promise<Result>
}

/** A contract that is known by its metadata alone: names and values are checked when they are used. */
export interface UntypedHandle extends Omit<ContractHandle<ContractDefinition>, 'send' | 'query' | 'estimate'> {
  readonly send: AnyMessages<SendOptions, CommandReceipt<unknown>>
  readonly query: AnyMessages<QueryOptions, unknown>
  readonly estimate: AnyMessages<Pick<SendOptions, 'value'>, Estimate<unknown>>
}

/** Typed where a declaration is named, else untyped. */
export type HandleOf<D extends ContractDefinition> = ContractDefinition extends D ? UntypedHandle : ContractHandle<D>

/** Which contract, and how it is spoken to. `id` as bytes or hex; `metadata` as text, bytes or parsed JSON. */
export type ContractReference<D extends ContractDefinition> = { readonly id: Uint8Array | string } & (
  | { readonly definition: D; readonly metadata?: undefined }
  | { readonly metadata: unknown; readonly definition?: undefined }
)

/** Where and by whom. Without a signer only queries can be made, in nobody's name. */
export interface ContractParts {
  readonly network: Network
  readonly signer?: AnySigner
}

/** The interface that a declaration or metadata describes. @throws SDK_INK_METADATA_MALFORMED */
export const interfaceOf = (network: Pick<Network, 'surroundings'>, source: { readonly definition?: unknown; readonly metadata?: unknown }): ContractInterface =>
  isContractDefinition(source.definition) ? interfaceOfDefinition(network.surroundings.crypto, source.definition) : interfaceOfMetadata(parseInkMetadata(source.metadata))

/**
 * Functions by name. Those of the interface are properties, so that they can be listed; any other name fails when it is called.
 */
const functionsOf = <F>(contract: ContractInterface, kinds: readonly EntryInterface['kind'][], create: (message: EntryInterface) => F): Readonly<Record<string, F>> => {
  const entries = contract.messages.filter(({ kind }) => kinds.includes(kind))
  const known = Object.fromEntries(entries.map((message) => [message.name, create(message)]))
  return new Proxy(known, {
    get(target, name) {
      if (typeof name !== 'string' || name === 'then' || Object.hasOwn(target, name)) return Reflect.get(target, name) as unknown
      return (): Promise<never> => Promise.resolve().then(() => findEntry(contract.name, entries, name) as never)
    },
  })
}

/** The handle of a session. */
export const createHandle = (session: Session, id: Uint8Array, contract: ContractInterface): UntypedHandle => {
  const callOf = (message: EntryInterface, args: unknown): MessageCall => ({ target: { id, session, interface: contract }, message, args })
  return {
    id, interface: contract,
    send: functionsOf(contract, ['command'], (message) => (args?: unknown, options?: SendOptions) => sendMessage(callOf(message, args), options)),
    query: functionsOf(contract, ['command', 'query'], (message) => async (args?: unknown, options?: QueryOptions) => (await queryMessage(callOf(message, args), options)).value),
    estimate: functionsOf(contract, ['command', 'query'], (message) => (args?: unknown, options?: Pick<SendOptions, 'value'>) => estimateMessage(callOf(message, args), options)),
    ask: async (name, args, options) => queryMessage(callOf(findEntry(contract.name, contract.messages, name), args), options),
    async *logs(options) {
      const { cluster } = await session.contract(id)
      yield* readLogs({ session, cluster, contract: id, interface: contract }, options)
    },
  }
}

/**
 * A contract's handle. Name the type of its declaration for types: `contractOf<typeof auction>({ id, metadata }, { network, signer })`, or give the declaration itself.
 * @throws SDK_INK_METADATA_MALFORMED, SDK_SIGNER_MALFORMED
 */
export const contractOf = <D extends ContractDefinition = ContractDefinition>(reference: ContractReference<D>, { network, signer }: ContractParts): HandleOf<D> => {
  const id = typeof reference.id === 'string' ? parseHex(reference.id) : reference.id
  return createHandle(new Session(network, signer), id, interfaceOf(network, reference)) as unknown as HandleOf<D>
}
