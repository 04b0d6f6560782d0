/** Owns how secrets reach a command: from files, standard input or a terminal, never echoed; and how they are written: for the owner alone. */
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, statSync, writeSync } from 'node:fs'
import { Secret } from '@phalanx/primitives/crypto'
import { AppError } from '@phalanx/primitives/errors'
import { explainDiskError } from './base-path.ts'
import './errors.ts'
import type { CliIo } from './output.ts'

/** Longest secret read: a phrase with a long path, or a passphrase. */
const SECRET_BYTES_MAX = 16 * 1024

/** All of standard input. @throws CLI_SECRET_MISSING when it is empty */
const readStdin = async (io: CliIo, what: string): Promise<string> => {
  const parts: Buffer[] = []
  let size = 0
  for await (const part of io.stdin) {
    const bytes = Buffer.from(part as Uint8Array)
    size += bytes.length
    if (size > SECRET_BYTES_MAX) throw new AppError('CLI_FILE_UNREADABLE', { path: '-', reason: `it is longer than ${SECRET_BYTES_MAX} bytes` })
    parts.push(bytes)
  }
  const text = Buffer.concat(parts).toString('utf8').trim()
  if (text === '') throw new AppError('CLI_SECRET_MISSING', { what })
  return text
}

/** Content of a small file. @throws CLI_FILE_UNREADABLE */
export const readSmallFile = (path: string, maxBytes = SECRET_BYTES_MAX): Uint8Array => {
  try {
    const { size } = statSync(path)
    if (size > maxBytes) throw new AppError('CLI_FILE_UNREADABLE', { path, reason: `it is longer than ${maxBytes} bytes` })
    return new Uint8Array(readFileSync(path))
  } catch (cause) {
    if (cause instanceof AppError) throw cause
    throw new AppError('CLI_FILE_UNREADABLE', { path, reason: (cause as { code?: string }).code ?? 'unreadable' }, { cause })
  }
}

/** First line of a file that is not empty and no comment, or of standard input for `-`. */
export const readSecret = async (io: CliIo, path: string, what: string): Promise<Secret<string>> => {
  const text = path === '-' ? await readStdin(io, what) : Buffer.from(readSmallFile(path)).toString('utf8')
  const line = text.split('\n').map((each) => each.trim()).find((each) => each !== '' && !each.startsWith('#'))
  if (line === undefined) throw new AppError('CLI_SECRET_MISSING', { what })
  return new Secret(line)
}

/** A secret URI given as itself (`//Alice`, `0x…`, a phrase), as `-` for standard input, or as a file that holds it. */
export const readSigner = async (io: CliIo, value: string): Promise<Secret<string>> => {
  const looksLikeSuri = value.startsWith('//') || /^0x[0-9a-fA-F]{64}/.test(value) || /^[a-z]+( [a-z]+){11,}/.test(value)
  if (looksLikeSuri && !existsSync(value)) return new Secret(value)
  return readSecret(io, value, 'secret URI')
}

/** A passphrase from a file, standard input or a prompt. @throws CLI_SECRET_MISSING, CLI_PASSPHRASE_WEAK */
export const readPassphrase = async (io: CliIo, options: { readonly file: string | undefined; readonly confirm: boolean; readonly min: number }): Promise<Secret<string>> => {
  const secret = options.file === undefined ? await promptPassphrase(io, options.confirm) : await readSecret(io, options.file, 'passphrase')
  const { length } = secret.reveal()
  if (length < options.min) throw new AppError('CLI_PASSPHRASE_WEAK', { length, min: options.min })
  return secret
}

const promptPassphrase = async (io: CliIo, confirm: boolean): Promise<Secret<string>> => {
  if (io.stdin.isTTY !== true) throw new AppError('CLI_SECRET_MISSING', { what: 'passphrase' })
  const { password, isCancel } = await import('@clack/prompts')
  const first = await password({ message: 'Passphrase' })
  if (isCancel(first)) throw new AppError('CLI_INTERRUPTED', {})
  if (!confirm) return new Secret(first)
  const second = await password({ message: 'The same again', validate: (value) => (value === first ? undefined : 'That is another one.') })
  if (isCancel(second)) throw new AppError('CLI_INTERRUPTED', {})
  return new Secret(first)
}

/** Writes a new file that only the owner may read, on disk when it returns. @throws CLI_FILE_EXISTS, CLI_FILE_UNWRITABLE, CLI_DISK_FULL */
export const writePrivateFile = (path: string, content: string | Uint8Array): void => {
  try {
    const file = openSync(path, 'wx', 0o600)
    try {
      const bytes = typeof content === 'string' ? Buffer.from(content) : content
      for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at)
      fsyncSync(file)
    } finally {
      closeSync(file)
    }
  } catch (cause) {
    const code = (cause as { code?: string }).code
    if (code === 'EEXIST') throw new AppError('CLI_FILE_EXISTS', { path }, { cause })
    const explained = explainDiskError(cause, path)
    if (explained instanceof AppError && explained.code === 'CLI_DISK_FULL') throw explained
    throw new AppError('CLI_FILE_UNWRITABLE', { path, reason: code ?? 'unwritable' }, { cause })
  }
}
