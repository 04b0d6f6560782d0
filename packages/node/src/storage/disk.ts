/** Owns the `Kv` on disk: LevelDB, opened by one process at a time, every batch synced. The only door to the database library. */
import { join } from 'node:path'
import { ClassicLevel } from 'classic-level'
import { AppError } from '@phalanx/primitives/errors'
import type { Kv, KvChange } from '@phalanx/primitives/ports'
import { checkDatabaseFiles } from './file-check.ts'
import '../errors.ts'

type Level = ClassicLevel<Uint8Array, Uint8Array>

/** Tuning of the database. */
export interface DiskOptions {
  readonly folder: string
  /** Bytes of the block cache. */
  readonly cacheBytes?: number
}

const CACHE_BYTES = 64 * 1024 * 1024
const WRITE_BUFFER_BYTES = 16 * 1024 * 1024

const codesOf = (error: unknown): readonly string[] => {
  const out: string[] = []
  for (let at: unknown = error; at instanceof Error && out.length < 8; at = at.cause) {
    const { code } = at as { code?: unknown }
    if (typeof code === 'string') out.push(code)
  }
  return out
}

const rootMessage = (error: unknown): string => {
  let at = error
  while (at instanceof Error && at.cause instanceof Error) at = at.cause
  return at instanceof Error ? at.message : String(at)
}

/** Name of the file that a LevelDB message blames, or the folder. */
const blamedFile = (folder: string, message: string): string => {
  const named = /([^\s:;]*(?:MANIFEST-\d+|CURRENT|\d{6}\.(?:ldb|log|sst)))/.exec(message)?.[1]
  if (named === undefined) return folder
  return named.includes('/') || named.includes('\\') ? named : join(folder, named)
}

const openError = (folder: string, error: unknown): AppError => {
  const codes = codesOf(error)
  const reason = rootMessage(error)
  if (codes.includes('LEVEL_LOCKED')) return new AppError('STORAGE_LOCKED', { folder }, { cause: error })
  if (codes.includes('LEVEL_CORRUPTION') || /corrupt|not an sstable|CURRENT/i.test(reason))
    return new AppError('STORAGE_CORRUPT', { file: blamedFile(folder, reason), reason }, { cause: error })
  return new AppError('STORAGE_OPEN_FAILED', { folder, reason }, { cause: error })
}

const runtimeError = (folder: string, error: unknown): AppError => {
  const codes = codesOf(error)
  const reason = rootMessage(error)
  if (codes.includes('LEVEL_DATABASE_NOT_OPEN')) return new AppError('STORAGE_CLOSED', {}, { cause: error })
  if (codes.includes('LEVEL_CORRUPTION') || /corrupt/i.test(reason))
    return new AppError('STORAGE_CORRUPT', { file: blamedFile(folder, reason), reason }, { cause: error })
  return new AppError('STORAGE_WRITE_FAILED', { reason }, { cause: error })
}

/** One batch, built call by call: a tenth of the time that the library takes for a list of operations. */
const writeBatch = async (db: Level, changes: readonly KvChange[]): Promise<void> => {
  const batch = db.batch()
  try {
    for (const { key, value } of changes) {
      if (value === undefined) batch.del(key)
      else batch.put(key, value)
    }
  } catch (error) {
    await batch.close()
    throw error
  }
  await batch.write({ sync: true })
}

const createKv = (db: Level, folder: string): Kv => ({
  get(key) {
    try {
      return db.getSync(key)
    } catch (error) {
      throw runtimeError(folder, error)
    }
  },
  async write(changes) {
    if (changes.length === 0) return
    try {
      await writeBatch(db, changes)
    } catch (error) {
      throw runtimeError(folder, error)
    }
  },
  async *range({ from, to, reverse, limit }) {
    const iterator = db.iterator({ gte: from, lt: to, reverse: reverse ?? false, limit: limit ?? -1 })
    try {
      for await (const entry of iterator) yield entry
    } catch (error) {
      throw runtimeError(folder, error)
    }
  },
  close: () => db.close(),
})

/**
 * Opens (or creates) the database of a folder. Damaged files are named and left as they are.
 * @throws STORAGE_LOCKED, STORAGE_CORRUPT, STORAGE_OPEN_FAILED
 */
export const openDisk = async (options: DiskOptions): Promise<Kv> => {
  const { folder } = options
  try {
    // The library opens by itself soon after it is constructed: look first.
    await checkDatabaseFiles(folder)
    const db: Level = new ClassicLevel(folder, {
      keyEncoding: 'view',
      valueEncoding: 'view',
      compression: false,
      cacheSize: options.cacheBytes ?? CACHE_BYTES,
      writeBufferSize: WRITE_BUFFER_BYTES,
    })
    await db.open()
    return createKv(db, folder)
  } catch (error) {
    throw error instanceof AppError ? error : openError(folder, error)
  }
}
