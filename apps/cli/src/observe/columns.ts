/** Owns text in columns beside each other, cells as tall as needed, each under its title; one below the other where the terminal is too narrow. */
import { stripStyle, type Style } from '../output.ts'

/** One row: what is told, and a cell for every column. */
export interface ColumnsRow {
  readonly title: string
  readonly cells: readonly string[]
}

const GAP = 2
const COLUMN_MIN = 22

/** Cuts a text into lines of at most `width`, between words where there are any. */
export const wrap = (text: string, width: number): readonly string[] => {
  const lines: string[] = []
  let line = ''
  const words = text.split('\n').flatMap((part, i) => [...(i === 0 ? [] : ['\n']), ...part.split(' ')])
  for (const word of words) {
    if (word === '\n') {
      lines.push(line)
      line = ''
      continue
    }
    let rest = word
    if (line !== '' && line.length + 1 + rest.length > width) {
      lines.push(line)
      line = ''
    }
    while (rest.length > width) {
      lines.push(rest.slice(0, width))
      rest = rest.slice(width)
    }
    line = line === '' ? rest : `${line} ${rest}`
  }
  return [...lines, line]
}

const pad = (text: string, width: number): string => text + ' '.repeat(Math.max(width - stripStyle(text).length, 0))

const stacked = (titles: readonly string[], rows: readonly ColumnsRow[], width: number, style: Style): readonly string[] =>
  titles.flatMap((title, column) => [
    style.bold(title),
    ...rows.flatMap((row) => wrap(row.cells[column] ?? '', Math.max(width - 14, COLUMN_MIN)).map((line, i) => `  ${style.dim(pad(i === 0 ? row.title : '', 10))}  ${line}`)),
    '',
  ])

/** Lines of at most `width` characters. */
export const renderColumns = (titles: readonly string[], rows: readonly ColumnsRow[], { width, style }: { readonly width: number; readonly style: Style }): readonly string[] => {
  const first = Math.max(...rows.map(({ title }) => title.length))
  const column = Math.floor((width - first) / titles.length) - GAP
  if (column < COLUMN_MIN) return stacked(titles, rows, width, style)
  const line = (title: string, cells: readonly string[]): string => [pad(title, first), ...cells.map((cell) => pad(cell, column))].join(' '.repeat(GAP)).trimEnd()
  const lines = rows.flatMap(({ title, cells }) => {
    const wrapped = cells.map((cell) => wrap(cell, column))
    const height = Math.max(...wrapped.map((one) => one.length))
    return [...Array.from({ length: height }, (_, i) => line(style.dim(i === 0 ? title : ''), wrapped.map((one) => one[i] ?? ''))), '']
  })
  return [line('', titles.map((title) => style.bold(title))), line('', titles.map((title) => style.dim('─'.repeat(Math.min(title.length, column))))), ...lines]
}
