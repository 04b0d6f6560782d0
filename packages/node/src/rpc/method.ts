/** Owns what one JSON-RPC method is: documentation, parameters, who may call it, handler. Adding a method is one entry in a table of rpc/methods/. */
import type { RpcBackend } from './backend.ts'
import type { Connection } from './connection.ts'
import type { ParamShape, ParamValues } from './params.ts'

/** Whether everybody may call it, or only where the operator allows unsafe methods. */
export type Access = 'safe' | 'unsafe'

/** A request that is answered once. */
export interface CallMethod {
  readonly kind: 'call'
  readonly doc: string
  readonly access: Access
  readonly params: ParamShape
  readonly aliases: readonly string[]
  readonly handle: (backend: RpcBackend, params: ParamValues<ParamShape>, connection: Connection) => unknown
}

/** Sends notifications of one subscription. Whatever is sent before the response went out waits for it. */
export interface Sink {
  readonly id: string
  readonly connection: Connection
  notify(result: unknown): void
  /** Ends the subscription from the server's side. */
  close(): void
  readonly isClosed: boolean
}

/** A request that starts notifications. */
export interface SubscriptionMethod {
  readonly kind: 'subscription'
  readonly doc: string
  readonly access: Access
  readonly params: ParamShape
  readonly aliases: readonly string[]
  /** Method name of the notifications. */
  readonly notification: string
  /** Methods that end it; the first is the usual one. */
  readonly unsubscribe: readonly string[]
  /** Answer of the unsubscribe methods when they found it. */
  readonly unsubscribed: true | null
  /** Starts it; the result (if any) is called when it ends. May be asynchronous: the response waits for it. */
  readonly start: (backend: RpcBackend, params: ParamValues<ParamShape>, sink: Sink) => (() => void) | undefined | Promise<(() => void) | undefined>
}

/** A method. */
export type RpcMethod = CallMethod | SubscriptionMethod

/** Methods by wire name. */
export type MethodTable = Readonly<Record<string, RpcMethod>>

/** Declares a call. */
export const call = <const S extends ParamShape>(spec: {
  readonly doc: string
  readonly access?: Access
  readonly params: S
  readonly aliases?: readonly string[]
  readonly handle: (backend: RpcBackend, params: ParamValues<S>, connection: Connection) => unknown
}): CallMethod => ({ kind: 'call', access: 'safe', aliases: [], ...spec, handle: spec.handle as CallMethod['handle'] })

/** Declares a subscription. */
export const subscription = <const S extends ParamShape>(spec: {
  readonly doc: string
  readonly access?: Access
  readonly params: S
  readonly aliases?: readonly string[]
  readonly notification: string
  readonly unsubscribe: readonly string[]
  readonly unsubscribed?: true | null
  readonly start: (backend: RpcBackend, params: ParamValues<S>, sink: Sink) => (() => void) | undefined | Promise<(() => void) | undefined>
}): SubscriptionMethod => ({ kind: 'subscription', access: 'safe', aliases: [], unsubscribed: true, ...spec, start: spec.start as SubscriptionMethod['start'] })

/** A result together with work that must wait until the response went out. */
export class Deferred {
  readonly result: unknown
  readonly after: () => void

  constructor(result: unknown, after: () => void) {
    this.result = result
    this.after = after
  }
}
