/**
 * Owns what is kept of every block and how a block gets to disk: one synced atomic batch with header, body, messages, write-set,
 * trie nodes and the head pointer. A block's finality proof is made after that batch is durable, so it goes along with the next one.
 * Does not own execution or finality.
 */
import { bytesEqual, bytesToKey, concatBytes, toHex } from '@phalanx/primitives/bytes'
import { BlockMessages, Hash, Header, headerHash } from '@phalanx/primitives/chain'
import { bytes as bytesCodec, option, struct, tuple, u32, u64, u8, vec, type TypeOf } from '@phalanx/primitives/codec'
import type { Crypto } from '@phalanx/primitives/crypto'
import { AppError } from '@phalanx/primitives/errors'
import type { Kv, KvChange } from '@phalanx/primitives/ports'
import { createTrie, openTrie, type NodeStore, type StateChanges, type StateVersion, type Trie } from '@phalanx/primitives/trie'
import '../errors.ts'
import { createLru } from './lru.ts'
import { hashKey, idKey, numberKey, readRecord, requireRecord, sealRecord, singleKey, type TableName } from './records.ts'

/** Format of the database that this code writes. */
export const STORE_VERSION = 1

const Meta = struct({ version: u32, genesisHash: Hash, head: u32, nextNodeId: u64, prunedBelow: u32 })
type Meta = TypeOf<typeof Meta>
const StateRef = struct({ rootId: u64, root: Hash, version: u8 })
const Body = vec(bytesCodec)
const Changes = vec(tuple(bytesCodec, option(bytesCodec)))
const Ids = vec(u64)
const OptionalBytes = option(bytesCodec)
const Place = struct({ number: u32, index: u32 })

/** A block to be kept. `state` is the snapshot after it, made from the head's. */
export interface NewBlock {
  readonly header: Header
  readonly hash: Uint8Array
  readonly body: readonly Uint8Array[]
  readonly messages: BlockMessages
  readonly changes: StateChanges
  readonly state: Trie
  readonly justification?: Uint8Array | undefined
}

/** The newest block and the state after it. */
export interface StoredHead {
  readonly number: number
  readonly hash: Uint8Array
  readonly header: Header
  readonly state: Trie
}

/** How much is kept. */
export interface BlockStoreOptions {
  /** Where the database lies, for messages. */
  readonly folder: string
  /** Blocks whose state is kept, or `'archive'` for all. */
  readonly keepStates: number | 'archive'
}

/** Keeps the chain. Reads are synchronous; everything read was committed. */
export interface BlockStore {
  /** Undefined in a new database. */
  head(): StoredHead | undefined
  readonly genesisHash: Uint8Array | undefined
  /** First block whose state is kept. */
  readonly firstState: number
  header(number: number): Header | undefined
  hashOf(number: number): Uint8Array | undefined
  numberOf(hash: Uint8Array): number | undefined
  body(number: number): readonly Uint8Array[] | undefined
  justification(number: number): Uint8Array | undefined
  messages(number: number): BlockMessages | undefined
  changes(number: number): StateChanges | undefined
  /** Where an extrinsic with this hash was included last. */
  placeOf(extrinsicHash: Uint8Array): { readonly number: number; readonly index: number } | undefined
  /** SCALE `FollowedBlock` of a block, joined from the stored bytes without decoding them. */
  followed(number: number): Uint8Array | undefined
  genesisInfo(): Uint8Array | undefined
  /** @throws BLOCK_STATE_PRUNED, BLOCK_UNKNOWN */
  state(number: number): Trie
  emptyState(version: StateVersion): Trie
  /** Writes the first block and what light clients start from. */
  commitGenesis(block: NewBlock, genesisInfo: Uint8Array): Promise<StoredHead>
  /** Makes a block the head; durable when it resolves. */
  commit(block: NewBlock): Promise<StoredHead>
  /** Remembers the finality proof of the head; it is written with the next block or at `close`. */
  justify(number: number, justification: Uint8Array): void
  close(): Promise<void>
}

const OPEN_STATES = 32
const RECENT_BLOCKS = 512
/** States freed per block when the window was made smaller. */
const PRUNED_PER_BLOCK = 16
/** Blocks between two evictions of trie nodes that nobody reads. */
const EVICT_EVERY = 64

const readMeta = (kv: Kv, folder: string): Meta | undefined => {
  const stored = readRecord(kv, singleKey('meta'))
  if (stored === undefined) return undefined
  const found = u32.decode(stored.slice(0, 4))
  if (found !== STORE_VERSION) throw new AppError('STORAGE_VERSION_UNSUPPORTED', { folder, found, supported: STORE_VERSION })
  return Meta.decode(stored)
}

/** Opens the chain that a key-value store holds. @throws STORAGE_CORRUPT, STORAGE_VERSION_UNSUPPORTED */
export const openBlockStore = (options: BlockStoreOptions, dependencies: { readonly kv: Kv; readonly crypto: Crypto }): BlockStore => {
  const { kv, crypto } = dependencies
  let meta = readMeta(kv, options.folder)
  const nodes: NodeStore = {
    load(id) {
      const node = readRecord(kv, idKey('node', id))
      // Whoever still reads a state that was pruned meanwhile ends here, too.
      if (node === undefined) throw new AppError('TRIE_NODE_MISSING', { id: String(id) })
      return node
    },
  }
  const headers = createLru<number, Header>(RECENT_BLOCKS)
  const hashes = createLru<number, Uint8Array>(RECENT_BLOCKS)
  const numbers = createLru<string, number>(RECENT_BLOCKS)
  const states = createLru<number, Trie>(OPEN_STATES)
  const proofs = new Map<number, Uint8Array>()
  let head: StoredHead | undefined
  let blocksSinceEvict = 0

  const record = (table: TableName, number: number): Uint8Array | undefined => readRecord(kv, numberKey(table, number))
  const known = (number: number): boolean => meta !== undefined && number <= meta.head

  const header = (number: number): Header | undefined => {
    if (!known(number)) return undefined
    const cached = headers.get(number)
    if (cached !== undefined) return cached
    const stored = Header.decode(requireRecord(kv, numberKey('header', number)))
    headers.set(number, stored)
    return stored
  }

  const hashOf = (number: number): Uint8Array | undefined => {
    const cached = hashes.get(number)
    if (cached !== undefined) return cached
    const found = header(number)
    if (found === undefined) return undefined
    const hash = headerHash(crypto, found)
    hashes.set(number, hash)
    return hash
  }

  const numberOf = (hash: Uint8Array): number | undefined => {
    const key = bytesToKey(hash)
    const cached = numbers.get(key)
    if (cached !== undefined) return cached
    const stored = readRecord(kv, hashKey('numberOfHash', hash))
    if (stored === undefined) return undefined
    const number = u32.decode(stored)
    if (!known(number)) return undefined
    numbers.set(key, number)
    return number
  }

  const nameOf = (number: number): string => {
    const hash = hashOf(number)
    return hash === undefined ? String(number) : toHex(hash)
  }

  const state = (number: number): Trie => {
    if (head !== undefined && number === head.number) return head.state
    if (!known(number) || meta === undefined) throw new AppError('BLOCK_UNKNOWN', { block: String(number) })
    if (number < meta.prunedBelow) throw new AppError('BLOCK_STATE_PRUNED', { block: nameOf(number), kept: meta.head - meta.prunedBelow + 1 })
    const cached = states.get(number)
    if (cached !== undefined) return cached
    const ref = StateRef.decode(requireRecord(kv, numberKey('stateRef', number)))
    const opened = openTrie({ crypto, version: ref.version as StateVersion, store: nodes, rootId: ref.rootId, root: ref.root })
    states.set(number, opened)
    return opened
  }

  const loadHead = (): StoredHead | undefined => {
    if (meta === undefined) return undefined
    const number = meta.head
    const found = header(number) as Header
    const loaded = { number, header: found, hash: hashOf(number) as Uint8Array, state: state(number) }
    if (!bytesEqual(loaded.state.root, found.stateRoot))
      throw new AppError('STORAGE_CORRUPT', { file: options.folder, reason: `the state root of block ${number} is not the one of its header` })
    return loaded
  }

  /** Ids to delete, and the first state kept after `number` became the head. */
  const prune = (current: Meta, number: number, changes: KvChange[]): number => {
    let first = current.prunedBelow
    if (options.keepStates === 'archive') return first
    for (let freed = 0; freed < PRUNED_PER_BLOCK && first + options.keepStates <= number; freed++, first++) {
      changes.push({ key: numberKey('stateRef', first), value: undefined })
      const droppedKey = numberKey('dropped', first + 1)
      const dropped = readRecord(kv, droppedKey)
      if (dropped === undefined) continue
      for (const id of Ids.decode(dropped)) changes.push({ key: idKey('node', id), value: undefined })
      changes.push({ key: droppedKey, value: undefined })
      states.delete(first)
    }
    return first
  }

  const blockRecords = (block: NewBlock, put: (key: Uint8Array, value: Uint8Array) => void): void => {
    const { number } = block.header
    put(numberKey('header', number), Header.encode(block.header))
    put(numberKey('body', number), Body.encode(block.body))
    put(numberKey('messages', number), BlockMessages.encode(block.messages))
    put(numberKey('changes', number), Changes.encode(block.changes))
    put(hashKey('numberOfHash', block.hash), u32.encode(number))
    if (block.justification !== undefined) put(numberKey('justification', number), block.justification)
    for (const [proven, justification] of proofs) put(numberKey('justification', proven), justification)
    block.body.forEach((extrinsic, index) => put(hashKey('transaction', crypto.blake2b256(extrinsic)), Place.encode({ number, index })))
  }

  const write = async (block: NewBlock, current: Meta, extra: readonly KvChange[]): Promise<StoredHead> => {
    const { number } = block.header
    const changes: KvChange[] = [...extra]
    const put = (key: Uint8Array, value: Uint8Array): void => {
      changes.push({ key, value: sealRecord(key, value) })
    }
    blockRecords(block, put)
    const commit = block.state.commit({ nextId: current.nextNodeId, base: head?.state })
    for (const { id, bytes } of commit.created) put(idKey('node', id), bytes)
    put(numberKey('stateRef', number), StateRef.encode({ rootId: commit.rootId, root: commit.trie.root, version: commit.trie.version }))
    if (commit.dropped.length > 0) put(numberKey('dropped', number), Ids.encode(commit.dropped))
    const prunedBelow = head === undefined ? number : prune(current, number, changes)
    const next: Meta = { ...current, head: number, nextNodeId: commit.nextId, prunedBelow }
    put(singleKey('meta'), Meta.encode(next))
    const written = [...proofs.keys()]
    await kv.write(changes)
    for (const proven of written) if (proven !== number) proofs.delete(proven)
    if (head !== undefined) states.set(head.number, head.state)
    meta = next
    headers.set(number, block.header)
    hashes.set(number, block.hash)
    numbers.set(bytesToKey(block.hash), number)
    head = { number, hash: block.hash, header: block.header, state: commit.trie }
    if (++blocksSinceEvict >= EVICT_EVERY) {
      blocksSinceEvict = 0
      head.state.evict()
    }
    return head
  }

  head = loadHead()
  const justification = (number: number): Uint8Array | undefined =>
    known(number) ? (proofs.get(number) ?? record('justification', number)?.slice()) : undefined

  return {
    head: () => head,
    get genesisHash() {
      return meta?.genesisHash
    },
    get firstState() {
      return meta?.prunedBelow ?? 0
    },
    header,
    hashOf,
    numberOf,
    state,
    body(number) {
      const stored = known(number) ? record('body', number) : undefined
      return stored === undefined ? undefined : Body.decode(stored)
    },
    justification,
    followed(number) {
      if (!known(number)) return undefined
      const headerBytes = requireRecord(kv, numberKey('header', number))
      return concatBytes(headerBytes, OptionalBytes.encode(justification(number)), requireRecord(kv, numberKey('messages', number)))
    },
    messages(number) {
      const stored = known(number) ? record('messages', number) : undefined
      return stored === undefined ? undefined : BlockMessages.decode(stored)
    },
    changes(number) {
      const stored = known(number) ? record('changes', number) : undefined
      return stored === undefined ? undefined : Changes.decode(stored)
    },
    placeOf(extrinsicHash) {
      const stored = readRecord(kv, hashKey('transaction', extrinsicHash))
      const place = stored === undefined ? undefined : Place.decode(stored)
      return place !== undefined && known(place.number) ? place : undefined
    },
    genesisInfo: () => readRecord(kv, singleKey('genesisInfo'))?.slice(),
    emptyState: (version) => createTrie({ crypto, version, store: nodes }),
    commitGenesis(block, genesisInfo) {
      const key = singleKey('genesisInfo')
      const fresh: Meta = { version: STORE_VERSION, genesisHash: block.hash, head: 0, nextNodeId: 1n, prunedBelow: 0 }
      return write(block, fresh, [{ key, value: sealRecord(key, genesisInfo) }])
    },
    commit(block) {
      if (meta === undefined || head === undefined || block.header.number !== head.number + 1)
        throw new AppError('BLOCK_NOT_NEXT', { number: block.header.number, head: head?.number ?? 0 })
      return write(block, meta, [])
    },
    justify(number, justification) {
      if (known(number)) proofs.set(number, justification)
    },
    async close() {
      if (proofs.size > 0) {
        const changes = [...proofs].map(([number, justification]): KvChange => {
          const key = numberKey('justification', number)
          return { key, value: sealRecord(key, justification) }
        })
        await kv.write(changes)
        proofs.clear()
      }
      await kv.close()
    },
  }
}

