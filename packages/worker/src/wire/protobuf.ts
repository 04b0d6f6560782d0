/**
 * Owns protobuf bytes of the messages described in api/. Strict where proto3 leaves room: wire types must fit, numbers must be in range,
 * text must be UTF-8. Unknown fields are skipped, as the format requires. The only door to the protobuf library.
 */
import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire'
import { AppError, isAppError } from '@phalanx/primitives/errors'
import type { Field, MessageSchema, ScalarType } from '../api/schema.ts'
import { defaultOf } from './defaults.ts'

/** Deepest nesting of messages; the schemas need three levels. */
const DEPTH_MAX = 8
const U32_MAX = 0xffff_ffffn

const WIRE_TYPES: Readonly<Record<ScalarType, WireType>> = {
  bool: WireType.Varint,
  uint32: WireType.Varint,
  uint64: WireType.Varint,
  string: WireType.LengthDelimited,
  bytes: WireType.LengthDelimited,
}

const wireTypeOf = (field: Field<unknown>): WireType => (typeof field.type === 'string' ? WIRE_TYPES[field.type] : WireType.LengthDelimited)

const malformed = (type: string, reason: string, cause?: unknown): AppError =>
  new AppError('WIRE_PROTOBUF_MALFORMED', { type, reason }, cause === undefined ? {} : { cause })

const writeValue = (out: BinaryWriter, field: Field<unknown>, value: unknown): void => {
  out.tag(field.tag, wireTypeOf(field))
  if (typeof field.type !== 'string') {
    out.bytes(encodeMessage(field.type, value))
    return
  }
  switch (field.type) {
    case 'bool': out.bool(value as boolean); return
    case 'uint32': out.uint32(value as number); return
    case 'uint64': out.uint64(value as bigint); return
    case 'string': out.string(value as string); return
    case 'bytes': out.bytes(value as Uint8Array); return
  }
}

const isDefault = (value: unknown): boolean =>
  value === undefined || value === false || value === 0 || value === 0n || value === '' || (value instanceof Uint8Array && value.length === 0)

/** Protobuf bytes of a message, fields in ascending declaration order, proto3 defaults left out. */
export const encodeMessage = <T>(schema: MessageSchema<T>, value: T): Uint8Array => {
  const out = new BinaryWriter()
  for (const [name, field] of Object.entries(schema.fields)) {
    const content = (value as Record<string, unknown>)[name]
    if (field.rule === 'repeated') for (const element of (content ?? []) as unknown[]) writeValue(out, field, element)
    else if (field.rule === 'optional' ? content !== undefined : !isDefault(content)) writeValue(out, field, content)
  }
  return out.finish()
}

const readVarint = (input: BinaryReader, max: bigint, type: string): bigint => {
  const value = BigInt(input.uint64())
  if (value > max) throw malformed(type, 'a number is out of range')
  return value
}

const readValue = (input: BinaryReader, field: Field<unknown>, type: string, depth: number): unknown => {
  if (typeof field.type !== 'string') return decodeAt(field.type, input.bytes(), depth + 1)
  switch (field.type) {
    case 'bool': return readVarint(input, 1n, type) === 1n
    case 'uint32': return Number(readVarint(input, U32_MAX, type))
    case 'uint64': return readVarint(input, (1n << 64n) - 1n, type)
    case 'string': return input.string(true)
    case 'bytes': return input.bytes().slice()
  }
}

const readPacked = (input: BinaryReader, field: Field<unknown>, type: string, into: unknown[]): void => {
  const inner = new BinaryReader(input.bytes())
  while (inner.pos < inner.len) into.push(readValue(inner, field, type, 0))
}

const decodeAt = (schema: MessageSchema<unknown>, body: Uint8Array, depth: number): Record<string, unknown> => {
  if (depth > DEPTH_MAX) throw malformed(schema.name, 'it is nested too deeply')
  const byTag = new Map<number, readonly [string, Field<unknown>]>()
  const out: Record<string, unknown> = {}
  for (const [name, field] of Object.entries(schema.fields)) {
    byTag.set(field.tag, [name, field])
    if (field.rule !== 'optional') out[name] = defaultOf(field)
  }
  const input = new BinaryReader(body)
  while (input.pos < input.len) {
    const [tag, wireType] = input.tag()
    const found = byTag.get(tag)
    if (found === undefined) {
      input.skip(wireType, tag)
      continue
    }
    const [name, field] = found
    const packable = field.rule === 'repeated' && wireTypeOf(field) === WireType.Varint
    if (packable && wireType === WireType.LengthDelimited) {
      readPacked(input, field, schema.name, out[name] as unknown[])
      continue
    }
    if (wireType !== wireTypeOf(field)) throw malformed(schema.name, `field ${tag} has another type`)
    const value = readValue(input, field, schema.name, depth)
    if (field.rule === 'repeated') (out[name] as unknown[]).push(value)
    else out[name] = value
  }
  if (input.pos !== input.len) throw malformed(schema.name, 'it ends inside a field')
  return out
}

/** Message of protobuf bytes. @throws WIRE_PROTOBUF_MALFORMED */
export const decodeMessage = <T>(schema: MessageSchema<T>, body: Uint8Array): T => {
  try {
    return decodeAt(schema, body, 0) as T
  } catch (error) {
    if (isAppError(error)) throw error
    throw malformed(schema.name, error instanceof Error ? error.message : 'it cannot be read', error)
  }
}
