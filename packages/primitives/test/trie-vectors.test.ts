/** Published roots and proofs: smoldot, Kagome, polkadot-tests and the Phala development chain. */
import { beforeAll, expect, test } from 'vitest'
import { describeVectors, readVectorJson } from '../../../tools/vectors.ts'
import { bytesToKey, parseHex, toHexPlain } from '../src/bytes.ts'
import type { Crypto } from '../src/crypto/crypto.ts'
import { loadCrypto } from '../src/crypto/node/index.ts'
import { createTrie, orderedRoot, readProof, type StateVersion, type Trie } from '../src/trie/index.ts'

type HexEntries = readonly (readonly [string, string | null])[]

interface RootCase {
  readonly kind: 'keyed' | 'ordered'
  readonly version: 'V0' | 'V1' | 'V0+V1'
  readonly entries?: HexEntries
  readonly values?: readonly string[]
  readonly root: string
}

interface Chain {
  readonly genesis: HexEntries
  readonly genesisRootWithoutCode: string
  readonly blocks: readonly { readonly block?: number; readonly changes: HexEntries; readonly rootWithoutCode: string }[]
}

interface ProofCase {
  readonly block: number
  readonly root: string
  readonly proofNodes: readonly string[]
  readonly present: HexEntries
  readonly absent: readonly string[]
}

let crypto: Crypto
beforeAll(async () => {
  crypto = await loadCrypto()
})

const changesOf = (entries: HexEntries): (readonly [Uint8Array, Uint8Array | undefined])[] =>
  entries.map(([key, value]) => [parseHex(key), value === null ? undefined : parseHex(value)] as const)

const build = (entries: HexEntries, version: StateVersion): Trie => createTrie({ crypto, version }).apply(changesOf(entries))

const versionsOf = (version: RootCase['version']): readonly StateVersion[] => (version === 'V0' ? [0] : version === 'V1' ? [1] : [0, 1])

describeVectors('trie vectors', () => {
  test('gives the roots that smoldot and Kagome publish', () => {
    const { tests } = readVectorJson<{ tests: readonly RootCase[] }>('4-crypto/trie-roots.json')
    expect(tests).toHaveLength(7)
    for (const vector of tests)
      for (const version of versionsOf(vector.version)) {
        const root = vector.kind === 'ordered'
          ? orderedRoot({ crypto, version, items: (vector.values ?? []).map(parseHex) })
          : build(vector.entries ?? [], version).root
        expect(toHexPlain(root)).toBe(vector.root)
      }
  })

  test('gives the roots of the polkadot-tests fixtures in both state versions', () => {
    const { tests } = readVectorJson<{ tests: readonly { entries: HexEntries; rootV0: string; rootV1: string }[] }>('4-crypto/trie-polkadot-tests.json')
    expect(tests).toHaveLength(5)
    for (const { entries, rootV0, rootV1 } of tests) {
      expect(toHexPlain(build(entries, 0).root)).toBe(rootV0)
      expect(toHexPlain(build(entries, 1).root)).toBe(rootV1)
    }
  })

  test('follows the Phala development chain block by block', () => {
    const chain = readVectorJson<Chain>('4-crypto/trie-phala-dev-chain.json')
    expect(chain.blocks).toHaveLength(20)
    let trie = build(chain.genesis, 0)
    expect(toHexPlain(trie.root)).toBe(chain.genesisRootWithoutCode)
    const plain = new Map(chain.genesis.map(([key, value]) => [key, value]))
    for (const { changes, rootWithoutCode } of chain.blocks) {
      trie = trie.apply(changesOf(changes))
      for (const [key, value] of changes) plain.set(key, value)
      expect(toHexPlain(trie.root)).toBe(rootWithoutCode)
    }
    for (const [key, value] of plain) expect(trie.get(parseHex(key)) ?? null).toEqual(value === null ? null : parseHex(value))
  })

  test('reads the proofs made for published roots', () => {
    const { proofs } = readVectorJson<{ proofs: readonly ProofCase[] }>('4-crypto/trie-proofs.json')
    expect(proofs).toHaveLength(5)
    for (const { root, proofNodes, present, absent } of proofs) {
      const proof = readProof({ crypto, root: parseHex(root), proof: proofNodes.map(parseHex) })
      for (const [key, value] of present) expect(toHexPlain(proof.get(parseHex(key)) as Uint8Array)).toBe(value)
      for (const key of absent) expect(proof.get(parseHex(key))).toBeUndefined()
    }
  })

  test('makes proofs of the development chain that prove every entry', () => {
    const chain = readVectorJson<Chain>('4-crypto/trie-phala-dev-chain.json')
    const trie = build(chain.genesis, 0)
    const whole = trie.prove(chain.genesis.map(([key]) => parseHex(key)))
    const reader = readProof({ crypto, root: trie.root, proof: whole })
    for (const [key, value] of chain.genesis) expect(toHexPlain(reader.get(parseHex(key)) as Uint8Array)).toBe(value)
    expect(new Set(whole.map(bytesToKey)).size).toBe(whole.length)
  })
})
