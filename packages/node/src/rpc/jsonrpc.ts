/** Owns the JSON-RPC 2.0 envelope: what a request is, what a response is. Does not know any method. */
import { AppError } from '@phalanx/primitives/errors'
import '../errors.ts'
import type { RpcError } from './errors.ts'

/** Identifier of a request; echoed exactly, 0 and null included. */
export type RequestId = string | number | null

/** A request as read. Without `id` it is a notification and gets no response. */
export interface Request {
  readonly id: RequestId | undefined
  readonly method: string
  readonly params: unknown
}

/** A request, or why it is none and which id to answer with. */
export type ParsedRequest = { readonly request: Request } | { readonly error: AppError; readonly id: RequestId }

/** Reads the text of a message. @throws RPC_PARSE_ERROR */
export const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new AppError('RPC_PARSE_ERROR', { reason: cause instanceof Error ? cause.message.slice(0, 120) : 'unreadable' }, { cause })
  }
}

const invalid = (reason: string, id: RequestId = null): ParsedRequest => ({ error: new AppError('RPC_INVALID_REQUEST', { reason }), id })

/** Reads one request. */
export const parseRequest = (value: unknown): ParsedRequest => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return invalid('it is not an object')
  const { id, jsonrpc, method, params } = value as Record<string, unknown>
  const hasId = Object.hasOwn(value, 'id')
  if (hasId && id !== null && typeof id !== 'string' && typeof id !== 'number') return invalid('the id is neither a text, a number nor null')
  const answerTo = (hasId ? id : null) as RequestId
  if (jsonrpc !== '2.0') return invalid('jsonrpc is not "2.0"', answerTo)
  if (typeof method !== 'string' || method.length > 128) return invalid('the method is not a text', answerTo)
  if (params !== undefined && params !== null && typeof params !== 'object') return invalid('params is neither a list nor an object', answerTo)
  return { request: { id: hasId ? answerTo : undefined, method, params } }
}

/** Text of a successful response. */
export const resultText = (id: RequestId, result: unknown): string => `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":${JSON.stringify(result ?? null)}}`

/** Text of a failed response. */
export const errorText = (id: RequestId, error: RpcError): string => JSON.stringify({ jsonrpc: '2.0', id, error })

/** Text of a notification. */
export const notificationText = (method: string, subscription: string, result: unknown): string =>
  `{"jsonrpc":"2.0","method":${JSON.stringify(method)},"params":{"subscription":${JSON.stringify(subscription)},"result":${JSON.stringify(result ?? null)}}}`
