/** Owns small chains made with real keys, for tests of light clients and of what follows them. Not for production. */
import { utf8 } from '@phalanx/primitives/bytes'
import {
  AuthorityList, CHECKPOINT_ANCESTORS_MAX, CHECKPOINT_VERSION, ChainCheckpoint, FollowedBlocks, GRANDPA_ENGINE, GenesisBlockInfo, GrandpaLog, Justification, ZERO_HASH, createPhlxItem, headerHash, precommitPayload,
  type AuthoritySet, type BlockMessages, type DigestItem, type FollowedBlock, type Header,
} from '@phalanx/primitives/chain'
import type { Crypto } from '@phalanx/primitives/crypto'
import { createTrie, type Trie } from '@phalanx/primitives/trie'
import { checkpointKeys, grandpaStorage, systemStorage } from '@phalanx/runtime/storage'
import { grandpaAuthoritiesKey } from '../core/genesis.ts'

/** Time of a test chain's genesis, and between two of its blocks, in ms. */
export const TEST_GENESIS_TIME_MS = 1_800_000_000_000n
const TEST_BLOCK_TIME_MS = 1_000n

/** What a test block is to hold. */
export interface TestBlock extends Partial<BlockMessages> {
  /** Whether the block gets a justification; true unless given. */
  readonly justify?: boolean
  /** Seeds of the authorities that take over after this block. */
  readonly nextAuthorities?: readonly Uint8Array[]
  /** Further digest items. */
  readonly logs?: readonly DigestItem[]
  readonly timeMs?: bigint
  /** Whether the header names a true state: finality and genesis hash, nobody registered. Only such a block can be a checkpoint. */
  readonly hasState?: boolean
  /** Further entries of that state. */
  readonly entries?: readonly StateEntry[]
  /** Distinguishes forks. */
  readonly salt?: number
}

/** A storage key and its value. */
export type StateEntry = readonly [key: Uint8Array, value: Uint8Array]

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
  /** SCALE ChainCheckpoint of the last block, which must have a state and a justification; its view covers `worker` where one is given. */
  checkpoint(worker?: Uint8Array): Uint8Array
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
  /** Of the last block. */
  entries: readonly StateEntry[]
}

const stateOf = (crypto: Crypto, genesisHash: Uint8Array, { set }: Authorities, entries: readonly StateEntry[]): Trie => {
  const { authorities, currentSetId } = grandpaStorage
  return createTrie({ crypto, version: 1 }).apply([
    [authorities.key(crypto), authorities.encode(set.list)],
    [currentSetId.key(crypto), currentSetId.encode(set.id)],
    [systemStorage.blockHash.key(crypto, 0), systemStorage.blockHash.encode(genesisHash)],
    ...entries,
  ])
}

/** Checkpoint of the last block; `genesis` is the first header. */
const checkpointOf = (crypto: Crypto, genesis: Header, { blocks, authorities, entries }: ChainState, worker: Uint8Array | undefined): Uint8Array => {
  const genesisHash = headerHash(crypto, genesis)
  const headers = [genesis, ...blocks.map(({ header }) => header)]
  const { header, justification } = blocks.at(-1) as FollowedBlock
  const now = authorities.at(-1) as Authorities
  const state = stateOf(crypto, genesisHash, now, entries)
  const handsOver = (i: number): boolean => authorities[i]?.set.id !== authorities[i + 1]?.set.id
  return ChainCheckpoint.encode({
    version: CHECKPOINT_VERSION, genesisHash, header, justification: justification ?? new Uint8Array(0), authorities: now.set, worker,
    hops: blocks.slice(0, -1).flatMap((block, i) => (handsOver(i) ? [{ header: block.header, justification: block.justification ?? new Uint8Array(0) }] : [])),
    ancestors: headers.slice(0, -1).slice(-CHECKPOINT_ANCESTORS_MAX).reverse(),
    proof: state.prove(checkpointKeys(crypto, (key) => state.get(key), worker)),
  })
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
    state.entries = block.entries ?? []
    const stateRoot = block.hasState === true ? stateOf(crypto, genesisHash, next ?? current, state.entries).root : ZERO_HASH
    const header: Header = { parentHash: parent.hash, number, stateRoot, extrinsicsRoot: crypto.blake2b256(Uint8Array.of(block.salt ?? 0)), digest: { logs } }
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
    checkpoint: (worker) => checkpointOf(crypto, genesis, state, worker),
    forkAt: (number) => openChain(crypto, genesis, genesisInfo, { blocks: state.blocks.slice(0, number - 1), authorities: state.authorities.slice(0, number), entries: [] }),
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
  return openChain(crypto, header, genesisInfo, { blocks: [], authorities: [authorities], entries: [] })
}
