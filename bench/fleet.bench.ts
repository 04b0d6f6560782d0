/**
 * Figures of a whole network at work: a node on disk, a gatekeeper and N workers with real keys in stake pools, block by block, for 100 and 1,000
 * workers over 120 blocks; with `--long` for 10,000, too, over 3,600 blocks, an hour of chain time. PHALANX_FLEET_BLOCKS sets another number of blocks.
 */
import { fork } from 'node:child_process'
import { assert } from '@phalanx/primitives/assert'
import type { FleetReport, Phase } from './fleet-run.ts'
import type { Figure } from './goals.ts'
import { note } from './note.ts'

const SIZES = [100, 1_000]
const LONG_SIZES = [...SIZES, 10_000]
const BLOCKS = 120
const LONG_BLOCKS = 3_600
const BLOCK_MS = 1_000
const HEAP_MB = 6_144

/** A run in a process of its own, with the collector at hand so that memory is what is really held. */
const runFleet = (workers: number, blocks: number): Promise<FleetReport> =>
  new Promise((resolve, reject) => {
    const child = fork(new URL('./fleet-run.ts', import.meta.url), [String(workers), String(blocks)], {
      execArgv: [...process.execArgv.filter((each) => !each.startsWith('--max-old-space-size')), '--expose-gc', `--max-old-space-size=${HEAP_MB}`],
    })
    child.on('message', (message) => (typeof message === 'string' ? note(message) : resolve(message as FleetReport)))
    child.on('close', (code) => reject(new RangeError(`the fleet of ${workers} ended with exit ${code}`)))
  })

const PHASE_NAMES: readonly (readonly [Phase, string])[] = [
  ['relay', 'relays: signing and handing in, serving the block'], ['block', 'node: build, execute, commit, prove'], ['gatekeeper', 'gatekeeper: replay and outcomes'],
  ['workers', 'worker cores: all of them'], ['total', 'all of it'], ['cpu', 'processor time, all threads'],
]

const round = (value: number): string => (value >= 100 ? Math.round(value).toLocaleString('en') : value.toPrecision(3))

/** Growth of memory per 1,000 blocks in MB, between the first mark and the last. */
const growthOf = ({ memory }: FleetReport, of: 'rss' | 'heap' | 'coresHeap'): number => {
  const first = memory[0]
  const last = memory.at(-1)
  return first === undefined || last === undefined || last.block === first.block ? 0 : ((last[of] - first[of]) * 1_000) / (last.block - first.block)
}

/** The report for people. */
const describe = (report: FleetReport): void => {
  const { workers, pools, blocks, seconds, times, memory, heartbeats, setupSeconds: [network, cores] } = report
  note(`fleet of ${workers} workers in ${pools} pools, ${blocks} blocks of a second in ${round(seconds)} s; started in ${round(network)} s, cores joined in ${round(cores)} s`)
  for (const [phase, name] of PHASE_NAMES) note(`  ${name.padEnd(52)} p50 ${round(times[phase].p50).padStart(6)}  p99 ${round(times[phase].p99).padStart(6)}  max ${round(times[phase].max).padStart(6)} ms`)
  for (const { block, rss, heap, coresHeap } of memory)
    note(`  memory after ${String(block).padStart(5)} blocks: ${round(rss)} MB of the process, live ${round(heap)} MB in node and gatekeeper, ${round(coresHeap)} MB in the worker cores`)
  note(`  heartbeats: ${heartbeats.sent} sent, ${heartbeats.onChain} on the chain, ${heartbeats.settled} settled, ${heartbeats.missed} missed; ${report.computing} compute, ${report.unresponsive} unresponsive, ${report.alarms} alarms, ${report.late} blocks over a second`)
}

const figuresOf = (report: FleetReport, smallest: FleetReport): readonly Figure[] => {
  const { workers, times, memory, heartbeats, workersAlone, late, blocks } = report
  const name = (what: string): string => `fleet: ${workers.toLocaleString('en')} workers, ${what}`
  const scale = workers / smallest.workers
  /** How much better than growing in proportion to the workers. */
  const growing = (what: string, unit: string, of: (one: FleetReport) => number): Figure => ({
    name: name(what), figure: of(report), unit, ratio: (of(smallest) * scale) / of(report), against: `${scale} times that of ${smallest.workers} workers (${round(of(smallest))} ${unit})`,
  })
  const ofBlock = (part: 'p50' | 'p99' | 'max'): Figure => ({
    name: name(`all work of a block, ${part}`), figure: times.total[part], unit: 'ms', ratio: BLOCK_MS / times.total[part], against: 'the second that a block stands for',
  })
  return [
    ofBlock('p50'), ofBlock('p99'), ofBlock('max'),
    growing('node\'s block, p99', 'ms', (one) => one.times.block.p99),
    growing('gatekeeper\'s step, p99', 'ms', (one) => one.times.gatekeeper.p99),
    {
      name: name('step of all cores, p50'), figure: times.workers.p50, unit: 'ms', ratio: workersAlone / times.workers.p50,
      against: `every core hashing the block and checking its proof by itself (${round(workersAlone)} ms)`,
    },
    growing('memory at the end', 'MB', (one) => one.memory.at(-1)?.rss ?? 0),
    {
      name: name('live memory of node and gatekeeper per 1,000 blocks'), figure: growthOf(report, 'heap'), unit: 'MB', ratio: (memory.at(-1)?.heap ?? 0) / Math.max(1, Math.abs(growthOf(report, 'heap'))),
      against: `what is live at the end (${round(memory.at(-1)?.heap ?? 0)} MB); the process grew ${round(growthOf(report, 'rss'))} MB`,
    },
    {
      name: name('heartbeats missed'), figure: heartbeats.missed, unit: 'of all', ratio: heartbeats.sent / Math.max(1, heartbeats.missed),
      against: `heartbeats sent (${heartbeats.sent}); ${late} of ${blocks} blocks took over a second`,
    },
  ]
}

/** Measures. */
export const bench = async (): Promise<readonly Figure[]> => {
  const isLong = process.env['PHALANX_LONG'] === '1'
  const blocks = Number(process.env['PHALANX_FLEET_BLOCKS'] ?? (isLong ? LONG_BLOCKS : BLOCKS))
  const reports: FleetReport[] = []
  for (const workers of isLong ? LONG_SIZES : SIZES) {
    const report = await runFleet(workers, blocks)
    describe(report)
    assert(report.unresponsive === 0 && report.computing === workers && report.alarms === 0, `nobody is unresponsive by fault among ${workers} workers`)
    reports.push(report)
  }
  return reports.flatMap((report) => figuresOf(report, reports[0] as FleetReport))
}
