/** Owns the filter through which every log line of the worker passes: fields that are not on the list do not leave. */
import { isAppError } from '@phalanx/primitives/errors'
import type { Logger } from '@phalanx/primitives/ports'

/** Messages begin with an area's subject; these fields, and no others, may stand beside any of them. All of them are public facts. */
const ALLOWED_FIELDS: ReadonlySet<string> = new Set([
  'block', 'blocks', 'code', 'confidence', 'file', 'fresh', 'genesis', 'identity', 'index', 'method', 'port', 'publicPort', 'address', 'reason', 'requestId', 'costMs', 'status',
])

const WITHHELD = '[withheld]'

/** Only primitive values pass: an object could carry anything. */
const filter = (data: Readonly<Record<string, unknown>> | undefined): Record<string, unknown> | undefined => {
  if (data === undefined) return undefined
  return Object.fromEntries(
    Object.entries(data).map(([field, value]) => [field, ALLOWED_FIELDS.has(field) && (typeof value !== 'object' || value === null) ? value : WITHHELD]),
  )
}

/** An error's code, or its class and where it arose: messages of foreign errors may quote what they choked on. */
const describeError = (error: unknown): unknown => {
  if (error === undefined) return undefined
  if (isAppError(error)) return error.code
  if (!(error instanceof Error)) return 'unknown error'
  const frames = (error.stack ?? '').split('\n').filter((line) => line.startsWith('    at '))
  return [error.name, ...frames].join('\n')
}

/** A logger that lets only listed fields, and of errors only code or class, through. */
export const guardLogger = (logger: Logger): Logger => {
  const guard = (level: keyof Logger): Logger['info'] => (message, data, error) => logger[level](message, filter(data), describeError(error))
  return { debug: guard('debug'), info: guard('info'), warn: guard('warn'), error: guard('error') }
}
