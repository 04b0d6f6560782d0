/**
 * Owns the door through which a running relay is told what to do: HTTP on a Unix socket that only its owner may open. No port, no
 * token; who may read the file system as that user may tell the relay.
 */
import { chmodSync, lstatSync, unlinkSync } from 'node:fs'
import { createServer, request as httpRequest, type IncomingMessage, type Server } from 'node:http'
import { AppError } from '@phalanx/primitives/errors'
import './relay-errors.ts'
import { errorReportOf, toJson } from './output.ts'

/** What may be asked. */
export const RELAY_ACTIONS = ['status', 'reload', 'add', 'remove', 'restart'] as const

/** One of them. */
export type RelayAction = (typeof RELAY_ACTIONS)[number]

/** A request: an action, with a worker's name where it needs one. */
export interface RelayOrder {
  readonly action: RelayAction
  readonly worker?: string
}

const ORDER_BYTES_MAX = 4_096
const ANSWER_BYTES_MAX = 64 * 1024 * 1024
const SOCKET_PATH_BYTES_MAX = 100
const TIMEOUT_MS = 30_000

const readBody = async (message: IncomingMessage, maxBytes: number): Promise<string> => {
  const parts: Buffer[] = []
  let size = 0
  for await (const part of message) {
    size += (part as Buffer).length
    if (size > maxBytes) throw new AppError('CLI_USAGE', { problem: 'The message is too long', command: 'phalanx relay' })
    parts.push(part as Buffer)
  }
  return Buffer.concat(parts).toString('utf8')
}

const parseOrder = (text: string): RelayOrder => {
  const wrong = (): AppError => new AppError('CLI_USAGE', { problem: 'This is not an order to a relay', command: 'phalanx relay' })
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw wrong()
  }
  const { action, worker } = (value ?? {}) as { action?: unknown; worker?: unknown }
  const known = RELAY_ACTIONS.find((each) => each === action)
  if (known === undefined || (worker !== undefined && typeof worker !== 'string')) throw wrong()
  return { action: known, ...(worker === undefined ? {} : { worker }) }
}

const send = (socket: string, order: RelayOrder): Promise<{ readonly status: number; readonly body: string }> =>
  new Promise((resolve, reject) => {
    const outgoing = httpRequest({ socketPath: socket, path: '/', method: 'POST', headers: { 'content-type': 'application/json' }, timeout: TIMEOUT_MS }, (answer) => {
      readBody(answer, ANSWER_BYTES_MAX).then((body) => resolve({ status: answer.statusCode ?? 0, body }), reject)
    })
    outgoing.on('timeout', () => outgoing.destroy(new AppError('CLI_RELAY_NOT_RUNNING', { socket })))
    outgoing.on('error', reject)
    outgoing.end(JSON.stringify(order))
  })

/** Asks the relay at a socket and returns its answer. @throws CLI_RELAY_NOT_RUNNING, CLI_RELAY_REFUSED */
export const orderRelay = async (socket: string, order: RelayOrder): Promise<unknown> => {
  let answer: { readonly status: number; readonly body: string }
  try {
    answer = await send(socket, order)
  } catch (cause) {
    throw new AppError('CLI_RELAY_NOT_RUNNING', { socket }, { cause })
  }
  const value = JSON.parse(answer.body) as unknown
  if (answer.status === 200) return value
  const { code, cause, fix } = value as { code: string; cause: string; fix: string }
  throw new AppError('CLI_RELAY_REFUSED', { code, reason: cause, fix })
}

const listen = (server: Server, socket: string): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', reject)
    // Nobody else may open it, not even between its making and the line after.
    const mask = process.umask(0o177)
    try {
      server.listen(socket, () => {
        server.off('error', reject)
        resolve()
      })
    } finally {
      process.umask(mask)
    }
  })

/** Makes room for a socket: what a relay that was killed left behind is removed. @throws CLI_RELAY_RUNNING */
const clearSocket = async (socket: string): Promise<void> => {
  try {
    await send(socket, { action: 'status' })
  } catch (error) {
    // Only ever a socket: whatever else stands there is somebody's.
    if ((error as { code?: unknown }).code === 'ECONNREFUSED' && lstatSync(socket).isSocket()) unlinkSync(socket)
    return
  }
  throw new AppError('CLI_RELAY_RUNNING', { socket })
}

/** Serves orders at a socket. @throws CLI_RELAY_RUNNING, CLI_RELAY_SOCKET_UNUSABLE */
export const serveControl = async (socket: string, obey: (order: RelayOrder) => Promise<unknown>): Promise<{ close(): Promise<void> }> => {
  if (Buffer.byteLength(socket) > SOCKET_PATH_BYTES_MAX) throw new AppError('CLI_RELAY_SOCKET_UNUSABLE', { socket, reason: 'its path is too long' })
  const server = createServer((request, response) => {
    const finish = (status: number, value: unknown): void => {
      response.writeHead(status, { 'content-type': 'application/json' })
      response.end(`${toJson(value)}\n`)
    }
    readBody(request, ORDER_BYTES_MAX).then((text) => obey(parseOrder(text))).then((value) => finish(200, value), (error: unknown) => finish(400, errorReportOf(error)))
  })
  server.maxConnections = 16
  server.requestTimeout = 5_000
  try {
    await clearSocket(socket)
    await listen(server, socket)
    chmodSync(socket, 0o600)
  } catch (cause) {
    if (cause instanceof AppError) throw cause
    throw new AppError('CLI_RELAY_SOCKET_UNUSABLE', { socket, reason: (cause as { code?: string }).code ?? 'unusable' }, { cause })
  }
  return {
    close: () => new Promise((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    }),
  }
}
