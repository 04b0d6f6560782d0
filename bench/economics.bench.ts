/**
 * Figures of the gatekeepers' economy: one block over many working workers, with the heartbeats that challenges aim at, against the same formulas
 * written plainly (the tests' oracle), and how it grows with workers at work and with workers that are idle.
 */
import { performance } from 'node:perf_hooks'
import { toHex } from '@phalanx/primitives/bytes'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { fixedOf } from '@phalanx/primitives/fixed'
import type { Message } from '@phalanx/primitives/messages'
import { beginBlock, endBlock, onEconomicsMessage } from '../packages/worker/src/gatekeeper/economics/replay.ts'
import { createEconomics, type EconomicsState } from '../packages/worker/src/gatekeeper/economics/state.ts'
import { economyMessages as messages, PlainEconomics } from '../packages/worker/src/gatekeeper/economics/testing.ts'
import type { Figure } from './goals.ts'

const BLOCKS = 100
const PLAIN_BLOCKS = 10
const WARM_UP = 20
const BLOCK_MS = 12_000n
const HEARTBEATS = 20

type Crypto = Awaited<ReturnType<typeof loadCrypto>>

const keyOf = (crypto: Crypto, i: number): Uint8Array => crypto.blake2b256(Uint8Array.of(i & 0xff, (i >> 8) & 0xff, i >> 16))

const opening = (crypto: Crypto, working: number, idle: number): readonly Message[] => [
  ...Array.from({ length: working + idle }, (_, i) => messages.registered(keyOf(crypto, i), 1 + (i % 5))),
  ...Array.from({ length: working }, (_, i) => messages.started(keyOf(crypto, i), { sessionId: i, initV: fixedOf(`${2000 + i}.5`), initP: 100 + (i % 2900) })),
]

const EVERYONE = (1n << 256n) - 1n
const bigEndian = (raw: Uint8Array): bigint => BigInt(toHex(raw))

/** Messages of blocks 3 to `last`: each challenges about HEARTBEATS workers, who answer in the next. */
const chain = (crypto: Crypto, last: number, working: number): readonly (readonly Message[])[] => {
  const keys = Array.from({ length: working }, (_, i) => keyOf(crypto, i))
  const hashes = keys.map((key) => bigEndian(crypto.blake2b256(key)))
  const target = (EVERYONE / BigInt(working)) * BigInt(Math.min(HEARTBEATS, working))
  let hit: readonly number[] = []
  return Array.from({ length: last - 2 }, (_, i) => {
    const block = i + 3
    const answers = hit.map((at) => messages.heartbeat(keys[at] as Uint8Array, {
      sessionId: at, challengeBlock: block - 1, challengeTime: BigInt(block - 1) * BLOCK_MS, iterations: BigInt(block * 100_000), nClusters: at % 2, nContracts: 0,
    }))
    const seed = bigEndian(crypto.blake2b256(Uint8Array.of(block & 0xff, block >> 8)))
    hit = hashes.flatMap((hash, at) => ((hash ^ seed) <= target ? [at] : []))
    return [...answers, messages.challenge(seed, target)]
  })
}

const measureFast = (crypto: Crypto, working: number, idle: number): number => {
  let state: EconomicsState = createEconomics({ launched: true })
  const run = (block: number, input: readonly Message[]): void => {
    const draft = beginBlock(state, { block, nowMs: BigInt(block) * BLOCK_MS }, { crypto })
    for (const message of input) onEconomicsMessage(draft, message)
    state = endBlock(draft).state
  }
  run(2, opening(crypto, working, idle))
  const blocks = chain(crypto, BLOCKS + WARM_UP + 2, working)
  for (let i = 0; i < WARM_UP; i++) run(i + 3, blocks[i] ?? [])
  const start = performance.now()
  for (let i = WARM_UP; i < blocks.length; i++) run(i + 3, blocks[i] ?? [])
  return (performance.now() - start) / BLOCKS
}

const measurePlain = (crypto: Crypto, working: number): number => {
  const plain = new PlainEconomics(crypto)
  plain.run({ block: 2, nowMs: 2n * BLOCK_MS }, opening(crypto, working, 0))
  const blocks = chain(crypto, PLAIN_BLOCKS + 3, working)
  plain.run({ block: 3, nowMs: 3n * BLOCK_MS }, blocks[0] ?? [])
  const start = performance.now()
  for (let i = 1; i < blocks.length; i++) plain.run({ block: i + 3, nowMs: BigInt(i + 3) * BLOCK_MS }, blocks[i] ?? [])
  return (performance.now() - start) / PLAIN_BLOCKS
}

/** Measures. */
export const bench = async (): Promise<readonly Figure[]> => {
  const crypto = await loadCrypto()
  const plain = measurePlain(crypto, 10_000)
  const against = 'every formula of every worker in every block (the tests\' oracle)'
  const [hundred, thousand, tenThousand] = [100, 1_000, 10_000].map((working) => measureFast(crypto, working, 0)) as [number, number, number]
  const crowded = measureFast(crypto, 1_000, 9_000)
  return [
    { name: 'gatekeeper: one block, 10,000 working workers, 20 heartbeats', figure: tenThousand, unit: 'ms', against, ratio: plain / tenThousand },
    { name: 'gatekeeper: one block, 1,000 working workers', figure: thousand, unit: 'ms', against: 'ten times the workers', ratio: tenThousand / thousand },
    { name: 'gatekeeper: one block, 100 working workers', figure: hundred, unit: 'ms', against: 'ten times the workers', ratio: thousand / hundred },
    { name: 'gatekeeper: one block, 1,000 working of 10,000 registered', figure: crowded, unit: 'ms', against: 'all of them working', ratio: tenThousand / crowded },
  ]
}
