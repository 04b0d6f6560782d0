/** Owns what tests of contracts expect to go wrong: reverts by their error, stops by their reason. */
import { bytesEqual, toHex } from '@phalanx/primitives/bytes'
import { AppError, isAppError } from '@phalanx/primitives/errors'
import './errors.ts'

/** A value as text for people: bytes in hex, bigints with their n. */
export const show = (value: unknown): string => {
  if (value instanceof Uint8Array) return toHex(value)
  if (typeof value === 'bigint') return `${value}n`
  if (typeof value === 'string') return `"${value}"`
  if (Array.isArray(value)) return `[${value.map(show).join(', ')}]`
  if (typeof value !== 'object' || value === null) return String(value)
  const { kind, ...rest } = value as Readonly<Record<string, unknown>>
  const fields = Object.entries(rest).filter(([, content]) => content !== undefined).map(([name, content]) => `${name}: ${show(content)}`)
  const content = fields.length === 0 ? '' : `{ ${fields.join(', ')} }`
  return typeof kind === 'string' ? `${kind}${content === '' ? '' : ` ${content}`}` : content === '' ? '{}' : content
}

/** Whether two values are of equal content; fields that are undefined count as absent. */
const isSame = (a: unknown, b: unknown): boolean => {
  if (a instanceof Uint8Array && b instanceof Uint8Array) return bytesEqual(a, b)
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return a === b
  const [left, right] = [a as Readonly<Record<string, unknown>>, b as Readonly<Record<string, unknown>>]
  return [...new Set([...Object.keys(left), ...Object.keys(right)])].every((name) => isSame(left[name], right[name]))
}

const unmet = (expected: string, found: string, cause?: unknown): AppError => new AppError('SDK_CONTRACT_TEST_UNMET', { expected, found }, { cause })

const endOf = (run: () => unknown): { readonly error: unknown } | undefined => {
  try {
    run()
    return undefined
  } catch (error) {
    return { error }
  }
}

const foundOf = (end: { readonly error: unknown } | undefined): string => (end === undefined ? 'that it went through' : end.error instanceof Error ? end.error.message : String(end.error))

/** Runs a message that must revert, with `expected` where that is given; gives the error. @throws SDK_CONTRACT_TEST_UNMET */
export const expectRevert = (run: () => unknown, expected?: { readonly kind: string; readonly value?: unknown }): unknown => {
  const end = endOf(run)
  const wanted = `a revert${expected === undefined ? '' : ` with ${show(expected)}`}`
  if (!isAppError(end?.error, 'SDK_CONTRACT_TEST_REVERTED')) throw unmet(wanted, foundOf(end), end?.error)
  const { error } = end.error.context
  if (expected !== undefined && !isSame(error, expected)) throw unmet(wanted, `a revert with ${show(error)}`, end.error)
  return error
}

/** Runs a message that must be stopped, for a reason that holds `part`; gives the reason. @throws SDK_CONTRACT_TEST_UNMET */
export const expectStop = (run: () => unknown, part = ''): string => {
  const end = endOf(run)
  const wanted = `a stop${part === '' ? '' : ` because of "${part}"`}`
  if (!isAppError(end?.error, 'SDK_CONTRACT_TEST_STOPPED')) throw unmet(wanted, foundOf(end), end?.error)
  const { reason } = end.error.context
  if (!reason.includes(part)) throw unmet(wanted, `"${reason}"`, end.error)
  return reason
}
