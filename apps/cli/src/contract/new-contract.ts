/** Owns the project that `phalanx contract new` writes: the template's files with names and paths filled in. */
import { existsSync, mkdirSync, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs'
import { basename, join, relative, resolve } from 'node:path'
import { AppError } from '@phalanx/primitives/errors'
import '../errors.ts'
import { writeTextFile } from '../write-file.ts'

const ROOT = resolve(import.meta.dirname, '../../../..')
const TEMPLATE = join(ROOT, 'apps/cli/templates/contract')
const SUFFIX = '.template'
const NAME = /^[a-z][a-z0-9]*([-_][a-z0-9]+)*$/

/** Name that the file of a template gets: version control hides what begins with a dot, so it is named without. */
const targetName = (file: string): string => (file === 'gitignore' ? '.gitignore' : file)

/** Path with forward slashes from one folder to another. */
const pathTo = (from: string, to: string): string => (relative(from, to) || '.').replaceAll('\\', '/')

const titleOf = (name: string): string => name.charAt(0).toUpperCase() + name.slice(1).replaceAll(/[-_]/g, ' ')

/** Writes a project into a folder that does not exist or is empty; gives its files. @throws CLI_OPTION_INVALID, CLI_FILE_EXISTS, CLI_FILE_UNWRITABLE */
export const writeProject = (target: string): { readonly folder: string; readonly name: string; readonly files: readonly string[] } => {
  const folder = resolve(target)
  const name = basename(folder)
  if (!NAME.test(name)) throw new AppError('CLI_OPTION_INVALID', { option: '<name>', value: name, expected: 'a name of small letters and digits, with - or _ between words' })
  if (existsSync(folder) && (!statSync(folder).isDirectory() || readdirSync(folder).length > 0)) throw new AppError('CLI_FILE_EXISTS', { path: target })
  try {
    mkdirSync(folder, { recursive: true })
  } catch (cause) {
    throw new AppError('CLI_FILE_UNWRITABLE', { path: target, reason: (cause as { readonly code?: string }).code ?? 'unwritable' }, { cause })
  }
  const root = pathTo(realpathSync(folder), ROOT)
  const values: Readonly<Record<string, string>> = { name: name.replaceAll('-', '_'), title: titleOf(name), root, phalanx: `${root}/apps/cli/bin/phalanx.mjs` }
  const files = readdirSync(TEMPLATE).filter((file) => file.endsWith(SUFFIX)).sort()
  const written = files.map((file) => {
    const text = readFileSync(join(TEMPLATE, file), 'utf8').replaceAll(/\{\{(\w+)\}\}/g, (whole, key: string) => values[key] ?? whole)
    const own = targetName(file.slice(0, -SUFFIX.length))
    writeTextFile(join(folder, own), text, { isNew: true })
    return own
  })
  return { folder, name, files: written }
}
