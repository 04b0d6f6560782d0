/**
 * Owns which query runs next: a start-time fair queue over contracts (cluster_contracts.md section 10), so that a contract that asks for much waits
 * behind itself and not others. Beyond the reference, one contract, and all together whose requests take long, may be kept from taking every place: nothing that runs is interrupted. Knows neither time nor what runs: elapsed time is handed in.
 */
import { assert } from '@phalanx/primitives/assert'

/** Costs are nanoseconds with 32 binary places. */
const COST_SHIFT = 32n
const AVERAGE_WEIGHT = 4n
/** Queries that may wait whatever they take, unless told otherwise. */
const BACKLOG_MAX = 32
/** Requests that take longer on average take long. */
const LONG_COST = 100_000_000n << COST_SHIFT
/** Flows without anything under way that are remembered. */
const IDLE_FLOWS_MAX = 4096

interface Flow {
  prevFinish: bigint
  averageCost: bigint
  running: number
  /** Of those that run: begun when the flow's took long. */
  runningLong: number
  waiting: number
}

interface Waiting<T> {
  readonly item: T
  readonly flow: string
  readonly start: bigint
}

/** What became of a request: it runs now, it waits (another that waited had to go), or there is no room for it. */
export type Admission<T> = { readonly kind: 'Run' } | { readonly kind: 'Wait'; readonly dropped: T | undefined } | { readonly kind: 'Overloaded' }

/**
 * Room beyond the reference's backlog, for requests whose flows are known to be quick: up to `max` wait in all, as long as the last of them would get its turn within
 * `waitNs`. A machine that stood still for a third of a second has more than the backlog to answer at once, and answers it in a few hundredths.
 */
export interface QuickRoom {
  readonly max: number
  readonly waitNs: bigint
}

/** Requests of flows, a bounded number of them served at a time. */
export class FairQueue<T> {
  private readonly depth: number
  private readonly backlogMax: number
  private readonly flowMax: number
  private readonly longMax: number
  private readonly quick: QuickRoom | undefined
  private readonly flows = new Map<string, Flow>()
  /** Ascending by start; equal ones in the order in which they came. */
  private backlog: Waiting<T>[] = []
  private virtualTime = 0n
  private running = 0
  private runningLong = 0

  /** `depth`: how many are served at a time; `flowMax`: how many of one flow, `longMax`: of flows whose requests take long (all, unless given). */
  constructor(options: { readonly depth: number; readonly backlogMax?: number; readonly flowMax?: number; readonly longMax?: number; readonly quick?: QuickRoom }) {
    this.depth = options.depth
    this.backlogMax = options.backlogMax ?? BACKLOG_MAX
    this.flowMax = options.flowMax ?? options.depth
    this.longMax = options.longMax ?? options.depth
    this.quick = options.quick
    assert(this.depth > 0 && this.flowMax > 0 && this.longMax > 0, 'a queue serves somebody')
  }

  /** How many run, and how many wait. */
  get load(): { readonly running: number; readonly waiting: number } {
    return { running: this.running, waiting: this.backlog.length }
  }

  /** Asks for service. Whoever may run tells its end by `release`; whoever waits is returned by somebody's `release`. */
  request(flow: string, weight: number, item: T): Admission<T> {
    const known = this.flowOf(flow)
    const previous = known.prevFinish
    const start = this.virtualTime > previous ? this.virtualTime : previous
    const share = known.averageCost / BigInt(Math.max(weight, 1))
    known.prevFinish = start + (share > 1n ? share : 1n)
    if (this.running < this.depth && this.hasPlace(known)) {
      this.begin(known, start)
      return { kind: 'Run' }
    }
    let dropped: Waiting<T> | undefined
    if (!this.hasRoom(known)) {
      const last = this.backlog.at(-1)
      if (last === undefined || start >= last.start) {
        known.prevFinish = previous
        return { kind: 'Overloaded' }
      }
      dropped = this.backlog.pop()
      const loser = this.flowOf(last.flow)
      loser.waiting--
      // What is dropped costs nothing, or whoever is crowded out would fall behind for ever. It was the last of its flow.
      loser.prevFinish = last.start
    }
    known.waiting++
    const place = this.backlog.findIndex((waiting) => waiting.start > start)
    this.backlog.splice(place < 0 ? this.backlog.length : place, 0, { item, flow, start })
    return { kind: 'Wait', dropped: dropped?.item }
  }

  /** A request of a flow has come to its end after so long. @returns those that run now, at most one for each place that is free */
  release(flow: string, elapsedNs: bigint): readonly T[] {
    const known = this.flowOf(flow)
    assert(known.running > 0, 'something of the flow was running')
    known.averageCost = (known.averageCost * AVERAGE_WEIGHT + (elapsedNs << COST_SHIFT)) / (AVERAGE_WEIGHT + 1n)
    known.running--
    this.running--
    if (known.runningLong > 0) {
      known.runningLong--
      this.runningLong--
    }
    return this.takeNext()
  }

  /** Takes back a request that waits. @returns false where it does not wait */
  withdraw(item: T): boolean {
    const place = this.backlog.findIndex((waiting) => waiting.item === item)
    const [waiting] = place < 0 ? [] : this.backlog.splice(place, 1)
    if (waiting === undefined) return false
    this.flowOf(waiting.flow).waiting--
    return true
  }

  /** Whether one more request of a flow may wait. */
  private hasRoom({ averageCost }: Flow): boolean {
    const waiting = this.backlog.length
    if (waiting < this.backlogMax) return true
    // A flow of which nothing is known yet has the reference's room only.
    if (this.quick === undefined || waiting >= this.quick.max || averageCost === 0n) return false
    const bound = (this.quick.waitNs << COST_SHIFT) * BigInt(this.flowMax)
    const unknown = bound / BigInt(this.backlogMax)
    let cost = averageCost
    for (const { flow } of this.backlog) cost += this.flowOf(flow).averageCost || unknown
    return cost <= bound
  }

  /** Whether a flow may have another place, where one is free. */
  private hasPlace(flow: Flow): boolean {
    return flow.running < this.flowMax && (flow.averageCost <= LONG_COST || this.runningLong < this.longMax)
  }

  private begin(flow: Flow, start: bigint): void {
    flow.running++
    this.running++
    if (flow.averageCost > LONG_COST) {
      flow.runningLong++
      this.runningLong++
    }
    if (start > this.virtualTime) this.virtualTime = start
  }

  private takeNext(): readonly T[] {
    const taken: T[] = []
    while (this.running < this.depth) {
      const place = this.backlog.findIndex(({ flow }) => this.hasPlace(this.flowOf(flow)))
      const [next] = place < 0 ? [] : this.backlog.splice(place, 1)
      if (next === undefined) break
      const flow = this.flowOf(next.flow)
      flow.waiting--
      this.begin(flow, next.start)
      taken.push(next.item)
    }
    return taken
  }

  private flowOf(name: string): Flow {
    const found = this.flows.get(name)
    if (found !== undefined) return found
    if (this.flows.size >= IDLE_FLOWS_MAX) this.forgetIdle()
    const made: Flow = { prevFinish: 0n, averageCost: 0n, running: 0, runningLong: 0, waiting: 0 }
    this.flows.set(name, made)
    return made
  }

  /** Flows whose past no longer matters: nothing of them is under way, and their turn would be now. */
  private forgetIdle(): void {
    for (const [name, { running, waiting, prevFinish }] of this.flows)
      if (running + waiting === 0 && prevFinish <= this.virtualTime) this.flows.delete(name)
  }
}
