/**
 * Owns what tests of this and other packages need: small chains made with real keys, and stand-ins for the outside world. Everything is
 * deterministic. Not for production.
 */
import './errors.ts'
import { concatBytes, utf8 } from '@phalanx/primitives/bytes'
import {
  AuthorityList, FollowedBlocks, GRANDPA_ENGINE, GenesisBlockInfo, GrandpaLog, Justification, ZERO_HASH, createPhlxItem, headerHash, precommitPayload,
  type AuthoritySet, type BlockMessages, type DigestItem, type FollowedBlock, type Header,
} from '@phalanx/primitives/chain'
import type { Crypto } from '@phalanx/primitives/crypto'
import type { BlobStore, Clock, Random } from '@phalanx/primitives/ports'
import { createTrie } from '@phalanx/primitives/trie'
import { grandpaAuthoritiesKey } from './core/genesis.ts'
import type { Build } from './core/state.ts'
import { EMPTY_STATE, assertLive, step, type Core } from './core/step.ts'
import type { Benchmark } from './platform/benchmark.ts'

/** Time of a test chain's genesis, and between two of its blocks, in ms. */
export const TEST_GENESIS_TIME_MS = 1_800_000_000_000n
export const TEST_BLOCK_TIME_MS = 1_000n

/** What a test block is to hold. */
export interface TestBlock extends Partial<BlockMessages> {
  /** Whether the block gets a justification; true unless given. */
  readonly justify?: boolean
  /** Seeds of the authorities that take over after this block. */
  readonly nextAuthorities?: readonly Uint8Array[]
  /** Further digest items. */
  readonly logs?: readonly DigestItem[]
  readonly timeMs?: bigint
  /** Distinguishes forks. */
  readonly salt?: number
}

/** A chain of one authority set at a time. */
export interface TestChain {
  readonly genesisHash: Uint8Array
  /** SCALE GenesisBlockInfo. */
  readonly genesisInfo: Uint8Array
  readonly blocks: readonly FollowedBlock[]
  readonly head: { readonly number: number; readonly hash: Uint8Array; readonly timeMs: bigint }
  /** Adds a block. */
  add(block?: TestBlock): FollowedBlock
  /** SCALE FollowedBlocks of the blocks from number `from` to the end, or to `to` inclusive. */
  feed(from: number, to?: number): Uint8Array
  /** A copy that goes its own way from block `number` on. */
  forkAt(number: number): TestChain
}

interface Authorities {
  readonly seeds: readonly Uint8Array[]
  readonly set: AuthoritySet
}

const setOf = (crypto: Crypto, seeds: readonly Uint8Array[], id: bigint): Authorities => ({
  seeds, set: { list: seeds.map((seed) => [crypto.ed25519.publicKey(seed), 1n] as const), id },
})

/** SCALE justification of a block by every authority of a set. */
export const justifyBlock = (
  crypto: Crypto, target: { readonly hash: Uint8Array; readonly number: number }, authorities: { readonly seeds: readonly Uint8Array[]; readonly setId: bigint },
): Uint8Array => {
  const precommit = { targetHash: target.hash, targetNumber: target.number }
  const round = BigInt(target.number)
  const payload = precommitPayload({ precommit, round, setId: authorities.setId })
  const precommits = authorities.seeds.map((seed) => ({ precommit, signature: crypto.ed25519.sign(seed, payload), id: crypto.ed25519.publicKey(seed) }))
  return Justification.encode({ round, commit: { ...precommit, precommits }, votesAncestries: [] })
}

const scheduledChange = (set: AuthoritySet): DigestItem => ({
  kind: 'Consensus', value: [GRANDPA_ENGINE, GrandpaLog.encode({ kind: 'ScheduledChange', value: { nextAuthorities: set.list, delay: 0 } })],
})

interface ChainState {
  blocks: FollowedBlock[]
  authorities: Authorities[]
}

const openChain = (crypto: Crypto, genesis: Header, genesisInfo: Uint8Array, state: ChainState): TestChain => {
  const genesisHash = headerHash(crypto, genesis)
  const timeOf = new Map<number, bigint>([[0, TEST_GENESIS_TIME_MS]])
  const headOf = (): TestChain['head'] => {
    const last = state.blocks.at(-1)
    const number = last?.header.number ?? 0
    return { number, hash: last === undefined ? genesisHash : headerHash(crypto, last.header), timeMs: timeOf.get(number) ?? TEST_GENESIS_TIME_MS + TEST_BLOCK_TIME_MS * BigInt(number) }
  }
  const add = (block: TestBlock = {}): FollowedBlock => {
    const parent = headOf()
    const number = parent.number + 1
    const timeMs = block.timeMs ?? TEST_GENESIS_TIME_MS + TEST_BLOCK_TIME_MS * BigInt(number)
    timeOf.set(number, timeMs)
    const messages = { messages: block.messages ?? [], acks: block.acks ?? [] }
    const current = state.authorities.at(-1) as Authorities
    const next = block.nextAuthorities === undefined ? undefined : setOf(crypto, block.nextAuthorities, current.set.id + 1n)
    const logs = [createPhlxItem(crypto, { number, timeMs, ...messages }), ...(next === undefined ? [] : [scheduledChange(next.set)]), ...(block.logs ?? [])]
    const header: Header = { parentHash: parent.hash, number, stateRoot: ZERO_HASH, extrinsicsRoot: crypto.blake2b256(Uint8Array.of(block.salt ?? 0)), digest: { logs } }
    const target = { hash: headerHash(crypto, header), number }
    const justification = block.justify === false ? undefined : justifyBlock(crypto, target, { seeds: current.seeds, setId: current.set.id })
    const followed = { header, justification, messages }
    state.blocks.push(followed)
    state.authorities.push(next ?? current)
    return followed
  }
  return {
    genesisHash,
    genesisInfo,
    get blocks() {
      return state.blocks
    },
    get head() {
      return headOf()
    },
    add,
    feed: (from, to) => FollowedBlocks.encode(state.blocks.slice(from - 1, to)),
    forkAt: (number) => openChain(crypto, genesis, genesisInfo, { blocks: state.blocks.slice(0, number - 1), authorities: state.authorities.slice(0, number) }),
  }
}

/** A chain with one authority (or several, by seeds). `salt` makes another genesis. */
export const createTestChain = (crypto: Crypto, options: { readonly authorities?: readonly Uint8Array[]; readonly salt?: number } = {}): TestChain => {
  const authorities = setOf(crypto, options.authorities ?? [crypto.sha256(utf8('test authority'))], 0n)
  const key = grandpaAuthoritiesKey(crypto)
  const state = createTrie({ crypto, version: 1 }).apply([
    [key, AuthorityList.encode(authorities.set.list)],
    [utf8(':code'), Uint8Array.of(options.salt ?? 0)],
  ])
  const header: Header = {
    parentHash: ZERO_HASH, number: 0, stateRoot: state.root, extrinsicsRoot: ZERO_HASH,
    digest: { logs: [createPhlxItem(crypto, { number: 0, timeMs: TEST_GENESIS_TIME_MS, messages: [], acks: [] })] },
  }
  const genesisInfo = GenesisBlockInfo.encode({ blockHeader: header, authoritySet: authorities.set, proof: state.prove([key]) })
  return openChain(crypto, header, genesisInfo, { blocks: [], authorities: [authorities] })
}

/** Deterministic stand-in for randomness: never for keys that matter. */
export const createTestRandom = (crypto: Pick<Crypto, 'blake2b256'>, seed: string): Random => {
  let counter = 0
  return {
    bytes(length) {
      const out: Uint8Array[] = []
      for (let size = 0; size < length; size += 32) out.push(crypto.blake2b256(utf8(`${seed}/${counter++}`)))
      return concatBytes(...out).slice(0, length)
    },
  }
}

/** Blobs in memory. `files` may be looked at and changed by tests. */
export interface MemoryBlobStore extends BlobStore {
  readonly files: Map<string, Uint8Array>
  /** When set, writes stay pending and are lost, as in a crash. */
  dropWrites: boolean
  /** When set, writes fail. */
  failWrites: boolean
}

/** An empty memory store, or a copy of files. */
export const createMemoryBlobStore = (files: Iterable<readonly [string, Uint8Array]> = []): MemoryBlobStore => ({
  files: new Map([...files].map(([name, bytes]) => [name, bytes.slice()])),
  dropWrites: false,
  failWrites: false,
  read(name) {
    return Promise.resolve(this.files.get(name)?.slice())
  },
  write(name, bytes) {
    if (this.dropWrites) return new Promise<void>(() => {})
    if (this.failWrites) return Promise.reject(new Error('disk full'))
    this.files.set(name, bytes.slice())
    return Promise.resolve()
  },
  remove(name) {
    this.files.delete(name)
    return Promise.resolve()
  },
})

/** A benchmark of a machine that does `perSecond` iterations in every second of chain time, and as many between two looks. */
export const createTestBenchmark = (perSecond = 100n): Benchmark => {
  let running = false
  return {
    start() {
      running = true
    },
    stop() {
      running = false
    },
    take: () => (running ? perSecond : 0n),
    measure: (elapsedMs) => (perSecond * (elapsedMs < 1000n ? 1000n : elapsedMs)) / 1000n,
  }
}

/** A clock that stands still; timers run when told to. */
export interface TestClock extends Clock {
  now: number
  /** Runs the timers that are due after `ms` more. */
  advance(ms: number): void
}

/** A standing clock. */
export const createTestClock = (now = Number(TEST_GENESIS_TIME_MS)): TestClock => {
  const timers = new Set<{ readonly at: number; readonly callback: () => void }>()
  const clock: TestClock = {
    now,
    nowMs: () => clock.now,
    after(delayMs, callback) {
      const timer = { at: clock.now + delayMs, callback }
      timers.add(timer)
      return () => timers.delete(timer)
    },
    advance(ms) {
      clock.now += ms
      for (const timer of [...timers]) {
        if (timer.at > clock.now || !timers.delete(timer)) continue
        timer.callback()
      }
    },
  }
  return clock
}

/** A core without a shell: takes feeds and nothing else. */
export interface TestFeeder {
  readonly authorities: AuthoritySet
  /** Number of the last executed block. @throws LIGHT_ codes */
  feed(blocks: Uint8Array): number
}

/** A core that has been initialised with a chain's genesis. */
export const createTestFeeder = (crypto: Crypto, chain: TestChain): TestFeeder => {
  const core = createTestCore(crypto)
  const entropy = new Uint8Array(32)
  let { state } = step(core, EMPTY_STATE, { kind: 'init', value: { genesis: chain.genesisInfo, operator: undefined, entropy } })
  const { authorities } = assertLive(state).follow
  return {
    authorities,
    feed(blocks) {
      state = step(core, state, { kind: 'feed', value: { blocks, genesisHash: undefined, iterations: 0n, entropy } }).state
      return assertLive(state).follow.head.number
    },
  }
}

/** Build and crypto of a test worker. */
export const createTestCore = (crypto: Crypto, build: Partial<Build> = {}): Core => ({
  crypto,
  build: { version: [0, 1, 0], maxConsensusVersion: 0, measurement: new Uint8Array(32).fill(7), features: [1, 1], checkpointEveryBlocks: 1_000_000, ...build },
})
