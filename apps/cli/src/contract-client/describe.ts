/** Owns the words for what commands and queries came to: who proved what, gas, logs and events, each as text and as JSON. */
import { toHex } from '@phalanx/primitives/bytes'
import { showValue, type CommandReceipt, type PickedWorker } from '@phalanx/sdk/client'
import { planckToPha } from '../amounts.ts'
import { printLine, type CliIo, type Style } from '../output.ts'
import { NODE_DEFAULT } from './grammar.ts'
import { valueToJson } from './values.ts'

/** Lines under a title, aligned. */
export type Rows = readonly (readonly [title: string, text: string])[]

const LEVELS = ['', 'error', 'warn', 'info', 'debug', 'trace'] as const
const SHORT_HEX = 10
/** Picoseconds of gas in a millisecond. */
const GAS_PER_MS = 10n ** 9n
const MICROS = 1000n
const TITLE_WIDTH = 10

/** Name of a log's level. */
export const levelName = (level: number): string => LEVELS[level] ?? `level ${level}`

/** What a contract wrote, without anything that would move the cursor or colour what follows. */
export const plainText = (text: string): string => text.replace(/[\u0000-\u001f\u007f-\u009f]/g, '·')

/** The first bytes of something in hex. */
export const shortHex = (bytes: Uint8Array | string): string => `${(typeof bytes === 'string' ? bytes : toHex(bytes)).slice(0, SHORT_HEX)}…`

/** Gas as the time that it stands for. */
export const gasText = (gas: bigint): string => `${gas / GAS_PER_MS}.${((gas % GAS_PER_MS) * MICROS / GAS_PER_MS).toString().padStart(3, '0')} ms (${gas} ps)`

/** An amount of PHA. */
export const phaText = (planck: bigint): string => `${planckToPha(planck).replace(/\.?0+$/, '')} PHA`

/** A value as text, in which the caller finds its own account. */
export const valueText = (value: unknown, own: Uint8Array | undefined): string => {
  const text = value === undefined ? 'nothing' : showValue(value)
  return own === undefined ? text : text.replaceAll(toHex(own), `${shortHex(own)} (you)`)
}

/** A word of a command as a shell takes it. */
export const shellWord = (word: string): string => (/^[\w@%+=:,./…<>-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)

/** Lines to type next. */
export const printNext = (io: CliIo, lines: readonly string[]): void => {
  if (lines.length > 0) printLine(io.stdout, `\nNext:\n${lines.map((line) => `  $ ${line}`).join('\n')}`)
}

/** The option that names a node, where it is not the one that goes without saying. */
export const nodeWords = (node: string): string => (node === NODE_DEFAULT ? '' : ` --node ${node}`)

/** Logs under one title. */
export const logRows = (logs: readonly { readonly level: number; readonly message: string }[]): Rows =>
  logs.map(({ level, message }, i) => [i === 0 ? 'logs' : '', `${levelName(level)}: ${plainText(message)}`])

/** Logs for machines. */
export const logsJson = (logs: readonly { readonly contract: Uint8Array; readonly level: number; readonly message: string }[]): readonly object[] =>
  logs.map(({ contract, level, message }) => ({ contract: toHex(contract), level: levelName(level), message }))

/** Prints rows, continuation lines under their own title. */
export const printRows = (io: CliIo, rows: Rows, style: Style): void => {
  for (const [title, text] of rows) printLine(io.stdout, `  ${style.dim(title.padEnd(TITLE_WIDTH))}  ${text}`)
}

/** What a worker proved: identity, what it runs on, code, by whose roots. */
export const workerJson = ({ publicKey, endpoint, proof: { file } }: PickedWorker): object => {
  const { verdict } = file
  return {
    identity: toHex(publicKey), endpoint, kind: file.kind,
    ...(verdict.ok ? { measurement: toHex(verdict.facts.measurement), confidence: verdict.facts.confidenceLevel, simulated: verdict.facts.simulated } : {}),
  }
}

/** The same in words. */
export const workerRows = ({ publicKey, endpoint, proof: { file } }: PickedWorker, trust: string, style: Style): Rows => {
  const { verdict } = file
  const facts = verdict.ok ? verdict.facts : undefined
  const rows: [string, string][] = [
    ['worker', `${toHex(publicKey)} at ${style.link(endpoint)}`],
    ['', `runs code ${facts === undefined ? '?' : shortHex(facts.measurement)} (${facts?.measurement.length ?? 0} bytes of measurement), evidence of kind ${file.kind}, judged by ${trust === 'chain' ? 'the chain\'s policy' : 'the vendors\' roots'}`],
  ]
  if (facts?.simulated === true) rows.push(['', style.warn('simulated: this worker proves nothing, and nothing is secret on this chain')])
  return rows
}

/** What a receipt says, for machines. */
export const receiptJson = (receipt: Omit<CommandReceipt<unknown>, 'value'>): object => ({
  commandHash: toHex(receipt.commandHash), block: receipt.block.number, blockHash: toHex(receipt.block.hash), gas: receipt.gas, fee: receipt.fee,
  logs: logsJson(receipt.logs),
  events: receipt.events.map(({ contract, kind, value }) => ({ contract: toHex(contract), kind, value: valueToJson(value) })),
  proof: { receiptsRoot: toHex(receipt.proven.receiptsRoot), receiptBytes: receipt.proven.sealed.length, nodes: receipt.proven.proof.length },
})

/** What a receipt says, for people; the result stands before it. */
export const receiptRows = (receipt: Omit<CommandReceipt<unknown>, 'value'>): Rows => [
  ...logRows(receipt.logs),
  ...receipt.events.map(({ kind, value }, i): [string, string] => [i === 0 ? 'events' : '', value instanceof Uint8Array ? `${kind} ${toHex(value)}` : `${kind} ${value === undefined ? '' : showValue(value)}`.trimEnd()]),
  ['gas', gasText(receipt.gas)],
  ['fee', phaText(receipt.fee)],
  ['block', `${receipt.block.number}  ${toHex(receipt.block.hash)}`],
  ['proof', `root over the block's receipts ${shortHex(receipt.proven.receiptsRoot)}, on which most workers of the cluster agree`],
]
