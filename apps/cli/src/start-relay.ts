/** Owns starting a relay of this process over real sockets, and its status endpoint. */
import { createServer, type Server } from 'node:http'
import type { Crypto } from '@phalanx/primitives/crypto'
import { AppError } from '@phalanx/primitives/errors'
import type { Clock, Logger, Random } from '@phalanx/primitives/ports'
import { answerCacheQuestion, answerStatus, createCacheClient, createRelay, type Relay, type RelayOptions } from '@phalanx/relay'
import { createChainClient, createCollateralFiller, createRpcClient, createWorkerClient } from '@phalanx/sdk'
import './errors.ts'
import { createHttpClient, loadSockets } from './system.ts'

/** Parts that a relay is made of. */
export interface StartRelayDependencies {
  readonly crypto: Crypto
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
}

/** Starts a relay. */
export const startRelay = async (options: RelayOptions & { readonly collateralUrl?: string }, dependencies: StartRelayDependencies): Promise<Relay> => {
  const { crypto, clock, random, logger } = dependencies
  const createSocket = await loadSockets()
  const http = createHttpClient()
  const relay = createRelay(options, {
    ...dependencies,
    connectNode: (url) => createChainClient(createRpcClient({ url }, { createSocket, clock, random, logger }), { crypto }),
    connectWorker: (url) => createWorkerClient({ url }, { http: http.request }),
    connectCache: (url) => createCacheClient({ url }, { http: http.request }),
    fillCollateral: createCollateralFiller({ url: options.collateralUrl }, { http: http.request }),
  })
  const closeRelay = relay.close.bind(relay)
  return Object.assign(relay, {
    close() {
      closeRelay()
      http.close()
    },
  })
}

/** Serves status, health and metrics of a relay on the loopback interface. @throws CLI_PORT_IN_USE */
export const serveStatus = async (relay: Relay, port: number): Promise<{ readonly port: number; close(): Promise<void> }> => {
  const server: Server = createServer((request, response) => {
    const { status, contentType, body } = answerStatus((request.url ?? '/').split('?')[0] ?? '/', relay.snapshot())
    response.writeHead(request.method === 'GET' || request.method === 'HEAD' ? status : 405, { 'content-type': contentType, 'cache-control': 'no-store' })
    response.end(request.method === 'HEAD' ? undefined : body)
  })
  server.maxConnections = 64
  server.requestTimeout = 5_000
  return listen(server, { host: '127.0.0.1', port, option: '--status-port' })
}

const QUESTION_BYTES_MAX = 1_024

/** Serves blocks to other relays. What it gives is public and checked by whoever is fed. @throws CLI_PORT_IN_USE */
export const serveCache = async (relay: Relay, options: { readonly host: string; readonly port: number }): Promise<{ readonly port: number; close(): Promise<void> }> => {
  const server: Server = createServer((request, response) => {
    const finish = (status: number, body: string): void => {
      if (response.writableEnded) return
      response.writeHead(status, { 'content-type': 'application/json', ...(status === 200 ? {} : { connection: 'close' }) })
      response.end(body)
    }
    if (request.method !== 'POST') return finish(405, '')
    const parts: Buffer[] = []
    let size = 0
    request.on('data', (part: Buffer) => {
      size += part.length
      if (size > QUESTION_BYTES_MAX) finish(413, '')
      else parts.push(part)
    })
    request.on('error', () => {})
    request.on('end', () => {
      if (size <= QUESTION_BYTES_MAX) void answerCacheQuestion(relay.server, Buffer.concat(parts).toString('utf8')).then((body) => finish(200, body))
    })
  })
  server.maxConnections = 256
  server.requestTimeout = 5_000
  return listen(server, { ...options, option: 'cache.port' })
}

const listen = async (server: Server, options: { readonly host: string; readonly port: number; readonly option: string }): Promise<{ readonly port: number; close(): Promise<void> }> => {
  const { host, port, option } = options
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) =>
      reject(cause.code === 'EADDRINUSE' ? new AppError('CLI_PORT_IN_USE', { port: String(port), option }, { cause }) : cause))
    server.listen(port, host, resolve)
  })
  const address = server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : port,
    close: () => new Promise((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    }),
  }
}
