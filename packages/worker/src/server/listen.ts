/** Owns the HTTP side of the worker: listeners, their limits and their end. What a request means is in answer.ts. */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Clock, Logger } from '@phalanx/primitives/ports'
import type { Method } from '../api/schema.ts'
import { answerRequest } from './answer.ts'

/** Calls a method by its full name; `readParams` decodes the request once the method is known, `signal` aborts when the caller has left. @throws AppError */
export type CallMethod = (
  name: string, readParams: (method: Method<unknown, unknown>) => unknown, signal?: AbortSignal,
) => Promise<{ readonly method: Method<unknown, unknown>; readonly result: unknown }>

/** Where and how to listen. */
export interface ListenOptions {
  /** Private listener, serves everything; 0 picks a free port. */
  readonly port: number
  /** 127.0.0.1 unless given. */
  readonly address?: string
  /** Public listener, serves public methods only; absent: none. */
  readonly publicPort?: number
  /** 0.0.0.0 unless given. */
  readonly publicAddress?: string
  /** Answers browsers of every origin; `public`: only where they call public methods, which anybody may. */
  readonly allowCors?: boolean | 'public'
  /** Connections at a time, per listener; 256 unless given. */
  readonly connectionsMax?: number
  /** Time for a whole request body; 30 s unless given. */
  readonly bodyTimeoutMs?: number
}

/** Open listeners. */
export interface Listening {
  readonly port: number
  readonly publicPort: number | undefined
  close(): Promise<void>
}

/** What the listeners need of the worker. */
export interface ServerDependencies {
  readonly call: CallMethod
  readonly clock: Clock
  readonly logger: Logger
  /** Signature of the identity over these bytes, or undefined before there is one. */
  readonly sign: (body: Uint8Array) => Uint8Array | undefined
}

const HEADER_TIMEOUT_MS = 10_000
const KEEP_ALIVE_MS = 30_000
const CLOSE_GRACE_MS = 500
/** A public connection on which nothing moves for so long is closed, whatever it waits for: longer than any public method may take. Who does not read would keep answers in memory. */
const PUBLIC_IDLE_MS = 120_000

const openListener = (
  place: { readonly port: number; readonly address: string; readonly isPublic: boolean }, options: ListenOptions, dependencies: ServerDependencies,
): Promise<Server> => {
  const settings = { isPublic: place.isPublic, allowCors: options.allowCors ?? false, bodyTimeoutMs: options.bodyTimeoutMs ?? 30_000 }
  const server = createServer(
    { headersTimeout: HEADER_TIMEOUT_MS, requestTimeout: settings.bodyTimeoutMs + HEADER_TIMEOUT_MS, keepAliveTimeout: KEEP_ALIVE_MS, maxHeaderSize: 16 * 1024 },
    (request, response) => {
      answerRequest(request, response, settings, dependencies).catch((error: unknown) => {
        dependencies.logger.error('request could not be answered', {}, error)
        response.destroy()
      })
    },
  )
  server.maxConnections = options.connectionsMax ?? 256
  if (place.isPublic) server.setTimeout(PUBLIC_IDLE_MS)
  server.on('clientError', (_error, socket) => socket.destroy())
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(place.port, place.address, () => {
      server.off('error', reject)
      server.on('error', (error) => dependencies.logger.error('listener failed', {}, error))
      resolve(server)
    })
  })
}

const closeListener = (server: Server, clock: Clock): Promise<void> =>
  new Promise((resolve) => {
    const cancel = clock.after(CLOSE_GRACE_MS, () => server.closeAllConnections())
    server.close(() => {
      cancel()
      resolve()
    })
    server.closeIdleConnections()
  })

const portOf = (server: Server): number => (server.address() as AddressInfo).port

/** Opens the listeners. Rejects with the socket's error when a port is taken. */
export const listen = async (options: ListenOptions, dependencies: ServerDependencies): Promise<Listening> => {
  const closed = await openListener({ port: options.port, address: options.address ?? '127.0.0.1', isPublic: false }, options, dependencies)
  const servers = [closed]
  let publicPort: number | undefined
  if (options.publicPort !== undefined) {
    try {
      const open = await openListener({ port: options.publicPort, address: options.publicAddress ?? '0.0.0.0', isPublic: true }, options, dependencies)
      servers.push(open)
      publicPort = portOf(open)
    } catch (error) {
      await closeListener(closed, dependencies.clock)
      throw error
    }
  }
  const port = portOf(closed)
  dependencies.logger.info('worker listens', { port, ...(publicPort === undefined ? {} : { publicPort }) })
  return {
    port,
    publicPort,
    async close() {
      await Promise.all(servers.map((server) => closeListener(server, dependencies.clock)))
    },
  }
}
