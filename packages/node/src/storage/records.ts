/** Owns the keys of the database and the checksum that every record carries. Does not own what the records mean (block-store.ts). */
import { crc32 } from 'node:zlib'
import { concatBytes } from '@phalanx/primitives/bytes'
import { AppError } from '@phalanx/primitives/errors'
import type { Kv } from '@phalanx/primitives/ports'
import '../errors.ts'

/** First byte of a key: the kind of record. Numbers and ids follow big-endian, so that ranges are in order. */
const TABLES = {
  meta: 0x6d,
  header: 0x68,
  body: 0x62,
  justification: 0x6a,
  messages: 0x73,
  changes: 0x63,
  stateRef: 0x72,
  dropped: 0x64,
  node: 0x74,
  numberOfHash: 0x6e,
  transaction: 0x78,
  genesisInfo: 0x67,
} as const

/** A kind of record. */
export type TableName = keyof typeof TABLES

/** Key of the one record of a table. */
export const singleKey = (table: TableName): Uint8Array => Uint8Array.of(TABLES[table])

/** Key of a record by block number. */
export const numberKey = (table: TableName, number: number): Uint8Array => {
  const key = new Uint8Array(5)
  key[0] = TABLES[table]
  new DataView(key.buffer).setUint32(1, number)
  return key
}

/** Key of a record by 64-bit id. */
export const idKey = (table: TableName, id: bigint): Uint8Array => {
  const key = new Uint8Array(9)
  key[0] = TABLES[table]
  new DataView(key.buffer).setBigUint64(1, id)
  return key
}

/** Key of a record by hash. */
export const hashKey = (table: TableName, hash: Uint8Array): Uint8Array => concatBytes(singleKey(table), hash)

const CHECKSUM_BYTES = 4

/** A record as stored: the value and a CRC-32 over key and value, little-endian. */
export const sealRecord = (key: Uint8Array, value: Uint8Array): Uint8Array => {
  const out = new Uint8Array(value.length + CHECKSUM_BYTES)
  out.set(value)
  new DataView(out.buffer).setUint32(value.length, crc32(value, crc32(key)), true)
  return out
}

const tableOf = (key: Uint8Array): string => Object.entries(TABLES).find(([, byte]) => byte === key[0])?.[0] ?? 'unknown'

/** Name of a record for messages: its table and the rest of its key in hex. */
const recordName = (key: Uint8Array): string => `${tableOf(key)}:${Buffer.from(key.subarray(1)).toString('hex')}`

/** The value of a stored record. @throws STORAGE_CORRUPT when the checksum is wrong */
export const openRecord = (key: Uint8Array, stored: Uint8Array): Uint8Array => {
  const length = stored.length - CHECKSUM_BYTES
  const value = stored.subarray(0, Math.max(0, length))
  const view = new DataView(stored.buffer, stored.byteOffset, stored.byteLength)
  if (length < 0 || view.getUint32(length, true) !== crc32(value, crc32(key)))
    throw new AppError('STORAGE_CORRUPT', { file: recordName(key), reason: 'the checksum of the record is wrong' })
  return value
}

/** Reads a record, undefined where there is none. @throws STORAGE_CORRUPT */
export const readRecord = (kv: Pick<Kv, 'get'>, key: Uint8Array): Uint8Array | undefined => {
  const stored = kv.get(key)
  return stored === undefined ? undefined : openRecord(key, stored)
}

/** Reads a record that must be there. @throws STORAGE_CORRUPT */
export const requireRecord = (kv: Pick<Kv, 'get'>, key: Uint8Array): Uint8Array => {
  const value = readRecord(kv, key)
  if (value === undefined) throw new AppError('STORAGE_CORRUPT', { file: recordName(key), reason: 'the record is missing' })
  return value
}
