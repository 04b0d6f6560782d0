import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createGraph, isBetter } from './graph.ts'
import type { PoolTransaction } from './transaction.ts'

const build = (account: number, nonce: number, priority: number, arrival: number): PoolTransaction => ({
  key: `${account}:${nonce}`, hash: new Uint8Array(32), bytes: new Uint8Array(1), sender: String(account),
  requires: nonce === 0 ? [] : [`${account}:${nonce - 1}`], provides: [`${account}:${nonce}`], priority: BigInt(priority), deathBlock: 1n << 64n, arrival, checks: [],
})

/** The plain way: again and again the best of those whose requirements were given before. */
const naiveOrder = (present: readonly PoolTransaction[], met: ReadonlySet<string>): string[] => {
  const given = new Set(met)
  const left = [...present]
  const out: string[] = []
  for (;;) {
    const ready = left.filter(({ requires }) => requires.every((tag) => given.has(tag))).sort((a, b) => (isBetter(a, b) ? -1 : 1))
    const next = ready[0]
    if (next === undefined) return out
    left.splice(left.indexOf(next), 1)
    next.provides.forEach((tag) => given.add(tag))
    out.push(next.key)
  }
}

test('gives the same order as the plain way after any additions, removals and inclusions', () => {
  const step = fc.record({ kind: fc.constantFrom('add', 'add', 'add', 'remove', 'include'), account: fc.nat(3), nonce: fc.nat(5), priority: fc.nat(3) })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const graph = createGraph()
      const present = new Map<string, PoolTransaction>()
      const met = new Set<string>()
      steps.forEach(({ kind, account, nonce, priority }, arrival) => {
        const one = build(account, nonce, priority, arrival)
        if (kind === 'add' && !present.has(one.key) && !met.has(one.key)) {
          graph.add(one)
          // What blocks gave before a transaction arrives, its verdict leaves out.
          for (const tag of one.requires) if (met.has(tag)) graph.meet([tag])
          present.set(one.key, one)
        } else if (kind === 'remove') {
          graph.remove(one.key)
          present.delete(one.key)
        } else if (kind === 'include' && present.has(one.key) && graph.isReady(one.key)) {
          graph.include(one.key)
          present.delete(one.key)
          met.add(one.key)
        }
      })
      const order = [...graph.ready()].map(({ key }) => key)
      expect(order).toEqual(naiveOrder([...present.values()], met))
      expect(graph.readyCount).toBe(order.length)
      expect(graph.size).toBe(present.size)
    }),
    { numRuns: 300 },
  )
})
