/**
 * Owns running a scenario: the chain's and the gatekeepers' own arithmetic over simulated blocks. A step is one challenge: its block, the block
 * that the answers are in, and the stretch to the next challenge, which is compounded (long-blocks.ts). With steps of one block nothing is coarse.
 */
import { bytesToKey } from '@phalanx/primitives/bytes'
import type { Crypto } from '@phalanx/primitives/crypto'
import { fixedToBalance } from '@phalanx/primitives/fixed'
import { createMessage, palletOrigin, TOPICS, type Message, type SystemEvent, type TokenomicParameters, type WorkerEvent, type WorkingInfoUpdateEvent } from '@phalanx/primitives/messages'
import {
  budgetPerBlock, challengeTarget, computationGenesisShape, dayBudgetOf, genesisParameters, periodAt, sharePrice, silenceSlash, type ComputationGenesis,
} from '@phalanx/runtime/economy'
import { beginBlock, createEconomics, endBlock, onEconomicsMessage, type EconomicsState } from '@phalanx/worker/economics'
import { LongBlocks } from './long-blocks.ts'
import { createChance, hasBegun, isOnline, iterationsOf, machinesOf, startOf, type Chance, type Machine } from './machines.ts'
import { newTally, type PopulationOutcome, type RunOutcome, type Sample, type Tally } from './outcome.ts'
import { contribute, newPool, reward, slash, type Pool } from './pools.ts'
import type { ComputingPopulation, Scenario, SniperPopulation } from './scenario.ts'
import { Snipers } from './snipers.ts'

const MS = 1000
const SECONDS_PER_DAY = 86_400
const HOUR_MS = 3_600_000
const DAYS_PER_YEAR = 365
const HEARTBEATS_PER_BLOCK = 20
const PALLET = palletOrigin('PhalaComputation')
const DEFAULT_SLASH = computationGenesisShape.parse({ slash: {} }, '', { parseAddress: () => new Uint8Array(32) }).slash

/** What a run needs. */
export interface RunOptions {
  readonly scenario: Scenario
  readonly run: string
  readonly config: ComputationGenesis
  readonly seed: number
}

const systemMessage = (event: SystemEvent): Message => createMessage(PALLET, TOPICS.systemEvent, event)
const workerMessage = (pubkey: Uint8Array, event: WorkerEvent): Message => systemMessage({ kind: 'WorkerEvent', value: { pubkey, event } })
const toBigEndian = (raw: Uint8Array): bigint => raw.reduce((value, byte) => (value << 8n) | BigInt(byte), 0n)

class Economy {
  private readonly options: RunOptions
  private readonly crypto: Pick<Crypto, 'blake2b256'>
  private readonly chance: Chance
  private readonly populations: readonly ComputingPopulation[]
  private readonly tallies: Tally[]
  private readonly pools: Pool[] = []
  private readonly machines: Machine[] = []
  private readonly byKey = new Map<string, Machine>()
  private readonly snipers: Snipers
  private readonly longBlocks = new LongBlocks()
  private readonly samples: Sample[] = []
  private readonly firstMeanV = new Map<string, bigint>()
  /** Seconds that the last sample had counted, by population. */
  private readonly sampled = new Map<string, Pick<Tally, 'workerSeconds' | 'unresponsiveSeconds'>>()
  private state: EconomicsState = createEconomics({ launched: true })
  private params: TokenomicParameters
  private period = 0
  private block = 0
  private sessions = 0
  /** Messages for the next block. */
  private mail: Message[] = []

  constructor(options: RunOptions, crypto: Pick<Crypto, 'blake2b256'>) {
    const { scenario, config, seed } = options
    this.options = options
    this.crypto = crypto
    this.chance = createChance(seed, crypto)
    this.params = genesisParameters(config)
    this.populations = scenario.populations.filter((one) => one.strategy !== 'sniper')
    this.tallies = this.populations.map(({ name, strategy }) => newTally(name, strategy))
    this.populations.forEach((population, index) => this.settleIn(population, index))
    this.snipers = new Snipers(scenario.populations.filter((one): one is SniperPopulation => one.strategy === 'sniper'), this.pools, BigInt(scenario.scale))
    this.enact(this.params)
  }

  private settleIn(population: ComputingPopulation, index: number): void {
    const firstPool = this.pools.length
    for (let i = 0; i < population.pools; i++) this.pools.push(newPool(population.name, population.commissionPpm))
    const machines = machinesOf(population, { index, firstPool, firstWorker: this.machines.length }, this.chance)
    for (const machine of machines) {
      this.machines.push(machine)
      this.byKey.set(bytesToKey(machine.pubkey), machine)
      this.mail.push(workerMessage(machine.pubkey, { kind: 'Registered', value: { confidenceLevel: population.confidence } }))
    }
    this.tallyOf(index).workers = machines.length * this.options.scenario.scale
  }

  private tallyOf(index: number): Tally {
    return this.tallies[index] as Tally
  }

  private get blockSeconds(): number {
    return this.options.config.blockTimeSec
  }

  private elapsedMs(block: number): number {
    return block * this.blockSeconds * MS
  }

  /** One simulated worker stands for `scale`: each gets the same part of a budget that is smaller by as much. */
  private enact(params: TokenomicParameters): void {
    this.params = params
    const value = { ...params, budgetPerBlock: params.budgetPerBlock / BigInt(this.options.scenario.scale) }
    this.mail.push(createMessage(PALLET, TOPICS.gatekeeperEvent, { kind: 'TokenomicParametersChanged', value }))
  }

  private followSchedule(timeMs: number): void {
    const { config, scenario } = this.options
    if (config.budgetSchedule === undefined) return
    const { anchor } = config.budgetSchedule
    const schedule = { ...config.budgetSchedule, anchor: anchor === 0n ? BigInt(scenario.startTime) : anchor }
    const period = periodAt(schedule, BigInt(scenario.startTime) + BigInt(Math.floor(timeMs / MS)))
    if (period <= this.period) return
    this.period = period
    this.enact({ ...this.params, budgetPerBlock: budgetPerBlock(dayBudgetOf(schedule, period), config.blockTimeSec) })
  }

  private startWorkers(elapsedMs: number): void {
    for (const machine of this.machines) {
      const population = this.populations[machine.population] as ComputingPopulation
      if (machine.sessionId !== undefined || machine.refusal !== undefined || !hasBegun(population, elapsedMs)) continue
      const started = startOf(machine, this.params, population.confidence)
      const tally = this.tallyOf(machine.population)
      const { scale } = this.options.scenario
      if (typeof started === 'string') {
        machine.refusal = started
        tally.refused.set(started, (tally.refused.get(started) ?? 0) + scale)
        continue
      }
      const pool = this.pools[machine.pool] as Pool
      contribute(pool, machine.stake)
      pool.free -= machine.stake
      machine.sessionId = this.sessions++
      machine.startedAtMs = elapsedMs
      tally.computing += scale
      tally.staked += machine.stake * BigInt(scale)
      this.mail.push(workerMessage(machine.pubkey, { kind: 'Started', value: { sessionId: machine.sessionId, initV: started.initV, initP: machine.score } }))
    }
  }

  private get computing(): number {
    return this.machines.reduce((count, { sessionId }) => count + (sessionId === undefined ? 0 : 1), 0)
  }

  /** The chain's challenge; where a step is many blocks, the aim is what the blocks have together. */
  private challenge(stepBlocks: number, stepSeconds: number): void {
    const { config, scenario } = this.options
    const heartbeats = (config.expectedHeartbeatCount ?? HEARTBEATS_PER_BLOCK) * stepBlocks
    const workers = this.computing * scenario.scale
    if (config.heartbeatPaused || workers === 0) return
    const onlineTarget = challengeTarget({ heartbeats, workers, blockSeconds: stepSeconds, perWorkerHour: config.heartbeatsPerWorkerHour })
    this.mail.push(systemMessage({ kind: 'HeartbeatChallenge', value: { seed: toBigEndian(this.chance.bytes('challenge', this.block)), onlineTarget } }))
  }

  /** Runs to a block; those before it are without messages. */
  private runTo(block: number): void {
    const blocks = block - this.block
    const { scenario } = this.options
    const mail = this.mail
    this.mail = []
    let update: WorkingInfoUpdateEvent | undefined
    const before = this.state.v
    this.state = this.longBlocks.run(this.state, blocks, (state) => {
      const draft = beginBlock(state, { block, nowMs: BigInt(scenario.startTime * MS + this.elapsedMs(block)) }, { crypto: this.crypto })
      for (const message of mail) onEconomicsMessage(draft, message)
      const outcome = endBlock(draft)
      update = outcome.update
      return outcome.state
    })
    this.block = block
    this.work(blocks)
    this.count(blocks, before)
    if (update !== undefined) this.takeUpdate(update)
    this.slashStakes(false)
  }

  private work(blocks: number): void {
    const elapsedMs = this.elapsedMs(this.block)
    const spanMs = blocks * this.blockSeconds * MS
    for (const machine of this.machines)
      if (machine.sessionId !== undefined && isOnline(this.populations[machine.population] as ComputingPopulation, machine, elapsedMs - spanMs)) machine.workedMs += spanMs
  }

  private count(blocks: number, before: readonly bigint[]): void {
    const { scale } = this.options.scenario
    const seconds = blocks * this.blockSeconds * scale
    this.machines.forEach((machine, at) => {
      if (machine.sessionId === undefined) return
      const tally = this.tallyOf(machine.population)
      tally.workerSeconds += seconds
      if (this.state.workers[at]?.unresponsive !== true) return
      tally.unresponsiveSeconds += seconds
      const lost = (before[at] ?? 0n) - (this.state.v[at] ?? 0n)
      if (lost > 0n) tally.slashedV += lost * BigInt(scale)
    })
  }

  /** What the chain makes of the gatekeepers' word. */
  private takeUpdate(update: WorkingInfoUpdateEvent): void {
    const scale = BigInt(this.options.scenario.scale)
    const elapsedMs = this.elapsedMs(this.block)
    for (const pubkey of update.offline) {
      const machine = this.machineOf(pubkey)
      machine.unresponsive = true
      machine.slashedUntilMs = elapsedMs
      this.tallyOf(machine.population).offlines += this.options.scenario.scale
      this.mail.push(workerMessage(pubkey, { kind: 'EnterUnresponsive' }))
    }
    for (const pubkey of update.recoveredToOnline) {
      const machine = this.machineOf(pubkey)
      if (machine.unresponsive) this.slashStake(machine, elapsedMs)
      machine.unresponsive = false
      this.mail.push(workerMessage(pubkey, { kind: 'ExitUnresponsive' }))
    }
    for (const { pubkey, payout, treasury } of update.settle) {
      const machine = this.machineOf(pubkey)
      const tally = this.tallyOf(machine.population)
      const paid = reward(this.pools[machine.pool] as Pool, payout)
      tally.heartbeats += Number(scale)
      tally.rewards += fixedToBalance(payout) * scale
      tally.treasury += fixedToBalance(treasury) * scale
      tally.ownerRewards += paid.toOwner * scale
      tally.toStakers += paid.toStakers * scale
      const since = this.snipers.lastPaid(bytesToKey(pubkey), this.block)
      if (since > 0) machine.perBlock = paid.toStakers / BigInt(since)
    }
  }

  private machineOf(pubkey: Uint8Array): Machine {
    return this.byKey.get(bytesToKey(pubkey)) as Machine
  }

  private slashStake(machine: Machine, elapsedMs: number): void {
    const slashing = this.options.config.slash ?? DEFAULT_SLASH
    const seconds = BigInt(Math.floor((elapsedMs - machine.slashedUntilMs) / MS))
    if (slashing?.enabled !== true || !machine.hosts || seconds <= 0n) return
    const due = silenceSlash(slashing, { stake: machine.stake, seconds })
    const amount = due < machine.stake ? due : machine.stake
    machine.slashedUntilMs = elapsedMs
    machine.stake -= amount
    slash(this.pools[machine.pool] as Pool, amount)
    this.tallyOf(machine.population).slashedStake += amount * BigInt(this.options.scenario.scale)
  }

  /** Stakes that are due by the clock; all of them at the end. */
  private slashStakes(isEnd: boolean): void {
    const elapsedMs = this.elapsedMs(this.block)
    const intervalMs = (this.options.config.slash ?? DEFAULT_SLASH)?.intervalBlocks ?? 1
    for (const machine of this.machines)
      if (machine.unresponsive && (isEnd || elapsedMs - machine.slashedUntilMs >= intervalMs * this.blockSeconds * MS)) this.slashStake(machine, elapsedMs)
  }

  /** Heartbeats of the workers that are online and owe an answer; false where somebody stays silent. */
  private answer(elapsedMs: number): boolean {
    let areAllThere = true
    this.machines.forEach((machine, at) => {
      const waiting = this.state.workers[at]?.waiting ?? []
      const challengeBlock = waiting.at(-1)
      if (machine.sessionId === undefined || challengeBlock === undefined) return
      const population = this.populations[machine.population] as ComputingPopulation
      if (!isOnline(population, machine, elapsedMs)) {
        areAllThere = areAllThere && machine.unresponsive
        return
      }
      machine.hosts = population.hostsContracts
      this.mail.push(createMessage({ kind: 'Worker', value: machine.pubkey }, TOPICS.workingReport, {
        kind: 'HeartbeatV2',
        value: {
          sessionId: machine.sessionId, challengeBlock, challengeTime: BigInt(this.options.scenario.startTime * MS + this.elapsedMs(challengeBlock)),
          iterations: iterationsOf(population, machine), nClusters: population.hostsContracts ? 1 : 0, nContracts: population.hostsContracts ? 1 : 0,
        },
      }))
    })
    return areAllThere
  }

  /** The block that answers come in, before other news, with whoever delegates because he sees them coming. False where somebody stays silent. */
  private runAnswers(block: number, news: readonly Message[] = []): boolean {
    const areAllThere = this.answer(this.elapsedMs(this.block))
    const due = this.machines.filter((_machine, at) => (this.state.workers[at]?.waiting.length ?? 0) > 0)
    this.mail.push(...news)
    const positions = this.snipers.enter(due, block)
    this.runTo(block)
    this.snipers.leave(positions)
    return areAllThere
  }

  private meanV(population: number): bigint {
    let [sum, count] = [0n, 0n]
    this.machines.forEach((machine, at) => {
      if (machine.population !== population || machine.sessionId === undefined) return
      sum += this.state.v[at] ?? 0n
      count++
    })
    return count === 0n ? 0n : sum / count
  }

  private sample(): void {
    const scale = this.options.scenario.scale
    this.tallies.forEach((tally, index) => {
      const mine = this.machines.filter(({ population }) => population === index)
      const meanV = this.meanV(index)
      if (!this.firstMeanV.has(tally.name) && meanV > 0n) this.firstMeanV.set(tally.name, meanV)
      this.samples.push({
        hour: Math.round(this.elapsedMs(this.block) / HOUR_MS), population: tally.name, computing: tally.computing, unresponsive: mine.filter((one) => one.unresponsive).length * scale,
        silentShare: this.silentShare(tally), meanV, rewards: tally.rewards, treasury: tally.treasury, slashedV: tally.slashedV, slashedStake: tally.slashedStake, sniped: this.snipers.takenFrom(tally.name),
        sharePrice: this.priceOf(tally.name),
      })
    })
    this.samples.push(...this.snipers.samples(Math.round(this.elapsedMs(this.block) / HOUR_MS)))
  }

  private silentShare({ name, workerSeconds, unresponsiveSeconds }: Tally): number {
    const before = this.sampled.get(name) ?? { workerSeconds: 0, unresponsiveSeconds: 0 }
    this.sampled.set(name, { workerSeconds, unresponsiveSeconds })
    const span = workerSeconds - before.workerSeconds
    return span === 0 ? 0 : (unresponsiveSeconds - before.unresponsiveSeconds) / span
  }

  private priceOf(population: string): bigint | undefined {
    const pool = this.pools.find((one) => one.population === population)
    return pool === undefined ? undefined : sharePrice(pool)
  }

  /** One step: from a challenge to just before the next. */
  private step(stepBlocks: number, stepSeconds: number): void {
    const first = this.block + 1
    const last = this.block + stepBlocks
    this.followSchedule(this.elapsedMs(first))
    this.startWorkers(this.elapsedMs(this.block))
    this.challenge(stepBlocks, stepSeconds)
    if (stepBlocks === 1) return this.runExactly(first)
    this.runTo(first)
    const areAllThere = this.runAnswers(first + 1)
    const silentAt = first + 1 + this.params.heartbeatWindow
    if (!areAllThere && silentAt < last) this.runTo(silentAt)
    if (this.block < last) this.runTo(last)
  }

  /** In steps of one block the answers to the last challenge stand before the new one, as on the chain. */
  private runExactly(block: number): void {
    const news = this.mail
    this.mail = []
    this.runAnswers(block, news)
  }

  run(): RunOutcome {
    const { scenario, run } = this.options
    const stepBlocks = scenario.stepSeconds / this.blockSeconds
    const steps = Math.ceil((scenario.days * SECONDS_PER_DAY) / scenario.stepSeconds)
    let nextSampleMs = 0
    for (let i = 0; i < steps; i++) {
      this.step(stepBlocks, scenario.stepSeconds)
      if (this.elapsedMs(this.block) < nextSampleMs && i < steps - 1) continue
      this.sample()
      nextSampleMs = (Math.floor(this.elapsedMs(this.block) / (scenario.sampleHours * HOUR_MS)) + 1) * scenario.sampleHours * HOUR_MS
    }
    this.slashStakes(true)
    return { run, days: scenario.days, blocks: this.block, stepBlocks, scale: scenario.scale, populations: this.outcomes(), samples: this.samples }
  }

  private outcomes(): readonly PopulationOutcome[] {
    const { days } = this.options.scenario
    const yearly = (gain: bigint, on: bigint): number => (on === 0n ? 0 : ((Number(gain) / Number(on)) * DAYS_PER_YEAR) / days)
    const workers = this.tallies.map((tally, index): PopulationOutcome => {
      const sniped = this.snipers.takenFrom(tally.name)
      const gain = tally.toStakers + tally.ownerRewards - sniped - tally.slashedStake
      return {
        ...tally, sniped, firstMeanV: this.firstMeanV.get(tally.name) ?? 0n, lastMeanV: this.meanV(index), sharePrice: this.priceOf(tally.name), yearlyReturn: yearly(gain, tally.staked),
      }
    })
    const snipers = this.snipers.tallies().map((tally): PopulationOutcome => ({
      ...tally, firstMeanV: 0n, lastMeanV: 0n, sharePrice: undefined, yearlyReturn: yearly(tally.sniped - tally.fees, tally.staked),
    }))
    return [...workers, ...snipers]
  }
}

/** Runs a scenario with one set of its parameters. Equal options give equal outcomes on every machine. */
export const simulateEconomy = (options: RunOptions, dependencies: { readonly crypto: Pick<Crypto, 'blake2b256'> }): RunOutcome => new Economy(options, dependencies.crypto).run()
