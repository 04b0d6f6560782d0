import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createStyle } from '../output.ts'
import { renderColumns, wrap } from './columns.ts'

const style = createStyle({ isTTY: false }, {})

describe('text in columns', () => {
  test('is cut between words, long ones anywhere, and nothing is lost', () => {
    expect(wrap('one two three', 7)).toEqual(['one two', 'three'])
    expect(wrap('abcdefghij k', 4)).toEqual(['abcd', 'efgh', 'ij k'])
    expect(wrap('a\nb', 9)).toEqual(['a', 'b'])
    fc.assert(fc.property(fc.string({ maxLength: 80 }), fc.integer({ min: 1, max: 20 }), (text, width) => {
      const lines = wrap(text, width)
      expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(width)
      expect(lines.join('').replace(/\s/g, '')).toBe(text.replace(/\s/g, ''))
    }), { numRuns: 300 })
  })

  test('stands side by side within the width', () => {
    const lines = renderColumns(['left', 'right'], [{ title: 'who', cells: ['a sentence that is rather long for its column', 'b'] }], { width: 60, style })
    expect(lines[0]).toMatch(/^ +left +right$/)
    expect(lines[2]).toMatch(/^who +a sentence that is rather +b$/)
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(60)
  })

  test('stands one below the other where there is no room', () => {
    const lines = renderColumns(['left', 'right'], [{ title: 'who', cells: ['a', 'b'] }], { width: 40, style })
    expect(lines).toEqual(['left', '  who         a', '', 'right', '  who         b', ''])
  })
})
