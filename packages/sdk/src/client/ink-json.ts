/** Owns reading the JSON of ink! metadata (versions 4 and 5), ours and others': strict about what is used, indifferent to the rest. */
import { parseHex, parseUtf8 } from '@phalanx/primitives/bytes'
import { AppError, isAppError } from '@phalanx/primitives/errors'
import type { JsonType } from '@phalanx/primitives/ink'
import '../errors.ts'

/** An argument: its name as metadata writes it, and the number of its type. */
export interface InkArgument {
  readonly label: string
  readonly type: number
}

/** A constructor or message. */
export interface InkEntry {
  readonly label: string
  readonly selector: Uint8Array
  readonly args: readonly InkArgument[]
  /** Type of `Result<…, LangError>`; undefined where the language had none yet. */
  readonly returnType: number | undefined
  readonly mutates: boolean
  readonly payable: boolean
  readonly isDefault: boolean
  readonly docs: readonly string[]
}

/** An event. `topic`: that of its signature, in version 5. */
export interface InkEvent {
  readonly label: string
  readonly args: readonly (InkArgument & { readonly isIndexed: boolean })[]
  readonly topic: Uint8Array | undefined
}

/** What clients use of a contract's metadata. */
export interface InkContract {
  readonly version: 4 | 5
  readonly name: string
  readonly constructors: readonly InkEntry[]
  readonly messages: readonly InkEntry[]
  readonly events: readonly InkEvent[]
  readonly types: readonly JsonType[]
  /** Hash of the code, and the code itself where the file holds it. */
  readonly codeHash: Uint8Array | undefined
  readonly code: Uint8Array | undefined
}

type Json = Readonly<Record<string, unknown>>

/** Largest file that is read: code of 2 MiB in hex, and metadata. */
const TEXT_MAX = 16 * 1024 * 1024
const SELECTOR_BYTES = 4
const HASH_BYTES = 32

const malformed = (what: string): AppError => new AppError('SDK_INK_METADATA_MALFORMED', { what })

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value)

const object = (value: unknown, what: string): Json => {
  if (!isObject(value)) throw malformed(`${what} is missing`)
  return value
}

const list = (value: unknown, what: string): readonly unknown[] => {
  if (!Array.isArray(value)) throw malformed(`${what} is no list`)
  return value
}

const text = (value: unknown, what: string): string => {
  if (typeof value !== 'string') throw malformed(`${what} is no text`)
  return value
}

const typeNumber = (value: unknown, what: string): number => {
  const { type } = object(value, what)
  if (typeof type !== 'number' || !Number.isInteger(type) || type < 0) throw malformed(`${what} has no type`)
  return type
}

const hex = (value: unknown, what: string, length?: number): Uint8Array => {
  try {
    const bytes = parseHex(text(value, what))
    if (length === undefined || bytes.length === length) return bytes
  } catch (error) {
    if (!isAppError(error)) throw error
  }
  throw malformed(`${what} is no hex${length === undefined ? '' : ` of ${length} bytes`}`)
}

const argument = (value: unknown, what: string): InkArgument => {
  const { label, type } = object(value, what)
  return { label: text(label, what), type: typeNumber(type, what) }
}

const entry = (value: unknown): InkEntry => {
  const { label: name, selector, args, returnType, mutates, payable, default: isDefault, docs } = object(value, 'an entry')
  const label = text(name, 'a label')
  return {
    label, selector: hex(selector, `the selector of ${label}`, SELECTOR_BYTES), args: list(args, `args of ${label}`).map((one) => argument(one, `an argument of ${label}`)),
    returnType: returnType === null || returnType === undefined ? undefined : typeNumber(returnType, `the answer of ${label}`),
    mutates: mutates === true, payable: payable === true, isDefault: isDefault === true,
    docs: Array.isArray(docs) ? docs.filter((line): line is string => typeof line === 'string') : [],
  }
}

const event = (value: unknown): InkEvent => {
  const { label: name, args, signature_topic: topic } = object(value, 'an event')
  const label = text(name, 'a label')
  return {
    label, topic: typeof topic === 'string' ? hex(topic, `the topic of ${label}`, HASH_BYTES) : undefined,
    args: list(args, `args of ${label}`).map((one) => ({ ...argument(one, `a field of ${label}`), isIndexed: object(one, label)['indexed'] === true })),
  }
}

const types = (value: unknown): readonly JsonType[] =>
  list(value, 'types').map((one, place) => {
    const { id, type } = object(one, 'a type')
    if (id !== place) throw malformed('types are not numbered in order')
    object(object(type, 'a type')['def'], 'a type definition')
    return one as JsonType
  })

const parseText = (json: string): unknown => {
  if (json.length > TEXT_MAX) throw malformed(`it is longer than ${TEXT_MAX} characters`)
  try {
    return JSON.parse(json)
  } catch {
    throw malformed('it is no JSON')
  }
}

/**
 * Reads metadata or a bundle: JSON as text, as bytes, or parsed already.
 * @throws SDK_INK_METADATA_MALFORMED
 */
export const parseInkMetadata = (file: unknown): InkContract => {
  const parsed = file instanceof Uint8Array ? parseText(parseUtf8(file)) : typeof file === 'string' ? parseText(file) : file
  const { version, spec, contract, source, types: listed } = object(parsed, 'the metadata')
  const number = Number(version)
  if (number !== 4 && number !== 5) throw malformed(`its version is ${String(version)}, not 4 or 5`)
  const { constructors, messages, events } = object(spec, 'spec')
  const { hash, wasm, contract_binary: binary } = isObject(source) ? source : {}
  const code = wasm ?? binary
  return {
    version: number, name: text(object(contract, 'contract')['name'], 'the name'),
    constructors: list(constructors, 'constructors').map(entry), messages: list(messages, 'messages').map(entry), events: list(events ?? [], 'events').map(event),
    types: types(listed), codeHash: hash === undefined || hash === null ? undefined : hex(hash, 'the code hash', HASH_BYTES),
    code: code === undefined || code === null ? undefined : hex(code, 'the code'),
  }
}
