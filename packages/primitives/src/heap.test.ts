import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createHeap } from './heap.ts'

describe('createHeap', () => {
  test('gives elements out best first, whatever the order they came in', () => {
    fc.assert(
      fc.property(fc.array(fc.integer()), (values) => {
        const heap = createHeap<number>((a, b) => a < b)
        for (const value of values) heap.push(value)
        expect(heap.size).toBe(values.length)
        const out = values.map(() => {
          const next = heap.peek()
          expect(heap.pop()).toBe(next)
          return next
        })
        expect(out).toEqual([...values].sort((a, b) => a - b))
        expect([heap.size, heap.peek(), heap.pop()]).toEqual([0, undefined, undefined])
      }),
      { numRuns: 200 },
    )
  })
})
