import { utf8 } from '@phalanx/primitives/bytes'
import { describe, expect, test } from 'vitest'
import { ContractCache } from './local-cache.ts'

const A = new Uint8Array(32).fill(1)
const B = new Uint8Array(32).fill(2)
const KEY = utf8('foo')
const WEEK_MS = 604_800_000n
const TOTAL = 20 * 1024 * 1024

/** A cache in which A has this share of everything, and a way to do one thing as a query does. */
const create = (weights: readonly [Uint8Array, number][] = [[A, 1]]) => {
  const cache = new ContractCache()
  cache.setWeights(weights.map(([contract, weight]) => ({ contract, weight })))
  const within = <T>(nowMs: bigint, act: (session: ReturnType<ContractCache['openSession']>) => T): T => {
    const session = cache.openSession(nowMs)
    const result = act(session)
    cache.apply(session.changes, nowMs)
    return result
  }
  return { cache, within }
}

describe('the local cache', () => {
  test('behaves as published: set, expire, set again, remove', () => {
    const { within } = create()
    expect(within(0n, (s) => s.set(A, KEY, utf8('bar')))).toBe(true)
    expect(within(1n, (s) => s.get(A, KEY))).toEqual(utf8('bar'))
    within(2n, (s) => s.setExpiration(A, KEY, 0n))
    expect(within(2n, (s) => s.get(A, KEY))).toBeUndefined()
    within(3n, (s) => s.set(A, KEY, utf8('baz')))
    expect(within(4n, (s) => s.remove(A, KEY))).toEqual(utf8('baz'))
    expect(within(5n, (s) => s.get(A, KEY))).toBeUndefined()
  })
  test('keeps a value for a week unless told otherwise', () => {
    const { within } = create()
    within(0n, (s) => s.set(A, KEY, utf8('bar')))
    expect(within(WEEK_MS - 1n, (s) => s.get(A, KEY))).toBeDefined()
    expect(within(WEEK_MS, (s) => s.get(A, KEY))).toBeUndefined()
    within(0n, (s) => s.set(A, KEY, utf8('bar')))
    within(0n, (s) => s.setExpiration(A, KEY, 2n))
    expect([within(1999n, (s) => s.get(A, KEY)), within(2000n, (s) => s.get(A, KEY))]).toEqual([utf8('bar'), undefined])
  })
  test('keeps contracts apart', () => {
    const { within } = create([[A, 1], [B, 1]])
    within(0n, (s) => s.set(A, KEY, utf8('bar')))
    expect(within(0n, (s) => s.get(B, KEY))).toBeUndefined()
  })
  test('shows a query what it did, and others nothing before it has ended', () => {
    const { cache } = create()
    const session = cache.openSession(0n)
    session.set(A, KEY, utf8('bar'))
    expect(session.get(A, KEY)).toEqual(utf8('bar'))
    expect(cache.openSession(0n).get(A, KEY)).toBeUndefined()
    cache.apply(session.changes, 0n)
    expect(cache.openSession(0n).get(A, KEY)).toEqual(utf8('bar'))
  })
  test('gives quotas by weight, none without', () => {
    const { within, cache } = create([[A, 3], [B, 1]])
    const value = (length: number): Uint8Array => new Uint8Array(length)
    const quota = (TOTAL / 4) * 3
    expect(within(0n, (s) => s.set(A, KEY, value(quota - 2)))).toBe(false)
    expect(within(0n, (s) => s.set(A, KEY, value(quota - 3)))).toBe(true)
    expect(cache.bytesOf(A)).toBe(quota)
    expect(within(0n, (s) => s.set(A, KEY, value(1)))).toBe(true)
    expect(within(0n, (s) => s.set(new Uint8Array(32).fill(3), KEY, value(0)))).toBe(false)
  })
  test('makes room by clearing what has expired', () => {
    const { within, cache } = create()
    const half = new Uint8Array(TOTAL / 2)
    within(0n, (s) => s.set(A, KEY, half))
    within(0n, (s) => s.setExpiration(A, KEY, 1n))
    expect(within(999n, (s) => s.set(A, utf8('other'), half))).toBe(false)
    expect(within(1000n, (s) => s.set(A, utf8('other'), half))).toBe(true)
    expect(cache.bytesOf(A)).toBe(half.length + 5)
  })
  test('loses what would expire first when its quota shrinks', () => {
    const { within, cache } = create()
    const third = new Uint8Array(TOTAL / 3)
    within(0n, (s) => s.set(A, utf8('late'), third))
    within(0n, (s) => s.set(A, utf8('soon'), third))
    within(0n, (s) => s.setExpiration(A, utf8('soon'), 10n))
    cache.setWeights([{ contract: A, weight: 1 }, { contract: B, weight: 1 }])
    expect([within(0n, (s) => s.get(A, utf8('soon'))), within(0n, (s) => s.get(A, utf8('late')))?.length]).toEqual([undefined, third.length])
    cache.setWeights([])
    expect(cache.bytesOf(A)).toBe(0)
  })
  test('is handed over whole', () => {
    const { within, cache } = create()
    within(0n, (s) => s.set(A, KEY, utf8('bar')))
    const other = new ContractCache()
    other.import(cache.export())
    other.setWeights([{ contract: A, weight: 1 }])
    expect(other.openSession(0n).get(A, KEY)).toEqual(utf8('bar'))
    expect(other.bytesOf(A)).toBe(cache.bytesOf(A))
  })
})
