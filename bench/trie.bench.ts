/**
 * Measures the state root after 1,000 writes to tries of 10,000, 100,000 and 1,000,000 entries, against smoldot computing the
 * root of the entries (npm @acala-network/chopsticks-executor, `calculate_state_root`), and a read against a plain Map.
 * The largest trie is compared with smoldot's time for 100,000 entries: handing it a million takes gigabytes and a minute.
 */
import { calculate_state_root } from '@acala-network/chopsticks-executor'
import { assert } from '@phalanx/primitives/assert'
import { bytesToKey, concatBytes, EMPTY, toHex } from '@phalanx/primitives/bytes'
import type { Crypto } from '@phalanx/primitives/crypto'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { createTrie, type Trie } from '@phalanx/primitives/trie'
import type { Figure } from './goals.ts'

const SIZES = [10_000, 100_000, 1_000_000]
/** Largest trie that smoldot is given. */
const SMOLDOT_MOST = 100_000
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

/** Microseconds of one call, over 1,000 keys in turn. */
const measureReads = (keys: readonly Uint8Array[], read: (key: Uint8Array) => Uint8Array | undefined): number => {
  const hot = keys.slice(0, 1_000)
  const reads = 200 * hot.length
  let found = 0
  const { ms } = timed(() => {
    for (let i = 0; i < reads; i++) if (read(hot[i % hot.length] as Uint8Array) !== undefined) found++
  })
  assert(found === reads, 'every key is there')
  return (ms * 1_000) / reads
}

/** Milliseconds smoldot takes for the root of all entries; it must be ours. */
const measureSmoldot = async (trie: Trie): Promise<number> => {
  const entries = [...trie.entries(EMPTY)].map(([key, value]) => [toHex(key), toHex(value)])
  const start = performance.now()
  const root: unknown = await calculate_state_root(entries, 1)
  const ms = performance.now() - start
  assert(root === toHex(trie.root), 'both compute the same root')
  return ms
}

/** Runs every size, smallest first. */
export const bench = async (): Promise<readonly Figure[]> => {
  const crypto = await loadCrypto()
  const figures: Figure[] = []
  let smoldotMs = 0
  let smoldotSize = 0
  for (const size of SIZES) {
    const keys = Array.from({ length: size }, (_, i) => accountKey(crypto, i))
    const start = createTrie({ crypto, version: 1 }).apply(keys.map((key, i) => [key, accountValue(crypto, i)] as const))
    void start.root
    const { ms, trie } = measureUpdates(crypto, start, keys)
    if (size <= SMOLDOT_MOST) {
      smoldotMs = await measureSmoldot(trie)
      smoldotSize = size
    }
    const readUs = measureReads(keys, (key) => trie.get(key))
    const map = new Map(keys.slice(0, 10_000).map((key) => [bytesToKey(key), key]))
    const mapUs = measureReads(keys, (key) => map.get(bytesToKey(key)))
    figures.push(
      { name: `trie: root after 1,000 writes of ${size.toLocaleString('en')}`, figure: ms, unit: 'ms', against: `smoldot, whole root of ${smoldotSize.toLocaleString('en')}`, ratio: smoldotMs / ms },
      { name: `trie: read of a hot key of ${size.toLocaleString('en')}`, figure: readUs, unit: 'µs', against: 'Map by bytesToKey, 10,000 entries', ratio: mapUs / readUs },
    )
  }
  return figures
}
