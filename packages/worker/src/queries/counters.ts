/** Owns what a worker counts of queries and of their requests to the outside, for Statistics. Counts live as long as the process. */
import { bytesToKey } from '@phalanx/primitives/bytes'
import type { HttpAnswer } from '../contracts/execution/http.ts'

/** Contracts counted one by one; what comes beyond counts in the sum only. */
const CONTRACTS_MAX = 4096

/** Queries: all, refused for want of room, and milliseconds that the others took. */
export interface QueryCount {
  total: number
  dropped: number
  timeMs: number
}

/** HTTP requests: all, without an answer, answers by status. */
export interface HttpCount {
  requests: number
  failures: number
  readonly byStatus: Map<number, number>
}

/** Sum and parts. */
interface Counted<T> {
  readonly global: T
  readonly byContract: ReadonlyMap<string, T>
}

class Tally<T> implements Counted<T> {
  readonly global: T
  readonly byContract = new Map<string, T>()
  private readonly make: () => T

  constructor(make: () => T) {
    this.make = make
    this.global = make()
  }

  each(contract: Uint8Array, change: (count: T) => void): void {
    change(this.global)
    const id = bytesToKey(contract)
    let own = this.byContract.get(id)
    if (own === undefined) {
      if (this.byContract.size >= CONTRACTS_MAX) return
      own = this.make()
      this.byContract.set(id, own)
    }
    change(own)
  }
}

/** All counts. Contracts are named by `bytesToKey` of their id. */
export class QueryCounters {
  private readonly queries = new Tally<QueryCount>(() => ({ total: 0, dropped: 0, timeMs: 0 }))
  private readonly https = new Tally<HttpCount>(() => ({ requests: 0, failures: 0, byStatus: new Map() }))

  get query(): Counted<Readonly<QueryCount>> {
    return this.queries
  }

  get http(): Counted<Readonly<HttpCount>> {
    return this.https
  }

  noteQuery(contract: Uint8Array, outcome: { readonly isDropped: boolean; readonly timeMs: number }): void {
    this.queries.each(contract, (count) => {
      count.total++
      if (outcome.isDropped) count.dropped++
      else count.timeMs += outcome.timeMs
    })
  }

  noteHttp(contract: Uint8Array, answer: HttpAnswer): void {
    this.https.each(contract, (count) => {
      count.requests++
      if (answer.ok) count.byStatus.set(answer.value.statusCode, (count.byStatus.get(answer.value.statusCode) ?? 0) + 1)
      else count.failures++
    })
  }
}
