/**
 * Owns values between people and contracts: JSON as it is typed on a command line to what a codec takes, and what a codec gave to JSON. Numbers may be text, accounts
 * addresses, bytes hex; whatever does not fit is refused with its place.
 */
import { parseHex, toHex } from '@phalanx/primitives/bytes'
import type { FieldInfo, TypeInfo } from '@phalanx/primitives/codec'
import { parseAccountAddress, type Crypto } from '@phalanx/primitives/crypto'
import { AppError, isAppError } from '@phalanx/primitives/errors'
import type { EntryInterface } from '@phalanx/sdk/client'
import './errors.ts'

type Hashing = Pick<Crypto, 'blake2b' | 'blake2b256'>
type Json = Readonly<Record<string, unknown>>

type Arguments = Pick<EntryInterface, 'shape'>

/** One reading: for which entry. */
interface Reader {
  readonly crypto: Hashing
  readonly entry: Arguments & Pick<EntryInterface, 'name'>
}

/** A value that does not fit at its place. */
interface Place {
  readonly path: string
  readonly expected: string
}

const misfit = ({ entry }: Reader, { path, expected }: Place, got: unknown): AppError => new AppError('CLI_ARGUMENTS_MALFORMED', {
  entry: entry.name, path: path === '' ? 'the whole' : path, expected, got: got === undefined ? 'nothing' : JSON.stringify(got), example: `'${sampleArguments(entry)}'`,
})

const ACCOUNT_BYTES = 32
/** Widths above which values are bigints. */
const BIG_FROM_BITS = 64
const DECIMAL = /^-?[0-9][0-9_]*$/

const isRecord = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value)

const camelCase = (name: string): string => name.replace(/_+([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())

const isByte = (type: TypeInfo): boolean => type.def.kind === 'primitive' && type.def.name === 'u8'

/** A whole number: JSON's own as long as it is exact, any size as text. */
const readNumber = (reader: Reader, name: string, json: unknown, path: string): number | bigint => {
  if (typeof json === 'number' && Number.isInteger(json) && !Number.isSafeInteger(json)) throw misfit(reader, { path, expected: `${name} as text, for JSON's numbers are not exact above 9007199254740991` }, json)
  const text = typeof json === 'number' ? String(json) : typeof json === 'string' ? json : ''
  if (!DECIMAL.test(text)) throw misfit(reader, { path, expected: `a whole number (${name}), as number or text` }, json)
  const value = BigInt(text.replaceAll('_', ''))
  const bits = Number(name.slice(1))
  const [min, max] = name.startsWith('u') ? [0n, (1n << BigInt(bits)) - 1n] : [-(1n << BigInt(bits - 1)), (1n << BigInt(bits - 1)) - 1n]
  if (value < min || value > max) throw misfit(reader, { path, expected: `${name}, from ${min} to ${max}` }, json)
  return bits >= BIG_FROM_BITS ? value : Number(value)
}

const readPrimitive = (reader: Reader, name: string, json: unknown, path: string): unknown => {
  if (name === 'bool') {
    if (typeof json !== 'boolean') throw misfit(reader, { path, expected: 'true or false' }, json)
    return json
  }
  if (name !== 'str') return readNumber(reader, name === 'char' ? 'u32' : name, json, path)
  if (typeof json !== 'string') throw misfit(reader, { path, expected: 'text' }, json)
  return json
}

/** Bytes in hex; 32 of them may be an address. */
const readBytes = (reader: Reader, length: number | undefined, json: unknown, path: string): Uint8Array => {
  const what = length === undefined ? 'bytes in 0x hex' : length === ACCOUNT_BYTES ? 'an address, or 32 bytes in 0x hex' : `${length} bytes in 0x hex`
  try {
    const bytes = typeof json !== 'string' ? undefined : json.startsWith('0x') ? parseHex(json) : length === ACCOUNT_BYTES ? parseAccountAddress(reader.crypto, json) : undefined
    if (bytes !== undefined && (length === undefined || bytes.length === length)) return bytes
  } catch (error) {
    if (!isAppError(error)) throw error
  }
  throw misfit(reader, { path, expected: what }, json)
}

const at = (path: string, name: string | number): string => (path === '' ? String(name) : `${path}.${name}`)

const readList = (reader: Reader, types: readonly (() => TypeInfo)[], json: unknown, path: string): readonly unknown[] => {
  if (!Array.isArray(json) || json.length !== types.length) throw misfit(reader, { path, expected: `a list of ${types.length}` }, json)
  return types.map((type, i) => read(reader, type(), json[i], at(path, i)))
}

const readFields = (reader: Reader, fields: readonly FieldInfo[], json: unknown, path: string): unknown => {
  const [only] = fields
  if (only === undefined) return undefined
  if (fields.length === 1 && only.name === undefined) return read(reader, only.type(), json, path)
  if (only.name === undefined) return readList(reader, fields.map(({ type }) => type), json, path)
  return readRecord(reader, fields, json, path)
}

/** An object with these fields and no others. */
const readRecord = (reader: Reader, fields: readonly FieldInfo[], json: unknown, path: string): Json => {
  const names = fields.map(({ name }) => camelCase(name ?? ''))
  if (!isRecord(json)) throw misfit(reader, { path, expected: names.length === 0 ? 'an empty object' : `an object with ${names.join(', ')}` }, json)
  const given = Object.fromEntries(Object.entries(json).map(([name, value]) => [camelCase(name), value]))
  const unknown = Object.keys(given).find((name) => !names.includes(name))
  if (unknown !== undefined) throw misfit(reader, { path, expected: names.length === 0 ? 'no fields' : `no other fields than ${names.join(', ')}` }, unknown)
  return Object.fromEntries(fields.map(({ type }, i) => [names[i] as string, read(reader, type(), given[names[i] as string], at(path, names[i] as string))]))
}

type Variants = Extract<TypeInfo['def'], { readonly kind: 'variant' }>['variants']

/** `"Name"`, `{ "Name": value }` or `{ "kind": "Name", … }`. */
const readCase = (reader: Reader, variants: Variants, json: unknown, path: string): { readonly name: string; readonly value: unknown } => {
  const expected = `one of ${variants.map(({ name }) => name).join(', ')}`
  const [name, content] = typeof json === 'string' ? [json, undefined]
    : !isRecord(json) ? ['', undefined]
      : typeof json['kind'] === 'string' ? [json['kind'], json['value']]
        : Object.keys(json).length === 1 ? (Object.entries(json)[0] as [string, unknown]) : ['', undefined]
  const found = variants.find((one) => one.name === name)
  if (found === undefined) throw misfit(reader, { path, expected }, json)
  return { name, value: readFields(reader, found.fields, content, at(path, name)) }
}

const readVariant = (reader: Reader, type: TypeInfo, variants: Variants, json: unknown, path: string): unknown => {
  const [kind] = type.path
  const isBuiltIn = type.path.length === 1
  if (isBuiltIn && kind === 'Option') {
    const some = variants.find(({ name }) => name === 'Some')
    return json === null || json === undefined || some === undefined ? undefined : readFields(reader, some.fields, json, path)
  }
  const isResult = isBuiltIn && kind === 'Result'
  // As values of this form are printed.
  const given = isResult && isRecord(json) && typeof json['ok'] === 'boolean' ? (json['ok'] ? { Ok: json['value'] } : { Err: json['error'] }) : json
  const { name, value } = readCase(reader, variants, given, path)
  if (isResult) return name === 'Ok' ? { ok: true, value } : { ok: false, error: value }
  return value === undefined ? { kind: name } : { kind: name, value }
}

const read = (reader: Reader, type: TypeInfo, json: unknown, path: string): unknown => {
  const { def } = type
  switch (def.kind) {
    case 'primitive': return readPrimitive(reader, def.name, json, path)
    case 'compact': return read(reader, def.inner(), json, path)
    case 'variant': return readVariant(reader, type, def.variants, json, path)
    case 'composite': return def.fields.length === 0 ? {} : readFields(reader, def.fields, json, path)
    case 'tuple': return def.elements.length === 0 ? undefined : readList(reader, def.elements, json, path)
    case 'array': return isByte(def.element()) ? readBytes(reader, def.length, json, path) : readList(reader, Array.from({ length: def.length }, () => def.element), json, path)
    case 'sequence': {
      if (isByte(def.element())) return readBytes(reader, undefined, json, path)
      if (!Array.isArray(json)) throw misfit(reader, { path, expected: 'a list' }, json)
      return json.map((one, i) => read(reader, def.element(), one, at(path, i)))
    }
    case 'bitSequence': throw misfit(reader, { path, expected: 'a type that can be typed here; bit sequences cannot' }, json)
  }
}

/** A value that would fit, as JSON: for errors and next steps. */
const sample = (type: TypeInfo, depth = 0): unknown => {
  const { def } = type
  if (depth > 4) return null
  switch (def.kind) {
    case 'primitive': return def.name === 'bool' ? true : def.name === 'str' ? 'text' : Number(def.name.slice(1)) >= BIG_FROM_BITS ? '1' : 1
    case 'compact': return sample(def.inner(), depth)
    case 'array': return isByte(def.element()) ? (def.length === ACCOUNT_BYTES ? '5Grw…' : '0x…') : Array.from({ length: Math.min(def.length, 3) }, () => sample(def.element(), depth + 1))
    case 'sequence': return isByte(def.element()) ? '0x…' : [sample(def.element(), depth + 1)]
    case 'tuple': return def.elements.length === 0 ? null : def.elements.map((one) => sample(one(), depth + 1))
    case 'composite': return def.fields.length === 1 && def.fields[0]?.name === undefined
      ? sample((def.fields[0] as FieldInfo).type(), depth + 1)
      : Object.fromEntries(def.fields.map((field) => [camelCase(field.name ?? ''), sample(field.type(), depth + 1)]))
    case 'variant': {
      if (type.path.join() === 'Option') return null
      const first = def.variants[0]
      return first === undefined ? null : first.fields.length === 0 ? first.name : { [first.name]: sample({ ...type, def: { kind: 'composite', fields: first.fields } }, depth + 1) }
    }
    case 'bitSequence': return null
  }
}

/** Arguments that would fit an entry, as JSON text. */
export const sampleArguments = ({ shape }: Arguments): string =>
  `{${Object.entries(shape).map(([name, codec]) => `"${name}": ${JSON.stringify(sample(codec.info()))}`).join(', ')}}`

/**
 * Arguments of an entry from JSON text; nothing is enough for an entry without any.
 * @throws CLI_ARGUMENTS_MALFORMED
 */
export const parseArguments = (crypto: Hashing, entry: Reader['entry'], text: string | undefined): Json => {
  const reader: Reader = { crypto, entry }
  const fields = Object.entries(entry.shape).map(([name, codec]): FieldInfo => ({ name, type: () => codec.info() }))
  let json: unknown = {}
  try {
    if (text !== undefined) json = JSON.parse(text)
  } catch {
    throw misfit(reader, { path: '', expected: 'JSON' }, text)
  }
  return readRecord(reader, fields, json, '')
}

/** A value for JSON: bytes in hex, big numbers as text, nothing as null. */
export const valueToJson = (value: unknown): unknown => {
  if (value === undefined) return null
  if (typeof value === 'bigint') return value.toString()
  if (value instanceof Uint8Array) return toHex(value)
  if (Array.isArray(value)) return value.map(valueToJson)
  if (!isRecord(value)) return value
  return Object.fromEntries(Object.entries(value).map(([name, content]) => [name, valueToJson(content)]))
}
