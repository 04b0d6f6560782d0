import { describe, expect, test } from 'vitest'
import { FollowedBlocks } from '@phalanx/primitives/chain'
import { concatBytes } from '@phalanx/primitives/bytes'
import { createBlockCache } from './block-cache.ts'

const feed = (from: number, count: number, mark = 0): Uint8Array => FollowedBlocks.encode(Array.from({ length: count }, (_, i) => ({
  header: { parentHash: new Uint8Array(32), number: from + i, stateRoot: new Uint8Array(32).fill(mark), extrinsicsRoot: new Uint8Array(32), digest: { logs: [] } },
  justification: undefined, messages: { messages: [], acks: [] },
})))
const anybody = { maxBytes: 1 << 20, isAcceptable: () => true }
const give = (source: string, from: number, count: number, mark = 0) => ({ genesis: 'g', from, source, bytes: feed(from, count, mark) })
const take = (from: number, limit: number) => ({ genesis: 'g', from, limit })

describe('a cache of blocks', () => {
  test('gives any range again as it came, however it came', () => {
    const cache = createBlockCache({ maxBytes: 1 << 20 })
    expect(cache.put(give('a', 1, 10))).toBe(10)
    cache.put(give('a', 11, 10))
    expect(cache.take(take(5, 10), anybody)).toEqual({ from: 5, count: 10, bytes: feed(5, 10), node: 'a' })
    expect(cache.take(take(15, 100), anybody)?.count).toBe(6)
    expect(cache.take(take(21, 1), anybody)).toBeUndefined()
    expect(cache.take({ ...take(5, 1), genesis: 'h' }, anybody)).toBeUndefined()
  })

  test('gives workers in step the same bytes, not copies', () => {
    const cache = createBlockCache({ maxBytes: 1 << 20 })
    cache.put(give('a', 1, 10))
    expect(cache.take(take(1, 5), anybody)?.bytes).toBe(cache.take(take(1, 5), anybody)?.bytes)
  })

  test('gives one source at a time and keeps to the size, but always one block', () => {
    const cache = createBlockCache({ maxBytes: 1 << 20 })
    cache.put(give('a', 1, 3))
    cache.put(give('b', 4, 3))
    expect(cache.take(take(1, 100), anybody)).toMatchObject({ count: 3, node: 'a' })
    expect(cache.take(take(1, 100), { ...anybody, maxBytes: 1 })).toMatchObject({ count: 1 })
    expect(cache.take(take(1, 100), { ...anybody, isAcceptable: (source) => source !== 'a' })).toBeUndefined()
  })

  test('forgets the least recently used when it is full', () => {
    const cache = createBlockCache({ maxBytes: 10_000 })
    cache.put(give('a', 1, 10))
    cache.take(take(1, 2), anybody)
    for (let from = 11; from <= 31; from += 5) cache.put(give('a', from, 5))
    expect(cache.size().bytes).toBeLessThanOrEqual(10_000)
    expect(cache.take(take(3, 1), anybody)).toBeUndefined()
    expect(cache.take(take(31, 5), anybody)?.count).toBe(5)
  })

  test('drops what a source gave, but not what a worker has accepted', () => {
    const cache = createBlockCache({ maxBytes: 1 << 20 })
    cache.put(give('a', 1, 10))
    const batch = cache.take(take(1, 10), anybody)
    if (batch === undefined) throw new Error('no batch')
    cache.approve('g', batch, 4)
    expect(cache.isApproved('g', batch)).toBe(false)
    cache.drop('a')
    expect(cache.take(take(1, 10), anybody)?.count).toBe(4)
    expect(cache.isApproved('g', { ...batch, count: 4 })).toBe(true)
    cache.put(give('a', 1, 4))
    expect(cache.isApproved('g', { ...batch, count: 4 })).toBe(true)
    cache.put(give('a', 1, 4, 9))
    expect(cache.isApproved('g', { ...batch, count: 4 })).toBe(false)
    expect(cache.take(take(1, 4), anybody)?.bytes).toEqual(feed(1, 4, 9))
  })

  test.each([
    ['other numbers', feed(2, 3), 'RELAY_BLOCKS_MALFORMED'], ['bytes behind', concatBytes(feed(1, 1), Uint8Array.of(0)), 'RELAY_BLOCKS_MALFORMED'],
    ['half a block', feed(1, 1).slice(0, 40), 'CODEC_UNEXPECTED_END'], ['nothing at all', new Uint8Array(0), 'CODEC_UNEXPECTED_END'],
  ])('refuses %s and keeps nothing of it', (_name, bytes, code) => {
    const cache = createBlockCache({ maxBytes: 1 << 20 })
    expect(() => cache.put({ genesis: 'g', from: 1, source: 'a', bytes })).toThrowError(expect.objectContaining({ code }) as Error)
    expect(cache.size()).toEqual({ blocks: 0, bytes: 0 })
  })
})
