/** Owns the command `npm run sim`: one seed in full, or many drawn from a start; prints a line each and a summary that names how to replay. */
import { spawn } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { createInterface } from 'node:readline'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { AppError, isAppError } from '@phalanx/primitives/errors'
import './errors.ts'
import { simulate, type SimulationResult } from './simulate.ts'
import { BROKEN, type Broken } from './broken.ts'

const USAGE = `Usage: npm run sim -- SEED [--blocks N] [--faults N] [--verbose] [--broken skip-signature|drop-fsync|biased-gatekeeper|plain-shares|
                              biased-economy|stray-planck|gossiping-machine|plain-files|kept-epochs]
       npm run sim -- --seeds COUNT [--from TEXT] [--jobs N] [--json]

Runs node, relays and workers in one thread under virtual time, with faults drawn from the seed. The same seed gives the same run.

Examples:
  npm run sim -- 42                       one seed, 500 blocks or more
  npm run sim -- 42 --verbose             with every log line of the simulated processes
  npm run sim -- --seeds 100 --from HEAD  a hundred seeds drawn from a text, for example a commit hash`

interface Arguments {
  readonly seeds: readonly number[]
  readonly blocks?: number
  readonly faults?: number
  readonly broken: Broken
  readonly verbose: boolean
  readonly json: boolean
  /** Processes that share the seeds. */
  readonly jobs: number
}

const usage = (reason: string): AppError => new AppError('SIM_USAGE', { reason })

const number = (text: string | undefined, name: string): number => {
  const value = Number(text)
  if (!Number.isSafeInteger(value) || value < 0) throw usage(`${name} takes a whole number, not ${text ?? 'nothing'}`)
  return value
}

/** Seeds drawn from a text: the same text gives the same seeds. */
export const drawSeeds = (text: string, count: number): readonly number[] => {
  let hash = 0x811c9dc5
  for (const character of text) hash = Math.imul(hash ^ character.charCodeAt(0), 0x01000193) >>> 0
  return Array.from({ length: count }, (_, i) => (hash + Math.imul(i + 1, 0x9e3779b9)) >>> 0)
}

const isBroken = (text: string): text is Broken => (BROKEN as readonly string[]).includes(text)

const parseArguments = (argv: readonly string[]): Arguments => {
  const seeds: number[] = []
  const given = new Map<string, string>()
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i] as string
    if (!word.startsWith('--')) seeds.push(number(word, 'SEED'))
    else if (word === '--verbose' || word === '--json') given.set(word, '')
    else if (['--blocks', '--faults', '--seeds', '--from', '--broken', '--jobs'].includes(word)) given.set(word, argv[++i] ?? '')
    else throw usage(`there is no option ${word}`)
  }
  const broken = given.get('--broken') ?? 'none'
  if (!isBroken(broken)) throw usage(`--broken takes ${BROKEN.slice(1).join(', ')}, not ${broken}`)
  const count = given.get('--seeds')
  const drawn = count === undefined ? seeds : drawSeeds(given.get('--from') ?? '', number(count, '--seeds'))
  if (drawn.length === 0) throw usage('no seed is given')
  const blocks = given.get('--blocks')
  const faults = given.get('--faults')
  const jobs = given.has('--verbose') ? 1 : number(given.get('--jobs') ?? String(availableParallelism()), '--jobs')
  return {
    seeds: drawn, broken, jobs: Math.max(1, Math.min(jobs, drawn.length)), verbose: given.has('--verbose'), json: given.has('--json'),
    ...(blocks === undefined ? {} : { blocks: number(blocks, '--blocks') }),
    ...(faults === undefined ? {} : { faults: number(faults, '--faults') }),
  }
}

const line = (result: SimulationResult): string =>
  `${result.ok ? 'ok  ' : 'FAIL'} seed ${result.seed}: ${result.blocks} blocks, ${result.faults} faults, ${result.lies} lies, ${result.workers} workers, `
  + `${result.messages} messages, ${result.transactions} transactions, ${result.checkpoints} checkpoints, ${result.votes} votes, ${result.economy.settlements} settlements, ${result.clusters.commands} commands, ${result.clusters.comparedReceipts} receipts, ${result.closed} closed, ${result.digest.slice(0, 18)}`

const ignoreDead = (): void => {
  // Promises of killed processes end in these; everything else is a defect.
  process.on('unhandledRejection', (error) => {
    if (isAppError(error, 'SIM_PROCESS_DEAD') || isAppError(error, 'STORAGE_CLOSED')) return
    process.stderr.write(`unhandled rejection: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`)
    process.exit(1)
  })
}

/** Shares the seeds out among processes of this same command; their lines come as they are made. */
const runShared = async (argv: readonly string[], seeds: readonly number[], jobs: number, isJson: boolean): Promise<number> => {
  const options = argv.filter((word, i) => ['--blocks', '--faults', '--broken'].some((name) => word === name || argv[i - 1] === name))
  const failed = await Promise.all(
    Array.from({ length: jobs }, (_, job) => {
      const share = seeds.filter((_seed, i) => i % jobs === job).map(String)
      const child = spawn(process.execPath, [...process.execArgv, import.meta.filename, ...share, ...options, '--jobs', '1', ...(isJson ? ['--json'] : [])], { stdio: ['ignore', 'pipe', 'inherit'] })
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
  const { seeds, verbose, json, jobs, ...rest } = parseArguments(argv)
  if (jobs > 1) {
    const failed = await runShared(argv, seeds, jobs, json)
    if (!json) process.stdout.write(`${seeds.length - failed} passed, ${failed} failed\n`)
    return failed === 0 ? 0 : 1
  }
  const crypto = await loadCrypto()
  ignoreDead()
  let failed = 0
  for (const seed of seeds) {
    const log = verbose ? (text: string): void => void process.stdout.write(`${text}\n`) : undefined
    const result = await simulate({ seed, ...rest }, { crypto, ...(log === undefined ? {} : { log }) })
    process.stdout.write(json ? `${JSON.stringify(result)}\n` : `${line(result)}\n`)
    if (result.ok) continue
    failed++
    if (!json) for (const problem of result.problems) process.stdout.write(`     ${problem}\n`)
    if (!json) process.stdout.write(`     replay: npm run sim -- ${seed}${rest.broken === 'none' ? '' : ` --broken ${rest.broken}`} --verbose\n`)
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
