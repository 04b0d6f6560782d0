/** Owns the command `npm run sim`: one seed in full, or many drawn from a start; prints a line each and a summary that names how to replay. */
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { AppError, isAppError } from '@phalanx/primitives/errors'
import './errors.ts'
import { simulate, type SimulationResult } from './simulate.ts'
import type { Broken } from './world.ts'

const USAGE = `Usage: npm run sim -- SEED [--blocks N] [--faults N] [--verbose] [--broken skip-signature|drop-fsync]
       npm run sim -- --seeds COUNT [--from TEXT] [--json]

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

const parseArguments = (argv: readonly string[]): Arguments => {
  const seeds: number[] = []
  const given = new Map<string, string>()
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i] as string
    if (!word.startsWith('--')) seeds.push(number(word, 'SEED'))
    else if (word === '--verbose' || word === '--json') given.set(word, '')
    else if (['--blocks', '--faults', '--seeds', '--from', '--broken'].includes(word)) given.set(word, argv[++i] ?? '')
    else throw usage(`there is no option ${word}`)
  }
  const broken = given.get('--broken') ?? 'none'
  if (broken !== 'none' && broken !== 'skip-signature' && broken !== 'drop-fsync') throw usage(`--broken takes skip-signature or drop-fsync, not ${broken}`)
  const count = given.get('--seeds')
  const drawn = count === undefined ? seeds : drawSeeds(given.get('--from') ?? '', number(count, '--seeds'))
  if (drawn.length === 0) throw usage('no seed is given')
  const blocks = given.get('--blocks')
  const faults = given.get('--faults')
  return {
    seeds: drawn, broken, verbose: given.has('--verbose'), json: given.has('--json'),
    ...(blocks === undefined ? {} : { blocks: number(blocks, '--blocks') }),
    ...(faults === undefined ? {} : { faults: number(faults, '--faults') }),
  }
}

const line = (result: SimulationResult): string =>
  `${result.ok ? 'ok  ' : 'FAIL'} seed ${result.seed}: ${result.blocks} blocks, ${result.faults} faults, ${result.lies} lies, ${result.workers} workers, `
  + `${result.messages} messages, ${result.transactions} transactions, ${result.digest.slice(0, 18)}`

const ignoreDead = (): void => {
  // Promises of killed processes end in these; everything else is a defect.
  process.on('unhandledRejection', (error) => {
    if (isAppError(error, 'SIM_PROCESS_DEAD') || isAppError(error, 'STORAGE_CLOSED')) return
    process.stderr.write(`unhandled rejection: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`)
    process.exit(1)
  })
}

const main = async (argv: readonly string[]): Promise<number> => {
  if (argv.includes('--help') || argv.length === 0) {
    process.stdout.write(`${USAGE}\n`)
    return argv.length === 0 ? 2 : 0
  }
  const { seeds, verbose, json, ...rest } = parseArguments(argv)
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
