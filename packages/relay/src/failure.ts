/** Owns turning errors of nodes and workers into the plain data that the state machine keeps. */
import { isAppError } from '@phalanx/primitives/errors'
import type { Failure } from './state.ts'

/** Codes that mean "nobody answered", in contrast to "the answer was no". */
const CONTACT_CODES: readonly string[] = [
  'SDK_CONNECTION_FAILED', 'SDK_CONNECTION_LOST', 'SDK_CLIENT_CLOSED', 'SDK_REQUEST_TIMEOUT', 'SDK_WORKER_UNREACHABLE', 'SDK_HTTP_FAILED', 'RELAY_NODE_NONE',
]

/** Message of an AppError without its code and fix: `CODE: sentence fix` → `sentence`. */
const sentenceOf = (message: string, fix: string): string => {
  const withoutCode = message.replace(/^[A-Z0-9_]+(?: at [^:]*)?: /, '')
  return fix !== '' && withoutCode.endsWith(fix) ? withoutCode.slice(0, -fix.length).trim() : withoutCode
}

/** What an error says, as data. A worker's refusal carries the worker's own code and words. */
export const failureOf = (error: unknown): Failure => {
  if (isAppError(error, 'WIRE_CALL_FAILED')) {
    const { code, text, method, status } = error.context
    const reason = text.replace(/^[A-Z0-9_]+(?: at [^:]*)?: /, '')
    return { code: code === '' ? 'WIRE_CALL_FAILED' : code, reason: `the worker refused ${method} (${status}): ${reason}`, fix: '' }
  }
  if (isAppError(error)) return { code: error.code, reason: sentenceOf(error.message, error.fix), fix: error.fix }
  return { code: 'RELAY_UNEXPECTED', reason: error instanceof Error ? error.message : String(error), fix: 'This is a defect of the relay: report it with the log.' }
}

/** Whether the other side answered and said no. */
export const isRefusal = (error: unknown): boolean => !(isAppError(error) && CONTACT_CODES.includes(error.code))

/** The worker wanted another block than the relay thought: nobody's blocks are bad. */
const POSITION_CODES: readonly string[] = ['LIGHT_FEED_STALE', 'LIGHT_FEED_REPLAYED', 'LIGHT_FEED_FUTURE', 'LIGHT_FEED_EMPTY', 'LIGHT_CHECKPOINT_OLD', 'LIGHT_CHECKPOINT_GATEKEEPER', 'LIGHT_CHECKPOINT_CLUSTER']

/** Whether a worker's refusal says that the blocks themselves are bad, so that another node should be asked. */
export const isPoison = (code: string): boolean => /^(LIGHT|CODEC|JUSTIFICATION|HEADER|CHECKPOINT)_/.test(code) && !POSITION_CODES.includes(code)
