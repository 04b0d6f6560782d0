/** The overlay against a plain map with a stack of copies. */
import { keyToBytes } from '@phalanx/primitives/bytes'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { createTrie } from '@phalanx/primitives/trie'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createOverlay, toKey } from './overlay.ts'

const crypto = await loadCrypto()

const key = fc.string({ unit: fc.constantFrom('a', 'b', '\u0000', '\u00ff'), minLength: 1, maxLength: 4 })
const value = fc.option(fc.uint8Array({ minLength: 1, maxLength: 3 }), { nil: undefined })
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('set' as const), key, value }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('begin' as const, 'commit' as const, 'rollback' as const) }) },
)

const sorted = (map: ReadonlyMap<string, Uint8Array>): readonly string[] => [...map.keys()].sort((a, b) => (a < b ? -1 : 1))

test('behaves as a plain map with a stack of copies', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(key, fc.uint8Array({ minLength: 1, maxLength: 3 })), { maxLength: 8 }), fc.array(step, { maxLength: 40 }), key, (initial, steps, prefix) => {
      const base = createTrie({ crypto, version: 1 }).apply([...new Map(initial)].map(([at, bytes]) => [keyToBytes(at), bytes] as const))
      const overlay = createOverlay({ state: base }, { crypto })
      let model = new Map<string, Uint8Array>(initial)
      const stack: Map<string, Uint8Array>[] = []
      for (const one of steps) {
        if (one.kind === 'set') {
          overlay.set(one.key, one.value)
          if (one.value === undefined) model.delete(one.key)
          else model.set(one.key, one.value)
        } else if (one.kind === 'begin') {
          overlay.begin()
          stack.push(new Map(model))
        } else if (stack.length > 0) {
          const before = stack.pop() as Map<string, Uint8Array>
          if (one.kind === 'rollback') model = before
          overlay[one.kind]()
        }
        expect([...overlay.keys('')]).toEqual(sorted(model))
      }
      expect([...overlay.keys(prefix)]).toEqual(sorted(model).filter((at) => at.startsWith(prefix)))
      for (const [at, bytes] of model) expect(overlay.get(at)).toEqual(bytes)
      while (overlay.depth > 0) overlay.commit()
      const after = base.apply(overlay.changes())
      expect([...after.keys(new Uint8Array(0))].map(toKey)).toEqual(sorted(model))
      const plain = createTrie({ crypto, version: 1 }).apply([...model].map(([at, bytes]) => [keyToBytes(at), bytes] as const))
      expect(after.root).toEqual(plain.root)
    }),
    { numRuns: 200 },
  )
})

test('visits no key twice and skips what is removed while iterating', () => {
  const base = createTrie({ crypto, version: 1 }).apply([[keyToBytes('a1'), keyToBytes('x')], [keyToBytes('a2'), keyToBytes('x')], [keyToBytes('a3'), keyToBytes('x')]])
  const overlay = createOverlay({ state: base }, { crypto })
  overlay.set('a2', keyToBytes('y'))
  const seen: string[] = []
  for (const at of overlay.keys('a')) {
    seen.push(at)
    overlay.set('a3', undefined)
    overlay.set('a9', keyToBytes('z'))
  }
  expect(seen).toEqual(['a1', 'a2'])
})

test('rolls transient lists back with their layer', () => {
  const overlay = createOverlay({ state: createTrie({ crypto, version: 1 }) }, { crypto })
  const item = {}
  overlay.appendTransient(item, 1)
  overlay.begin()
  overlay.appendTransient(item, 2)
  overlay.begin()
  overlay.appendTransient(item, 3)
  overlay.commit()
  expect(overlay.transient(item)).toEqual([1, 2, 3])
  overlay.rollback()
  expect(overlay.transient(item)).toEqual([1])
  expect(overlay.changes()).toEqual([])
})
