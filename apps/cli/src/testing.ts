/** Owns running the command line inside a test: in memory, with what it printed. */
import { Readable, Writable } from 'node:stream'
import { main } from './main.ts'
import type { CliIo } from './output.ts'

/** What a run printed and how it ended. */
export interface CliRun {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

const collector = (into: string[]): Writable => new Writable({ write: (chunk: Buffer, _encoding, done) => (into.push(chunk.toString()), done()) })

/** Runs the command line with these arguments; `stdin` is what it may read. */
export const runCli = async (argv: readonly string[], options: { readonly stdin?: string; readonly isTerminal?: boolean; readonly env?: CliIo['env'] } = {}): Promise<CliRun> => {
  const out: string[] = []
  const err: string[] = []
  const terminal = { isTTY: options.isTerminal === true }
  const io: CliIo = {
    stdout: Object.assign(collector(out), terminal), stderr: Object.assign(collector(err), terminal),
    stdin: Object.assign(Readable.from(options.stdin === undefined ? [] : [Buffer.from(options.stdin)]), { isTTY: false }), env: options.env ?? {},
  }
  const exitCode = await main(argv, io)
  return { exitCode, stdout: out.join(''), stderr: err.join('') }
}
