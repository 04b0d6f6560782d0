/** Encoded nodes: sizes at every limit, and hostile bytes. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isAppError } from '../errors.ts'
import { childReferenceAt, decodeNode, headLength, lengthPrefixLength, partialNibbleAt, writeHead, writeLengthPrefix, type NodeShape } from './node-codec.ts'
import { commonNibbles, nibbleAt } from './nibbles.ts'

const shapes: readonly (NodeShape & { readonly most: number })[] = [
  { isBranch: false, hasValue: true, isHashed: false, most: 63 },
  { isBranch: false, hasValue: true, isHashed: true, most: 31 },
  { isBranch: true, hasValue: false, isHashed: false, most: 63 },
  { isBranch: true, hasValue: true, isHashed: false, most: 63 },
  { isBranch: true, hasValue: true, isHashed: true, most: 15 },
]

const refused = (bytes: readonly number[]): void => {
  expect(() => decodeNode(Uint8Array.from(bytes))).toThrowError(expect.objectContaining({ code: 'TRIE_NODE_MALFORMED' }))
}

describe('the head of a node', () => {
  test('reads back around every limit of the nibble count', () => {
    const key = Uint8Array.from({ length: 400 }, (_, i) => (i * 29) & 255)
    for (const shape of shapes)
      for (const nibbles of [0, 1, 2, shape.most - 1, shape.most, shape.most + 1, shape.most + 254, shape.most + 255, shape.most + 256, shape.most + 510])
        for (const start of [0, 1, 2]) {
          const out = new Uint8Array(1000)
          const end = writeHead(out, shape, { key, start, end: start + nibbles })
          expect(end).toBe(headLength(shape, nibbles))
          const tail = shape.isBranch ? [3, 0, ...(shape.hasValue ? (shape.isHashed ? new Array<number>(32).fill(7) : [0]) : []), 4, 1, 4, 2] : shape.isHashed ? new Array<number>(32).fill(7) : [0]
          out.set(tail, end)
          const layout = decodeNode(out, 0, end + tail.length)
          expect(layout).toMatchObject({ isBranch: shape.isBranch, hasValue: shape.hasValue, isHashed: shape.isHashed, nibbles, bitmap: shape.isBranch ? 3 : 0 })
          for (let i = 0; i < nibbles; i++) expect(partialNibbleAt(out, layout, i)).toBe(nibbleAt(key, start + i))
        }
  })

  test('takes the published bytes of long leaf keys', () => {
    const count = (nibbles: number): number[] => {
      const out = new Uint8Array(400)
      const end = writeHead(out, shapes[0] as NodeShape, { key: new Uint8Array(400), start: 0, end: nibbles })
      return [...out.subarray(0, end - ((nibbles + 1) >> 1))]
    }
    expect([count(62), count(63), count(64), count(317), count(318)]).toEqual([[0x7e], [0x7f, 0], [0x7f, 1], [0x7f, 254], [0x7f, 255, 0]])
  })
})

describe('decoding', () => {
  test('finds children in their slots', () => {
    const bytes = Uint8Array.from([0x80, 0x05, 0x80, 4, 9, 8, 7, 7, 12, 1, 2, 3])
    const layout = decodeNode(bytes)
    expect([0, 1, 2, 15].map((slot) => childReferenceAt(bytes, layout, slot))).toEqual([3, -1, 5, 8])
  })

  test('refuses what is not canonical', () => {
    refused([])
    refused([0x00])
    refused([0x01])
    refused([0x41])
    refused([0x41, 0x10, 0])
    refused([0x40])
    refused([0x40, 4])
    refused([0x40, 0, 0])
    refused([0x40, 0x01, 0x00])
    refused([0x40, 0x02, 0, 0, 0])
    refused([0x40, 0x03, 0, 0, 0, 0])
    refused([0x80, 0, 0])
    refused([0x80, 1, 0, 4, 1])
    refused([0xc0, 0, 0, 0])
    refused([0x80, 3, 0, 0, 4, 1])
    refused([0x80, 3, 0, 33 * 4, ...new Array<number>(33).fill(0), 4, 1])
    refused([0x80, 3, 0, 5, 1, 4, 1])
    refused([0x20, ...new Array<number>(31).fill(0)])
    refused([0x7f, ...new Array<number>(300).fill(255)])
  })

  test('never reads outside its slice and never throws anything but its error', () => {
    fc.assert(fc.property(fc.uint8Array({ minLength: 1, maxLength: 120 }), fc.nat(3), (bytes, from) => {
      const padded = Uint8Array.of(...new Array<number>(from).fill(0xff), ...bytes, 0xff, 0xff)
      const end = from + bytes.length
      try {
        const layout = decodeNode(padded, from, end)
        expect(layout.childrenAt).toBeLessThanOrEqual(end)
        expect(layout.valueAt + layout.valueLength).toBeLessThanOrEqual(end)
      } catch (error) {
        expect(isAppError(error, 'TRIE_NODE_MALFORMED')).toBe(true)
      }
    }), { numRuns: 3000 })
  })
})

test('length prefixes are SCALE compact lengths', () => {
  const write = (length: number): number[] => {
    const out = new Uint8Array(4)
    return [...out.subarray(0, writeLengthPrefix(out, 0, length))]
  }
  expect([0, 1, 63, 64, 16383, 16384, 2 ** 30 - 1].map(write)).toEqual([[0], [4], [252], [1, 1], [253, 255], [2, 0, 1, 0], [254, 255, 255, 255]])
  expect([63, 64, 16384].map(lengthPrefixLength)).toEqual([1, 2, 4])
})

test('common nibbles are counted from any position and never past an end', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 6 }), fc.uint8Array({ maxLength: 6 }), fc.nat(5), fc.nat(12), (a, b, keep, limit) => {
    const other = Uint8Array.of(...a.slice(0, keep), ...b)
    const most = Math.min(limit, 2 * a.length, 2 * other.length)
    let expected = 0
    while (expected < most && nibbleAt(a, expected) === nibbleAt(other, expected)) expected++
    for (let from = 0; from <= expected; from++) expect(commonNibbles({ a, b: other }, from, limit)).toBe(expected)
  }), { numRuns: 500 })
})
