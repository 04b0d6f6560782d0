/** Owns small texts that explanations share: times, names of eight bytes, values as JSON. */
import { toHex } from '@phalanx/primitives/bytes'

const MS = 1000
const SECONDS_PER_HOUR = 3600n
const SECONDS_PER_DAY = 86_400n
/** After this, dates do not print. */
const SECONDS_MAX = 253_402_300_799n

/** Unix seconds as a time in UTC. */
export const unixToText = (seconds: bigint): string => (seconds > SECONDS_MAX ? `second ${seconds}` : `${new Date(Number(seconds) * MS).toISOString().slice(0, 19)}Z`)

/** A stretch of time in days and hours. */
export const durationToText = (seconds: bigint): string => `${seconds / SECONDS_PER_DAY} d ${(seconds % SECONDS_PER_DAY) / SECONDS_PER_HOUR} h`

/** Name of a lock or hold: its text where it is printable, else hex. */
export const nameOf = (id: Uint8Array): string => {
  const text = String.fromCharCode(...id).replace(/\0+$/, '')
  return /^[\x20-\x7e]+$/.test(text) ? text.trim() : toHex(id)
}

/** A decoded value as JSON may hold it: bytes as hex; bigints stay, for toJson. Missing values become null. */
export const plain = (value: unknown): unknown => {
  if (value === undefined) return null
  if (value instanceof Uint8Array) return toHex(value)
  if (Array.isArray(value)) return value.map(plain)
  return typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value).map(([name, one]) => [name, plain(one)])) : value
}
