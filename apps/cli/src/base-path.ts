/**
 * Owns a process's folder: its format file `phalanx.json`, the lock that keeps a second process out, and the errors of disks.
 * What node and worker keep inside is theirs.
 */
import { existsSync, mkdirSync, mkdtempSync, openSync, closeSync, fsyncSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { AppError } from '@phalanx/primitives/errors'
import './errors.ts'

/** Format of folders that this version writes. */
const BASE_PATH_FORMAT = 1
const FORMAT_FILE = 'phalanx.json'
const LOCK_FILE = 'phalanx.lock'
/** What other programs leave in any folder. */
const IGNORED = new Set(['.DS_Store', 'lost+found', LOCK_FILE])

/** Whose folder it is. */
export type BasePathKind = 'dev' | 'node' | 'worker'

/** An open folder. */
export interface BasePath {
  readonly path: string
  /** Whether it was empty before. */
  readonly isNew: boolean
  /** A subfolder, made when missing. */
  folder(...names: readonly string[]): string
  /** Releases the lock; removes the folder where it was temporary. */
  close(): void
}

/** Turns errors of the file system into ours. Others pass unchanged. */
export const explainDiskError = (error: unknown, path: string): unknown => {
  const code = (error as { code?: unknown } | null)?.code
  if (code === 'ENOSPC' || code === 'EDQUOT') return new AppError('CLI_DISK_FULL', { path }, { cause: error })
  const reasons: Readonly<Record<string, string>> = {
    EACCES: 'no permission', EPERM: 'no permission', EROFS: 'the disk is read-only', ENOTDIR: 'a part of the path is a file', EEXIST: 'it is a file', ENOENT: 'it cannot be made there', EISDIR: 'it is a folder',
  }
  const reason = typeof code === 'string' ? reasons[code] : undefined
  return reason === undefined ? error : new AppError('CLI_BASE_PATH_UNUSABLE', { path, reason }, { cause: error })
}

/** Makes a folder and its parents, one at a time: Node's own recursive form never returns where a file system refuses with ENOENT (/proc). */
const makeFolder = (path: string): void => {
  if (existsSync(path)) return
  const parent = dirname(path)
  if (parent !== path) makeFolder(parent)
  try {
    mkdirSync(path, { mode: 0o700 })
  } catch (error) {
    // Somebody else made it meanwhile; a file in its place shows when it is used.
    if ((error as { code?: unknown }).code !== 'EEXIST') throw error
  }
}

/** Start time of a process as the kernel counts it, so that a reused process id is not taken for the old one. Linux only. */
const startTimeOf = (pid: number): string | undefined => {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ')[19]
  } catch {
    return undefined
  }
}

const isAlive = (pid: number, startTime: string | undefined): boolean => {
  try {
    process.kill(pid, 0)
  } catch (error) {
    return (error as { code?: unknown }).code === 'EPERM'
  }
  const now = startTimeOf(pid)
  return startTime === undefined || now === undefined || now === startTime
}

const takeLock = (path: string): void => {
  const file = join(path, LOCK_FILE)
  const mine = JSON.stringify({ pid: process.pid, startTime: startTimeOf(process.pid) })
  for (let attempt = 0; ; attempt++) {
    try {
      writeFileSync(file, mine, { flag: 'wx' })
      return
    } catch (error) {
      if ((error as { code?: unknown }).code !== 'EEXIST' || attempt === 8) throw error
    }
    const holder = readHolder(file)
    if (holder !== undefined && isAlive(holder.pid, holder.startTime)) throw new AppError('CLI_BASE_PATH_IN_USE', { path, pid: holder.pid })
    // Its process is gone. Renaming first makes sure that only one of several starters removes it.
    const stale = `${file}.${process.pid}.stale`
    try {
      renameSync(file, stale)
      rmSync(stale, { force: true })
    } catch {
      // Another starter was faster.
    }
  }
}

const readHolder = (file: string): { readonly pid: number; readonly startTime: string | undefined } | undefined => {
  try {
    const { pid, startTime } = JSON.parse(readFileSync(file, 'utf8')) as { pid?: unknown; startTime?: unknown }
    return typeof pid === 'number' ? { pid, startTime: typeof startTime === 'string' ? startTime : undefined } : undefined
  } catch {
    return undefined
  }
}

const writeFormat = (path: string, kind: BasePathKind): void => {
  const temporary = join(path, `${FORMAT_FILE}.tmp`)
  const file = openSync(temporary, 'w', 0o600)
  writeSync(file, `${JSON.stringify({ format: BASE_PATH_FORMAT, kind }, undefined, 2)}\n`)
  fsyncSync(file)
  closeSync(file)
  renameSync(temporary, join(path, FORMAT_FILE))
}

/** Checks the format file; true when the folder was empty. */
const checkFormat = (path: string, kind: BasePathKind): boolean => {
  const names = readdirSync(path).filter((name) => !IGNORED.has(name) && name !== `${FORMAT_FILE}.tmp`)
  if (names.length === 0) return true
  if (!names.includes(FORMAT_FILE)) throw new AppError('CLI_BASE_PATH_FOREIGN', { path, found: names.slice(0, 3).join(', ') })
  let content: { format?: unknown; kind?: unknown }
  try {
    content = JSON.parse(readFileSync(join(path, FORMAT_FILE), 'utf8')) as { format?: unknown; kind?: unknown }
  } catch (cause) {
    throw new AppError('CLI_BASE_PATH_MALFORMED', { path, file: FORMAT_FILE, reason: cause instanceof Error ? cause.message : 'not JSON' }, { cause })
  }
  const { format } = content
  if (typeof format !== 'number' || !Number.isInteger(format) || format < 1) throw new AppError('CLI_BASE_PATH_MALFORMED', { path, file: FORMAT_FILE, reason: 'it names no format' })
  if (format > BASE_PATH_FORMAT) throw new AppError('CLI_BASE_PATH_VERSION', { path, format, known: BASE_PATH_FORMAT })
  if (content.kind !== kind) throw new AppError('CLI_BASE_PATH_FOREIGN', { path, found: `the data of phalanx ${String(content.kind)}` })
  return false
}

/**
 * Opens a folder for one process; without a path a fresh temporary one that is removed at the end.
 * @throws CLI_BASE_PATH_ codes, CLI_DISK_FULL
 */
export const openBasePath = (options: { readonly path: string | undefined; readonly kind: BasePathKind }): BasePath => {
  const isTemporary = options.path === undefined
  let path = options.path === undefined ? tmpdir() : resolve(options.path)
  let isLocked = false
  const release = (): void => {
    if (isTemporary) rmSync(path, { recursive: true, force: true, maxRetries: 3 })
    else rmSync(join(path, LOCK_FILE), { force: true })
  }
  try {
    if (isTemporary) path = mkdtempSync(join(tmpdir(), 'phalanx-'))
    else makeFolder(path)
    takeLock(path)
    isLocked = true
    const isNew = checkFormat(path, options.kind)
    if (isNew) writeFormat(path, options.kind)
    return {
      path, isNew,
      folder(...names) {
        const folder = join(path, ...names)
        makeFolder(folder)
        return folder
      },
      close: release,
    }
  } catch (error) {
    if (isLocked) release()
    throw explainDiskError(error, path)
  }
}
