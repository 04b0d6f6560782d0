/** Owns the command `npm run sim`: one seed in full, or many drawn from a start; prints a line each and a summary that names how to replay. */
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { isAppError } from '@phalanx/primitives/errors'
import { parseArguments, replayCommand, runWords, USAGE, type Arguments } from './arguments.ts'
import { simulate, type SimulationResult } from './simulate.ts'

const line = (result: SimulationResult): string =>
  `${result.ok ? 'ok  ' : 'FAIL'} seed ${result.seed}: ${result.blocks} blocks, ${result.faults} faults, ${result.lies} lies, ${result.workers} workers, `
  + `${result.messages} messages, ${result.transactions} transactions, ${result.checkpoints} checkpoints, ${result.votes} votes, ${result.economy.settlements} settlements, ${result.clusters.commands} commands, ${result.clusters.comparedReceipts} receipts, ${result.queries.answered} queries, ${result.closed} closed, ${result.digest.slice(0, 18)}`

const ignoreDead = (): void => {
  // Promises of killed processes end in these; everything else is a defect.
  process.on('unhandledRejection', (error) => {
    if (isAppError(error, 'SIM_PROCESS_DEAD') || isAppError(error, 'STORAGE_CLOSED')) return
    process.stderr.write(`unhandled rejection: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`)
    process.exit(1)
  })
}

/** Shares the seeds out among processes of this same command; their lines come as they are made. */
const runShared = async ({ seeds, run, jobs, json }: Arguments): Promise<number> => {
  const failed = await Promise.all(
    Array.from({ length: jobs }, (_, job) => {
      const share = seeds.filter((_seed, i) => i % jobs === job).map(String)
      const child = spawn(process.execPath, [...process.execArgv, import.meta.filename, ...share, ...runWords(run), '--jobs', '1', ...(json ? ['--json'] : [])], { stdio: ['ignore', 'pipe', 'inherit'] })
      const lines = createInterface({ input: child.stdout })
      let passed = 0
      lines.on('line', (text) => {
        if (/^\d+ passed, \d+ failed$/.test(text)) return
        if (text.startsWith('ok ') || text.startsWith('{"seed":') && text.includes('"ok":true')) passed++
        process.stdout.write(`${text}\n`)
      })
      return new Promise<number>((resolve) => child.once('close', () => resolve(share.length - passed)))
    }),
  )
  return failed.reduce((sum, count) => sum + count, 0)
}

const main = async (argv: readonly string[]): Promise<number> => {
  if (argv.includes('--help') || argv.length === 0) {
    process.stdout.write(`${USAGE}\n`)
    return argv.length === 0 ? 2 : 0
  }
  const given = parseArguments(argv)
  const { seeds, run, verbose, json } = given
  if (given.jobs > 1) {
    const failed = await runShared(given)
    if (!json) process.stdout.write(`${seeds.length - failed} passed, ${failed} failed\n`)
    return failed === 0 ? 0 : 1
  }
  const crypto = await loadCrypto()
  ignoreDead()
  let failed = 0
  for (const seed of seeds) {
    const log = verbose ? (text: string): void => void process.stdout.write(`${text}\n`) : undefined
    const result = await simulate({ seed, ...run }, { crypto, ...(log === undefined ? {} : { log }) })
    process.stdout.write(json ? `${JSON.stringify(result)}\n` : `${line(result)}\n`)
    if (result.ok) continue
    failed++
    if (!json) for (const problem of result.problems) process.stdout.write(`     ${problem}\n`)
    if (!json) process.stdout.write(`     replay: ${replayCommand(seed, run)}\n`)
  }
  if (!json) process.stdout.write(`${seeds.length - failed} passed, ${failed} failed\n`)
  return failed === 0 ? 0 : 1
}

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  if (!isAppError(error)) throw error
  process.stderr.write(`sim: ${error.message}\n${USAGE}\n`)
  process.exitCode = 2
}
