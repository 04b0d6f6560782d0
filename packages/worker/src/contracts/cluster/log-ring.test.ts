import type { LogContent } from '@phalanx/primitives/contracts'
import { describe, expect, test } from 'vitest'
import { appendLogs, countLogs, EMPTY_LOG_RING, readLogs, type LogRing } from './log-ring.ts'

const id = new Uint8Array(32)
const line = (message: string): LogContent => ({ kind: 'Log', value: { contract: id, entry: id, mode: 2, timeMs: 0n, level: 3, message } })
const filled = (count: number, maxBytes?: number): LogRing =>
  Array.from({ length: count }, (_, i) => line(String(i))).reduce((ring, content, i) => appendLogs(ring, { block: i, contents: [content] }, maxBytes), EMPTY_LOG_RING)
const numbers = (ring: LogRing, from: bigint, count: number): readonly number[] => readLogs(ring, { from, count }).map(({ sequence }) => Number(sequence))

describe('a ring of logs', () => {
  test('numbers records, and reads from a number, or from the end', () => {
    const ring = filled(300)
    expect(countLogs(ring)).toBe(300)
    expect(numbers(ring, 297n, 0)).toEqual([297, 298, 299])
    expect(numbers(ring, -2n, 0)).toEqual([298, 299])
    expect(numbers(ring, 126n, 4)).toEqual([126, 127, 128, 129])
    expect(numbers(ring, 300n, 0)).toEqual([])
    expect(readLogs(ring, { from: 5n, count: 1 })[0]?.block).toBe(5)
  })

  test('drops the oldest where there is no room, and its numbers go on', () => {
    const ring = filled(1000, 50_000)
    expect(ring.bytes).toBeLessThan(70_000)
    expect(ring.next).toBe(1000n)
    const [first] = readLogs(ring, { from: 0n, count: 1 })
    expect(Number(first?.sequence)).toBeGreaterThan(400)
    expect(numbers(ring, -1n, 0)).toEqual([999])
  })

  test('leaves out a record that is too large, and its number', () => {
    const ring = appendLogs(EMPTY_LOG_RING, { block: 1, contents: [line('a'), line('x'.repeat(300_000)), line('b')] })
    expect(numbers(ring, 0n, 0)).toEqual([0, 2])
  })

  test('is not changed by what is appended to it', () => {
    const before = filled(10)
    appendLogs(before, { block: 11, contents: [line('more')] })
    expect([countLogs(before), before.next]).toEqual([10, 10n])
  })
})
