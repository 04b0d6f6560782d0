/** Proofs prove what the trie holds and nothing else; damaged ones are refused. */
import { validateProofs } from '@polkadot-api/substrate-bindings'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { changes, keys, ModelMap, nobleCrypto as crypto, versions } from '../../test/trie-support.ts'
import { bytesToKey, EMPTY, toHex } from '../bytes.ts'
import { isAppError } from '../errors.ts'
import { createTrie, readProof, type StateVersion } from './index.ts'

const hexOf = (bytes: Uint8Array | undefined): string | undefined => (bytes === undefined ? undefined : toHex(bytes))

const listed = (entries: readonly (readonly [Uint8Array, Uint8Array])[]): string[] => entries.map(([key, value]) => `${toHex(key)}=${toHex(value)}`)

const asked = fc.array(keys, { minLength: 1, maxLength: 5 })

const sample = (version: StateVersion): { trie: ReturnType<typeof createTrie>; names: Uint8Array[] } => {
  const names = Array.from({ length: 60 }, (_, i) => Uint8Array.of(i * 37, i, i >> 1))
  return { names, trie: createTrie({ crypto, version }).apply(names.map((name, i) => [name, new Uint8Array(i).fill(i)] as const)) }
}

describe('a proof', () => {
  test('proves presence and absence of exactly the keys asked', () => {
    fc.assert(fc.property(changes, asked, versions, (batch, names, version) => {
      const trie = createTrie({ crypto, version }).apply(batch)
      const model = new ModelMap().apply(batch, version)
      const present = [...names, ...batch.slice(0, 3).map(([key]) => key)]
      const proof = trie.prove(present)
      const reader = readProof({ crypto, root: trie.root, proof })
      for (const key of present) expect(hexOf(reader.get(key))).toBe(hexOf(model.get(key)))
      expect(new Set(proof.map(bytesToKey)).size).toBe(proof.length)
    }), { numRuns: 300 })
  })

  test('never answers wrongly about a key that was not asked', () => {
    fc.assert(fc.property(changes, asked, asked, versions, (batch, names, others, version) => {
      const trie = createTrie({ crypto, version }).apply(batch)
      const reader = readProof({ crypto, root: trie.root, proof: trie.prove(names) })
      for (const key of [...others, ...batch.map(([key]) => key)]) {
        try {
          expect(hexOf(reader.get(key))).toBe(hexOf(trie.get(key)))
        } catch (error) {
          expect(isAppError(error, 'TRIE_PROOF_INCOMPLETE')).toBe(true)
        }
      }
    }), { numRuns: 200 })
  })

  test('of one key holds nothing that is not needed', () => {
    fc.assert(fc.property(changes, keys, versions, (batch, key, version) => {
      const trie = createTrie({ crypto, version }).apply(batch)
      fc.pre(trie.nextKey(EMPTY) !== undefined)
      const proof = trie.prove([key])
      for (let i = 0; i < proof.length; i++)
        expect(() => readProof({ crypto, root: trie.root, proof: proof.filter((_, index) => index !== i) }).get(key)).toThrowError(expect.objectContaining({ code: expect.stringMatching(/^TRIE_PROOF_IN/) }))
    }), { numRuns: 200 })
  })

  test('of all keys of a prefix lists exactly them, and one of fewer lists nothing', () => {
    fc.assert(fc.property(changes, keys.map((key) => key.slice(0, 1)), versions, fc.nat(), (batch, prefix, version, pick) => {
      const trie = createTrie({ crypto, version }).apply(batch)
      const expected = [...trie.entries(prefix)]
      const names = expected.map(([key]) => key)
      const reader = readProof({ crypto, root: trie.root, proof: trie.prove([prefix, ...names]) })
      expect(listed(reader.entries(prefix))).toEqual(listed(expected))
      if (names.length === 0) return
      const lacking = readProof({ crypto, root: trie.root, proof: trie.prove(names.filter((_, i) => i !== pick % names.length)) })
      try {
        expect(listed(lacking.entries(prefix))).toEqual(listed(expected))
      } catch (error) {
        expect(isAppError(error, 'TRIE_PROOF_INCOMPLETE')).toBe(true)
      }
    }), { numRuns: 200 })
  })

  test('is refused under another root', () => {
    const { trie, names } = sample(1)
    expect(() => readProof({ crypto, root: new Uint8Array(32), proof: trie.prove(names) })).toThrowError(expect.objectContaining({ code: 'TRIE_PROOF_INVALID' }))
  })

  test('is refused with a node twice or a node that leads nowhere', () => {
    const { trie, names } = sample(0)
    const proof = trie.prove(names)
    for (const extra of [proof[0] as Uint8Array, Uint8Array.of(0x41, 1, 0)])
      expect(() => readProof({ crypto, root: trie.root, proof: [...proof, extra] })).toThrowError(expect.objectContaining({ code: 'TRIE_PROOF_INVALID' }))
  })

  test('that lacks a node leaves the keys below it open', () => {
    for (const version of [0, 1] as const) {
      const { trie } = sample(version)
      const key = Uint8Array.of((40 * 37) & 255, 40, 20)
      const proof = trie.prove([key])
      expect(proof.length).toBeGreaterThan(2)
      let refused = 0
      for (let i = 0; i < proof.length; i++) {
        try {
          readProof({ crypto, root: trie.root, proof: proof.filter((_, index) => index !== i) }).get(key)
        } catch (error) {
          expect(isAppError(error, 'TRIE_PROOF_INCOMPLETE') || isAppError(error, 'TRIE_PROOF_INVALID')).toBe(true)
          refused++
        }
      }
      expect(refused).toBe(proof.length)
    }
  })

  test('of the empty trie proves that nothing is there, with or without its node', () => {
    const trie = createTrie({ crypto, version: 0 })
    for (const proof of [trie.prove([EMPTY]), []]) expect(readProof({ crypto, root: trie.root, proof }).get(EMPTY)).toBeUndefined()
  })

  test('without nodes proves nothing about a trie that is not empty', () => {
    const { trie } = sample(0)
    expect(() => readProof({ crypto, root: trie.root, proof: [] }).get(EMPTY)).toThrowError(expect.objectContaining({ code: 'TRIE_PROOF_INCOMPLETE' }))
  })

  test('is refused, or proves the same, with any single byte changed', () => {
    for (const version of [0, 1] as const) {
      const { trie, names } = sample(version)
      const few = [...names.slice(10, 12), ...names.slice(50, 52), Uint8Array.of(1, 2, 3)]
      const proof = trie.prove(few)
      for (let item = 0; item < proof.length; item++)
        for (let at = 0; at < (proof[item] as Uint8Array).length; at++) {
          const changed = proof.map((bytes, i) => (i === item ? bytes.map((byte, j) => (j === at ? byte ^ (1 << (at & 7)) : byte)) : bytes))
          expect(() => readProof({ crypto, root: trie.root, proof: changed })).toThrowError(expect.objectContaining({ code: 'TRIE_PROOF_INVALID' }))
        }
    }
  })

  test('of arbitrary bytes under their own hash ends in an answer or an error', () => {
    const node = fc.tuple(fc.constantFrom(0x00, 0x01, 0x10, 0x1f, 0x20, 0x3f, 0x40, 0x7f, 0x80, 0xbf, 0xc1, 0xff), fc.uint8Array({ maxLength: 90 })).map(([first, rest]) => Uint8Array.of(first, ...rest))
    fc.assert(fc.property(node, keys, (bytes, key) => {
      try {
        const value = readProof({ crypto, root: crypto.blake2b256(bytes), proof: [bytes] }).get(key)
        expect(value === undefined || value.length <= bytes.length).toBe(true)
      } catch (error) {
        expect(isAppError(error, 'TRIE_PROOF_INVALID') || isAppError(error, 'TRIE_PROOF_INCOMPLETE')).toBe(true)
      }
    }), { numRuns: 2000 })
  })
})

describe('polkadot-api', () => {
  test('accepts the proofs and finds the values in them', () => {
    fc.assert(fc.property(fc.uniqueArray(fc.uint8Array({ minLength: 20, maxLength: 24 }), { minLength: 1, maxLength: 30, selector: bytesToKey }), versions, fc.nat(), (names, version, pick) => {
      const trie = createTrie({ crypto, version }).apply(names.map((name, i) => [name, new Uint8Array(32 + i).fill(i + 1)] as const))
      const key = names[pick % names.length] as Uint8Array
      const proof = trie.prove([key])
      const checked = validateProofs(proof.map((bytes) => toHex(bytes)))
      expect(checked?.rootHash).toBe(toHex(trie.root))
      const stored = toHex(trie.get(key) as Uint8Array).slice(2)
      expect(Object.values(checked?.proofs ?? {}).some((node) => 'value' in node && node.value.endsWith(stored))).toBe(true)
    }), { numRuns: 100 })
  })
})
