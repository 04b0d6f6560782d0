/** Owns one run of the simulator: a world drawn from a seed, faults and users for so many blocks, then peace, then the final checks. */
import { parseHex, toHex } from '@phalanx/primitives/bytes'
import type { Crypto } from '@phalanx/primitives/crypto'
import { UNIT } from '@phalanx/primitives/fixed'
import { Empty, WorkerStatus } from '@phalanx/worker/api'
import { decodeMessage, encodeMessage } from '@phalanx/worker/wire'
import { createAskers, type Askers } from './askers.ts'
import { createAdversary, type Adversary } from './faults.ts'
import type { EconomyCounts } from './economy-audit.ts'
import type { ClusterCounts } from './cluster-audit.ts'
import { createClusterPeople, describeCluster, isClusterSettled, type ClusterPeople } from './cluster-people.ts'
import { liveOf } from './cluster-view.ts'
import { createEconomy } from './economy.ts'
import { tryClosedEpochs } from './epoch-closure.ts'
import { areGatekeepersAtWork, describeGatekeepers, rotationsOf } from './governance.ts'
import { createPrng, type Prng } from './prng.ts'
import type { QueryCounts } from './query-audit.ts'
import { createWorkload } from './workload.ts'
import type { Broken } from './broken.ts'
import { createWorld } from './world.ts'
import type { WorkerPlace, World, WorldOptions } from './world-types.ts'

/** What to run. */
export interface SimulationOptions {
  readonly seed: number
  /** Blocks at least; 500 unless given. */
  readonly blocks?: number
  /** Faults at least; 20 unless given. */
  readonly faults?: number
  readonly broken?: Broken
}

/** How it went. Equal seeds give equal results, `digest` included. */
export interface SimulationResult {
  readonly seed: number
  readonly ok: boolean
  readonly problems: readonly string[]
  readonly blocks: number
  readonly faults: number
  readonly faultCounts: Readonly<Record<string, number>>
  readonly lies: number
  readonly workers: number
  readonly messages: number
  readonly transactions: number
  /** Times that a worker began at a checkpoint of the chain or skipped to one; each was compared with one that followed every block. */
  readonly checkpoints: number
  /** Votes of gatekeepers that were compared. */
  readonly votes: number
  readonly rotations: number
  /** What was compared of the economy: see the audit. */
  readonly economy: Readonly<EconomyCounts>
  /** What was compared of clusters; `abandoned` ones were given up because nobody ran them. */
  readonly clusters: Readonly<ClusterCounts> & { readonly abandoned: number }
  /** Queries, and what came of them. */
  readonly queries: Readonly<QueryCounts>
  /** Commands of epochs that were over and opened with nothing that was left; canaries and keys that were looked for. */
  readonly closed: number
  readonly canaries: number
  readonly secrets: number
  /** Hash of the last finalised block. */
  readonly digest: string
  readonly virtualSeconds: number
}

const BLOCKS = 500
const FAULTS = 20
/** After this many blocks nobody holds the key any more that opened an epoch's secret: it was replaced, which takes some, and its grace is over. */
const CLOSED_AFTER_BLOCKS = 40
/** A worker that is so far behind has not heard yet that an epoch is over. */
const LAG_BLOCKS = 4
const PEACE_MS = 400_000
const STEP_BLOCKS = 2

/** One real machine in so many thousand worlds. */
const REAL_MACHINE_PER_MILLE = 100

/** Gatekeepers are in no cluster: its members come on top of them. */
const drawOptions = (prng: Prng, broken: Broken): WorldOptions => {
  const gatekeepers = prng.chance(250) ? 3 : 2
  const size = prng.chance(400) ? 3 : 2
  const graceBlocks = prng.between(2, 8)
  const clusters = {
    size, graceBlocks, isReal: prng.chance(REAL_MACHINE_PER_MILLE) && broken === 'none', minStake: prng.pick([1n, 100n, 500n]) * UNIT,
    rotationPeriodBlocks: graceBlocks + prng.pick([4, 12, 40]), reportIntervalBlocks: prng.pick([3, 10, 25]),
  }
  return { ...drawRest(prng, broken), workers: gatekeepers + size, gatekeepers, clusters }
}

const drawRest = (prng: Prng, broken: Broken): Omit<WorldOptions, 'workers' | 'gatekeepers'> => ({
  relays: prng.between(1, 2),
  blockTimeMs: prng.pick([200, 500, 1000]),
  checkpointEveryBlocks: prng.pick([3, 10, 50]),
  stateVersion: prng.chance(800) ? 1 : 0,
  liesPerMille: prng.pick([50, 200, 500]),
  broken,
  checkpointAfterBlocks: prng.pick([8, 40, 4096]),
  rotateEcdhEveryBlocks: prng.pick([20, 60, 100_000]),
  challenges: { expectedHeartbeatCount: 1, heartbeatsPerWorkerHour: prng.pick([240, 600, 1200]) },
})

const statusOf = async (world: World, at: number): Promise<WorkerStatus | undefined> => {
  const { worker } = world.workers[at] ?? {}
  return worker === undefined ? undefined : decodeMessage(WorkerStatus, await worker.handle('PhalanxAPI.Status', encodeMessage(Empty, {})))
}

/** No worker may follow anything but the finalised chain, whatever it was fed. */
const checkWorkers = async (world: World): Promise<void> => {
  const head = world.finalized.length - 1
  for (const [i, place] of world.workers.entries()) {
    const { url } = place
    const status = await statusOf(world, i)
    if ((status?.blockNumber ?? 0) + LAG_BLOCKS < head) place.laggedAt = head
    if (status === undefined || status.blockHash === undefined || status.blockHash === '') continue
    const expected = world.finalized[(status.blockNumber ?? 0)]
    if (expected !== undefined && toHex(parseHex(status.blockHash)) !== expected) world.report(`${url} follows ${status.blockHash} at block ${(status.blockNumber ?? 0)}, not ${expected}`)
    if ((status.gatekeeperAlarms ?? 0) > 0) world.report(`${url} differs from the other gatekeepers: ${status.gatekeeper ?? ''}`)
    if (status.state === 'halted') world.report(`${url} halted: ${status.reason}`)
    const live = liveOf(place)
    const problem = live === undefined ? undefined : world.auditor.clusters.observe(url, live)
    if (problem !== undefined) world.report(problem)
  }
}

/** Nothing that left a worker may hold a secret key. */
const checkSecrets = (world: World): void => {
  const leaked = world.hunt.found()
  if (leaked !== undefined && !world.problems.some((problem) => problem.startsWith('leak'))) world.report(`leak: ${leaked}`)
}

/** Gatekeepers always have something to say, members of clusters often. */
const messagesUnderWay = (status: WorkerStatus): bigint => (status.gatekeeper === undefined ? 4n : 3n)

/** Whether a worker serves under an ECDH key that the chain took another for: for good, or until it has followed the block that says so. */
const isUnderOldKey = (world: World, { identity }: WorkerPlace, status: WorkerStatus): boolean => {
  const known = identity === undefined ? undefined : world.auditor.workers.get(identity)
  return known !== undefined && status.ecdhPublicKey !== undefined && toHex(parseHex(status.ecdhPublicKey)) !== toHex(known.ecdhPubkey)
}

/** In peace every worker must come to serve, at the head, under the key that the chain holds, and every member of the cluster to answer. */
const checkPeace = async (world: World, people: ClusterPeople, askers: Askers): Promise<void> => {
  const isSettled = async (): Promise<boolean> => {
    const head = world.node()?.head().number ?? 0
    for (const [i, place] of world.workers.entries()) {
      const status = await statusOf(world, i)
      if (status === undefined || isUnderOldKey(world, place, status) || !status.serving || (status.blockNumber ?? 0) + 3 < head || status.pendingMessages > messagesUnderWay(status)) return false
    }
    return areGatekeepersAtWork(world) && isClusterSettled(world, people) && askers.unanswered() === undefined
  }
  const untilMs = world.clock.nowMs() + PEACE_MS
  while (world.clock.nowMs() < untilMs) {
    await world.clock.run(world.clock.nowMs() + 2000)
    await checkWorkers(world)
    if (world.problems.length > 0 || (await isSettled())) return
  }
  if (!areGatekeepersAtWork(world)) world.report(`in peace the gatekeepers are not at work: ${describeGatekeepers(world)}`)
  const silence = askers.unanswered()
  if (silence !== undefined) world.report(`in peace ${silence}`)
  world.report(describeCluster(world))
  for (const [i, { url }] of world.workers.entries()) {
    const status = await statusOf(world, i)
    const row = world.relays.flatMap(({ relay }) => relay?.snapshot().workers.filter((one) => one.url === url) ?? [])[0]
    world.report(`in peace ${url} is ${status?.state ?? 'down'} (${status?.reason ?? ''}) at block ${status?.blockNumber ?? 0} of ${world.node()?.head().number ?? 0}, `
      + `${status?.pendingMessages ?? 0n} messages pending, gatekeeper: ${status?.gatekeeper ?? 'no'}; its relay says ${row?.phase ?? 'nothing'}: ${row?.reason ?? ''}`)
  }
}

const checkRegistry = async (world: World): Promise<void> => {
  for (const [i, place] of world.workers.entries()) {
    const status = await statusOf(world, i)
    const known = place.identity === undefined ? undefined : world.auditor.workers.get(place.identity)
    if (known === undefined) world.report(`${place.url} serves but is not registered`)
    else if (status !== undefined && isUnderOldKey(world, place, status)) world.report(`${place.url} serves under another ECDH key than the chain's`)
  }
}

/** At the end: every command was answered, and nothing that is left opens one of an epoch that is over. Returns how many were tried. */
const checkClusters = async (world: World): Promise<number> => {
  const { clusters } = world.auditor
  const node = world.node()
  const unanswered = clusters.unanswered()
  if (unanswered !== undefined) world.report(unanswered)
  if (node === undefined || world.problems.length > 0) return 0
  const over = clusters.epochs.filter(({ retireAt }) => retireAt !== undefined && retireAt + CLOSED_AFTER_BLOCKS < node.head().number)
  const { tried, problem } = await world.clock.await(tryClosedEpochs(world, world.recorder, { epochs: over, genesis: node.genesisHash, clusterOf: (contract) => clusters.clusterOf(contract) }))
  if (problem !== undefined) world.report(problem)
  for (const [key, value] of node.chain.head().state.entries(new Uint8Array(0))) for (const bytes of [key, value]) world.hunt.watch(bytes, 'the state of the chain')
  return tried
}

interface Done {
  readonly transactions: number
  readonly abandoned: number
  readonly queries: Readonly<QueryCounts>
  readonly closed: number
}

const summarize = (options: SimulationOptions, world: World, adversary: Adversary, done: Done): SimulationResult => ({
  seed: options.seed,
  ok: world.problems.length === 0,
  problems: world.problems,
  blocks: world.finalized.length - 1,
  faults: adversary.total(),
  faultCounts: adversary.counts,
  lies: world.network.counts.lies,
  workers: world.auditor.workers.size,
  messages: world.auditor.messages,
  transactions: done.transactions,
  checkpoints: world.joined(),
  votes: world.auditor.votes,
  rotations: rotationsOf(world),
  economy: world.auditor.economy.counts,
  clusters: { ...world.auditor.clusters.counts, abandoned: done.abandoned },
  queries: done.queries,
  closed: done.closed,
  canaries: world.hunt.canaries,
  secrets: world.hunt.secrets,
  digest: world.finalized.at(-1) ?? '',
  virtualSeconds: Math.round((world.clock.nowMs() - 1_760_000_000_000) / 1000),
})

/** Runs a seed. */
export const simulate = async (options: SimulationOptions, dependencies: { readonly crypto: Crypto; readonly log?: (line: string) => void }): Promise<SimulationResult> => {
  const prng = createPrng(options.seed)
  const settings = drawOptions(prng.fork('options'), options.broken ?? 'none')
  const world = await createWorld(settings, { crypto: dependencies.crypto, prng: prng.fork('world'), log: dependencies.log ?? (() => {}) })
  const blocks = options.blocks ?? BLOCKS
  const adversary = createAdversary(world, { everyMs: Math.round((settings.blockTimeMs * blocks) / (4 * (options.faults ?? FAULTS))) }, prng.fork('faults'))
  const workload = createWorkload(world, { everyMs: settings.blockTimeMs * 2 }, prng.fork('workload'))
  const economy = createEconomy(world, { everyMs: settings.blockTimeMs * 4 }, prng.fork('economy'))
  const people = createClusterPeople(world, { everyMs: settings.blockTimeMs * 2 }, prng.fork('cluster'))
  const askers = createAskers(world, { everyMs: settings.blockTimeMs }, prng.fork('askers'))
  await world.clock.run(world.clock.nowMs() + 5 * settings.blockTimeMs)
  adversary.start()
  workload.start()
  economy.start()
  people.start()
  askers.start()
  while (world.problems.length === 0 && (world.finalized.length <= blocks || adversary.total() < (options.faults ?? FAULTS))) {
    await world.clock.run(world.clock.nowMs() + STEP_BLOCKS * settings.blockTimeMs)
    await checkWorkers(world)
    checkSecrets(world)
    if (world.clock.nowMs() > 1_760_000_000_000 + 20 * blocks * settings.blockTimeMs) world.report('the chain hardly moved')
  }
  workload.stop()
  economy.calm()
  people.calm()
  askers.calm()
  await adversary.stop()
  if (world.problems.length === 0) await checkPeace(world, people, askers)
  if (world.problems.length === 0) await checkRegistry(world)
  const closed = world.problems.length === 0 ? await checkClusters(world) : 0
  checkSecrets(world)
  const transactions = workload.submitted + economy.submitted + people.submitted
  const result = summarize(options, world, adversary, { transactions, abandoned: people.abandoned, queries: askers.counts, closed })
  for (const relay of world.relays) world.crashRelay(relay)
  for (const worker of world.workers) world.crashWorker(worker)
  world.crashNode()
  return result
}
