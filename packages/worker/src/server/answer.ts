/** Owns the mapping of HTTP requests to methods and back (worker_api.md section 1): paths, protobuf and JSON mode, error forms, headers. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { toHexPlain, utf8 } from '@phalanx/primitives/bytes'
import { AppError, isAppError } from '@phalanx/primitives/errors'
import { wrapSignedContent } from '@phalanx/primitives/messages'
import { PrpcError } from '../api/common.ts'
import { METHODS_NOT_OFFERED } from '../api/not-offered.ts'
import { MIB } from '../api/schema.ts'
import { routes } from '../methods/index.ts'
import { decodeJson, encodeJson } from '../wire/json.ts'
import { decodeMessage, encodeMessage } from '../wire/protobuf.ts'
import { readBody } from './body.ts'
import { describeApi } from './help.ts'
import type { ServerDependencies } from './listen.ts'

/** What differs between listeners. */
export interface AnswerSettings {
  readonly isPublic: boolean
  readonly allowCors: boolean | 'public'
  readonly bodyTimeoutMs: number
}

interface Answer {
  readonly status: number
  readonly type: string
  readonly body: Uint8Array
  /** Close the connection: the rest of the request was not read. */
  readonly close?: boolean
}

const SIGNED_BODY_MAX = 10 * MIB
const UNKNOWN_METHOD_LIMIT = MIB
const JSON_TYPE = 'application/json'
const BINARY_TYPE = 'application/octet-stream'
const TEXT_TYPE = 'text/plain; charset=utf-8'

let lastRequest = 0

const plain = (status: number, text: string, close = false): Answer => ({ status, type: TEXT_TYPE, body: utf8(text), ...(close ? { close } : {}) })

const errorAnswer = (error: AppError, asJson: boolean): Answer => {
  if (error.code === 'WIRE_BODY_TOO_LARGE') return plain(413, 'Entity too large', true)
  if (error.code === 'WIRE_BODY_UNREADABLE') return plain(503, 'Read body failed', true)
  const status =
    error.code === 'WORKER_METHOD_UNKNOWN' ? 404
    : error.code === 'WORKER_METHOD_PRIVATE' ? 403
    : error.code === 'WIRE_PROTOBUF_MALFORMED' || error.code === 'WIRE_JSON_MALFORMED' ? 400
    : 500
  const message = status === 400 ? `DecodeError(${error.message})` : error.message
  return asJson
    ? { status, type: JSON_TYPE, body: utf8(JSON.stringify({ error: `ProtoError { message: ${JSON.stringify(message)} }` }, undefined, 2)) }
    : { status, type: BINARY_TYPE, body: encodeMessage(PrpcError, { message }) }
}

const rulesOf = (name: string): { readonly limitBytes: number; readonly access: 'public' | 'private' } => {
  const route = routes.get(name)
  if (route !== undefined) return route.method
  const [service, method] = name.split('.')
  const absent = service === 'PhactoryAPI' && method !== undefined && Object.hasOwn(METHODS_NOT_OFFERED, method) ? METHODS_NOT_OFFERED[method] : undefined
  // What is refused anyway is not read at length, whatever the reference allows.
  return absent === undefined ? { limitBytes: UNKNOWN_METHOD_LIMIT, access: 'public' } : { ...absent, limitBytes: Math.min(absent.limitBytes, UNKNOWN_METHOD_LIMIT) }
}

const callRoute = async (
  request: IncomingMessage, name: string, asJson: boolean, settings: AnswerSettings, dependencies: ServerDependencies,
): Promise<Answer> => {
  const left = new AbortController()
  const leave = (): void => left.abort()
  request.socket.once('close', leave)
  try {
    const { limitBytes, access } = rulesOf(name)
    if (settings.isPublic && access !== 'public') throw new AppError('WORKER_METHOD_PRIVATE', { method: name })
    const body = request.method === 'GET' ? new Uint8Array(0) : await readBody(request, { limitBytes, timeoutMs: settings.bodyTimeoutMs, clock: dependencies.clock })
    const { method, result } = await dependencies.call(name, ({ params }) => (asJson ? decodeJson(params, body) : decodeMessage(params, body)), left.signal)
    return asJson
      ? { status: 200, type: JSON_TYPE, body: utf8(encodeJson(method.result, result)) }
      : { status: 200, type: BINARY_TYPE, body: encodeMessage(method.result, result) }
  } catch (error) {
    if (!isAppError(error)) throw error
    return { ...errorAnswer(error, asJson), ...(request.complete ? {} : { close: true }) }
  } finally {
    request.socket.off('close', leave)
  }
}

const METHOD_PATH = '/prpc/'

const pathOf = (request: IncomingMessage): string => (request.url ?? '').split('?', 1)[0] ?? ''

/** Whether pages of any site may call what this request names, and read the answer. */
const allowsPages = (request: IncomingMessage, { allowCors }: AnswerSettings): boolean => {
  if (allowCors !== 'public') return allowCors
  const path = pathOf(request)
  return path.startsWith(METHOD_PATH) && routes.get(path.slice(METHOD_PATH.length))?.method.access === 'public'
}

/** A page of any site can make a browser send requests to a port of its own machine; the private listener takes none of them unless told to. */
const isForbiddenPage = (request: IncomingMessage, settings: AnswerSettings): boolean =>
  !settings.isPublic && !allowsPages(request, settings) && (request.headers.origin !== undefined || request.headers['sec-fetch-site'] === 'cross-site')

const route = async (request: IncomingMessage, settings: AnswerSettings, dependencies: ServerDependencies): Promise<Answer> => {
  const [path = '', query = ''] = (request.url ?? '').split('?', 2)
  const isGet = request.method === 'GET'
  if (!isGet && request.method !== 'POST') return plain(405, 'Method not allowed', true)
  if (isForbiddenPage(request, settings)) return plain(403, 'Web pages are not answered here unless the worker is started with CORS allowed', true)
  if (path === '/info' || path === '/get_info') return callRoute(request, 'PhactoryAPI.GetInfo', true, settings, { ...dependencies, call: (name) => dependencies.call(name, () => ({})) })
  if (path === '/help' && isGet) return plain(200, describeApi())
  if (!path.startsWith(METHOD_PATH)) return plain(404, 'Not found', true)
  if (isGet && routes.get(path.slice(METHOD_PATH.length))?.method.kind === 'command') return plain(405, 'This method may change the worker: call it with POST')
  const asJson = isGet || query.split('&').includes('json=true') || (request.headers['content-type'] ?? '').toLowerCase().startsWith(JSON_TYPE)
  return callRoute(request, path.slice(METHOD_PATH.length), asJson, settings, dependencies)
}

const corsHeaders = (request: IncomingMessage): Record<string, string> => ({
  'Access-Control-Allow-Origin': request.headers.origin ?? '*',
  'Access-Control-Allow-Methods': 'GET, POST',
  'Access-Control-Allow-Headers': request.headers['access-control-request-headers'] ?? 'content-type',
  'Access-Control-Allow-Credentials': 'true',
  Vary: 'Origin',
})

const send = (response: ServerResponse, answer: Answer, headers: Readonly<Record<string, string>>): void => {
  response.writeHead(answer.status, {
    'Content-Type': answer.type, 'Content-Length': answer.body.length, 'X-Content-Type-Options': 'nosniff', ...headers, ...(answer.close === true ? { Connection: 'close' } : {}),
  })
  response.end(answer.body)
}

/** Answers one request. */
export const answerRequest = async (
  request: IncomingMessage, response: ServerResponse, settings: AnswerSettings, dependencies: ServerDependencies,
): Promise<void> => {
  const requestId = String(++lastRequest)
  const startMs = dependencies.clock.nowMs()
  const isForPages = allowsPages(request, settings)
  const cors = isForPages ? corsHeaders(request) : {}
  if (isForPages && request.method === 'OPTIONS') {
    response.writeHead(204, cors).end()
    return
  }
  const answer = await route(request, settings, dependencies)
  // An unread rest would reset the connection before the answer arrives; it is thrown away until the request's own time-out.
  request.resume()
  const costMs = dependencies.clock.nowMs() - startMs
  const headers: Record<string, string> = { ...cors, 'X-Request-Id': requestId, 'X-Cost-Time': `${costMs}ms` }
  if (settings.isPublic && answer.body.length <= SIGNED_BODY_MAX) {
    const signature = dependencies.sign(wrapSignedContent('rpcResponse', answer.body))
    if (signature !== undefined) headers['X-Phactory-Signature'] = toHexPlain(signature)
  }
  send(response, answer, headers)
  if (answer.status >= 500) dependencies.logger.debug('request failed', { requestId, status: answer.status, costMs })
}
