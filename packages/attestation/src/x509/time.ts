/** Owns dates as attestation documents write them, as whole seconds since 1970. No clock: "now" is always handed in. */
import { attestationError } from '../errors.ts'
import { TAG, contentOf, type DerElement } from './der.ts'

/** Calendar fields of an instant in UTC. */
interface Civil {
  readonly year: number
  readonly month: number
  readonly day: number
  readonly hour: number
  readonly minute: number
  readonly second: number
}

/** Days since 1970-01-01 of a Gregorian date (proleptic; the era method of civil-from-days). */
const civilToDays = (year: number, month: number, day: number): number => {
  const shifted = month <= 2 ? year - 1 : year
  const era = Math.floor(shifted / 400)
  const yearOfEra = shifted - era * 400
  const dayOfYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear
  return era * 146097 + dayOfEra - 719468
}

const isLeap = (year: number): boolean => (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0

const daysInMonth = (year: number, month: number): number =>
  month === 2 ? (isLeap(year) ? 29 : 28) : month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31

const civilToSeconds = (civil: Civil): number | undefined => {
  const { year, month, day, hour, minute, second } = civil
  if (month < 1 || month > 12 || day < 1 || day > daysInMonth(year, month) || hour > 23 || minute > 59 || second > 59) return undefined
  return civilToDays(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second
}

/** Calendar fields of whole seconds since 1970, UTC. */
const secondsToCivil = (seconds: number): Civil => {
  const days = Math.floor(seconds / 86_400)
  const rest = seconds - days * 86_400
  const shifted = days + 719468
  const era = Math.floor(shifted / 146097)
  const dayOfEra = shifted - era * 146097
  const yearOfEra = Math.floor((dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36524) - Math.floor(dayOfEra / 146096)) / 365)
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100))
  const monthIndex = Math.floor((5 * dayOfYear + 2) / 153)
  const month = monthIndex < 10 ? monthIndex + 3 : monthIndex - 9
  return {
    year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0),
    month,
    day: dayOfYear - Math.floor((153 * monthIndex + 2) / 5) + 1,
    hour: Math.floor(rest / 3_600),
    minute: Math.floor((rest % 3_600) / 60),
    second: rest % 60,
  }
}

const pad = (value: number, width: number): string => String(value).padStart(width, '0')

/** `YYYY-MM-DDTHH:MM:SSZ` of whole seconds since 1970. */
export const formatIsoSeconds = (seconds: number): string => {
  const c = secondsToCivil(seconds)
  return `${pad(c.year, 4)}-${pad(c.month, 2)}-${pad(c.day, 2)}T${pad(c.hour, 2)}:${pad(c.minute, 2)}:${pad(c.second, 2)}Z`
}

/** UTCTime or GeneralizedTime text by RFC 5280 section 4.1.2.5: UTCTime through 2049. */
export const formatDerTime = (seconds: number): { readonly tag: number; readonly text: string } => {
  const c = secondsToCivil(seconds)
  const tail = `${pad(c.month, 2)}${pad(c.day, 2)}${pad(c.hour, 2)}${pad(c.minute, 2)}${pad(c.second, 2)}Z`
  return c.year < 2050 ? { tag: TAG.utcTime, text: pad(c.year % 100, 2) + tail } : { tag: TAG.generalizedTime, text: pad(c.year, 4) + tail }
}

const ISO = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,9}))?$/

const matchIso = (text: string): number | undefined => {
  const match = ISO.exec(text)
  if (match === null) return undefined
  const [, year, month, day, hour, minute, second] = match.map(Number) as [number, number, number, number, number, number, number]
  return civilToSeconds({ year, month, day, hour, minute, second })
}

/** Parses `YYYY-MM-DDTHH:MM:SSZ`; a fraction of a second is cut. @throws ATTESTATION_DATE_MALFORMED */
export const parseIsoSeconds = (text: string): number => {
  const seconds = text.endsWith('Z') ? matchIso(text.slice(0, -1)) : undefined
  if (seconds === undefined) throw attestationError('ATTESTATION_DATE_MALFORMED', `"${text.slice(0, 40)}" is not YYYY-MM-DDTHH:MM:SSZ`)
  return seconds
}

const DER_TIME = /^(\d{2}|\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})Z$/

/**
 * Seconds of a UTCTime or GeneralizedTime: whole seconds, ending in Z (RFC 5280 section 4.1.2.5). GeneralizedTime before 2050 is let
 * pass, since a vendor's root in use writes 2049 that way and the form is unambiguous. @throws ATTESTATION_DATE_MALFORMED
 */
export const derTimeSeconds = (element: DerElement): number => {
  const content = contentOf(element)
  const bad = (): never => {
    throw attestationError('ATTESTATION_DATE_MALFORMED', `time at byte ${element.start}`)
  }
  if (content.length > 15) return bad()
  const text = String.fromCharCode(...content)
  const match = DER_TIME.exec(text)
  if (match === null) return bad()
  const short = element.tag === TAG.utcTime
  if (!short && element.tag !== TAG.generalizedTime) throw attestationError('ATTESTATION_DER_TAG', `expected a time at byte ${element.start}`)
  if ((match[1] as string).length !== (short ? 2 : 4)) return bad()
  const [, first, month, day, hour, minute, second] = match.map(Number) as [number, number, number, number, number, number, number]
  const year = short ? (first < 50 ? 2000 + first : 1900 + first) : first
  return civilToSeconds({ year, month, day, hour, minute, second }) ?? bad()
}
