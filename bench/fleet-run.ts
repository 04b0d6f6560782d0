/** Owns one run of the fleet benchmark, in a process of its own so that memory is this run's alone: `fleet-run.ts <workers> <blocks>`. */
import { FollowedBlocks } from '@phalanx/primitives/chain'
import { bytesEqual } from '@phalanx/primitives/bytes'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { TOPICS } from '@phalanx/primitives/messages'
import type { Outgoing } from './fleet-cores.ts'
import { startFleetFarm, type FleetFarm } from './fleet-farm.ts'
import { ITERATIONS_PER_SECOND, createFleetNetwork, type FleetNetwork } from './fleet-network.ts'

/** Phases of a block in ms each, and the processor time that the whole process took for it. */
export const PHASES = ['relay', 'block', 'gatekeeper', 'workers', 'total', 'cpu'] as const
export type Phase = (typeof PHASES)[number]

/** Memory of the process in MB, after a collection of what is not used. */
export interface Memory {
  readonly block: number
  readonly rss: number
  readonly heap: number
  readonly coresHeap: number
}

/** What a run found. */
export interface FleetReport {
  readonly workers: number
  readonly pools: number
  readonly blocks: number
  /** Wall time of the start of the network and of the cores, in s. */
  readonly setupSeconds: readonly [network: number, cores: number]
  /** Wall time of the blocks in s. */
  readonly seconds: number
  readonly times: Readonly<Record<Phase, { readonly p50: number; readonly p99: number; readonly max: number }>>
  /** Blocks that took longer than the second they stand for. */
  readonly late: number
  /** The workers' step per block where each core checks every proof by itself, in ms. */
  readonly workersAlone: number
  readonly memory: readonly Memory[]
  readonly heartbeats: { readonly sent: number; readonly onChain: number; readonly settled: number; readonly missed: number }
  readonly computing: number
  readonly unresponsive: number
  readonly alarms: number
}

const WARM_UP = 10
const ALONE_BLOCKS = 5
/** Looks at memory after the first. */
const MEMORY_MARKS = 4

const percentile = (sorted: readonly number[], part: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0
const summary = (values: readonly number[]) => {
  const sorted = [...values].sort((a, b) => a - b)
  return { p50: percentile(sorted, 0.5), p99: percentile(sorted, 0.99), max: sorted.at(-1) ?? 0 }
}
/** Tells the benchmark, or whoever started this by hand, how far it is. */
const say = (line: string): void => void (process.send === undefined ? process.stderr.write(`${line}\n`) : process.send(line))
const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

const isHeartbeat = ({ message }: Outgoing['messages'][number]): boolean => bytesEqual(message.destination, TOPICS.workingReport.topic)

/** What a block holds of heartbeats and of the gatekeeper's word on them. */
const countIn = (blocks: Uint8Array) => {
  const counts = { onChain: 0, settled: 0, missed: 0 }
  for (const { messages: { messages } } of FollowedBlocks.decode(blocks)) {
    for (const { sender, destination, payload } of messages) {
      if (bytesEqual(destination, TOPICS.workingReport.topic)) counts.onChain++
      if (sender.kind !== 'Gatekeeper' || !bytesEqual(destination, TOPICS.workingUpdate.topic)) continue
      const { settle, offline } = TOPICS.workingUpdate.payload.decode(payload)
      counts.settled += settle.length
      counts.missed += offline.length
    }
  }
  return counts
}

/** Makes blocks one after another: a second of chain time, and all the work that belongs to it. */
const createDriver = (network: FleetNetwork, farm: FleetFarm) => {
  let entering: readonly Promise<unknown>[] = []
  let outgoing: readonly Outgoing[] = []
  return {
    sent: 0, onChain: 0, settled: 0, missed: 0,
    async block(how = { alone: false }): Promise<Record<Phase, number>> {
      const cpu = process.cpuUsage()
      const started = performance.now()
      this.sent += outgoing.reduce((sum, { messages }) => sum + messages.filter(isHeartbeat).length, 0)
      await Promise.all([...entering, ...outgoing.flatMap(({ worker, messages }) => network.handIn(worker, messages))])
      const handedIn = performance.now()
      const number = await network.seal()
      const sealed = performance.now()
      const blocks = await network.serve(number)
      const served = performance.now()
      entering = await network.feedGatekeeper(blocks)
      const replayed = performance.now()
      outgoing = await farm.feed(blocks, how)
      const ended = performance.now()
      const { user, system } = process.cpuUsage(cpu)
      const { onChain, settled, missed } = countIn(blocks)
      this.onChain += onChain
      this.settled += settled
      this.missed += missed
      await nextTurn()
      return { relay: handedIn - started + served - sealed, block: sealed - handedIn, gatekeeper: replayed - served, workers: ended - replayed, total: ended - started, cpu: (user + system) / 1000 }
    },
  }
}

const memoryAt = async (block: number, farm: FleetFarm): Promise<Memory> => {
  const cores = await farm.heapUsed()
  ;(globalThis as { gc?: () => void }).gc?.()
  const { rss, heapUsed } = process.memoryUsage()
  return { block, rss: rss / 2 ** 20, heap: heapUsed / 2 ** 20, coresHeap: cores / 2 ** 20 }
}

const run = async (workers: number, blocks: number): Promise<FleetReport> => {
  const began = performance.now()
  const crypto = await loadCrypto()
  const network = await createFleetNetwork(crypto, workers)
  const networkDone = performance.now()
  say(`  ${workers} workers: the network is up`)
  const farm = await startFleetFarm(
    { genesisInfo: network.genesisInfo, genesisHash: network.chain.genesisHash, workers: network.workers, iterations: ITERATIONS_PER_SECOND }, network.checkpoint)
  const coresDone = performance.now()
  say(`  ${workers} workers: all joined at block ${network.node.head().number}`)
  await network.beginChallenges()
  const driver = createDriver(network, farm)
  for (let i = 0; i < WARM_UP; i++) await driver.block()
  const times: Record<Phase, number[]> = { relay: [], block: [], gatekeeper: [], workers: [], total: [], cpu: [] }
  const memory = [await memoryAt(0, farm)]
  const every = Math.ceil(blocks / MEMORY_MARKS)
  const started = performance.now()
  for (let i = 1; i <= blocks; i++) {
    const spent = await driver.block()
    for (const phase of PHASES) times[phase].push(spent[phase])
    if (i % every !== 0 && i !== blocks) continue
    memory.push(await memoryAt(i, farm))
    say(`  ${workers} workers: block ${i} of ${blocks}, p50 ${Math.round(summary(times.total).p50)} ms`)
  }
  const seconds = (performance.now() - started) / 1000
  const alone: number[] = []
  for (let i = 0; i < ALONE_BLOCKS; i++) alone.push((await driver.block({ alone: true })).workers)
  const { sent, onChain, settled, missed } = driver
  const report: FleetReport = {
    workers, pools: network.pools, blocks, seconds, memory,
    setupSeconds: [(networkDone - began) / 1000, (coresDone - networkDone) / 1000],
    times: { relay: summary(times.relay), block: summary(times.block), gatekeeper: summary(times.gatekeeper), workers: summary(times.workers), total: summary(times.total), cpu: summary(times.cpu) },
    late: times.total.filter((ms) => ms > 1000).length, workersAlone: summary(alone).p50,
    heartbeats: { sent, onChain, settled, missed }, ...network.standing(), alarms: await network.alarms(),
  }
  await farm.stop()
  await network.stop()
  return report
}

const [workers = 100, blocks = 120] = process.argv.slice(2).map(Number)
const report = await run(workers, blocks)
if (process.send === undefined) console.log(JSON.stringify(report, undefined, 1))
else process.send(report, () => process.exit(0))
