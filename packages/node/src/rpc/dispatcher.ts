/**
 * Owns the way from a message to its answer: envelope, method, access, parameters, handler, subscriptions, limits. Knows no sockets;
 * WebSocket, HTTP, the in-process relay and the simulator all come in through `connect` or `handle`.
 */
import { AppError, isAppError } from '@phalanx/primitives/errors'
import type { Logger } from '@phalanx/primitives/ports'
import '../errors.ts'
import type { RpcBackend } from './backend.ts'
import type { Connection } from './connection.ts'
import { INTERNAL_ERROR, toRpcError, type RpcError } from './errors.ts'
import { errorText, notificationText, parseJson, parseRequest, resultText, type Request, type RequestId } from './jsonrpc.ts'
import { Deferred, type MethodTable, type RpcMethod, type Sink, type SubscriptionMethod } from './method.ts'
import { parseParams } from './params.ts'

/** Limits of the RPC. */
export interface RpcLimits {
  readonly subscriptionsPerConnection: number
  readonly subscriptions: number
  readonly batch: number
  /** Requests of one connection that are being answered. */
  readonly pendingPerConnection: number
}

/** Limits unless configured otherwise. */
const RPC_LIMITS: RpcLimits = { subscriptionsPerConnection: 1_024, subscriptions: 16_384, batch: 1_000, pendingPerConnection: 4_096 }

/** Told of every call, for metrics. */
export type CallObserver = (call: { readonly method: string; readonly durationMs: number; readonly isError: boolean }) => void

/** A client that can be sent to. */
export interface Client {
  send(text: string): void
  readonly isUnsafeAllowed?: boolean
}

/** A client's open line. */
export interface OpenConnection {
  /** Takes one message; resolves when it is answered. */
  receive(text: string): Promise<void>
  close(): void
}

/** Answers JSON-RPC. */
export interface Dispatcher {
  connect(client: Client): OpenConnection
  /** Answers one message without a connection; undefined where nothing is to be answered. */
  handle(text: string, options?: { readonly isUnsafeAllowed?: boolean }): Promise<string | undefined>
  readonly methodNames: readonly string[]
  readonly subscriptions: number
  close(): void
}

/** What the dispatcher works with. */
export interface DispatcherDependencies {
  readonly backend: RpcBackend
  readonly logger: Logger
  readonly observe: CallObserver
  readonly nowMs: () => number
}

type Entry = { readonly method: RpcMethod; readonly isUnsubscribe: boolean }

interface ActiveSubscription {
  readonly notification: string
  readonly isEndedBy: readonly string[]
  stop: (() => void) | undefined
  /** Undefined once the response went out. */
  waiting: string[] | undefined
  isClosed: boolean
}

/** What a handled request leaves to do. */
interface Answer {
  readonly text: string | undefined
  /** Runs after the response was sent. */
  readonly after?: (() => void) | undefined
}

const indexMethods = (tables: readonly MethodTable[]): ReadonlyMap<string, Entry> => {
  const index = new Map<string, Entry>()
  for (const [name, method] of tables.flatMap((table) => Object.entries(table))) {
    for (const one of [name, ...method.aliases]) index.set(one, { method, isUnsubscribe: false })
    if (method.kind === 'subscription') for (const one of method.unsubscribe) index.set(one, { method, isUnsubscribe: true })
  }
  return index
}

/** Creates the dispatcher for tables of methods. */
export const createDispatcher = (
  options: { readonly tables: readonly MethodTable[]; readonly limits?: Partial<RpcLimits>; readonly isUnsafeAllowed: boolean },
  dependencies: DispatcherDependencies,
): Dispatcher => {
  const limits: RpcLimits = { ...RPC_LIMITS, ...options.limits }
  const { backend, logger, observe, nowMs } = dependencies
  const index = indexMethods(options.tables)
  const methodNames = [...index.keys()].sort()
  const sessions = new Set<Session>()
  let subscriptionCount = 0

  const errorOf = (error: unknown, method: string): RpcError => {
    if (isAppError(error)) return toRpcError(error)
    logger.error('an RPC method failed', { method }, error)
    return INTERNAL_ERROR
  }

  const findMethod = (request: Request, isUnsafeAllowed: boolean): Entry => {
    const entry = index.get(request.method)
    if (entry === undefined) throw new AppError('RPC_METHOD_UNKNOWN', { method: request.method })
    if (entry.method.access === 'unsafe' && !isUnsafeAllowed) throw new AppError('RPC_UNSAFE', { method: request.method })
    return entry
  }

  /** One client: implements what methods see, and keeps its subscriptions. */
  class Session implements Connection {
    readonly canSubscribe: boolean
    readonly isUnsafeAllowed: boolean
    lastRequestMs = 0
    lastAnswerMs = 0
    private readonly client: Client
    private readonly active = new Map<string, ActiveSubscription>()
    private readonly states = new Map<object, unknown>()
    private closeListeners: (() => void)[] = []
    private ids = 0
    private pending = 0
    private isClosed = false

    constructor(client: Client, canSubscribe: boolean) {
      this.client = client
      this.canSubscribe = canSubscribe
      this.isUnsafeAllowed = client.isUnsafeAllowed ?? options.isUnsafeAllowed
    }

    stateOf<T>(owner: object, create: () => T): T {
      if (!this.states.has(owner)) this.states.set(owner, create())
      return this.states.get(owner) as T
    }

    onClose(listener: () => void): void {
      this.closeListeners.push(listener)
    }

    nextId(): string {
      return String(++this.ids)
    }

    close(): void {
      if (this.isClosed) return
      this.isClosed = true
      sessions.delete(this)
      for (const id of [...this.active.keys()]) this.end(id)
      for (const listener of this.closeListeners) listener()
      this.closeListeners = []
    }

    private send(text: string): void {
      if (!this.isClosed) this.client.send(text)
    }

    private end(id: string): boolean {
      const subscription = this.active.get(id)
      if (subscription === undefined) return false
      this.active.delete(id)
      subscriptionCount--
      subscription.isClosed = true
      subscription.stop?.()
      return true
    }

    private createSink(id: string, subscription: ActiveSubscription): Sink {
      return {
        id,
        connection: this,
        notify: (result) => {
          if (subscription.isClosed) return
          const text = notificationText(subscription.notification, id, result)
          if (subscription.waiting === undefined) this.send(text)
          else subscription.waiting.push(text)
        },
        close: () => void this.end(id),
        get isClosed() {
          return subscription.isClosed
        },
      }
    }

    private async subscribe(request: Request, method: SubscriptionMethod): Promise<{ id: string; after: () => void }> {
      if (!this.canSubscribe) throw new AppError('RPC_SUBSCRIPTIONS_UNSUPPORTED', { method: request.method })
      const params = parseParams(method.params, request.params)
      if (this.active.size >= limits.subscriptionsPerConnection)
        throw new AppError('RPC_SUBSCRIPTION_LIMIT', { max: limits.subscriptionsPerConnection })
      if (subscriptionCount >= limits.subscriptions) throw new AppError('RPC_SUBSCRIPTION_LIMIT', { max: limits.subscriptions })
      const id = this.nextId()
      const subscription: ActiveSubscription = {
        notification: method.notification, isEndedBy: method.unsubscribe, stop: undefined, waiting: [], isClosed: false,
      }
      this.active.set(id, subscription)
      subscriptionCount++
      try {
        const stop = await method.start(backend, params, this.createSink(id, subscription))
        if (subscription.isClosed) stop?.()
        else subscription.stop = stop
      } catch (error) {
        this.end(id)
        throw error
      }
      const after = (): void => {
        const waiting = subscription.waiting ?? []
        subscription.waiting = undefined
        for (const text of waiting) this.send(text)
      }
      return { id, after }
    }

    private unsubscribe(request: Request, method: SubscriptionMethod): unknown {
      const given = Array.isArray(request.params) ? (request.params as unknown[])[0] : Object.values((request.params ?? {}) as object)[0]
      const id = typeof given === 'number' ? String(given) : given
      if (typeof id !== 'string') throw new AppError('RPC_INVALID_PARAMS', { field: 'params[0] subscription', expected: 'the identifier of a subscription' }, { path: 'params[0] subscription' })
      const found = this.active.get(id)?.isEndedBy.includes(request.method) === true && this.end(id)
      return method.unsubscribed === null ? null : found
    }

    private async run(request: Request): Promise<{ result: unknown; after?: () => void }> {
      const { method, isUnsubscribe } = findMethod(request, this.isUnsafeAllowed)
      if (method.kind === 'subscription') {
        if (isUnsubscribe) return { result: this.unsubscribe(request, method) }
        const { id, after } = await this.subscribe(request, method)
        return { result: id, after }
      }
      const result: unknown = await method.handle(backend, parseParams(method.params, request.params), this)
      return result instanceof Deferred ? { result: result.result, after: result.after } : { result }
    }

    private async answer(value: unknown): Promise<Answer> {
      const parsed = parseRequest(value)
      if ('error' in parsed) return { text: errorText(parsed.id, toRpcError(parsed.error)) }
      const { request } = parsed
      const started = nowMs()
      const finish = (isError: boolean): void =>
        observe({ method: index.has(request.method) ? request.method : 'unknown', durationMs: nowMs() - started, isError })
      try {
        if (this.pending >= limits.pendingPerConnection) throw new AppError('RPC_BUSY', { max: limits.pendingPerConnection })
        this.pending++
        try {
          const { result, after } = await this.run(request)
          const text = request.id === undefined ? undefined : resultText(request.id, result)
          finish(false)
          return { text, after }
        } finally {
          this.pending--
        }
      } catch (error) {
        finish(true)
        return { text: request.id === undefined ? undefined : errorText(request.id, errorOf(error, request.method)) }
      }
    }

    /** Answers a message: the text to send, and what runs once it is sent. */
    async respond(text: string): Promise<Answer> {
      let value: unknown
      try {
        value = parseJson(text)
        if (Array.isArray(value) && value.length === 0) throw new AppError('RPC_INVALID_REQUEST', { reason: 'the batch is empty' })
        if (Array.isArray(value) && value.length > limits.batch) throw new AppError('RPC_BATCH_LIMIT', { max: limits.batch })
      } catch (error) {
        return { text: errorText(null as RequestId, errorOf(error, 'none')) }
      }
      if (!Array.isArray(value)) return this.answer(value)
      const answers = await Promise.all(value.map((one) => this.answer(one)))
      const texts = answers.flatMap((answer) => (answer.text === undefined ? [] : [answer.text]))
      return { text: texts.length === 0 ? undefined : `[${texts.join(',')}]`, after: () => answers.forEach(({ after }) => after?.()) }
    }

    async receive(text: string): Promise<void> {
      this.lastRequestMs = backend.clock.nowMs()
      const { text: response, after } = await this.respond(text)
      if (response !== undefined) this.send(response)
      this.lastAnswerMs = backend.clock.nowMs()
      after?.()
    }
  }

  return {
    connect(client) {
      const session = new Session(client, true)
      sessions.add(session)
      return { receive: (text) => session.receive(text), close: () => session.close() }
    },
    async handle(text, { isUnsafeAllowed } = {}) {
      const session = new Session({ send: () => undefined, ...(isUnsafeAllowed === undefined ? {} : { isUnsafeAllowed }) }, false)
      try {
        return (await session.respond(text)).text
      } finally {
        session.close()
      }
    },
    methodNames,
    get subscriptions() {
      return subscriptionCount
    },
    close() {
      for (const session of [...sessions]) session.close()
    },
  }
}
