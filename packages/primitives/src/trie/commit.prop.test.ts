/** A committed trie comes back from its records: same root, same content; dropped ids are exactly the unreachable ones. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { batches, changes, keys, MemoryStore, ModelMap, nobleCrypto as crypto, versions } from '../../test/trie-support.ts'
import { EMPTY, toHex } from '../bytes.ts'
import { isAppError } from '../errors.ts'
import { decodeNode } from './node-codec.ts'
import { createTrie, openTrie, type StateVersion, type Trie } from './index.ts'

const list = (trie: Trie): string[] => [...trie.entries(EMPTY)].map(([key, value]) => `${toHex(key)}=${toHex(value)}`)

/** Ids reachable from a root, read from the records alone. */
const reachable = (store: MemoryStore, rootId: bigint): Set<bigint> => {
  const found = new Set<bigint>()
  const open = rootId === 0n ? [] : [rootId]
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    found.add(id)
    const record = store.load(id)
    const view = new DataView(record.buffer, record.byteOffset, record.length)
    const end = 5 + view.getUint32(1, true)
    let at = end
    for (let rest = decodeNode(record, 5, end).bitmap; rest !== 0; rest &= rest - 1, at += 8) open.push(view.getBigUint64(at, true))
  }
  return found
}

const without = <T>(all: ReadonlySet<T>, others: ReadonlySet<T>): Set<T> => new Set([...all].filter((item) => !others.has(item)))

describe('commit', () => {
  test('stores a trie that opens with equal root and content', () => {
    fc.assert(fc.property(batches, versions, (history, version) => {
      const store = new MemoryStore()
      let trie = createTrie({ crypto, version, store })
      let base: Trie | undefined
      let nextId = 1n
      let model = new ModelMap()
      for (const batch of history) {
        model = model.apply(batch, version)
        const commit = trie.apply(batch).commit({ nextId, base })
        trie = base = store.write(commit)
        nextId = commit.nextId
        const opened = openTrie({ crypto, version, store, rootId: commit.rootId, root: commit.trie.root })
        expect(list(opened)).toEqual(model.entries().map(({ key, value }) => `${toHex(key)}=${toHex(value)}`))
        expect(openTrie({ crypto, version, store, rootId: commit.rootId, root: commit.trie.root }).apply(batch).root).toEqual(commit.trie.root)
      }
    }), { numRuns: 150 })
  })

  test('creates and drops exactly the ids by which the reachable sets differ', () => {
    const step = fc.record({ first: changes, second: changes, reopen: fc.boolean(), evict: fc.boolean() })
    fc.assert(fc.property(fc.array(step, { minLength: 1, maxLength: 5 }), versions, (steps, version) => {
      const store = new MemoryStore()
      let base = store.write(createTrie({ crypto, version, store }).commit({ nextId: 1n, base: undefined }))
      let nextId = 1n
      let rootId = 0n
      for (const { first, second, reopen, evict } of steps) {
        if (reopen) base = openTrie({ crypto, version, store, rootId, root: base.root })
        if (evict) {
          base.evict()
          base.evict()
        }
        const before = reachable(store, rootId)
        const commit = base.apply(first).apply(second).commit({ nextId, base })
        base = store.write(commit)
        ;({ nextId, rootId } = commit)
        const after = reachable(store, rootId)
        expect(new Set(commit.dropped)).toEqual(without(before, after))
        expect(new Set(commit.created.map(({ id }) => id))).toEqual(without(after, before))
        expect(commit.dropped).toHaveLength(new Set(commit.dropped).size)
        for (const id of commit.dropped) store.records.delete(id)
        expect(store.records.size).toBe(after.size)
      }
    }), { numRuns: 300 })
  })

  test('creates and drops nothing when nothing changed', () => {
    fc.assert(fc.property(changes, versions, (batch, version) => {
      const store = new MemoryStore()
      const first = createTrie({ crypto, version, store }).apply(batch).commit({ nextId: 1n, base: undefined })
      const again = store.write(first).apply(batch).commit({ nextId: first.nextId, base: first.trie })
      expect(again).toMatchObject({ created: [], dropped: [], nextId: first.nextId, rootId: first.rootId })
    }), { numRuns: 50 })
  })

  test('leaves the uncommitted snapshot without numbers, so that a commit that was never written can be made again', () => {
    const store = new MemoryStore()
    const trie = createTrie({ crypto, version: 0, store }).apply([[Uint8Array.of(1), EMPTY], [Uint8Array.of(2), EMPTY]])
    const lost = trie.commit({ nextId: 1n, base: undefined })
    const again = trie.commit({ nextId: 5n, base: undefined })
    expect(lost.created).toHaveLength(3)
    expect(again.created.map(({ id }) => id)).toEqual([5n, 6n, 7n])
    store.write(again)
    expect(list(openTrie({ crypto, version: 0, store, rootId: again.rootId, root: trie.root }))).toHaveLength(2)
  })

  test('gives a value that flips back new ids', () => {
    const store = new MemoryStore()
    const [a, b] = [[Uint8Array.of(1), Uint8Array.of(1)] as const, [Uint8Array.of(1), Uint8Array.of(2)] as const]
    const one = createTrie({ crypto, version: 0, store }).apply([a]).commit({ nextId: 1n, base: undefined })
    const two = store.write(one).apply([b]).commit({ nextId: one.nextId, base: one.trie })
    const three = store.write(two).apply([a]).commit({ nextId: two.nextId, base: two.trie })
    expect([one.rootId, two.rootId, three.rootId]).toEqual([1n, 2n, 3n])
    expect([two.dropped, three.dropped]).toEqual([[1n], [2n]])
    expect(three.trie.root).toEqual(one.trie.root)
  })
})

describe('evict', () => {
  const filled = (store: MemoryStore): Trie =>
    store.write(createTrie({ crypto, version: 0, store }).apply(Array.from({ length: 256 }, (_, i) => [Uint8Array.of(i, i ^ 0x5a), Uint8Array.of(i)] as const)).commit({ nextId: 1n, base: undefined }))

  test('keeps what was read since the previous call and forgets the rest', () => {
    const store = new MemoryStore()
    const trie = filled(store)
    expect(trie.evict()).toBe(256 + 16 + 1)
    void trie.get(Uint8Array.of(7, 7 ^ 0x5a))
    expect(trie.evict()).toBe(3)
    expect(store.loads).toBe(0)
    void trie.get(Uint8Array.of(7, 7 ^ 0x5a))
    expect(store.loads).toBe(0)
    expect(trie.get(Uint8Array.of(8, 8 ^ 0x5a))).toEqual(Uint8Array.of(8))
    expect(store.loads).toBe(1)
  })

  test('changes no answer, also of snapshots that share the nodes', () => {
    fc.assert(fc.property(changes, changes, fc.array(keys, { maxLength: 4 }), versions, (before, after, reads, version) => {
      const store = new MemoryStore()
      const base = store.write(createTrie({ crypto, version, store }).apply(before).commit({ nextId: 1n, base: undefined }))
      const grown = base.apply(after)
      const plain = createTrie({ crypto, version }).apply(before).apply(after)
      for (const key of reads) void base.get(key)
      base.evict()
      base.evict()
      expect(grown.root).toEqual(plain.root)
      expect(list(grown)).toEqual(list(plain))
      expect(grown.prove(reads)).toEqual(plain.prove(reads))
      for (const key of reads) expect(grown.closestDescendantMerkleValue(key)).toEqual(plain.closestDescendantMerkleValue(key))
    }), { numRuns: 150 })
  })

  test('keeps nodes that were not committed', () => {
    const store = new MemoryStore()
    const trie = filled(store).apply([[Uint8Array.of(1, 2, 3), Uint8Array.of(9)]])
    trie.evict()
    trie.evict()
    expect(trie.get(Uint8Array.of(1, 2, 3))).toEqual(Uint8Array.of(9))
  })
})

describe('a damaged store', () => {
  const prepare = (version: StateVersion): { store: MemoryStore; rootId: bigint; root: Uint8Array } => {
    const store = new MemoryStore()
    const entries = Array.from({ length: 40 }, (_, i) => [Uint8Array.of(i & 3, i * 7, i), new Uint8Array(i * 2).fill(i)] as const)
    const commit = createTrie({ crypto, version, store }).apply(entries).commit({ nextId: 1n, base: undefined })
    store.write(commit)
    return { store, rootId: commit.rootId, root: commit.trie.root }
  }

  test('is reported as missing where a record is gone', () => {
    const { store, rootId, root } = prepare(0)
    store.records.delete(rootId)
    expect(() => openTrie({ crypto, version: 0, store, rootId, root }).get(EMPTY)).toThrowError(expect.objectContaining({ code: 'TRIE_NODE_MISSING' }))
  })

  test('is refused where the root id does not fit the root', () => {
    const { store, rootId, root } = prepare(0)
    expect(() => openTrie({ crypto, version: 0, store, rootId: 0n, root })).toThrowError(expect.objectContaining({ code: 'TRIE_NODE_CORRUPT' }))
    expect(() => openTrie({ crypto, version: 0, store, rootId: rootId - 1n, root }).get(EMPTY)).toThrowError(expect.objectContaining({ code: 'TRIE_NODE_CORRUPT' }))
  })

  test('is refused where bytes follow a record', () => {
    for (const version of [0, 1] as const) {
      const { store, rootId, root } = prepare(version)
      for (const [id, bytes] of [...store.records]) {
        store.records.set(id, Uint8Array.of(...bytes, 0))
        expect(() => list(openTrie({ crypto, version, store, rootId, root }))).toThrowError(expect.objectContaining({ code: 'TRIE_NODE_CORRUPT' }))
        store.records.set(id, bytes)
      }
    }
  })

  test('gives the right content or an error for every changed, cut or lengthened record', () => {
    for (const version of [0, 1] as const) {
      const { store, rootId, root } = prepare(version)
      const whole = list(openTrie({ crypto, version, store, rootId, root }))
      const records = [...store.records]
      fc.assert(fc.property(fc.nat(records.length - 1), fc.nat(), fc.integer({ min: 1, max: 255 }), fc.constantFrom('flip', 'cut', 'extend', 'random'), fc.uint8Array({ maxLength: 80 }), (index, at, mask, kind, random) => {
        const [id, bytes] = records[index] as (typeof records)[number]
        const bad = kind === 'cut' ? bytes.slice(0, at % bytes.length) : kind === 'extend' ? Uint8Array.of(...bytes, mask) : kind === 'random' ? random : bytes.map((byte, i) => (i === at % bytes.length ? byte ^ mask : byte))
        store.records.set(id, bad)
        try {
          expect(list(openTrie({ crypto, version, store, rootId, root }))).toEqual(whole)
        } catch (error) {
          expect(isAppError(error, 'TRIE_NODE_CORRUPT') || isAppError(error, 'TRIE_NODE_MISSING')).toBe(true)
        } finally {
          store.records.set(id, bytes)
        }
      }), { numRuns: 400 })
    }
  })
})
