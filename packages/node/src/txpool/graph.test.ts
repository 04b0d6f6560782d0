import { describe, expect, test } from 'vitest'
import { createGraph } from './graph.ts'
import type { PoolTransaction } from './transaction.ts'

let arrivals = 0
const tx = (key: string, options: { requires?: readonly string[]; provides?: readonly string[]; priority?: bigint } = {}): PoolTransaction => ({
  key, hash: new Uint8Array(32), bytes: new Uint8Array(10), sender: 'a', requires: options.requires ?? [], provides: options.provides ?? [key],
  priority: options.priority ?? 0n, deathBlock: 1n << 64n, arrival: arrivals++, checks: [],
})
const keys = (graph: ReturnType<typeof createGraph>): string[] => [...graph.ready()].map(({ key }) => key)

describe('graph', () => {
  test('orders by priority, then by arrival', () => {
    const graph = createGraph()
    for (const one of [tx('low'), tx('high', { priority: 9n }), tx('low2'), tx('mid', { priority: 5n })]) graph.add(one)
    expect(keys(graph)).toEqual(['high', 'mid', 'low', 'low2'])
  })
  test('never gives one before what it requires, whatever its priority', () => {
    const graph = createGraph()
    graph.add(tx('n0'))
    graph.add(tx('n1', { requires: ['n0'], priority: 100n }))
    graph.add(tx('other', { priority: 50n }))
    expect(keys(graph)).toEqual(['other', 'n0', 'n1'])
  })
  test('holds back what nobody provides, and promotes the whole chain when somebody does', () => {
    const graph = createGraph()
    graph.add(tx('n2', { requires: ['n1'] }))
    graph.add(tx('n1', { requires: ['n0'] }))
    expect(keys(graph)).toEqual([])
    expect(graph.readyCount).toBe(0)
    const { promoted } = graph.add(tx('n0'))
    expect(promoted.map(({ key }) => key)).toEqual(['n0', 'n1', 'n2'])
    expect(keys(graph)).toEqual(['n0', 'n1', 'n2'])
  })
  test('demotes the whole chain behind a removed one', () => {
    const graph = createGraph()
    for (const one of [tx('n0'), tx('n1', { requires: ['n0'] }), tx('n2', { requires: ['n1'] })]) graph.add(one)
    const { demoted } = graph.remove('n0')
    expect(demoted.map(({ key }) => key)).toEqual(['n1', 'n2'])
    expect(graph.readyCount).toBe(0)
    graph.add(tx('n0'))
    expect(keys(graph)).toEqual(['n0', 'n1', 'n2'])
  })
  test('keeps what depended on an included one ready', () => {
    const graph = createGraph()
    for (const one of [tx('n0'), tx('n1', { requires: ['n0'] })]) graph.add(one)
    graph.include('n0')
    expect(keys(graph)).toEqual(['n1'])
    expect(graph.unmet('n1').size).toBe(0)
  })
  test('takes tags met by strangers', () => {
    const graph = createGraph()
    graph.add(tx('n1', { requires: ['n0'] }))
    expect(graph.meet(['n0']).promoted.map(({ key }) => key)).toEqual(['n1'])
  })
  test('counts bytes and sizes', () => {
    const graph = createGraph()
    graph.add(tx('a'))
    graph.add(tx('b'))
    graph.remove('a')
    graph.remove('absent')
    expect([graph.size, graph.bytes, graph.readyCount]).toEqual([1, 10, 1])
  })
})
