/** Owns the number that each error code gets on the wire: Substrate's where it has one, JSON-RPC's own otherwise. */
import { isAppError, type AppError } from '@phalanx/primitives/errors'

/** Error member of a response. */
export interface RpcError {
  readonly code: number
  readonly message: string
  readonly data?: unknown
}

interface Wire {
  readonly number: number
  /** Fixed message that clients know; otherwise the sentence of the code. */
  readonly message?: string
}

const WIRE: Readonly<Record<string, Wire>> = {
  RPC_PARSE_ERROR: { number: -32700, message: 'Parse error' },
  RPC_INVALID_REQUEST: { number: -32600, message: 'Invalid request' },
  RPC_METHOD_UNKNOWN: { number: -32601, message: 'Method not found' },
  RPC_INVALID_PARAMS: { number: -32602, message: 'Invalid params' },
  RPC_UNSAFE: { number: -32601, message: 'RPC call is unsafe to be called externally' },
  RPC_SUBSCRIPTIONS_UNSUPPORTED: { number: -32601, message: 'Subscriptions are not available over HTTP' },
  RPC_SUBSCRIPTION_LIMIT: { number: -32006, message: 'Too many subscriptions on the connection' },
  RPC_BATCH_LIMIT: { number: -32010, message: 'The batch request was too large' },
  RPC_BUSY: { number: -32009, message: 'Server is busy, try again later' },
  RPC_RESULT_LIMIT: { number: -32008, message: 'Response is too big' },
  RPC_FOLLOW_LIMIT: { number: -32800, message: 'Maximum number of chainHead_follow has been reached' },
  RPC_BLOCK_NOT_PINNED: { number: -32801, message: 'Invalid block hash' },
  RPC_RUNTIME_NOT_FOLLOWED: { number: -32802, message: 'The runtime updates flag must be set' },
  RPC_NOT_WAITING: { number: -32803, message: 'Wait for continue event not generated' },
  RPC_DUPLICATE_HASHES: { number: -32804, message: 'Duplicate hashes' },
  RPC_KEYSTORE_NONE: { number: 1050 },
  RPC_PHA: { number: 10000 },
  TXPOOL_MALFORMED: { number: 1001, message: 'Extrinsic has invalid format' },
  TXPOOL_TOO_LARGE: { number: 1001, message: 'Extrinsic has invalid format' },
  TXPOOL_INVALID: { number: 1010, message: 'Invalid Transaction' },
  TXPOOL_UNKNOWN_VALIDITY: { number: 1011, message: 'Unknown Transaction Validity' },
  TXPOOL_BANNED: { number: 1012, message: 'Transaction is temporarily banned' },
  TXPOOL_ALREADY_IMPORTED: { number: 1013, message: 'Transaction Already Imported' },
  TXPOOL_LIMIT_EXCEEDED: { number: 1016, message: 'Immediately Dropped' },
  BLOCK_UNKNOWN: { number: 4003 },
  BLOCK_STATE_PRUNED: { number: 4003 },
  TRIE_NODE_MISSING: { number: 4003 },
  RUNTIME_API_UNKNOWN: { number: 4003 },
  RUNTIME_API_PARAMS: { number: 4003 },
}

/** Codes whose `data` is a plain text, because clients print or search it. */
const isTextual = (code: string): boolean => code.startsWith('TXPOOL_')

const sentenceOf = (error: AppError): string => {
  const whole = error.message.slice(error.message.indexOf(': ') + 2)
  return error.fix !== '' && whole.endsWith(error.fix) ? whole.slice(0, -error.fix.length).trim() : whole
}

/** Code, cause and fix of an error, as every answer carries them. */
export const describeError = (error: AppError): { readonly code: string; readonly path?: string; readonly cause: string; readonly fix: string } => ({
  code: error.code, ...(error.path === '' ? {} : { path: error.path }), cause: sentenceOf(error), fix: error.fix,
})

const dataOf = (error: AppError): unknown => {
  if (error.code === 'RPC_PHA') return undefined
  if (isTextual(error.code)) return `${sentenceOf(error)}${/[.!?]$/.test(sentenceOf(error)) ? '' : '.'} ${error.fix} ${error.code}`
  return describeError(error)
}

const messageOf = (error: AppError): string => {
  if (isAppError(error, 'TXPOOL_PRIORITY_TOO_LOW')) return `Priority is too low: (${error.context.old} vs ${error.context.new})`
  return WIRE[error.code]?.message ?? sentenceOf(error)
}

/** The error member for an AppError; codes without a number of their own are internal. */
export const toRpcError = (error: AppError): RpcError => {
  const number = error.code === 'TXPOOL_PRIORITY_TOO_LOW' ? 1014 : (WIRE[error.code]?.number ?? (/^(CODEC|HEX|CRYPTO|EXTRINSIC)_/.test(error.code) ? -32602 : -32000))
  const data = dataOf(error)
  return { code: number, message: messageOf(error), ...(data === undefined ? {} : { data }) }
}

/** The error member for a failure of our own. */
export const INTERNAL_ERROR: RpcError = {
  code: -32603, message: 'Internal error', data: { code: 'RPC_INTERNAL', cause: 'The node failed to answer.', fix: 'See its log; report it with the request.' },
}
