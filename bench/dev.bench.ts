/**
 * Measures `phalanx dev` as its user starts it: a new process, an empty folder, three workers. Cold means that nothing runs yet; the
 * bundle of the sources is there, as it is from the second start on. The alternative is the same command with its sources loaded by tsx.
 * A confidential answer is there when the second of the two printed lines, run one after the other as soon as they are printed, has ended.
 */
import { assert } from '@phalanx/primitives/assert'
import { runLine, startDev } from './dev-network.ts'
import type { Figure } from './goals.ts'
import { note } from './note.ts'

const LOADER = ['--import', 'tsx', '-e', 'const { main } = await import("./apps/cli/src/main.ts"); process.exitCode = await main(process.argv.slice(1))', '--']
const ROUNDS = 5
const ANSWER_ROUNDS = 3
const POLL_MS = 10
const ANSWER_PORTS = { rpc: 39_200, worker: 39_300 }

interface Start {
  readonly blocksMs: number
  readonly readyMs: number
}

const heightOf = async (rpc: string): Promise<number> => {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'chain_getHeader', params: [] })
  const answer = (await (await fetch(rpc.replace(/^ws/, 'http'), { method: 'POST', headers: { 'content-type': 'application/json' }, body })).json()) as { result: { number: string } }
  return Number(answer.result.number)
}

const firstBlock = async (rpc: string): Promise<void> => {
  while ((await heightOf(rpc)) === 0) await new Promise((done) => setTimeout(done, POLL_MS))
}

interface Ports {
  readonly rpc: number
  readonly worker: number
}

const argsOf = ({ rpc, worker }: Ports): readonly string[] => ['--rpc-port', String(rpc), '--worker-port', String(worker)]

/** One start, from before the process exists to the ready line. */
const startOnce = async (command: readonly string[] | undefined, ports: Ports): Promise<Start> => {
  const began = performance.now()
  let blocks: Promise<number> | undefined
  const network = startDev(argsOf(ports), {
    ...(command === undefined ? {} : { command }),
    onEvent({ rpc }) {
      if (rpc !== undefined) blocks ??= firstBlock(rpc).then(() => performance.now() - began)
    },
  })
  try {
    const { atMs, workers } = await network.next('ready')
    assert(workers?.length === 3, 'three workers are registered')
    return { readyMs: atMs, blocksMs: (await blocks) ?? atMs }
  } finally {
    await network.stop()
  }
}

/** Milliseconds after ready: to the line with the contract, and to the end of the two lines that it says to try. */
interface Answer {
  readonly deployedMs: number
  readonly answeredMs: number
}

/** One network with its example, asked as its reader would. `toLine` says how a printed line is run. */
const answerOnce = async (ports: Ports, toLine: (line: string) => string): Promise<Answer> => {
  const network = startDev(argsOf(ports))
  try {
    const { atMs: readyMs } = await network.next('ready')
    const deployed = await network.next('deployed')
    const [bid, result] = [...(deployed.try ?? [])].map(toLine) as [string, string]
    const sent = await runLine(bid)
    const asked = await runLine(result)
    assert(asked.text.includes('bidders'), 'the question is answered')
    const deployedMs = deployed.atMs - readyMs
    note(`ready after ${(readyMs / 1000).toFixed(2)} s, deployed ${(deployedMs / 1000).toFixed(2)} s later, then ${(sent.tookMs / 1000).toFixed(2)} s for the bid and ${(asked.tookMs / 1000).toFixed(2)} s for the question`)
    return { deployedMs, answeredMs: deployedMs + sent.tookMs + asked.tookMs }
  } finally {
    await network.stop()
  }
}

const median = (list: readonly number[]): number => [...list].sort((a, b) => a - b)[list.length >> 1] ?? 0

const measure = async (command: readonly string[] | undefined, rounds: number): Promise<Start> => {
  const starts: Start[] = []
  for (let round = 0; round < rounds; round++) starts.push(await startOnce(command, { rpc: 39_000 + round, worker: 39_100 + 10 * round }))
  return { blocksMs: median(starts.map(({ blocksMs }) => blocksMs)), readyMs: median(starts.map(({ readyMs }) => readyMs)) }
}

/** Best of some rounds: whatever else the machine does only adds. */
const measureAnswers = async (toLine: (line: string) => string): Promise<Answer> => {
  const rounds: Answer[] = []
  for (let round = 0; round < ANSWER_ROUNDS; round++) rounds.push(await answerOnce({ rpc: ANSWER_PORTS.rpc + round, worker: ANSWER_PORTS.worker + 10 * round }, toLine))
  return rounds.reduce((best, each) => (each.answeredMs < best.answeredMs ? each : best))
}

/** Median of five starts, and the best of three answers; the first start, which may build the bundle, is not counted. */
export const bench = async (): Promise<readonly Figure[]> => {
  await startOnce(undefined, { rpc: 38_999, worker: 39_090 })
  const ours = await measure(undefined, ROUNDS)
  const loaded = await measure(LOADER, 3)
  const direct = await measureAnswers((line) => line.replace(/^npx phalanx /, `${process.execPath} apps/cli/bin/phalanx.mjs `))
  const printed = await measureAnswers((line) => line)
  const against = 'the same with sources loaded by tsx'
  return [
    { name: 'dev: process start to producing blocks', figure: ours.blocksMs / 1000, unit: 's', against, ratio: loaded.blocksMs / ours.blocksMs },
    { name: 'dev: process start to ready, 3 workers registered', figure: ours.readyMs / 1000, unit: 's', against, ratio: loaded.readyMs / ours.readyMs },
    { name: 'dev: ready to example deployed', figure: direct.deployedMs / 1000, unit: 's', against: 'the two commands after it', ratio: (direct.answeredMs - direct.deployedMs) / direct.deployedMs },
    { name: 'dev: ready to first confidential answer, both commands run by node', figure: direct.answeredMs / 1000, unit: 's', against: 'the same through npx', ratio: printed.answeredMs / direct.answeredMs },
    { name: 'dev: ready to first confidential answer, both commands run as printed', figure: printed.answeredMs / 1000, unit: 's', against: 'the same without npx', ratio: direct.answeredMs / printed.answeredMs },
  ]
}
