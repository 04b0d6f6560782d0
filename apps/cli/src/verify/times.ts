/** Owns the times that a verification can be asked for: Unix seconds, or a date with or without time, in UTC unless it says otherwise. */
import { AppError } from '@phalanx/primitives/errors'
import '../errors.ts'

const ISO = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?(Z|[+-]\d{2}:\d{2})?)?$/
/** Years after 9999 are refused, as documents cannot name them. */
const SECONDS_MAX = 253_402_300_799

/** Unix seconds of a time. @throws CLI_OPTION_INVALID */
export const parseTime = (option: string) => (value: string): number => {
  const zoned = ISO.test(value) && value.includes('T') && !/(Z|[+-]\d{2}:\d{2})$/.test(value) ? `${value}Z` : value
  const seconds = /^\d{1,12}$/.test(value) ? Number(value) : ISO.test(value) ? Math.floor(Date.parse(zoned) / 1000) : Number.NaN
  if (!(seconds >= 0 && seconds <= SECONDS_MAX)) throw new AppError('CLI_OPTION_INVALID', { option, value, expected: 'Unix seconds or a time such as 2026-03-05T10:50:03Z' })
  return seconds
}
