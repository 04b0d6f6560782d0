/** Owns the filter through which every log line of the worker passes: lines and fields that are not listed do not leave. */
import { isAppError } from '@phalanx/primitives/errors'
import type { Logger } from '@phalanx/primitives/ports'
import { LOG_LINES } from '../core/log-lines.ts'

const WITHHELD = '[withheld]'
const UNLISTED = 'a line that is not on the list was withheld'

const linesByMessage = new Map<string, ReadonlySet<string>>(Object.entries(LOG_LINES).map(([message, fields]) => [message, new Set(fields)]))

/** Only primitive values pass: an object could carry anything. */
const filter = (data: Readonly<Record<string, unknown>> | undefined, allowed: ReadonlySet<string>): Record<string, unknown> | undefined => {
  if (data === undefined) return undefined
  return Object.fromEntries(
    Object.entries(data).map(([field, value]) => [field, allowed.has(field) && (typeof value !== 'object' || value === null) ? value : WITHHELD]),
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

/** A logger that lets only listed lines with their listed fields, and of errors only code or class and place, through. */
export const guardLogger = (logger: Logger): Logger => {
  const guard = (level: keyof Logger): Logger['info'] => (message, data, error) => {
    const allowed = linesByMessage.get(message)
    if (allowed === undefined) logger[level](UNLISTED)
    else logger[level](message, filter(data, allowed), describeError(error))
  }
  return { debug: guard('debug'), info: guard('info'), warn: guard('warn'), error: guard('error') }
}
