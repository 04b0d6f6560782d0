/** Owns writing ordinary files: what cannot be written has a code. Files that only their owner may read are secrets.ts. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { AppError } from '@phalanx/primitives/errors'
import './errors.ts'

/** Writes a file and the folders above it; `isNew` refuses to overwrite. @throws CLI_FILE_EXISTS, CLI_FILE_UNWRITABLE */
export const writeTextFile = (path: string, text: string, { isNew = false }: { readonly isNew?: boolean } = {}): void => {
  try {
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, text, { flag: isNew ? 'wx' : 'w' })
  } catch (cause) {
    const code = (cause as { readonly code?: string }).code ?? 'unwritable'
    if (code === 'EEXIST' && isNew) throw new AppError('CLI_FILE_EXISTS', { path }, { cause })
    throw new AppError('CLI_FILE_UNWRITABLE', { path, reason: code }, { cause })
  }
}
