/**
 * Owns a JSON-RPC 2.0 client over one WebSocket: request matching, time-outs, subscriptions, reconnection with back-off.
 * Does not own the socket (injected), nor the meaning of any method (chain-client.ts).
 */
import { AppError } from '@phalanx/primitives/errors'
import { silentLogger, type Clock, type Logger, type Random } from '@phalanx/primitives/ports'
import './errors.ts'
import { backOffMs, DEFAULT_BACK_OFF, randomFraction, type BackOff } from './back-off.ts'
import type { SocketLike, Subscription, SubscriptionListener, SubscriptionRequest, Transport } from './transport.ts'

/** Where and how patiently to connect. */
export interface RpcClientOptions {
  readonly url: string
  readonly requestTimeoutMs?: number
  readonly connectTimeoutMs?: number
  readonly backOff?: BackOff
  /** Asked first on every connection: a node that does not answer it as the first one did is another one, and refused. Without it every node will do. */
  readonly identity?: IdentityQuestion
}

/** A request whose answer tells one chain from another. */
export interface IdentityQuestion {
  readonly method: string
  readonly params: readonly unknown[]
}

/** What the client needs from outside. */
export interface RpcClientDependencies {
  readonly createSocket: (url: string) => SocketLike
  readonly clock: Clock
  readonly random: Random
  readonly logger?: Logger
}

/** A transport that also tells its connection. */
export interface RpcClient extends Transport {
  readonly url: string
  isConnected(): boolean
  /** Calls back at every change of the connection; returns the way to stop. */
  onConnection(listener: (connected: boolean) => void): () => void
  /** Calls back once when the client is closed, at once where it is already; returns the way to stop. */
  onClose(listener: () => void): () => void
}

interface Pending {
  readonly method: string
  resolve(value: unknown): void
  reject(error: unknown): void
  cancelTimer(): void
}

interface Subscribed {
  readonly request: SubscriptionRequest
  readonly listener: SubscriptionListener
  remoteId: string | undefined
  state: 'idle' | 'asking' | 'live' | 'ended'
}

type Link =
  | { readonly kind: 'connecting'; readonly socket: SocketLike; readonly waiting: { go(): void; fail(error: unknown): void }[] }
  | { readonly kind: 'open'; readonly socket: SocketLike }
  | { readonly kind: 'waiting'; readonly error: unknown }
  | { readonly kind: 'closed' }

interface Answer {
  readonly id?: unknown
  readonly method?: unknown
  readonly result?: unknown
  readonly error?: { readonly code?: unknown; readonly message?: unknown; readonly data?: unknown }
  readonly params?: { readonly subscription?: unknown; readonly result?: unknown }
}

/** Connects at once and stays connected until closed. */
export const createRpcClient = (options: RpcClientOptions, dependencies: RpcClientDependencies): RpcClient => new SocketRpcClient(options, dependencies)

class SocketRpcClient implements RpcClient {
  readonly url: string
  private readonly options: Required<Omit<RpcClientOptions, 'identity'>> & Pick<RpcClientOptions, 'identity'>
  private readonly outside: Required<RpcClientDependencies>
  private readonly pending = new Map<number, Pending>()
  private readonly subscribed = new Set<Subscribed>()
  private readonly byRemoteId = new Map<string, Subscribed>()
  /** Notifications that overtook the answer to their subscribe request. */
  private early = new Map<string, unknown[]>()
  private readonly watchers = new Set<(connected: boolean) => void>()
  private readonly closeListeners = new Set<() => void>()
  /** What the first node answered to the question of identity. */
  private identity: string | undefined
  private link: Link = { kind: 'closed' }
  private cancelTimer: () => void = () => {}
  private nextId = 1
  private failures = 0
  private heard = 0

  constructor(options: RpcClientOptions, dependencies: RpcClientDependencies) {
    this.url = options.url
    this.options = { requestTimeoutMs: 20_000, connectTimeoutMs: 10_000, backOff: DEFAULT_BACK_OFF, ...options }
    this.outside = { logger: silentLogger, ...dependencies }
    this.connect()
  }

  isConnected(): boolean {
    return this.link.kind === 'open'
  }

  onConnection(listener: (connected: boolean) => void): () => void {
    this.watchers.add(listener)
    return () => this.watchers.delete(listener)
  }

  onClose(listener: () => void): () => void {
    if (this.link.kind === 'closed') listener()
    else this.closeListeners.add(listener)
    return () => this.closeListeners.delete(listener)
  }

  request(method: string, params: readonly unknown[]): Promise<unknown> {
    const link = this.link
    if (link.kind === 'open') return this.send(link.socket, method, params)
    if (link.kind === 'closed') return Promise.reject(new AppError('SDK_CLIENT_CLOSED', { url: this.url }))
    if (link.kind === 'waiting') return Promise.reject(link.error)
    return new Promise((resolve, reject) => {
      link.waiting.push({ go: () => void this.send(link.socket, method, params).then(resolve, reject), fail: reject })
    })
  }

  async subscribe(request: SubscriptionRequest, listener: SubscriptionListener): Promise<Subscription> {
    const entry: Subscribed = { request, listener, remoteId: undefined, state: 'idle' }
    if (request.renew) this.subscribed.add(entry)
    try {
      await this.establish(entry)
    } catch (error) {
      // A renewing subscription is made when the connection comes back; a refusal is final.
      if (!request.renew || (error instanceof AppError && error.code === 'SDK_RPC_REFUSED')) {
        this.subscribed.delete(entry)
        throw error
      }
    }
    return { unsubscribe: () => this.unsubscribe(entry) }
  }

  close(): void {
    if (this.link.kind === 'closed') return
    const before = this.link
    this.link = { kind: 'closed' }
    this.cancelTimer()
    const error = new AppError('SDK_CLIENT_CLOSED', { url: this.url })
    if (before.kind === 'connecting') for (const waiting of before.waiting) waiting.fail(error)
    this.failPending(error)
    this.subscribed.clear()
    if (before.kind === 'connecting' || before.kind === 'open') before.socket.close()
    for (const listener of this.closeListeners) listener()
    this.closeListeners.clear()
  }

  private connect(): void {
    let socket: SocketLike
    try {
      socket = this.outside.createSocket(this.url)
    } catch (cause) {
      this.retry(new AppError('SDK_CONNECTION_FAILED', { url: this.url, reason: cause instanceof Error ? cause.message : 'bad address' }, { cause }))
      return
    }
    let reason = 'closed'
    this.link = { kind: 'connecting', socket, waiting: [] }
    this.cancelTimer = this.outside.clock.after(this.options.connectTimeoutMs, () => this.dropped(socket, 'timed out'))
    socket.onopen = () => void this.greet(socket)
    socket.onmessage = (event) => this.received(socket, event.data)
    socket.onerror = (event) => (reason = event.message ?? reason)
    socket.onclose = (event) => this.dropped(socket, event.reason === undefined || event.reason === '' ? reason : event.reason)
  }

  /** Asks who the node is before anything else is asked or subscribed to over this connection. */
  private async greet(socket: SocketLike): Promise<void> {
    const { identity: question } = this.options
    if (question === undefined) return this.opened(socket)
    if (this.link.kind !== 'connecting' || this.link.socket !== socket) return
    try {
      const told = await this.send(socket, question.method, question.params)
      const answer = typeof told === 'string' ? told : JSON.stringify(told)
      this.identity ??= answer
      if (answer !== this.identity) throw new AppError('SDK_CHAIN_DIFFERS', { url: this.url, expected: this.identity, got: answer })
      this.opened(socket)
    } catch (error) {
      this.dropped(socket, 'not usable', error)
    }
  }

  private opened(socket: SocketLike): void {
    const link = this.link
    if (link.kind !== 'connecting' || link.socket !== socket) return
    this.cancelTimer()
    this.failures = 0
    this.link = { kind: 'open', socket }
    this.outside.logger.debug('node connected', { url: this.url })
    for (const waiting of link.waiting) waiting.go()
    for (const entry of this.subscribed) if (entry.state === 'idle') void this.establish(entry).catch(() => {})
    for (const watcher of this.watchers) watcher(true)
  }

  /** The socket is gone, or what is behind it will not do: everything asked over it fails, one reconnect is planned. */
  private dropped(socket: SocketLike, reason: string, error?: unknown): void {
    const link = this.link
    if ((link.kind !== 'connecting' && link.kind !== 'open') || link.socket !== socket) return
    this.cancelTimer()
    socket.onopen = socket.onmessage = socket.onclose = null
    // A socket closed while it still connects may report that as an error later: swallow it.
    socket.onerror = () => {}
    socket.close()
    const wasOpen = link.kind === 'open'
    const failed = error ?? new AppError('SDK_CONNECTION_FAILED', { url: this.url, reason })
    if (link.kind === 'connecting') for (const waiting of link.waiting) waiting.fail(failed)
    this.failPending(new AppError('SDK_CONNECTION_LOST', { url: this.url }))
    this.retry(failed)
    if (wasOpen) for (const watcher of this.watchers) watcher(false)
  }

  private retry(error: unknown): void {
    this.failures++
    this.link = { kind: 'waiting', error }
    const delayMs = backOffMs(this.options.backOff, { failures: this.failures, fraction: randomFraction(this.outside.random) })
    this.outside.logger.debug('node not connected', { url: this.url, failures: this.failures, delayMs }, error)
    this.cancelTimer = this.outside.clock.after(delayMs, () => this.connect())
  }

  private failPending(error: unknown): void {
    for (const pending of [...this.pending.values()]) {
      pending.cancelTimer()
      pending.reject(error)
    }
    this.pending.clear()
    this.early.clear()
    const lost = [...this.byRemoteId.values()]
    this.byRemoteId.clear()
    for (const entry of lost) {
      entry.remoteId = undefined
      entry.state = entry.request.renew ? 'idle' : 'ended'
      if (!entry.request.renew) entry.listener.lost?.(error)
    }
  }

  private send(socket: SocketLike, method: string, params: readonly unknown[]): Promise<unknown> {
    const id = this.nextId++
    const { requestTimeoutMs: timeoutMs } = this.options
    return new Promise((resolve, reject) => {
      const heardBefore = this.heard
      const cancelTimer = this.outside.clock.after(timeoutMs, () => {
        this.pending.delete(id)
        reject(new AppError('SDK_REQUEST_TIMEOUT', { url: this.url, method, timeoutMs }))
        // Not a word since the question: the connection is dead although nobody said so.
        if (this.heard === heardBefore) this.dropped(socket, 'silent')
      })
      this.pending.set(id, { method, resolve, reject, cancelTimer })
      socket.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }))
    })
  }

  private received(socket: SocketLike, data: unknown): void {
    this.heard++
    let answers: unknown
    try {
      answers = JSON.parse(typeof data === 'string' ? data : String(data))
    } catch {
      this.outside.logger.warn('node sent something unreadable', { url: this.url })
      this.dropped(socket, 'unreadable answer')
      return
    }
    for (const answer of Array.isArray(answers) ? answers : [answers]) {
      if (typeof answer === 'object' && answer !== null) this.answered(answer as Answer)
    }
  }

  private answered(answer: Answer): void {
    if (answer.id === undefined || answer.id === null) {
      if (answer.params?.subscription !== undefined) this.notified(String(answer.params.subscription), answer.params.result)
      return
    }
    const pending = this.pending.get(Number(answer.id))
    if (pending === undefined) return
    this.pending.delete(Number(answer.id))
    pending.cancelTimer()
    if (answer.error === undefined) pending.resolve(answer.result)
    else pending.reject(rpcError(pending.method, answer.error))
  }

  private notified(remoteId: string, result: unknown): void {
    const entry = this.byRemoteId.get(remoteId)
    if (entry !== undefined) {
      entry.listener.next(result)
      return
    }
    const kept = this.early.get(remoteId) ?? []
    if (kept.length < EARLY_MAX && this.early.size < EARLY_MAX) this.early.set(remoteId, [...kept, result])
  }

  private async establish(entry: Subscribed): Promise<void> {
    entry.state = 'asking'
    let id: unknown
    try {
      id = await this.request(entry.request.method, entry.request.params)
    } catch (error) {
      if (entry.state === 'asking') entry.state = 'idle'
      throw error
    }
    if (typeof id !== 'string' && typeof id !== 'number')
      throw new AppError('SDK_RESPONSE_MALFORMED', { url: this.url, what: `${entry.request.method} returned no subscription id` })
    const remoteId = String(id)
    if (!this.isWanted(entry)) {
      void this.request(entry.request.unsubscribe, [remoteId]).catch(() => {})
      return
    }
    entry.state = 'live'
    entry.remoteId = remoteId
    this.byRemoteId.set(remoteId, entry)
    const early = this.early.get(remoteId) ?? []
    this.early.delete(remoteId)
    for (const result of early) entry.listener.next(result)
  }

  /** Whether nobody unsubscribed meanwhile. */
  private isWanted(entry: Subscribed): boolean {
    return entry.state !== 'ended'
  }

  private unsubscribe(entry: Subscribed): void {
    this.subscribed.delete(entry)
    entry.state = 'ended'
    const { remoteId } = entry
    if (remoteId === undefined) return
    entry.remoteId = undefined
    this.byRemoteId.delete(remoteId)
    if (this.link.kind === 'open') void this.request(entry.request.unsubscribe, [remoteId]).catch(() => {})
  }
}

/** Most notifications kept for subscriptions whose id is not known yet. */
const EARLY_MAX = 64

const rpcError = (method: string, error: NonNullable<Answer['error']>): AppError => {
  const detail = error.data === undefined || error.data === null ? '' : `: ${typeof error.data === 'string' ? error.data : JSON.stringify(error.data)}`
  return new AppError('SDK_RPC_REFUSED', { method, rpcCode: Number(error.code ?? 0), reason: `${String(error.message ?? 'no reason given')}${detail}` })
}
