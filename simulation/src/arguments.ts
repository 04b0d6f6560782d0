/** Owns the words of the command `npm run sim`: what they say, and which of them run a seed again. Does not run anything. */
import { availableParallelism } from 'node:os'
import { AppError } from '@phalanx/primitives/errors'
import { BROKEN, type Broken } from './broken.ts'
import './errors.ts'

const DEFECTS = BROKEN.slice(1)

/** Shown with `--help` and beside a refusal. */
export const USAGE = `Usage: npm run sim -- SEED [--blocks N] [--faults N] [--verbose] [--broken DEFECT]
       npm run sim -- --seeds COUNT [--from TEXT] [--jobs N] [--json]

Runs node, relays and workers in one thread under virtual time, with faults drawn from the seed. The same seed gives the same run.

Examples:
  npm run sim -- 42                       one seed, 500 blocks or more
  npm run sim -- 42 --verbose             with every log line of the simulated processes
  npm run sim -- --seeds 100 --from HEAD  a hundred seeds drawn from a text, for example a commit hash

Defects, to see that each is found: ${DEFECTS.join(', ')}`

/** What decides, beside the seed, how a run goes. */
export interface RunOptions {
  /** Undefined: the simulator's own number. */
  readonly blocks?: number
  /** Undefined: the simulator's own number. */
  readonly faults?: number
  readonly broken: Broken
}

/** What the words say. */
export interface Arguments {
  readonly seeds: readonly number[]
  readonly run: RunOptions
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
const drawSeeds = (text: string, count: number): readonly number[] => {
  let hash = 0x811c9dc5
  for (const character of text) hash = Math.imul(hash ^ character.charCodeAt(0), 0x01000193) >>> 0
  return Array.from({ length: count }, (_, i) => (hash + Math.imul(i + 1, 0x9e3779b9)) >>> 0)
}

const isBroken = (text: string): text is Broken => (BROKEN as readonly string[]).includes(text)

/** Reads the words of the command. @throws SIM_USAGE */
export const parseArguments = (argv: readonly string[]): Arguments => {
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
  if (!isBroken(broken)) throw usage(`--broken takes ${DEFECTS.join(', ')}, not ${broken}`)
  const count = given.get('--seeds')
  const drawn = count === undefined ? seeds : drawSeeds(given.get('--from') ?? '', number(count, '--seeds'))
  if (drawn.length === 0) throw usage('no seed is given')
  const blocks = given.get('--blocks')
  const faults = given.get('--faults')
  const jobs = given.has('--verbose') ? 1 : number(given.get('--jobs') ?? String(availableParallelism()), '--jobs')
  return {
    seeds: drawn, jobs: Math.max(1, Math.min(jobs, drawn.length)), verbose: given.has('--verbose'), json: given.has('--json'),
    run: {
      broken,
      ...(blocks === undefined ? {} : { blocks: number(blocks, '--blocks') }),
      ...(faults === undefined ? {} : { faults: number(faults, '--faults') }),
    },
  }
}

/** The words that say these options: none for what is left to the simulator. */
export const runWords = ({ blocks, faults, broken }: RunOptions): readonly string[] => [
  ...(blocks === undefined ? [] : ['--blocks', String(blocks)]),
  ...(faults === undefined ? [] : ['--faults', String(faults)]),
  ...(broken === 'none' ? [] : ['--broken', broken]),
]

/** The command that runs a seed of these options again, with every log line. */
export const replayCommand = (seed: number, run: RunOptions): string => ['npm run sim --', seed, ...runWords(run), '--verbose'].join(' ')
