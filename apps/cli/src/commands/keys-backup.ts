/** Owns `phalanx keys backup` and `phalanx keys restore`: which files go in, and that nothing is ever overwritten. */
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs'
import { dirname, join, normalize, relative, resolve, sep } from 'node:path'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { AppError } from '@phalanx/primitives/errors'
import { openBasePath } from '../base-path.ts'
import { BACKUP_BYTES_MAX, openBackup, sealBackup, type BackupContent } from '../backup.ts'
import { printLine, toJson, type CliIo } from '../output.ts'
import type { Runner } from '../program.ts'
import { readPassphrase, readSmallFile, writePrivateFile } from '../secrets.ts'

const PASSPHRASE_MIN = 8

interface BackupOptions {
  readonly out?: string
  readonly key?: string
  readonly basePath?: string
  readonly passphraseFile?: string
  readonly check?: boolean
  readonly json: boolean
}

const listFiles = (folder: string): readonly string[] =>
  readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    return entry.isDirectory() ? listFiles(path) : entry.isFile() ? [path] : []
  })

/** A worker's folder, read while its lock is held: a running worker would change it under our hands. */
const collectFolder = (folder: string): BackupContent['files'] => {
  if (!existsSync(folder)) throw new AppError('CLI_FILE_UNREADABLE', { path: folder, reason: 'it does not exist' })
  const base = openBasePath({ path: folder, kind: 'worker' })
  try {
    return listFiles(base.path)
      .filter((path) => !path.endsWith('.lock') && !path.endsWith('.stale'))
      .map((path) => ({ path: relative(base.path, path).split(sep).join('/'), mode: statSync(path).mode & 0o777, content: new Uint8Array(readFileSync(path)) }))
      .sort((a, b) => (a.path < b.path ? -1 : 1))
  } finally {
    base.close()
  }
}

const report = (io: CliIo, fields: Readonly<Record<string, unknown>>, isJson: boolean, sentence: string): void =>
  printLine(io.stdout, isJson ? toJson(fields) : sentence)

/** Writes an encrypted backup. */
export const runBackup: Runner = async (io, _positional, options) => {
  const { out = '', key, basePath, passphraseFile, json } = options as unknown as BackupOptions
  if (key === undefined && basePath === undefined) throw new AppError('CLI_USAGE', { problem: 'Nothing to back up: give --key, --base-path or both', command: 'phalanx keys backup' })
  if (existsSync(out)) throw new AppError('CLI_FILE_EXISTS', { path: out })
  const content: BackupContent = { key: key === undefined ? undefined : readSmallFile(key), files: basePath === undefined ? [] : collectFolder(basePath) }
  const passphrase = await readPassphrase(io, { file: passphraseFile, confirm: true, min: PASSPHRASE_MIN })
  const crypto = await loadCrypto()
  const sealed = sealBackup(crypto, content, passphrase)
  // What cannot be opened again is no backup.
  openBackup(crypto, { bytes: new TextEncoder().encode(sealed), path: out }, passphrase)
  writePrivateFile(out, sealed)
  report(io, { event: 'backup', file: out, key: key !== undefined, files: content.files.length }, json,
    `${out}: ${key === undefined ? '' : 'key and '}${content.files.length} files, encrypted and read back. Keep the passphrase elsewhere.`)
  return 0
}

/** A path inside the folder. @throws CLI_BACKUP_MALFORMED for one that leads out */
const insidePath = (folder: string, path: string, backup: string): string => {
  const target = normalize(join(folder, path))
  if (path === '' || path.startsWith('/') || !target.startsWith(folder + sep)) throw new AppError('CLI_BACKUP_MALFORMED', { path: backup, reason: `it holds the path ${path}` })
  return target
}

/** Everything goes into a folder beside the target, which takes its name when complete. */
const restoreFolder = (target: string, files: BackupContent['files'], backup: string): void => {
  const final = resolve(target)
  if (existsSync(final) && readdirSync(final).length > 0) throw new AppError('CLI_FILE_EXISTS', { path: final })
  const staging = `${final}.restoring-${process.pid}`
  try {
    mkdirSync(staging, { recursive: true, mode: 0o700 })
    for (const { path, mode, content } of files) {
      const file = insidePath(staging, path, backup)
      mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
      writePrivateFile(file, content)
      chmodSync(file, mode & 0o700)
    }
    rmSync(final, { recursive: true, force: true })
    renameSync(staging, final)
  } catch (error) {
    rmSync(staging, { recursive: true, force: true })
    throw error
  }
}

/** Opens a backup and writes back what was asked for. */
export const runRestore: Runner = async (io, [file = ''], options) => {
  const { key, basePath, passphraseFile, check = false, json } = options as unknown as BackupOptions
  if (!check && key === undefined && basePath === undefined) throw new AppError('CLI_USAGE', { problem: 'Nothing to restore: give --key, --base-path or --check', command: 'phalanx keys restore' })
  if (key !== undefined && existsSync(key)) throw new AppError('CLI_FILE_EXISTS', { path: key })
  const bytes = readSmallFile(file, 2 * BACKUP_BYTES_MAX)
  const passphrase = await readPassphrase(io, { file: passphraseFile, confirm: false, min: 1 })
  const content = openBackup(await loadCrypto(), { bytes, path: file }, passphrase)
  if (key !== undefined && content.key === undefined) throw new AppError('CLI_BACKUP_MALFORMED', { path: file, reason: 'it holds no key' })
  if (basePath !== undefined && content.files.length === 0) throw new AppError('CLI_BACKUP_MALFORMED', { path: file, reason: 'it holds no folder' })
  for (const { path } of content.files) insidePath(resolve('.'), path, file)
  if (basePath !== undefined && !check) restoreFolder(basePath, content.files, file)
  if (key !== undefined && content.key !== undefined && !check) writePrivateFile(key, content.key)
  report(io, { event: check ? 'checked' : 'restored', file, key: content.key !== undefined, files: content.files.length }, json,
    `${file}: ${content.key === undefined ? '' : 'key and '}${content.files.length} files, ${check ? 'readable' : 'restored'}.`)
  return 0
}
