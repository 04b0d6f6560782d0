/**
 * Owns the JSON form of the messages described in api/, as the reference's serde writes it: snake_case names, bytes as arrays of
 * numbers, absent values null. On the way in a `0x` string stands for bytes too, and a decimal string for a large number.
 */
import { AppError, atPath, isAppError } from '@phalanx/primitives/errors'
import { parseHex, parseUtf8 } from '@phalanx/primitives/bytes'
import type { Field, MessageSchema, ScalarType } from '../api/schema.ts'
import { defaultOf } from './defaults.ts'

const U64_MAX = (1n << 64n) - 1n
const U32_MAX = 0xffff_ffff

/** `camelCase` to `snake_case`. */
export const snakeCase = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

const malformed = (type: string, reason: string, cause?: unknown): AppError =>
  new AppError('WIRE_JSON_MALFORMED', { type, reason }, cause === undefined ? {} : { cause })

const writeScalar = (type: ScalarType, value: unknown): string => {
  if (type === 'uint64') return (value as bigint).toString()
  if (type === 'bytes') return `[${(value as Uint8Array).join(',')}]`
  return JSON.stringify(value)
}

const writeField = (field: Field<unknown>, value: unknown): string => {
  const one = (element: unknown): string => (typeof field.type === 'string' ? writeScalar(field.type, element) : encodeJson(field.type, element))
  if (field.rule === 'repeated') return `[${((value ?? []) as unknown[]).map(one).join(',')}]`
  const content = value ?? defaultOf(field)
  return content === undefined ? 'null' : one(content)
}

/** JSON text of a message. Integers are written with all their digits. */
export const encodeJson = <T>(schema: MessageSchema<T>, value: T): string =>
  `{${Object.entries(schema.fields)
    .map(([name, field]) => `"${snakeCase(name)}":${writeField(field, (value as Record<string, unknown>)[name])}`)
    .join(',')}}`

const readNumber = (value: unknown, type: string): bigint => {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return BigInt(value)
  if (typeof value === 'string' && /^(0|[1-9][0-9]{0,19})$/.test(value) && BigInt(value) <= U64_MAX) return BigInt(value)
  throw malformed(type, 'a whole number is expected')
}

const readBytes = (value: unknown, type: string): Uint8Array => {
  if (typeof value === 'string') {
    if (!value.startsWith('0x')) throw malformed(type, 'bytes are written as an array of numbers or a 0x string')
    return parseHex(value)
  }
  if (!Array.isArray(value)) throw malformed(type, 'bytes are written as an array of numbers or a 0x string')
  for (const byte of value as unknown[])
    if (typeof byte !== 'number' || !Number.isInteger(byte) || byte < 0 || byte > 255) throw malformed(type, 'a byte is a whole number from 0 to 255')
  return Uint8Array.from(value as number[])
}

const readScalar = (scalar: ScalarType, value: unknown, type: string): unknown => {
  switch (scalar) {
    case 'bool':
      if (typeof value !== 'boolean') throw malformed(type, 'true or false is expected')
      return value
    case 'string':
      if (typeof value !== 'string') throw malformed(type, 'text is expected')
      return value
    case 'bytes': return readBytes(value, type)
    case 'uint64': return readNumber(value, type)
    case 'uint32': {
      const number = Number(readNumber(value, type))
      if (number > U32_MAX) throw malformed(type, 'a number is out of range')
      return number
    }
  }
}

const readField = (field: Field<unknown>, value: unknown, type: string): unknown => {
  const one = (element: unknown): unknown => (typeof field.type === 'string' ? readScalar(field.type, element, type) : readMessage(field.type, element))
  if (field.rule !== 'repeated') return value === null && field.rule === 'optional' ? undefined : one(value)
  if (!Array.isArray(value)) throw malformed(type, 'a list is expected')
  return (value as unknown[]).map((element, index) => within(index, () => one(element)))
}

const within = <T>(segment: string | number, read: () => T): T => {
  try {
    return read()
  } catch (error) {
    throw atPath(error, segment)
  }
}

const readMessage = (schema: MessageSchema<unknown>, value: unknown): Record<string, unknown> => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw malformed(schema.name, 'an object is expected')
  const byName = new Map(Object.entries(schema.fields).map(([name, field]) => [snakeCase(name), [name, field] as const]))
  const out: Record<string, unknown> = {}
  for (const [name, field] of Object.entries(schema.fields)) if (field.rule !== 'optional') out[name] = defaultOf(field)
  for (const [key, content] of Object.entries(value)) {
    const found = byName.get(key)
    if (found === undefined) throw malformed(schema.name, `it has no field ${JSON.stringify(key.slice(0, 64))}`)
    out[found[0]] = within(key, () => readField(found[1], content, schema.name))
  }
  return out
}

/** Message of a JSON text; an empty text stands for a message without content. @throws WIRE_JSON_MALFORMED */
export const decodeJson = <T>(schema: MessageSchema<T>, text: Uint8Array): T => {
  try {
    return readMessage(schema, text.length === 0 ? {} : (JSON.parse(parseUtf8(text)) as unknown)) as T
  } catch (error) {
    if (isAppError(error, 'WIRE_JSON_MALFORMED')) throw error
    throw malformed(schema.name, error instanceof Error ? error.message : 'it cannot be read', error)
  }
}
