/** Owns `phalanx rewards`: prints a statement of a worker's or a pool's rewards as table, CSV or JSON. Changes nothing. */
import { toHex } from '@phalanx/primitives/bytes'
import { AppError } from '@phalanx/primitives/errors'
import { fixed } from '@phalanx/primitives/fixed'
import { planckToPha } from '../amounts.ts'
import { createStyle, printLine, renderTable, toJson, type CliIo } from '../output.ts'
import type { Runner } from '../program.ts'
import { AMOUNTS } from '../rewards/rows.ts'
import { makeStatement, type Row, type Statement, type Subject } from '../rewards/statement.ts'
import { withChain } from '../with-chain.ts'

const V_DIGITS = 12
const WHOLE_LINE = '\r\u001b[K'

interface RewardsOptions {
  readonly worker?: Uint8Array
  readonly pool?: number
  readonly from: number
  readonly to?: number
  readonly node: string
  readonly csv: boolean
  readonly json: boolean
}

const usage = (problem: string): AppError => new AppError('CLI_USAGE', { problem, command: 'phalanx rewards' })

const subjectOf = ({ worker, pool, csv, json }: RewardsOptions): Subject => {
  if (csv && json) throw usage('Give --csv or --json, not both')
  if (worker !== undefined && pool === undefined) return { kind: 'worker', pubkey: worker }
  if (pool !== undefined && worker === undefined) return { kind: 'pool', pid: BigInt(pool) }
  throw usage('Give --worker <pubkey> or --pool <pid>')
}

const timeOf = ({ timeMs }: Row): string => new Date(Number(timeMs)).toISOString()
const vOf = ({ v }: Row): string => (v === undefined ? '' : fixed.toText(v, V_DIGITS))

const toCsv = ({ rows, totals, from, to }: Statement): string => [
  ['block', 'time', 'event', ...AMOUNTS.map((name) => `${name}_planck`), 'v_pha', 'note'].join(','),
  ...rows.map((row) => [row.block, timeOf(row), row.event, ...AMOUNTS.map((name) => row.amounts[name] ?? 0n), vOf(row), row.note === undefined ? '' : `"${row.note}"`].join(',')),
  [`${from}-${to}`, '', 'total', ...AMOUNTS.map((name) => totals[name]), '', ''].join(','),
].join('\n')

const subjectJson = (subject: Subject): object => (subject.kind === 'worker' ? { worker: toHex(subject.pubkey) } : { pool: subject.pid })

const toObject = (subject: Subject, { from, to, rows, totals, counted, uncounted }: Statement): object => ({
  ...subjectJson(subject), from, to,
  rows: rows.map((row) => ({ block: row.block, time: timeOf(row), event: row.event, ...row.amounts, ...(row.v === undefined ? {} : { v: vOf(row) }), ...(row.note === undefined ? {} : { note: row.note }) })),
  totals, countedByChain: counted ?? null, paidUncounted: uncounted,
})

const printTable = (io: CliIo, subject: Subject, statement: Statement): void => {
  const { rows, totals, counted, uncounted, from, to } = statement
  const style = createStyle(io.stdout, io.env)
  const used = AMOUNTS.filter((name) => rows.some(({ amounts }) => amounts[name] !== undefined))
  printLine(io.stdout, style.bold(`${subject.kind === 'worker' ? `Worker ${toHex(subject.pubkey)}` : `Pool ${subject.pid}`}, blocks ${from} to ${to}, PHA`))
  const lines = rows.map((row) => [String(row.block), timeOf(row), row.event, ...used.map((name) => (row.amounts[name] === undefined ? '' : planckToPha(row.amounts[name]))), row.note ?? ''])
  const sums = ['', '', 'total', ...used.map((name) => planckToPha(totals[name])), '']
  for (const line of renderTable(['block', 'time', 'event', ...used, ''], rows.length === 0 ? [] : [...lines, sums], style)) printLine(io.stdout, line)
  if (rows.length === 0) printLine(io.stdout, 'Nothing was paid or taken.')
  if (counted === undefined) return
  const difference = totals.payout - uncounted - counted
  const rest = uncounted === 0n ? '' : ` ${planckToPha(uncounted)} PHA were paid to the pool and not counted for the session.`
  printLine(io.stdout, difference === 0n ? `The chain counted the same for its session.${rest}` : style.warn(`The chain counted ${planckToPha(counted)} PHA for its session.${rest}`))
}

/** Prints a statement. */
export const runRewards: Runner = async (io, _positional, rawOptions) => {
  const options = rawOptions as unknown as RewardsOptions
  const subject = subjectOf(options)
  const onProgress = (done: number, of: number): void => {
    if (io.stderr.isTTY === true) io.stderr.write(`${WHOLE_LINE}${done < of ? `block ${done} of ${of}` : ''}`)
  }
  return withChain(options.node, async (chain, crypto) => {
    const statement = await makeStatement({ subject, from: options.from, to: options.to, onProgress }, { chain, crypto })
    if (options.json) printLine(io.stdout, toJson(toObject(subject, statement)))
    else if (options.csv) printLine(io.stdout, toCsv(statement))
    else printTable(io, subject, statement)
    return 0
  })
}
