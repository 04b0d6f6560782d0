/** The fair queue against a plain model of the reference's rules, and what it promises: bounds, each served once, shares by weight, nobody starved. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { FairQueue } from './fair-queue.ts'

const DEPTH = 3
const BACKLOG = 4
const SHIFT = 32n

/** The reference's scheduler written down once more, as plainly as can be. */
class Model {
  virtualTime = 0n
  serving = 0
  flows = new Map<string, { finish: bigint; average: bigint }>()
  backlog: { id: number; name: string; start: bigint; order: number }[] = []
  order = 0

  flow(name: string): { finish: bigint; average: bigint } {
    const found = this.flows.get(name) ?? { finish: 0n, average: 0n }
    this.flows.set(name, found)
    return found
  }

  request(name: string, weight: number, id: number): { kind: string; dropped: number | undefined } {
    const flow = this.flow(name)
    const before = flow.finish
    const start = this.virtualTime > before ? this.virtualTime : before
    const cost = flow.average / BigInt(Math.max(weight, 1))
    flow.finish = start + (cost < 1n ? 1n : cost)
    if (this.serving < DEPTH) {
      this.serving++
      this.virtualTime = start
      return { kind: 'Run', dropped: undefined }
    }
    let dropped: number | undefined
    if (this.backlog.length === BACKLOG) {
      const last = this.sorted().at(-1) as Model['backlog'][number]
      if (start >= last.start) {
        flow.finish = before
        return { kind: 'Overloaded', dropped: undefined }
      }
      dropped = last.id
      this.flow(last.name).finish = last.start
      this.backlog = this.backlog.filter(({ id: other }) => other !== dropped)
    }
    this.backlog.push({ id, name, start, order: this.order++ })
    return { kind: 'Wait', dropped }
  }

  sorted(): Model['backlog'] {
    return this.backlog.toSorted((a, b) => (a.start !== b.start ? (a.start < b.start ? -1 : 1) : a.order - b.order))
  }

  release(name: string, elapsed: bigint): readonly number[] {
    const flow = this.flow(name)
    flow.average = (flow.average * 4n + (elapsed << SHIFT)) / 5n
    const next = this.sorted()[0]
    if (next === undefined) {
      this.serving--
      return []
    }
    this.backlog = this.backlog.filter(({ id }) => id !== next.id)
    this.virtualTime = next.start
    return [next.id]
  }
}

const flows = fc.constantFrom('a', 'b', 'c', 'd', 'e')
const actions = fc.array(
  fc.oneof(
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('request' as const), flow: flows, weight: fc.integer({ min: 0, max: 50 }) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('release' as const), pick: fc.nat(), elapsed: fc.bigInt({ min: 0n, max: 10n ** 10n }) }) },
  ),
  { maxLength: 120 },
)

describe('the fair queue', () => {
  test('does what the reference does, step by step', () => {
    fc.assert(fc.property(actions, (list) => {
      const queue = new FairQueue<number>({ depth: DEPTH, backlogMax: BACKLOG })
      const model = new Model()
      const flowOf = new Map<number, string>()
      const running: number[] = []
      list.forEach((action, id) => {
        if (action.kind === 'request') {
          flowOf.set(id, action.flow)
          const got = queue.request(action.flow, action.weight, id)
          expect({ kind: got.kind, dropped: got.kind === 'Wait' ? got.dropped : undefined }).toEqual(model.request(action.flow, action.weight, id))
          if (got.kind === 'Run') running.push(id)
        } else if (running.length > 0) {
          const [done] = running.splice(action.pick % running.length, 1)
          const flow = flowOf.get(done as number) as string
          const next = queue.release(flow, action.elapsed)
          expect(next).toEqual(model.release(flow, action.elapsed))
          running.push(...next)
        }
        expect(queue.load.running).toBe(running.length)
        expect(queue.load.running).toBeLessThanOrEqual(DEPTH)
        expect(queue.load.waiting).toBeLessThanOrEqual(BACKLOG)
      })
    }), { numRuns: 300 })
  })

  test('serves, drops or refuses each request once', () => {
    fc.assert(fc.property(actions, fc.integer({ min: 1, max: DEPTH }), (list, flowMax) => {
      const queue = new FairQueue<number>({ depth: DEPTH, backlogMax: BACKLOG, flowMax })
      const flowOf = new Map<number, string>()
      const running: number[] = []
      const ended: number[] = []
      const served: number[] = []
      const run = (ids: readonly number[]): void => {
        running.push(...ids)
        served.push(...ids)
      }
      list.forEach((action, id) => {
        if (action.kind === 'request') {
          flowOf.set(id, action.flow)
          const got = queue.request(action.flow, action.weight, id)
          if (got.kind === 'Run') run([id])
          else if (got.kind === 'Overloaded') ended.push(id)
          else if (got.dropped !== undefined) ended.push(got.dropped)
        } else if (running.length > 0) run(queue.release(flowOf.get(running.splice(action.pick % running.length, 1)[0] as number) as string, action.elapsed))
        for (const flow of new Set(flowOf.values())) expect(running.filter((each) => flowOf.get(each) === flow).length).toBeLessThanOrEqual(flowMax)
      })
      while (running.length > 0) run(queue.release(flowOf.get(running.pop() as number) as string, 1n))
      expect([...ended, ...served].toSorted((a, b) => a - b)).toEqual([...flowOf.keys()])
    }), { numRuns: 200 })
  })

  test('shares time by weight between contracts that always ask', () => {
    fc.assert(fc.property(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 20 }), (left, right) => {
      const queue = new FairQueue<'a' | 'b'>({ depth: 1, backlogMax: 8 })
      const weights = { a: left, b: right }
      const served = { a: 0, b: 0 }
      let current: 'a' | 'b' = 'a'
      const keepAsking = (): void => {
        for (const flow of ['a', 'b'] as const) queue.request(flow, weights[flow], flow)
      }
      queue.request('a', left, 'a')
      for (let i = 0; i < 3000; i++) {
        keepAsking()
        const [next] = queue.release(current, 1_000_000n)
        current = next as 'a' | 'b'
        if (i > 500) served[current]++
      }
      const expected = left / (left + right)
      expect(Math.abs(served.a / (served.a + served.b) - expected)).toBeLessThan(0.06)
    }), { numRuns: 40 })
  })

  test('lets a quiet contract in before a hot one that waits', () => {
    const queue = new FairQueue<string>({ depth: 1, backlogMax: 4 })
    queue.request('hot', 1, 'hot 0')
    for (let i = 1; i <= 3; i++) queue.request('hot', 1, `hot ${i}`)
    expect(queue.release('hot', 10_000_000n)).toEqual(['hot 1'])
    queue.request('hot', 1, 'hot 4')
    queue.request('hot', 1, 'hot 5')
    queue.request('quiet', 1, 'quiet')
    const order: string[] = []
    let [running] = queue.release('hot', 10_000_000n)
    while (running !== undefined) {
      order.push(running)
      ;[running] = queue.release(running.split(' ')[0] as string, 10_000_000n)
    }
    expect(order.indexOf('quiet')).toBeLessThan(order.indexOf('hot 4'))
  })

  test('keeps places for others where one contract may not have all', () => {
    const queue = new FairQueue<string>({ depth: 3, flowMax: 2 })
    expect(['a', 'b', 'c'].map((name) => queue.request('hot', 100, name).kind)).toEqual(['Run', 'Run', 'Wait'])
    expect(queue.request('other', 0, 'd').kind).toBe('Run')
    expect(queue.release('other', 1n)).toEqual([])
    expect(queue.release('hot', 1n)).toEqual(['c'])
  })

  test('keeps a place for quick contracts where several may not have all', () => {
    const queue = new FairQueue<string>({ depth: 2, longMax: 1 })
    const LONG = 3_000_000_000n
    // Nobody knows of the first two that they take long.
    expect(['a', 'b'].map((name) => queue.request(name, 100, `${name} 1`).kind)).toEqual(['Run', 'Run'])
    expect(['a', 'b'].map((name) => queue.request(name, 100, `${name} 2`).kind)).toEqual(['Wait', 'Wait'])
    expect(queue.release('a', LONG)).toHaveLength(1)
    expect(queue.release('b', LONG)).toEqual([])
    expect(queue.request('quick', 1, 'quick').kind).toBe('Run')
    expect(queue.release('quick', 1n)).toEqual([])
    expect(queue.load).toEqual({ running: 1, waiting: 1 })
  })

  describe('with room for quick contracts', () => {
    const MILLISECOND = 1_000_000n
    /** A queue with everything taken, in which both contracts have been seen to take so long. */
    const create = ({ quickNs, slowNs }: { readonly quickNs: bigint; readonly slowNs: bigint }): FairQueue<string> => {
      const queue = new FairQueue<string>({ depth: 1, backlogMax: 2, quick: { max: 6, waitNs: 10n * MILLISECOND } })
      for (const [flow, elapsed] of [['quick', quickNs], ['slow', slowNs]] as const) {
        queue.request(flow, 1, flow)
        queue.release(flow, 5n * elapsed)
      }
      queue.request('other', 1, 'running')
      return queue
    }
    const askOften = (queue: FairQueue<string>, flow: string, count: number): readonly string[] => Array.from({ length: count }, (_, i) => queue.request(flow, 1, `${flow} ${i}`).kind)

    test('lets more of them wait than the backlog holds, up to a bound', () => {
      const queue = create({ quickNs: MILLISECOND, slowNs: MILLISECOND })
      expect(askOften(queue, 'quick', 7)).toEqual([...new Array<string>(6).fill('Wait'), 'Overloaded'])
    })

    test('refuses where the last would wait too long, or lets it crowd out what comes later', () => {
      const queue = create({ quickNs: MILLISECOND, slowNs: 4n * MILLISECOND })
      expect(askOften(queue, 'slow', 4)).toEqual(['Wait', 'Wait', 'Overloaded', 'Overloaded'])
      const answers = Array.from({ length: 3 }, (_, i) => queue.request('quick', 1, `quick ${i}`))
      expect(answers.map((answer) => (answer.kind === 'Wait' ? answer.dropped : 'refused'))).toEqual([undefined, undefined, 'slow 1'])
    })

    test('gives a contract of which nothing is known the backlog only', () => {
      const queue = create({ quickNs: MILLISECOND, slowNs: MILLISECOND })
      expect(askOften(queue, 'new', 3)).toEqual(['Wait', 'Wait', 'Overloaded'])
    })
  })

  test('forgets a request that is taken back', () => {
    const queue = new FairQueue<string>({ depth: 1 })
    queue.request('a', 1, 'first')
    queue.request('a', 1, 'second')
    expect([queue.withdraw('second'), queue.withdraw('second'), queue.withdraw('first')]).toEqual([true, false, false])
    expect(queue.release('a', 1n)).toEqual([])
    expect(queue.load).toEqual({ running: 0, waiting: 0 })
  })
})
