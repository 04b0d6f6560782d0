/**
 * Measures the state root after 1,000 writes to tries of 10 k, 100 k and 1 M entries, against smoldot computing the root of
 * the same entries (npm @acala-network/chopsticks-executor, `calculate_state_root`) in the same run, and the cost of a read.
 */
import { calculate_state_root } from '@acala-network/chopsticks-executor'
import { assert } from '@phalanx/primitives/assert'
import { concatBytes, EMPTY, toHex } from '@phalanx/primitives/bytes'
import type { Crypto } from '@phalanx/primitives/crypto'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { createTrie, type Trie } from '@phalanx/primitives/trie'

/** One measured line; `ratio` tells how many times faster than `against` we are. */
export interface Figure {
  readonly name: string
  readonly figure: number
  readonly unit: string
  readonly against: string
  readonly ratio: number
}

const SIZES = [10_000, 100_000, 1_000_000]
const CHANGES = 1_000
const ROUNDS = 15
const PREFIX = new Uint8Array(32).fill(0x26)

const numberBytes = (value: number): Uint8Array => Uint8Array.of(value & 255, (value >> 8) & 255, (value >> 16) & 255, value >>> 24)

/** An account's storage key: a constant prefix, 16 bytes of hash, 32 bytes of id. */
const accountKey = (crypto: Crypto, index: number): Uint8Array => concatBytes(PREFIX, crypto.blake2b(numberBytes(index), 48))

/** 80 bytes, as an account's record has. */
const accountValue = (crypto: Crypto, seed: number): Uint8Array => concatBytes(crypto.blake2b(numberBytes(seed), 64), new Uint8Array(16))

const median = (list: readonly number[]): number => [...list].sort((a, b) => a - b)[list.length >> 1] as number

const timed = <T>(work: () => T): { ms: number; result: T } => {
  const start = performance.now()
  const result = work()
  return { ms: performance.now() - start, result }
}

/** Rounds of 1,000 writes, each on top of the one before; the median time until the new root is known. */
const measureUpdates = (crypto: Crypto, start: Trie, keys: readonly Uint8Array[]): { ms: number; trie: Trie } => {
  let trie = start
  const times: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const changes = Array.from({ length: CHANGES }, (_, i) => {
      const key = keys[(i * 7919 + round * 104_729) % keys.length] as Uint8Array
      return [key, accountValue(crypto, round * CHANGES + i)] as const
    })
    const { ms, result } = timed(() => {
      const next = trie.apply(changes)
      void next.root
      return next
    })
    trie = result
    times.push(ms)
  }
  return { ms: median(times), trie }
}

const measureReads = (trie: Trie, keys: readonly Uint8Array[]): number => {
  const hot = keys.slice(0, 1_000)
  const reads = 200 * hot.length
  let found = 0
  const { ms } = timed(() => {
    for (let i = 0; i < reads; i++) if (trie.get(hot[i % hot.length] as Uint8Array) !== undefined) found++
  })
  assert(found === reads, 'every key is there')
  return (ms * 1_000) / reads
}

const benchSize = async (crypto: Crypto, size: number): Promise<Figure[]> => {
  const keys = Array.from({ length: size }, (_, i) => accountKey(crypto, i))
  const start = createTrie({ crypto, version: 1 }).apply(keys.map((key, i) => [key, accountValue(crypto, i)] as const))
  void start.root
  const { ms, trie } = measureUpdates(crypto, start, keys)
  const entries = [...trie.entries(EMPTY)].map(([key, value]) => [toHex(key), toHex(value)])
  const begin = performance.now()
  const root: unknown = await calculate_state_root(entries, 1)
  const theirs = performance.now() - begin
  assert(root === toHex(trie.root), 'both compute the same root')
  const readUs = measureReads(trie, keys)
  const name = size >= 1_000_000 ? `${size / 1_000_000} M` : `${size / 1_000} k`
  return [
    { name: `state root, ${CHANGES} writes of ${name}`, figure: ms, unit: 'ms', against: 'chopsticks calculate_state_root', ratio: theirs / ms },
    { name: `read of a hot key of ${name}`, figure: readUs, unit: 'µs', against: 'goal of 2 µs', ratio: 2 / readUs },
  ]
}

/** Runs every size, smallest first. */
export const bench = async (): Promise<readonly Figure[]> => {
  const crypto = await loadCrypto()
  const figures: Figure[] = []
  for (const size of SIZES) figures.push(...(await benchSize(crypto, size)))
  return figures
}
