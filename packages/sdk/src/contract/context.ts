/** Owns what a running message can do, as its author sees it. Commands can write and pay, queries can ask the outside; the types keep them apart. */
import type { HttpRequestError, HttpResponse } from '@phalanx/primitives/contracts/extension'
import type { ResultValue } from '@phalanx/primitives/codec'
import type { LangError } from '@phalanx/primitives/ink'
import type { ArgsOf, CallParameters, ConstructorArgsOf, ConstructorNames, ContractDefinition, ErrorOf, MessageNames, ReturnOf } from './define.ts'
import type { AnyEvent } from './event.ts'
import type { HostCall, HostCallOutcome, HostHashKind, HostMode } from './host.ts'
import type { StorageReader, StorageWriter } from './storage.ts'

/** Notes that the contract's owner can follow; never part of the state. */
export interface ContractLog {
  error(message: string): void
  warn(message: string): void
  info(message: string): void
  debug(message: string): void
  trace(message: string): void
}

/** Signature schemes of keys that a contract holds. */
export type ContractKeyType = 'ed25519' | 'sr25519' | 'ecdsa'

/** Secrets that only this contract can derive, and what is done with them. Public keys of ecdsa are compressed, its messages hashed with blake2b-256. */
export interface ContractKeys {
  /** 32 secret bytes that follow from this contract and `salt`, equal on every worker: seed of an ed25519 or ecdsa key, or a key for a cipher. */
  secret(salt: Uint8Array): Uint8Array
  /** 64-byte sr25519 secret that follows from this contract and `salt`. */
  sr25519(salt: Uint8Array): Uint8Array
  publicKey(type: ContractKeyType, secret: Uint8Array): Uint8Array
  /** @throws SDK_CONTRACT_STOPPED for sr25519 in a command: its signatures need randomness, which workers do not share */
  sign(key: { readonly type: ContractKeyType; readonly secret: Uint8Array }, message: Uint8Array): Uint8Array
  verify(signed: { readonly type: ContractKeyType; readonly publicKey: Uint8Array; readonly message: Uint8Array; readonly signature: Uint8Array }): boolean
  /** 65 bytes over a 32-byte hash of the author's choice. */
  ecdsaSignHash(secret: Uint8Array, hash: Uint8Array): Uint8Array
  ecdsaVerifyHash(signed: { readonly publicKey: Uint8Array; readonly hash: Uint8Array; readonly signature: Uint8Array }): boolean
}

/** Values that this contract keeps on one worker, outside of the state. Commands write them on every worker and read nothing. */
export interface ContractCache {
  get(key: Uint8Array): Uint8Array | undefined
  /** @throws SDK_CONTRACT_STOPPED where the contract's quota is used up */
  set(key: Uint8Array, value: Uint8Array): void
  /** Seconds from now after which the value is gone. */
  expire(key: Uint8Array, seconds: bigint): void
  /** The value before, in queries. */
  remove(key: Uint8Array): Uint8Array | undefined
}

/** A request as authors write it. */
export interface HttpOptions {
  readonly url: string
  /** `GET` where left out. */
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array | string
}

/** Requests to the outside. A request may be made more than once: a query begins anew when answers are there. */
export interface ContractHttp {
  /** A response, also of status 523 or 524 where none came. A malformed request stops the query. */
  request(options: HttpOptions): HttpResponse
  /** Up to five at once. @throws SDK_CONTRACT_STOPPED where none could be made */
  batch(requests: readonly HttpOptions[], timeoutMs: bigint): readonly ResultValue<HttpResponse, HttpRequestError>[]
}

/** What commands and queries have in common. */
export interface ReadContext<E = never> extends StorageReader {
  readonly mode: HostMode
  /** Account that called. @throws SDK_CONTRACT_STOPPED where the cluster itself did */
  readonly caller: Uint8Array
  /** Whether an account called, and not the cluster itself. */
  readonly hasCaller: boolean
  readonly address: Uint8Array
  readonly codeHash: Uint8Array
  readonly blockNumber: number
  /** Time of the block, milliseconds since 1970. */
  readonly nowMs: bigint
  readonly log: ContractLog
  readonly keys: ContractKeys
  readonly cache: ContractCache
  /** Address of the cluster's system contract, whose interface is `@phalanx/sdk/contract/system`. @throws SDK_CONTRACT_STOPPED and the like where there is none */
  readonly systemContract: Uint8Array
  gasLeft(): bigint
  /** Free balance of this contract. */
  balance(): bigint
  balanceOf(account: Uint8Array): { readonly total: bigint; readonly free: bigint }
  hash(kind: HostHashKind, bytes: Uint8Array): Uint8Array
  /**
   * Random bytes. Of a query: fresh ones of its worker. Of a command: equal on every worker and unknown before, but not secret from whoever
   * may run queries on the same state.
   */
  random(length: number): Uint8Array
  /** Code hash of a contract; undefined where there is none. */
  codeHashOf(account: Uint8Array): Uint8Array | undefined
  /** Ends the message: the caller receives `error` and everything it did is taken back. Write `return ctx.revert(…)`. */
  revert(error: E): never
}

/** What a query can do. */
export interface QueryContext<E = never> extends ReadContext<E> {
  readonly http: ContractHttp
  /** This worker's public key. */
  readonly workerPublicKey: Uint8Array
  /** This worker's clock, which its host can set; milliseconds since 1970. */
  readonly untrustedNowMs: bigint
  /** Queries of another contract. @throws SDK_CONTRACT_STOPPED where one fails */
  contract<D extends ContractDefinition>(definition: D, address: Uint8Array): ContractCalls<D, 'query'>
  /** The same, with failures as values. */
  tryContract<D extends ContractDefinition>(definition: D, address: Uint8Array): ContractTries<D, 'query'>
}

/** What a command or constructor can do. */
export interface CommandContext<E = never> extends ReadContext<E>, StorageWriter {
  readonly storage: StorageWriter['storage']
  /** Balance sent along; it is this contract's already. */
  readonly value: bigint
  /** Tells an event that the contract declares. */
  emit<V extends AnyEvent>(event: V, value: Parameters<V['codec']['encode']>[0]): void
  /** Pays from this contract's balance. @throws SDK_CONTRACT_STOPPED where it cannot */
  transfer(payment: { readonly to: Uint8Array; readonly value: bigint }): void
  /** Messages of another contract. @throws SDK_CONTRACT_STOPPED where one fails */
  contract<D extends ContractDefinition>(definition: D, address: Uint8Array): ContractCalls<D>
  /** The same, with failures as values. */
  tryContract<D extends ContractDefinition>(definition: D, address: Uint8Array): ContractTries<D>
  /** A call whose input the author makes, for contracts without a definition. */
  call(request: HostCall): HostCallOutcome
  /** Runs another code as if it were this contract's. */
  delegateCall(request: { readonly codeHash: Uint8Array; readonly input: Uint8Array }): HostCallOutcome
  /** Makes a contract of uploaded code; gives its address. @throws SDK_CONTRACT_STOPPED where it fails */
  instantiate<D extends ContractDefinition, Name extends ConstructorNames<D>>(definition: D, request: Instantiation<D, Name>): Uint8Array
  /** Ends this contract for good; its balance goes to the beneficiary. */
  terminate(beneficiary: Uint8Array): never
  /** Runs other code under this address from the next call on. @throws SDK_CONTRACT_STOPPED where there is no such code */
  upgrade(codeHash: Uint8Array): void
}

/** A contract that a contract makes. */
export interface Instantiation<D extends ContractDefinition, Name extends ConstructorNames<D>> {
  readonly codeHash: Uint8Array
  /** Name of the constructor. */
  readonly entry: Name
  readonly args: ConstructorArgsOf<D, Name>
  readonly value?: bigint
  readonly salt?: Uint8Array
  readonly gasLimit?: bigint
}

/** What may be said about a call besides its arguments. */
export interface CallOptions {
  readonly value?: bigint
  readonly gasLimit?: bigint
  /** Whether the callee may call back into this contract. */
  readonly allowReentry?: boolean
}

/** How a call failed. `Reverted`: the callee said why; `Unreadable`: it could not read the input; `Failed`: it stopped or is not there. */
export type CallFailure<E> = { readonly kind: 'Reverted'; readonly value: E } | { readonly kind: 'Unreadable'; readonly value: LangError } | { readonly kind: 'Failed'; readonly value: string }

/** Messages of another contract as functions. */
export type ContractCalls<D extends ContractDefinition, Kind extends 'command' | 'query' = 'command' | 'query'> = {
  readonly [Name in MessageNames<D, Kind>]: (...parameters: CallParameters<ArgsOf<D, Name>, CallOptions>) => ReturnOf<D, Name>
}

/** Messages of another contract as functions whose failures are values. */
export type ContractTries<D extends ContractDefinition, Kind extends 'command' | 'query' = 'command' | 'query'> = {
  readonly [Name in MessageNames<D, Kind>]: (...parameters: CallParameters<ArgsOf<D, Name>, CallOptions>) => ResultValue<ReturnOf<D, Name>, CallFailure<ErrorOf<D, Name>>>
}
