/** A trie is a plain map with a root: random batches against both. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { batches, changes, keys, MemoryStore, ModelMap, naiveRoot, nobleCrypto as crypto, values, versions } from '../../test/trie-support.ts'
import { bytesEqual, compareBytes, EMPTY, startsWith, toHex } from '../bytes.ts'
import { createTrie, openTrie, orderedRoot, readProof, type StateVersion, type Trie } from './index.ts'
import { KEY_LENGTH_MAX } from './nibbles.ts'

const hexOf = (bytes: Uint8Array | undefined): string | undefined => (bytes === undefined ? undefined : toHex(bytes))

const sameEntries = (trie: Trie, model: ModelMap): void => {
  expect([...trie.entries(EMPTY)].map(([key, value]) => [toHex(key), toHex(value)])).toEqual(model.entries().map(({ key, value }) => [toHex(key), toHex(value)]))
}

describe('a trie under random batches', () => {
  test('holds what a plain map holds and has the root of its content', () => {
    fc.assert(fc.property(batches, versions, fc.array(keys, { maxLength: 5 }), (list, version, others) => {
      let trie = createTrie({ crypto, version })
      let model = new ModelMap()
      for (const batch of list) {
        trie = trie.apply(batch)
        model = model.apply(batch, version)
        for (const key of [...batch.map(([key]) => key), ...others]) expect(hexOf(trie.get(key))).toBe(hexOf(model.get(key)))
      }
      sameEntries(trie, model)
      expect(toHex(trie.root)).toBe(toHex(naiveRoot(model.entries())))
    }), { numRuns: 200 })
  })

  test('has the same root whether it was asked after every batch or only at the end', () => {
    fc.assert(fc.property(batches, versions, fc.infiniteStream(fc.boolean()), (list, version, asks) => {
      let lazy = createTrie({ crypto, version })
      let eager = lazy
      let mixed = lazy
      let model = new ModelMap()
      for (const batch of list) {
        lazy = lazy.apply(batch)
        eager = eager.apply(batch)
        mixed = mixed.apply(batch)
        model = model.apply(batch, version)
        expect(toHex(eager.root)).toBe(toHex(naiveRoot(model.entries())))
        if (asks.next().value === true) void mixed.root
      }
      expect(lazy.root).toEqual(eager.root)
      expect(mixed.root).toEqual(eager.root)
    }), { numRuns: 200 })
  })

  test('never changes a snapshot that something grew from', () => {
    fc.assert(fc.property(batches, changes, changes, versions, (list, left, right, version) => {
      const snapshots: { trie: Trie; model: ModelMap }[] = [{ trie: createTrie({ crypto, version }), model: new ModelMap() }]
      const grow = (from: { trie: Trie; model: ModelMap }, batch: typeof left): void => {
        snapshots.push({ trie: from.trie.apply(batch), model: from.model.apply(batch, version) })
      }
      for (const batch of list) grow(snapshots[snapshots.length - 1] as (typeof snapshots)[number], batch)
      const fork = snapshots[snapshots.length >> 1] as (typeof snapshots)[number]
      grow(fork, left)
      grow(fork, right)
      for (const { trie, model } of [...snapshots].reverse()) {
        sameEntries(trie, model)
        expect(toHex(trie.root)).toBe(toHex(naiveRoot(model.entries())))
      }
    }), { numRuns: 150 })
  })

  test('gives the same trie for one batch as for its changes one by one, in any order', () => {
    fc.assert(fc.property(changes, changes, versions, (before, batch, version) => {
      const base = createTrie({ crypto, version }).apply(before)
      let single = base
      for (const change of [...batch].reverse()) single = single.apply([change])
      expect(base.apply(batch).root).toEqual(single.root)
    }), { numRuns: 200 })
  })

  test('stays the same object when nothing changes', () => {
    fc.assert(fc.property(changes, keys, versions, (batch, absent, version) => {
      const trie = createTrie({ crypto, version }).apply(batch)
      expect(trie.apply(batch)).toBe(trie)
      if (trie.get(absent) === undefined) expect(trie.apply([[absent, undefined]])).toBe(trie)
    }), { numRuns: 200 })
  })
})

describe('iteration', () => {
  test('finds the next key as a sorted list does', () => {
    fc.assert(fc.property(changes, changes, keys, fc.option(keys, { nil: undefined }), (first, second, after, prefix) => {
      const trie = createTrie({ crypto, version: 0 }).apply(first).apply(second)
      const sorted = new ModelMap().apply(first, 0).apply(second, 0).entries().map(({ key }) => key)
      const expected = sorted.find((key) => compareBytes(key, after) > 0 && (prefix === undefined || startsWith(key, prefix)))
      expect(trie.nextKey(after, prefix)).toEqual(expected)
    }), { numRuns: 500 })
  })

  test('lists the keys of a prefix in order, from a key on, up to a limit', () => {
    const options = fc.record({ prefix: keys.map((key) => key.slice(0, 1)), after: fc.option(keys, { nil: undefined }), limit: fc.option(fc.nat(4), { nil: undefined }) })
    fc.assert(fc.property(changes, options, (batch, { prefix, after, limit }) => {
      const trie = createTrie({ crypto, version: 0 }).apply(batch)
      const expected = new ModelMap().apply(batch, 0).entries().map(({ key }) => key)
        .filter((key) => startsWith(key, prefix) && (after === undefined || compareBytes(key, after) > 0)).slice(0, limit)
      expect([...trie.keys(prefix, { after, limit })]).toEqual(expected)
    }), { numRuns: 300 })
  })

  test('includes the empty key before all others', () => {
    const trie = createTrie({ crypto, version: 0 }).apply([[Uint8Array.of(0), Uint8Array.of(1)], [EMPTY, Uint8Array.of(2)]])
    expect([...trie.keys(EMPTY)]).toEqual([EMPTY, Uint8Array.of(0)])
    expect(trie.nextKey(EMPTY)).toEqual(Uint8Array.of(0))
  })
})

describe('the Merkle value of the closest descendant', () => {
  /** Changes nothing in the trie but what lies below `prefix`. */
  const touch = (trie: Trie, prefix: Uint8Array): Trie => trie.apply([...trie.entries(prefix)].map(([key, value]) => [key, Uint8Array.of(...value, 1)] as const))

  test('is there exactly when a key begins so, and tells a change below from one beside', () => {
    fc.assert(fc.property(changes, keys, versions, (batch, prefix, version) => {
      const trie = createTrie({ crypto, version }).apply(batch)
      const hasKey = trie.nextKey(EMPTY, prefix) !== undefined || trie.get(prefix) !== undefined
      const value = trie.closestDescendantMerkleValue(prefix)
      expect(value !== undefined).toBe(hasKey)
      if (value === undefined) return
      expect(bytesEqual(touch(trie, prefix).closestDescendantMerkleValue(prefix) as Uint8Array, value)).toBe(false)
      const beside = [...trie.entries(EMPTY)].filter(([key]) => !startsWith(key, prefix)).map(([key, old]) => [key, Uint8Array.of(...old, 1)] as const)
      if (prefix.length > 0) expect(trie.apply(beside).closestDescendantMerkleValue(prefix)).toEqual(value)
    }), { numRuns: 200 })
  })

  test('is the root for the empty key, and nothing in the empty trie', () => {
    const empty = createTrie({ crypto, version: 0 })
    expect(empty.closestDescendantMerkleValue(EMPTY)).toBeUndefined()
    const trie = empty.apply([[Uint8Array.of(0xaa), Uint8Array.of(0xbb)]])
    expect(trie.closestDescendantMerkleValue(EMPTY)).toEqual(trie.root)
  })
})

describe('state version 1', () => {
  test('applies on write: old values keep their form until they are written again', () => {
    fc.assert(fc.property(changes, changes, changes, (before, after, back) => {
      let trie = createTrie({ crypto, version: 0 }).apply(before)
      let model = new ModelMap().apply(before, 0)
      for (const [batch, version] of [[after, 1], [back, 0]] as const) {
        trie = trie.withVersion(version).apply(batch)
        model = model.apply(batch, version)
        expect(toHex(trie.root)).toBe(toHex(naiveRoot(model.entries())))
      }
    }), { numRuns: 200 })
  })

  test('moves an unchanged long value out of its node when it is written again', () => {
    const entry = [Uint8Array.of(1), new Uint8Array(33)] as const
    const old = createTrie({ crypto, version: 0 }).apply([entry])
    expect(old.withVersion(1).root).toEqual(old.root)
    expect(old.withVersion(1).apply([entry]).root).toEqual(createTrie({ crypto, version: 1 }).apply([entry]).root)
    expect(old.withVersion(1).apply([entry]).root).not.toEqual(old.root)
  })
})

describe('limits', () => {
  test('refuses a key longer than the limit and takes one of exactly that length', () => {
    const trie = createTrie({ crypto, version: 0 })
    expect(() => trie.apply([[new Uint8Array(KEY_LENGTH_MAX + 1), EMPTY]])).toThrowError(expect.objectContaining({ code: 'TRIE_KEY_TOO_LONG' }))
    expect(trie.apply([[new Uint8Array(KEY_LENGTH_MAX), EMPTY]]).get(new Uint8Array(KEY_LENGTH_MAX))).toEqual(EMPTY)
  })

  test('refuses a batch that names a key twice', () => {
    const key = Uint8Array.of(1)
    expect(() => createTrie({ crypto, version: 0 }).apply([[key, EMPTY], [key, undefined]])).toThrowError(/each key once/)
  })

  test('works at the greatest depth that keys allow: a branch at every nibble', () => {
    const zeros = Array.from({ length: KEY_LENGTH_MAX + 1 }, (_, length) => new Uint8Array(length))
    const beside = zeros.slice(1).flatMap((key) => [0x01, 0x10].map((last) => Uint8Array.of(...key.subarray(1), last)))
    const batch = [...zeros, ...beside].map((key) => [key, Uint8Array.of(key.length & 255)] as const)
    const store = new MemoryStore()
    const trie = createTrie({ crypto, version: 1, store }).apply(batch)
    expect([...trie.keys(EMPTY)]).toHaveLength(batch.length)
    const commit = trie.commit({ nextId: 1n, base: undefined })
    const stored = store.write(commit)
    expect(readProof({ crypto, root: trie.root, proof: stored.prove(beside) }).entries(EMPTY)).toHaveLength(batch.length)
    stored.evict()
    expect(stored.evict()).toBeLessThan(batch.length)
    const emptied = openTrie({ crypto, version: 1, store, rootId: commit.rootId, root: trie.root }).apply(batch.map(([key]) => [key, undefined]))
    expect(emptied.root).toEqual(createTrie({ crypto, version: 1 }).root)
    expect(emptied.commit({ nextId: commit.nextId, base: stored }).dropped).toHaveLength(commit.created.length)
  })

  test('keeps an empty value apart from no value', () => {
    const trie = createTrie({ crypto, version: 0 }).apply([[Uint8Array.of(1), EMPTY]])
    expect(trie.get(Uint8Array.of(1))).toEqual(EMPTY)
    expect(trie.get(Uint8Array.of(2))).toBeUndefined()
  })
})

test('gives an ordered list the root of its compact-indexed map', () => {
  fc.assert(fc.property(fc.array(values, { maxLength: 80 }), versions, (items, version: StateVersion) => {
    const entries = items.map((value, index) => ({ key: index < 64 ? Uint8Array.of(index << 2) : Uint8Array.of(((index << 2) & 255) | 1, index >> 6), value, version }))
    expect(toHex(orderedRoot({ crypto, version, items }))).toBe(toHex(naiveRoot(entries)))
  }), { numRuns: 20 })
})
