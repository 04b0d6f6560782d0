/**
 * Owns the look at LevelDB's files before they are opened. LevelDB repairs silently: a damaged write-ahead log loses its records and
 * is deleted, and a committed block with it. So every checksum that recovery would rely on is checked first, and damage is reported
 * with the file's name. Nothing is ever written here. Formats: LevelDB's doc/log_format.md and doc/table_format.md.
 */
import { open, readFile, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError } from '@phalanx/primitives/errors'
import '../errors.ts'
import { crc32c, unmaskCrc } from './crc32c.ts'

const LOG_BLOCK_BYTES = 32 * 1024
const LOG_HEADER_BYTES = 7
const FOOTER_BYTES = 48
const TABLE_MAGIC = 0xdb4775248b80fb57n
const TRAILER_BYTES = 5
/** A file whose last bytes are zero lost power while it grew. */
const ZERO_TAIL_BYTES = 64
/** Data blocks checked at start, newest tables first; what lies beyond is guarded by the checksum of each record when it is read. */
const TABLE_BYTES_CHECKED = 64 * 1024 * 1024

const corrupt = (file: string, reason: string): AppError => new AppError('STORAGE_CORRUPT', { file, reason })

/** Reads unsigned varints and length-prefixed strings of LevelDB's own records. */
class VarReader {
  private readonly bytes: Uint8Array
  at = 0
  constructor(bytes: Uint8Array) {
    this.bytes = bytes
  }
  get done(): boolean {
    return this.at >= this.bytes.length
  }
  varint(): number {
    let value = 0
    for (let scale = 1; ; scale *= 128) {
      const byte = this.bytes[this.at++]
      if (byte === undefined || scale > 2 ** 56) throw corrupt('a record', 'a number is cut short or too long')
      value += (byte & 127) * scale
      if (byte < 128) return value
    }
  }
  skip(length: number): void {
    this.at += length
    if (this.at > this.bytes.length) throw corrupt('a record', 'a length reaches past its end')
  }
  skipString(): void {
    this.skip(this.varint())
  }
}

const isZero = (bytes: Uint8Array): boolean => bytes.every((byte) => byte === 0)

/** Where reading a log stopped understanding it. */
interface Damage {
  readonly at: number
  /** Whether the record, as long as it says it is, lies within the file. */
  readonly whole: boolean
}

/** Whether a whole record with a right checksum begins anywhere from `from` on. */
const hasRecordWithin = (bytes: Uint8Array, from: number): boolean => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  for (let at = from; at + LOG_HEADER_BYTES < bytes.length; at++) {
    const kind = bytes[at + 6] as number
    const length = view.getUint16(at + 4, true)
    const end = at + LOG_HEADER_BYTES + length
    if (kind < 1 || kind > 4 || length === 0 || end > bytes.length) continue
    if (unmaskCrc(view.getUint32(at, true)) === crc32c(bytes, at + 6, end)) return true
  }
  return false
}

/**
 * Records of a log file. What a crash leaves behind ends the log quietly: a record cut short, or zeros. A record with a wrong checksum
 * that is there in full, or has valid records after it, was damaged later.
 * @throws STORAGE_CORRUPT
 */
export const readLog = (file: string, bytes: Uint8Array): readonly Uint8Array[] => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const records: Uint8Array[] = []
  let parts: Uint8Array[] = []
  let damage: Damage | undefined
  const refuse = (found: Damage): never => {
    throw corrupt(file, `the record at byte ${found.at} has a wrong checksum`)
  }
  for (let at = 0; at + LOG_HEADER_BYTES <= bytes.length; ) {
    const leftInBlock = LOG_BLOCK_BYTES - (at % LOG_BLOCK_BYTES)
    if (leftInBlock < LOG_HEADER_BYTES) {
      at += leftInBlock
      continue
    }
    const end = at + LOG_HEADER_BYTES + view.getUint16(at + 4, true)
    const fitsBlock = end - at <= leftInBlock
    if (fitsBlock && end > bytes.length) {
      // Cut short, or a length that was damaged: then whole records follow.
      if (hasRecordWithin(bytes, at + 1)) refuse({ at, whole: true })
      break
    }
    if (!fitsBlock || unmaskCrc(view.getUint32(at, true)) !== crc32c(bytes, at + 6, end)) {
      if (isZero(bytes.subarray(at))) break
      damage ??= { at, whole: fitsBlock && !isZero(bytes.subarray(Math.max(at, bytes.length - ZERO_TAIL_BYTES))) }
      parts = []
      at += leftInBlock
      continue
    }
    if (damage !== undefined) refuse(damage)
    const kind = bytes[at + 6]
    const payload = bytes.subarray(at + LOG_HEADER_BYTES, end)
    if (kind === 1 || kind === 2) parts = []
    parts.push(payload)
    if (kind === 1 || kind === 4) records.push(parts.length === 1 ? payload : Buffer.concat(parts))
    at = end
  }
  if (damage?.whole === true) refuse(damage)
  return records
}

interface LiveFiles {
  readonly tables: ReadonlyMap<number, number>
  readonly logNumber: number
}

/** Tables and log that a manifest names. @throws STORAGE_CORRUPT */
export const readManifest = (file: string, bytes: Uint8Array): LiveFiles => {
  const tables = new Map<number, number>()
  let logNumber = 0
  const records = readLog(file, bytes)
  if (records.length === 0) throw corrupt(file, 'it holds no record')
  for (const record of records) {
    try {
      logNumber = readEdit(new VarReader(record), tables) ?? logNumber
    } catch (cause) {
      throw new AppError('STORAGE_CORRUPT', { file, reason: 'a record does not decode' }, { cause })
    }
  }
  return { tables, logNumber }
}

/** Applies one version edit; the result is its log number where it names one. */
const readEdit = (edit: VarReader, tables: Map<number, number>): number | undefined => {
  let logNumber: number | undefined
  while (!edit.done) {
    const tag = edit.varint()
    if (tag === 1) edit.skipString()
    else if (tag === 2) logNumber = edit.varint()
    else if (tag === 3 || tag === 4 || tag === 9) edit.varint()
    else if (tag === 5) {
      edit.varint()
      edit.skipString()
    } else if (tag === 6) {
      edit.varint()
      tables.delete(edit.varint())
    } else if (tag === 7) {
      edit.varint()
      const number = edit.varint()
      tables.set(number, edit.varint())
      edit.skipString()
      edit.skipString()
    } else throw corrupt('a record', `there is no field ${tag}`)
  }
  return logNumber
}

const fileName = (number: number, extension: string): string => `${String(number).padStart(6, '0')}.${extension}`

const checkBlock = (file: string, bytes: Uint8Array, handle: { readonly offset: number; readonly size: number }): Uint8Array => {
  const { offset, size } = handle
  const end = offset + size + 1
  if (end + 4 > bytes.length) throw corrupt(file, 'a block lies outside the file')
  const stored = unmaskCrc(new DataView(bytes.buffer, bytes.byteOffset + end, 4).getUint32(0, true))
  if (stored !== crc32c(bytes, offset, end)) throw corrupt(file, `the block at byte ${offset} has a wrong checksum`)
  return bytes.subarray(offset, offset + size)
}

/** Handles that the entries of an (uncompressed) index block hold. */
const indexHandles = (index: Uint8Array): { offset: number; size: number }[] => {
  const restarts = new DataView(index.buffer, index.byteOffset + index.length - 4, 4).getUint32(0, true)
  const entries = new VarReader(index.subarray(0, index.length - 4 - 4 * restarts))
  const handles: { offset: number; size: number }[] = []
  while (!entries.done) {
    entries.varint()
    const keyTail = entries.varint()
    const valueLength = entries.varint()
    entries.skip(keyTail)
    const end = entries.at + valueLength
    handles.push({ offset: entries.varint(), size: entries.varint() })
    entries.at = end
  }
  return handles
}

const checkTable = async (file: string, size: number): Promise<void> => {
  const bytes = await readFile(file)
  if (bytes.length !== size) throw corrupt(file, `it has ${bytes.length} bytes where ${size} were written`)
  if (bytes.length < FOOTER_BYTES || bytes.readBigUInt64LE(bytes.length - 8) !== TABLE_MAGIC) throw corrupt(file, 'its footer is wrong')
  try {
    const tail = bytes.subarray(bytes.length - FOOTER_BYTES)
    const footer = new VarReader(tail)
    const metaIndex = { offset: footer.varint(), size: footer.varint() }
    const handle = { offset: footer.varint(), size: footer.varint() }
    if (!isZero(tail.subarray(footer.at, FOOTER_BYTES - 8))) throw corrupt(file, 'its footer is wrong')
    checkBlock(file, bytes, metaIndex)
    const index = checkBlock(file, bytes, handle)
    if (bytes[handle.offset + handle.size] !== 0) return
    for (const block of indexHandles(index)) checkBlock(file, bytes, block)
  } catch (error) {
    if (error instanceof AppError) throw error
    throw new AppError('STORAGE_CORRUPT', { file, reason: 'its index does not decode' }, { cause: error })
  }
}

/** Size and footer only. */
const checkTableShape = async (file: string, size: number): Promise<void> => {
  const handle = await open(file)
  try {
    const found = await handle.stat()
    if (found.size !== size) throw corrupt(file, `it has ${found.size} bytes where ${size} were written`)
    const magic = new Uint8Array(8)
    await handle.read(magic, 0, 8, Math.max(0, size - 8))
    if (size < FOOTER_BYTES || new DataView(magic.buffer).getBigUint64(0, true) !== TABLE_MAGIC) throw corrupt(file, 'its footer is wrong')
  } finally {
    await handle.close()
  }
}

const existing = async (file: string): Promise<number | undefined> => {
  try {
    return (await stat(file)).size
  } catch {
    return undefined
  }
}

/**
 * Checks the files that opening the database relies on. A folder without a database passes.
 * @throws STORAGE_CORRUPT naming the file
 */
export const checkDatabaseFiles = async (folder: string): Promise<void> => {
  const names = await readdir(folder).catch(() => [] as string[])
  const currentFile = join(folder, 'CURRENT')
  if (!names.includes('CURRENT')) {
    const left = names.find((name) => name.startsWith('MANIFEST-') || name.endsWith('.ldb'))
    if (left !== undefined && names.some((name) => name.endsWith('.ldb'))) throw corrupt(currentFile, 'it is missing')
    return
  }
  const current = (await readFile(currentFile, 'latin1')).trim()
  if (!/^MANIFEST-\d+$/.test(current)) throw corrupt(currentFile, 'it does not name a manifest')
  const manifestFile = join(folder, current)
  if (!names.includes(current)) throw corrupt(manifestFile, 'it is missing')
  const live = readManifest(manifestFile, await readFile(manifestFile))
  for (const name of names) {
    const number = /^(\d+)\.log$/.exec(name)?.[1]
    if (number !== undefined && Number(number) >= live.logNumber) readLog(join(folder, name), await readFile(join(folder, name)))
  }
  let budget = TABLE_BYTES_CHECKED
  for (const [number, size] of [...live.tables].sort((a, b) => b[0] - a[0])) {
    const ldb = join(folder, fileName(number, 'ldb'))
    const file = (await existing(ldb)) === undefined ? join(folder, fileName(number, 'sst')) : ldb
    if ((await existing(file)) === undefined) throw corrupt(ldb, 'it is missing')
    if (budget > 0) await checkTable(file, size)
    else await checkTableShape(file, size)
    budget -= size + TRAILER_BYTES
  }
}
