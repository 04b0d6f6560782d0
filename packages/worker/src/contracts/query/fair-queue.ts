/**
 * Owns which query runs next: a start-time fair queue over contracts (cluster_contracts.md section 10), so that a contract that asks for much waits
 * behind itself and not others. Knows neither time nor what runs: elapsed time is handed in.
 */
import { assert } from '@phalanx/primitives/assert'

/** Costs are nanoseconds with 32 binary places. */
const COST_SHIFT = 32n
const AVERAGE_WEIGHT = 4n
/** Queries that may wait, unless told otherwise. */
const BACKLOG_MAX = 32
/** Flows without anything under way that are remembered. */
const IDLE_FLOWS_MAX = 4096

interface Flow {
  prevFinish: bigint
  averageCost: bigint
  /** Requests of the flow that run or wait. */
  active: number
}

interface Waiting<T> {
  readonly item: T
  readonly flow: string
  readonly start: bigint
}

/** What became of a request: it runs now, it waits (another that waited had to go), or there is no room for it. */
export type Admission<T> = { readonly kind: 'Run' } | { readonly kind: 'Wait'; readonly dropped: T | undefined } | { readonly kind: 'Overloaded' }

/** Requests of flows, a bounded number of them served at a time. */
export class FairQueue<T> {
  private readonly depth: number
  private readonly backlogMax: number
  private readonly flows = new Map<string, Flow>()
  /** Ascending by start; equal ones in the order in which they came. */
  private backlog: Waiting<T>[] = []
  private virtualTime = 0n
  private running = 0

  /** `depth`: how many are served at a time. */
  constructor(options: { readonly depth: number; readonly backlogMax?: number }) {
    assert(options.depth > 0, 'a queue serves somebody')
    this.depth = options.depth
    this.backlogMax = options.backlogMax ?? BACKLOG_MAX
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
    if (this.running < this.depth) {
      known.active++
      this.running++
      this.virtualTime = start
      return { kind: 'Run' }
    }
    let dropped: Waiting<T> | undefined
    if (this.backlog.length >= this.backlogMax) {
      const last = this.backlog.at(-1)
      if (last === undefined || start >= last.start) {
        known.prevFinish = previous
        return { kind: 'Overloaded' }
      }
      dropped = this.backlog.pop()
      this.settle(dropped?.flow)
    }
    known.active++
    const place = this.backlog.findIndex((waiting) => waiting.start > start)
    this.backlog.splice(place < 0 ? this.backlog.length : place, 0, { item, flow, start })
    return { kind: 'Wait', dropped: dropped?.item }
  }

  /** A request of a flow has come to its end after so long. @returns the one that runs now in its place */
  release(flow: string, elapsedNs: bigint): T | undefined {
    assert(this.running > 0, 'something was running')
    const known = this.flowOf(flow)
    known.averageCost = (known.averageCost * AVERAGE_WEIGHT + (elapsedNs << COST_SHIFT)) / (AVERAGE_WEIGHT + 1n)
    this.settle(flow)
    const next = this.backlog.shift()
    if (next === undefined) {
      this.running--
      return undefined
    }
    this.virtualTime = next.start
    return next.item
  }

  /** Takes back a request that waits. @returns false where it does not wait */
  withdraw(item: T): boolean {
    const place = this.backlog.findIndex((waiting) => waiting.item === item)
    if (place < 0) return false
    this.settle(this.backlog[place]?.flow)
    this.backlog.splice(place, 1)
    return true
  }

  private flowOf(name: string): Flow {
    const found = this.flows.get(name)
    if (found !== undefined) return found
    if (this.flows.size >= IDLE_FLOWS_MAX) this.forgetIdle()
    const made: Flow = { prevFinish: 0n, averageCost: 0n, active: 0 }
    this.flows.set(name, made)
    return made
  }

  private settle(name: string | undefined): void {
    const flow = name === undefined ? undefined : this.flows.get(name)
    if (flow !== undefined) flow.active--
  }

  /** Flows whose past no longer matters: nothing of them is under way, and their turn would be now. */
  private forgetIdle(): void {
    for (const [name, { active, prevFinish }] of this.flows) if (active === 0 && prevFinish <= this.virtualTime) this.flows.delete(name)
  }
}
