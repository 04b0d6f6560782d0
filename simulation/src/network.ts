/**
 * Owns the simulated network: sockets to nodes and requests to workers, with latency, lost requests, lost answers, answers out of order
 * and cut connections. Carries bytes; lies are told by liar.ts through `tamper`.
 */
import { AppError, isAppError } from '@phalanx/primitives/errors'
import type { Clock } from '@phalanx/primitives/ports'
import type { Client, OpenConnection } from '@phalanx/node'
import type { HttpAnswer, HttpClient, SocketLike } from '@phalanx/sdk'
import { PrpcError } from '@phalanx/worker/api'
import { encodeMessage } from '@phalanx/worker/wire'
import './errors.ts'
import type { Prng } from './prng.ts'

/** Whoever listens at an address now. */
export interface SimNodeServer {
  connect(client: Client): OpenConnection
}

/** A worker that listens at an address now. */
export interface SimWorkerServer {
  handle(method: string, request: Uint8Array): Promise<Uint8Array>
}

/** Chances of faults, per thousand. */
export interface NetworkFaults {
  readonly loseRequest: number
  readonly loseAnswer: number
  readonly cutSocket: number
}

/** Counts of faults that happened. */
export interface NetworkCounts {
  lostRequests: number
  lostAnswers: number
  cuts: number
  lies: number
}

/** Changes what a node answers on its way; returns the text that arrives. */
export type Tamper = (text: string) => string

/** The network. */
export interface SimNetwork {
  readonly counts: NetworkCounts
  readonly nodes: Map<string, SimNodeServer>
  readonly workers: Map<string, SimWorkerServer>
  /** Faults in force now; none when undefined. */
  faults: NetworkFaults | undefined
  createSocket(options: { readonly isAlive: () => boolean; readonly tamper?: Tamper }): (url: string) => SocketLike
  createHttp(options: { readonly isAlive: () => boolean }): HttpClient
  /** Cuts every socket to an address. */
  cut(url: string): void
  /** Called with all bytes and texts that travel. */
  onTraffic?: (what: string | Uint8Array) => void
}

const LATENCY_MS_MAX = 12
const NONE: NetworkFaults = { loseRequest: 0, loseAnswer: 0, cutSocket: 0 }

interface LiveSocket {
  readonly url: string
  cut(): void
}

/** An empty network. */
export const createSimNetwork = (clock: Clock, prng: Prng): SimNetwork => {
  const sockets = new Set<LiveSocket>()
  const latency = (): number => 1 + prng.below(LATENCY_MS_MAX)
  const network: SimNetwork = {
    counts: { lostRequests: 0, lostAnswers: 0, cuts: 0, lies: 0 },
    nodes: new Map(),
    workers: new Map(),
    faults: undefined,
    cut(url) {
      for (const socket of [...sockets]) if (socket.url === url) socket.cut()
    },
    createSocket: ({ isAlive, tamper }) => (url) => {
      const socket = new SimSocket(url, { clock, latency, network, isAlive, tamper: tamper ?? ((text) => text), prng })
      sockets.add(socket)
      socket.open(() => sockets.delete(socket))
      return socket
    },
    createHttp: ({ isAlive }) => (request) =>
      new Promise((resolve, reject) => {
        const faults = network.faults ?? NONE
        const fail = (): void => { if (isAlive()) reject(new AppError('SDK_HTTP_FAILED', { url: request.url, reason: 'no answer' })) }
        const [, address = '', method = ''] = /^(.*)\/prpc\/([\w.]+)$/.exec(request.url) ?? []
        // As long as a client waits at most: whoever should answer may be killed before it does.
        clock.after(request.timeoutMs, fail)
        if (prng.chance(faults.loseRequest)) {
          network.counts.lostRequests++
          return
        }
        clock.after(latency(), () => {
          const server = network.workers.get(address)
          if (server === undefined) return fail()
          const body = request.body ?? new Uint8Array(0)
          network.onTraffic?.(body)
          void answer(server, method, body).then((reply) => {
            network.onTraffic?.(reply.body)
            if (prng.chance(faults.loseAnswer)) network.counts.lostAnswers++
            else if (network.workers.get(address) !== server) fail()
            else clock.after(latency(), () => { if (isAlive()) resolve(reply) })
          })
        })
      }),
  }
  return network
}

const answer = async (server: SimWorkerServer, method: string, body: Uint8Array): Promise<HttpAnswer> => {
  try {
    return { status: 200, headers: {}, body: await server.handle(method, body) }
  } catch (error) {
    if (!isAppError(error)) throw error
    return { status: 500, headers: {}, body: encodeMessage(PrpcError, { message: error.message }) }
  }
}

interface SocketParts {
  readonly clock: Clock
  readonly latency: () => number
  readonly network: SimNetwork
  readonly isAlive: () => boolean
  readonly tamper: Tamper
  readonly prng: Prng
}

/** A socket as the client holds it: messages keep their order, and a cut loses what is on its way. */
class SimSocket implements SocketLike, LiveSocket {
  onopen: SocketLike['onopen'] = null
  onmessage: SocketLike['onmessage'] = null
  onclose: SocketLike['onclose'] = null
  onerror: SocketLike['onerror'] = null
  readonly url: string
  private readonly parts: SocketParts
  private connection: OpenConnection | undefined
  private server: SimNodeServer | undefined
  private isClosed = false
  private sentMs = 0
  private heardMs = 0
  private forget: () => void = () => {}

  constructor(url: string, parts: SocketParts) {
    this.url = url
    this.parts = parts
  }

  /** Delivers after some latency, never before an earlier message of the same direction. */
  private later(lane: 'sentMs' | 'heardMs', deliver: () => void): void {
    const { clock, latency } = this.parts
    const atMs = Math.max(this[lane], clock.nowMs() + latency())
    this[lane] = atMs
    clock.after(atMs - clock.nowMs(), deliver)
  }

  open(forget: () => void): void {
    this.forget = forget
    this.later('sentMs', () => {
      if (this.isClosed) return
      this.server = this.parts.network.nodes.get(this.url)
      if (this.server === undefined) return this.cut()
      this.connection = this.server.connect({ send: (text) => this.hear(text), isUnsafeAllowed: true })
      this.later('heardMs', () => { if (!this.isClosed && this.parts.isAlive()) this.onopen?.(undefined as never) })
    })
  }

  private hear(text: string): void {
    const { network, tamper, isAlive } = this.parts
    network.onTraffic?.(text)
    const arriving = tamper(text)
    this.later('heardMs', () => { if (!this.isClosed && isAlive()) this.onmessage?.({ data: arriving }) })
  }

  send(text: string): void {
    const { network, prng } = this.parts
    if (prng.chance(network.faults?.cutSocket ?? 0)) {
      network.counts.cuts++
      return this.cut()
    }
    network.onTraffic?.(text)
    this.later('sentMs', () => {
      if (!this.isClosed && network.nodes.get(this.url) === this.server) void this.connection?.receive(text)
    })
  }

  cut(): void {
    if (this.isClosed) return
    this.end()
    this.parts.clock.after(0, () => { if (this.parts.isAlive()) this.onclose?.({ reason: 'cut' }) })
  }

  close(): void {
    this.end()
  }

  private end(): void {
    if (this.isClosed) return
    this.isClosed = true
    this.forget()
    this.connection?.close()
  }
}
