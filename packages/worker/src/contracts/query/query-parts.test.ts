/** Nonces of queries, and states on their way to threads. */
import { codeOf } from '@phalanx/primitives/testing'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { createTrie } from '@phalanx/primitives/trie'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import '../../errors.ts'
import { packChanges, unpackChanges } from './pack.ts'
import { UsedNonces } from './used-nonces.ts'

const crypto = await loadCrypto()
const key = (byte: number): Uint8Array => new Uint8Array(32).fill(byte)

describe('nonces of queries', () => {
  test('are taken once for as long as their query lives, and forgotten then', () => {
    const nonces = new UsedNonces()
    nonces.use(key(1), { notAfter: 10, blockNumber: 5 })
    expect(codeOf(() => nonces.use(key(1), { notAfter: 20, blockNumber: 10 }))).toBe('QUERY_REPLAYED')
    nonces.use(key(2), { notAfter: 30, blockNumber: 11 })
    expect(nonces.size).toBe(1)
  })
  test('are bounded in number', () => {
    const nonces = new UsedNonces(2)
    nonces.use(key(1), { notAfter: 10, blockNumber: 5 })
    nonces.use(key(2), { notAfter: 10, blockNumber: 5 })
    expect(codeOf(() => nonces.use(key(3), { notAfter: 10, blockNumber: 5 }))).toBe('QUERY_OVERLOADED')
    expect(codeOf(() => nonces.use(key(3), { notAfter: 20, blockNumber: 11 }))).toBe('none')
  })
})

describe('packed writes', () => {
  test('come out as they went in, removals included', () => {
    const bytes = fc.uint8Array({ minLength: 1, maxLength: 40 })
    fc.assert(fc.property(fc.uniqueArray(fc.tuple(bytes, fc.option(fc.uint8Array({ maxLength: 60 }), { nil: undefined })), { selector: ([k]) => String(k) }), (changes) => {
      const unpacked = unpackChanges(packChanges(changes))
      expect(unpacked).toEqual(changes)
      const trie = createTrie({ crypto, version: 0 })
      expect(trie.apply(unpacked).root).toEqual(trie.apply(changes).root)
    }), { numRuns: 100 })
  })
})
