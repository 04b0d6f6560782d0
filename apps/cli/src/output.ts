/** Owns what the command line prints: colours only on a terminal, JSON lines for machines, errors with code, cause and fix. */
import type { Writable } from 'node:stream'
import { AppError } from '@phalanx/primitives/errors'
import './errors.ts'

/** Where a command prints and reads. */
export interface CliIo {
  readonly stdout: Writable & { readonly isTTY?: boolean; readonly columns?: number }
  readonly stderr: Writable & { readonly isTTY?: boolean }
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean }
  readonly env: Readonly<Record<string, string | undefined>>
}

/** Colours by meaning; each leaves the text alone where colours are off. */
export interface Style {
  bold(text: string): string
  dim(text: string): string
  good(text: string): string
  warn(text: string): string
  bad(text: string): string
  link(text: string): string
}

const paint = (isOn: boolean, open: number, close: number) => (text: string): string => (isOn ? `\u001b[${open}m${text}\u001b[${close}m` : text)

/** Styles for a stream: on terminals only, and never where NO_COLOR is set (https://no-color.org). */
export const createStyle = (stream: { readonly isTTY?: boolean }, env: CliIo['env']): Style => {
  const isOn = stream.isTTY === true && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb'
  return {
    bold: paint(isOn, 1, 22), dim: paint(isOn, 2, 22), good: paint(isOn, 32, 39), warn: paint(isOn, 33, 39), bad: paint(isOn, 31, 39), link: paint(isOn, 36, 39),
  }
}

/** JSON text of a value that may hold bigints. */
export const toJson = (value: unknown): string => JSON.stringify(value, (_key, content: unknown) => (typeof content === 'bigint' ? content.toString() : content))

/** Prints one line. */
export const printLine = (stream: Writable, line: string): void => {
  stream.write(`${line}\n`)
}

/** An error as people and machines are told. */
export interface ErrorReport {
  readonly code: string
  readonly cause: string
  readonly fix: string
}

/** Cause without code and fix, which stand beside it. */
const causeOf = (error: AppError): string => {
  const text = error.message.replace(/^[A-Z0-9_]+(?= at |: )/, '').replace(/^: /, '').trim()
  return error.fix !== '' && text.endsWith(error.fix) ? text.slice(0, -error.fix.length).trim() : text
}

/** Code, cause and fix of whatever was thrown. */
export const errorReportOf = (error: unknown): ErrorReport => {
  const known = error instanceof AppError ? error : new AppError('CLI_UNEXPECTED', { reason: error instanceof Error ? error.message : String(error) }, { cause: error })
  return { code: known.code, cause: causeOf(known), fix: known.fix }
}

/** Exit codes: 0 done, 1 the world said no, 2 the command was written wrongly. */
export const exitCodeOf = (error: unknown): number =>
  error instanceof AppError && (error.code === 'CLI_USAGE' || error.code === 'CLI_OPTION_INVALID' || error.code === 'CLI_ARGUMENTS_MALFORMED') ? 2 : 1

/** Prints an error, as a JSON line on stdout for machines, else on stderr. */
export const printError = (io: CliIo, error: unknown, isJson: boolean): void => {
  const report = errorReportOf(error)
  if (isJson) {
    printLine(io.stdout, toJson({ event: 'error', ...report }))
    return
  }
  const style = createStyle(io.stderr, io.env)
  printLine(io.stderr, `${style.bad('error')} ${style.bold(report.code)}`)
  printLine(io.stderr, `  cause: ${report.cause}`)
  printLine(io.stderr, `  fix:   ${report.fix}`)
  if ((io.env['PHALANX_DEBUG'] ?? '') !== '') for (let at: unknown = error; at instanceof Error; at = at.cause) printLine(io.stderr, at.stack ?? at.message)
}

/** Rows under headers, columns as wide as needed. */
export const renderTable = (headers: readonly string[], rows: readonly (readonly string[])[], style: Style): readonly string[] => {
  const widths = headers.map((header, i) => Math.max(header.length, ...rows.map((row) => visibleLength(row[i] ?? ''))))
  const line = (cells: readonly string[]): string => cells.map((cell, i) => cell + ' '.repeat((widths[i] ?? 0) - visibleLength(cell))).join('  ').trimEnd()
  return [style.dim(line(headers)), ...rows.map(line)]
}

/** A text without its colours. */
export const stripStyle = (text: string): string => text.replace(/\u001b\[[0-9;]*m/g, '')

const visibleLength = (text: string): number => stripStyle(text).length
