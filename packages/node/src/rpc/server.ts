/**
 * Owns the sockets: JSON-RPC over HTTP POST and WebSocket on one port, and plain GET pages (metrics, health). Bounds connections,
 * payloads and what waits to be sent. Does not know any method.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { WebSocketServer, type WebSocket } from 'ws'
import { AppError } from '@phalanx/primitives/errors'
import type { Logger } from '@phalanx/primitives/ports'
import '../errors.ts'
import type { Dispatcher } from './dispatcher.ts'
import { describeError } from './errors.ts'

/** Where and how to listen. */
export interface ServerOptions {
  readonly host: string
  readonly port: number
  readonly connectionsMax: number
  readonly payloadBytesMax: number
  /** A client that leaves more than this unread is dropped. */
  readonly unsentBytesMax: number
  /** Origins that browsers may call from; `*` allows all. */
  readonly corsOrigins: readonly string[]
}

/** Options unless configured otherwise. */
const SERVER_OPTIONS: ServerOptions = {
  host: '127.0.0.1', port: 9944, connectionsMax: 512, payloadBytesMax: 16 * 1024 * 1024, unsentBytesMax: 64 * 1024 * 1024, corsOrigins: ['*'],
}

/** A page served to GET. */
export interface Page {
  readonly status: number
  readonly contentType: string
  readonly body: string
}

/** A listening server. */
export interface RpcServer {
  readonly port: number
  readonly connections: number
  close(): Promise<void>
}

/** What the server works with. */
export interface ServerDependencies {
  readonly dispatcher: Dispatcher
  readonly logger: Logger
  /** Page of a path, undefined where there is none. */
  readonly page: (path: string) => Page | undefined | Promise<Page | undefined>
  readonly onConnections: (count: number) => void
}

const PING_MS = 30_000

const corsHeaders = (request: IncomingMessage, origins: readonly string[]): Record<string, string> => {
  const { origin } = request.headers
  if (origin === undefined) return {}
  if (origins.includes('*')) return { 'access-control-allow-origin': '*' }
  return origins.includes(origin) ? { 'access-control-allow-origin': origin, vary: 'origin' } : {}
}

const send = (response: ServerResponse, page: Page, headers: Record<string, string> = {}): void => {
  response.writeHead(page.status, { 'content-type': page.contentType, 'cache-control': 'no-store', ...headers })
  response.end(page.body)
}

const problem = (status: number, error: AppError): Page => {
  const { code, cause, fix } = describeError(error)
  return { status, contentType: 'application/json', body: JSON.stringify({ code, cause, fix }) }
}

/** Reads a body up to a limit; undefined when it is longer. */
const readBody = async (request: IncomingMessage, max: number): Promise<string | undefined> => {
  const parts: Buffer[] = []
  let length = 0
  for await (const part of request as AsyncIterable<Buffer>) {
    length += part.length
    if (length > max) return undefined
    parts.push(part)
  }
  return Buffer.concat(parts).toString('utf8')
}

const serveHttp = (options: ServerOptions, dependencies: ServerDependencies) => async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
  const headers = corsHeaders(request, options.corsOrigins)
  const { method } = request
  if (method === 'OPTIONS') {
    response.writeHead(204, { ...headers, 'access-control-allow-methods': 'POST, GET, OPTIONS', 'access-control-allow-headers': 'content-type', 'access-control-max-age': '86400' })
    response.end()
    return
  }
  if (method === 'GET' || method === 'HEAD') {
    const path = (request.url ?? '/').split('?', 1)[0] as string
    const page = await dependencies.page(path)
    return send(response, page ?? problem(404, new AppError('RPC_PAGE_UNKNOWN', { path: path.slice(0, 80) })), headers)
  }
  if (method !== 'POST') return send(response, problem(405, new AppError('RPC_HTTP_METHOD', { method: method ?? 'without a method' })), headers)
  const text = await readBody(request, options.payloadBytesMax)
  if (text === undefined) {
    send(response, problem(413, new AppError('RPC_PAYLOAD_LIMIT', { max: options.payloadBytesMax })), { ...headers, connection: 'close' })
    request.destroy()
    return
  }
  const answer = await dependencies.dispatcher.handle(text)
  if (answer === undefined) {
    response.writeHead(204, headers)
    response.end()
    return
  }
  send(response, { status: 200, contentType: 'application/json', body: answer }, headers)
}

/** Holds writes of one turn back so that they leave in one system call. */
const createCork = (stream: Socket): (() => void) => {
  let isCorked = false
  return () => {
    if (isCorked) return
    isCorked = true
    stream.cork()
    process.nextTick(() => {
      isCorked = false
      stream.uncork()
    })
  }
}

const serveSocket = (socket: WebSocket, stream: Socket, parts: { readonly options: ServerOptions; readonly dependencies: ServerDependencies }): void => {
  const { options, dependencies } = parts
  const { dispatcher, logger } = dependencies
  const cork = createCork(stream)
  const connection = dispatcher.connect({
    send(text) {
      if (socket.readyState !== socket.OPEN) return
      if (socket.bufferedAmount > options.unsentBytesMax) {
        logger.warn('a slow client is dropped', { unsentBytes: socket.bufferedAmount })
        socket.terminate()
        return
      }
      cork()
      socket.send(text)
    },
  })
  let isAlive = true
  const pinger = setInterval(() => {
    if (!isAlive) return socket.terminate()
    isAlive = false
    socket.ping()
  }, PING_MS)
  socket.on('pong', () => (isAlive = true))
  socket.on('message', (data, isBinary) => {
    isAlive = true
    const text = isBinary || Buffer.isBuffer(data) ? (data as Buffer).toString('utf8') : String(data)
    connection.receive(text).catch((error: unknown) => logger.error('a request failed', {}, error))
  })
  socket.on('error', (error) => logger.debug('a client connection failed', {}, error))
  socket.on('close', () => {
    clearInterval(pinger)
    connection.close()
  })
}

const listen = (server: Server, options: ServerOptions): Promise<number> =>
  new Promise((resolve, reject) => {
    const onError = (error: NodeJS.ErrnoException): void => {
      const reason = error.code === 'EADDRINUSE' ? 'another process uses the port' : error.code === 'EACCES' ? 'the port may not be used by this user' : error.message
      reject(new AppError('RPC_LISTEN_FAILED', { address: `${options.host}:${options.port}`, reason }, { cause: error }))
    }
    server.once('error', onError)
    server.listen(options.port, options.host, () => {
      server.off('error', onError)
      resolve((server.address() as AddressInfo).port)
    })
  })

/** Starts listening. @throws RPC_LISTEN_FAILED */
export const startRpcServer = async (given: Partial<ServerOptions>, dependencies: ServerDependencies): Promise<RpcServer> => {
  const options: ServerOptions = { ...SERVER_OPTIONS, ...given }
  const { logger, onConnections } = dependencies
  const serve = serveHttp(options, dependencies)
  const sockets = new Set<Socket>()
  const server = createServer((request, response) => {
    serve(request, response).catch((error: unknown) => {
      logger.debug('a request failed', {}, error)
      response.destroy()
    })
  })
  server.maxConnections = options.connectionsMax
  server.on('clientError', (_error, socket) => socket.destroy())
  server.on('connection', (socket) => {
    sockets.add(socket)
    onConnections(sockets.size)
    socket.on('error', () => socket.destroy())
    socket.on('close', () => {
      sockets.delete(socket)
      onConnections(sockets.size)
    })
  })
  const webSockets = new WebSocketServer({
    server, maxPayload: options.payloadBytesMax, perMessageDeflate: false,
    // Browsers let any page open a WebSocket: the origin is checked here, not by them.
    verifyClient: ({ origin }: { readonly origin?: string }) => origin === undefined || options.corsOrigins.includes('*') || options.corsOrigins.includes(origin),
  })
  webSockets.on('connection', (socket, request) => serveSocket(socket, request.socket, { options, dependencies }))
  webSockets.on('error', () => undefined)
  const port = await listen(server, options)
  server.on('error', (error) => logger.error('the RPC server failed', {}, error))
  return {
    port,
    get connections() {
      return sockets.size
    },
    close: () =>
      new Promise((resolve) => {
        for (const socket of webSockets.clients) socket.close(1001, 'the node is stopping')
        webSockets.close()
        server.close(() => resolve())
        server.closeIdleConnections()
        // Clients get a moment to see the close frame; none may hold the node up.
        setTimeout(() => sockets.forEach((socket) => socket.destroy()), 100).unref()
      }),
  }
}
