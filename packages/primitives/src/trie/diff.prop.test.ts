/** The difference of two snapshots, applied to the one, gives the other, and names nothing that is the same in both. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { batches, changes, nobleCrypto as crypto, versions } from '../../test/trie-support.ts'
import { bytesEqual, EMPTY, toHex } from '../bytes.ts'
import { createTrie, type Trie } from './index.ts'

const entriesOf = (trie: Trie): string[] => [...trie.entries(EMPTY)].map(([key, value]) => `${toHex(key)}=${toHex(value)}`)

const expectTurns = (before: Trie, after: Trie): void => {
  const difference = after.changesSince(before)
  for (const [key, value] of difference) {
    const old = before.get(key)
    expect(old === undefined ? value !== undefined : value === undefined || !bytesEqual(old, value)).toBe(true)
  }
  const turned = before.apply(difference)
  expect(entriesOf(turned)).toEqual(entriesOf(after))
  expect(toHex(turned.root)).toBe(toHex(after.root))
}

describe('the difference of two tries', () => {
  test('turns the one into the other, either way, near relatives or far', () => {
    fc.assert(fc.property(batches, changes, changes, versions, (list, left, right, version) => {
      let trie = createTrie({ crypto, version })
      const line = [trie]
      for (const batch of list) line.push((trie = trie.apply(batch)))
      const fork = [trie.apply(left), trie.apply(right)] as const
      expectTurns(fork[0], fork[1])
      expectTurns(fork[1], fork[0])
      expectTurns(line[0] as Trie, trie)
      expectTurns(trie, line[0] as Trie)
      expectTurns(line[line.length >> 1] as Trie, fork[0])
    }), { numRuns: 150 })
  })

  test('is empty between a trie and itself', () => {
    const trie = createTrie({ crypto, version: 0 }).apply([[Uint8Array.of(1, 2), Uint8Array.of(3)]])
    expect(trie.changesSince(trie)).toEqual([])
  })
})
