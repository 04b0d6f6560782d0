/**
 * `npm run bench`: runs every bench/*.bench.ts in a process of its own, prints each figure beside its goal and a named
 * alternative measured in the same run.
 *
 *   npm run bench -- trie              only files whose name has "trie"
 *   npm run bench -- --json            one JSON object per figure
 *   npm run bench -- --report          writes docs/reports/bench.md too
 *   npm run bench -- --long fleet      the full figures where a benchmark has longer ones (sets PHALANX_LONG=1)
 */
import { spawn } from 'node:child_process'
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { goalOf, type Figure } from './goals.ts'
import { NOTE_MARK } from './note.ts'

const MARK = 'PHALANX-BENCH '
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'boolean', default: false }, report: { type: 'boolean', default: false }, long: { type: 'boolean', default: false }, only: { type: 'string' } },
})

/** Child side: measures one file and hands the figures over on a marked line. */
const measureHere = async (name: string): Promise<void> => {
  const { bench } = (await import(new URL(name, import.meta.url).href)) as { bench: () => Promise<readonly Figure[]> }
  process.stdout.write(`${MARK}${JSON.stringify(await bench())}\n`, () => process.exit(0))
}

/** Parent side: figures of one file, or the text it died with. */
const measure = (name: string): Promise<readonly Figure[] | string> =>
  new Promise((done) => {
    const child = spawn(process.execPath, [...process.execArgv, '--max-old-space-size=6144', import.meta.filename, '--only', name], {
      stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...(values.long ? { PHALANX_LONG: '1' } : {}) },
    })
    const lines = createInterface({ input: child.stdout })
    let figures: readonly Figure[] | undefined
    let errors = ''
    lines.on('line', (line) => {
      if (line.startsWith(MARK)) figures = JSON.parse(line.slice(MARK.length)) as readonly Figure[]
      else if (line.startsWith(NOTE_MARK) && !values.json) process.stderr.write(`${line.slice(NOTE_MARK.length)}\n`)
    })
    child.stderr.on('data', (chunk) => (errors += chunk))
    child.on('close', (code) => {
      done(figures ?? `exit ${code}\n${errors.trim().split('\n').slice(-12).join('\n')}`)
    })
  })

const shortNumber = (value: number): string => (value >= 100 ? Math.round(value).toLocaleString('en') : value.toPrecision(3))

const row = (figure: Figure): readonly string[] => {
  const goal = goalOf(figure)
  return [
    figure.name,
    `${shortNumber(figure.figure)} ${figure.unit}`,
    goal === undefined ? '–' : `${goal.text} ${goal.isReached ? '✓' : '✗'}`,
    `${shortNumber(figure.ratio)}×`,
    figure.against,
  ]
}

const HEAD = ['figure', 'measured', 'goal', 'ratio', 'against']

const table = (rows: readonly (readonly string[])[]): string => {
  const widths = HEAD.map((_, column) => Math.max(...[HEAD, ...rows].map((cells) => cells[column]?.length ?? 0)))
  return [HEAD, ...rows].map((cells) => cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ').trimEnd()).join('\n')
}

const writeReport = (rows: readonly (readonly string[])[]): void => {
  const folder = resolve(import.meta.dirname, '../docs/reports')
  mkdirSync(folder, { recursive: true })
  const lines = [
    '# Benchmarks',
    '',
    `Written by \`npm run bench -- --report\` on ${new Date().toISOString().slice(0, 10)}: Node ${process.versions.node}, ${cpus().length} × ${cpus()[0]?.model.trim() ?? 'unknown'}.`,
    'The ratio says how many times better than the named alternative, measured in the same run, the figure is.',
    '',
    `| ${HEAD.join(' | ')} |`,
    `| ${HEAD.map(() => '---').join(' | ')} |`,
    ...rows.map((cells) => `| ${cells.join(' | ')} |`),
    '',
  ]
  writeFileSync(join(folder, 'bench.md'), lines.join('\n'))
}

const runAll = async (): Promise<void> => {
  const files = readdirSync(import.meta.dirname).filter((name) => name.endsWith('.bench.ts') && positionals.every((filter) => name.includes(filter))).sort((a, b) => (a < b ? -1 : 1))
  const figures: Figure[] = []
  let died = 0
  for (const name of files) {
    if (!values.json) process.stderr.write(`measuring ${name} ...\n`)
    const result = await measure(name)
    if (typeof result === 'string') {
      died++
      process.stderr.write(`${name} died: ${result}\n`)
    } else figures.push(...result)
  }
  const rows = figures.map(row)
  if (values.json) for (const figure of figures) console.log(JSON.stringify({ ...figure, goal: goalOf(figure)?.text, isReached: goalOf(figure)?.isReached }))
  else console.log(table(rows))
  if (values.report) writeReport(rows)
  process.exitCode = died === 0 && files.length > 0 ? 0 : 1
}

await (values.only === undefined ? runAll() : measureHere(values.only))
