/** Owns the trie as the node keeps it: snapshots that can be committed to, and read back from, a store of numbered nodes. */
import { assert } from '../assert.ts'
import { bytesEqual, compareBytes, startsWith } from '../bytes.ts'
import { AppError } from '../errors.ts'
import { findDropped, forgetIdle, numberNodes, type StoredNode } from './commit.ts'
import { findChanges } from './diff.ts'
import { encodeNode } from './hash.ts'
import { EMPTY_NODE } from './node-codec.ts'
import { loadNode, type Child, type NodeStore, type TrieContext, type TrieCrypto, type TrieNode } from './node.ts'
import { collectProof, findMerkleValue } from './prove.ts'
import { findEntryAfter, findValue } from './read.ts'
import type { State, StateChanges, StateVersion } from './state.ts'
import { updateRoot } from './update.ts'

/** What a commit hands to the node for its atomic batch. */
export interface Commit {
  /** The same snapshot, with every node numbered. */
  readonly trie: Trie
  /** First id not used yet. */
  readonly nextId: bigint
  /** Id of the root node, 0n for the empty trie. */
  readonly rootId: bigint
  /** Records to write. */
  readonly created: readonly StoredNode[]
  /** Ids that `base` reaches and this snapshot does not. */
  readonly dropped: readonly bigint[]
}

/** A snapshot that can be stored. Keys and values given to it become its own: never write into them afterwards. */
export interface Trie extends State {
  /** Version that later writes follow; stored nodes keep theirs until their value is written again. */
  readonly version: StateVersion
  /** @throws TRIE_KEY_TOO_LONG */
  apply(changes: StateChanges): Trie
  /** Writes that make this snapshot of an earlier (or any other) one grown from the same trie; cheap where the two share most. In no order. */
  changesSince(before: Trie): StateChanges
  /** The same snapshot; later writes follow another state version. */
  withVersion(version: StateVersion): Trie
  /**
   * Numbers every node not yet stored with `nextId++` (the first id is 1n). `base` is the committed snapshot this one was made
   * from. This snapshot itself stays without numbers: go on from the returned one, once the batch is written.
   */
  commit(options: { readonly nextId: bigint; readonly base: Trie | undefined }): Commit
  /** Forgets stored nodes that nothing read since the previous call; they load again when needed. Returns how many nodes stay. */
  evict(): number
}

/** Root of the empty trie: the hash of its one-byte encoding. */
const emptyRoot = (crypto: TrieCrypto): Uint8Array => crypto.blake2b256(EMPTY_NODE)

class Snapshot implements Trie {
  readonly version: StateVersion
  readonly context: TrieContext
  private rootNode: Child
  private rootHash: Uint8Array | undefined

  constructor(parts: { context: TrieContext; version: StateVersion; rootNode: Child; rootHash: Uint8Array | undefined }) {
    this.context = parts.context
    this.version = parts.version
    this.rootNode = parts.rootNode
    this.rootHash = parts.rootHash
  }

  /** The root node, loaded where needed. */
  get top(): TrieNode | undefined {
    const { rootNode } = this
    if (typeof rootNode !== 'number') return rootNode
    const loaded = loadNode(this.context, { id: rootNode, parentKey: EMPTY_NODE, slot: 0, start: 0, merkleValue: this.root })
    this.rootNode = loaded
    return loaded
  }

  get root(): Uint8Array {
    if (this.rootHash === undefined) {
      const { top } = this
      this.rootHash = top === undefined ? emptyRoot(this.context.crypto) : this.context.crypto.blake2b256(encodeNode(this.context, top))
    }
    return this.rootHash
  }

  get(key: Uint8Array): Uint8Array | undefined {
    return findValue(this.context, this.top, key)
  }

  nextKey(after: Uint8Array, prefix?: Uint8Array): Uint8Array | undefined {
    return this.entryAfter(after, prefix)?.key
  }

  /** Smallest entry that begins with `prefix` and is greater than `after`. */
  private entryAfter(after: Uint8Array | undefined, prefix: Uint8Array | undefined): TrieNode | undefined {
    const startsAtPrefix = prefix !== undefined && (after === undefined || compareBytes(after, prefix) < 0)
    const bound = startsAtPrefix ? { key: prefix, isInclusive: true } : { key: after as Uint8Array, isInclusive: false }
    const found = findEntryAfter(this.context, this.top, bound)
    return found !== undefined && (prefix === undefined || startsWith(found.key, prefix)) ? found : undefined
  }

  private *walk(prefix: Uint8Array, after: Uint8Array | undefined, limit: number): Iterable<TrieNode> {
    let last = after
    for (let count = 0; count < limit; count++) {
      const entry = this.entryAfter(last, prefix)
      if (entry === undefined) return
      yield entry
      last = entry.key
    }
  }

  *keys(prefix: Uint8Array, options: { readonly after?: Uint8Array | undefined; readonly limit?: number | undefined } = {}): Iterable<Uint8Array> {
    for (const entry of this.walk(prefix, options.after, options.limit ?? Infinity)) yield entry.key
  }

  *entries(prefix: Uint8Array): Iterable<readonly [Uint8Array, Uint8Array]> {
    for (const entry of this.walk(prefix, undefined, Infinity)) yield [entry.key, entry.value as Uint8Array]
  }

  apply(changes: StateChanges): Trie {
    const { context, version, top } = this
    const rootNode = updateRoot(context, top, { changes, version })
    return rootNode === top ? this : new Snapshot({ context, version, rootNode, rootHash: undefined })
  }

  changesSince(before: Trie): StateChanges {
    assert(before instanceof Snapshot, 'snapshots that are compared are tries of this module')
    return findChanges(this.context, before.top, this.top)
  }

  withVersion(version: StateVersion): Trie {
    return new Snapshot({ context: this.context, version, rootNode: this.rootNode, rootHash: this.rootHash })
  }

  prove(keys: readonly Uint8Array[]): readonly Uint8Array[] {
    void this.root
    const { top } = this
    return top === undefined ? [EMPTY_NODE.slice()] : collectProof(this.context, top, keys)
  }

  closestDescendantMerkleValue(key: Uint8Array): Uint8Array | undefined {
    const { root, top } = this
    return top === undefined ? undefined : findMerkleValue(this.context, top, key, root)
  }

  commit(options: { readonly nextId: bigint; readonly base: Trie | undefined }): Commit {
    const { base, nextId } = options
    assert(base === undefined || base instanceof Snapshot, 'the base of a commit is a trie of this module')
    const { context, version, root, top } = this
    const old = base?.top
    assert(old === undefined || old.id !== 0, 'the base of a commit is committed itself')
    const numbered = top === undefined ? { root: undefined, nextId, created: [] } : numberNodes(context, top, nextId)
    return {
      trie: new Snapshot({ context, version, rootNode: numbered.root, rootHash: root }),
      nextId: numbered.nextId,
      rootId: BigInt(numbered.root?.id ?? 0),
      created: numbered.created,
      dropped: findDropped(context, old, numbered.root),
    }
  }

  evict(): number {
    const { context, rootNode } = this
    assert(context.store !== undefined, 'only a trie with a store can forget nodes')
    const count = typeof rootNode === 'object' ? forgetIdle(context, rootNode) : 0
    context.epoch++
    return count
  }
}

const createContext = (crypto: TrieCrypto, store: NodeStore | undefined): TrieContext => ({ crypto, store, scratch: new Uint8Array(1024), epoch: 1 })

/** The empty trie. `store` is where committed nodes load from after `evict`. */
export const createTrie = (options: { readonly crypto: TrieCrypto; readonly version: StateVersion; readonly store?: NodeStore }): Trie =>
  new Snapshot({ context: createContext(options.crypto, options.store), version: options.version, rootNode: undefined, rootHash: undefined })

/** A committed trie, loaded node by node as it is read; each record is checked by its hash then. @throws TRIE_NODE_CORRUPT */
export const openTrie = (options: {
  readonly crypto: TrieCrypto
  readonly version: StateVersion
  readonly store: NodeStore
  readonly rootId: bigint
  readonly root: Uint8Array
}): Trie => {
  const { crypto, version, store, rootId, root } = options
  if (rootId < 0n || rootId > BigInt(Number.MAX_SAFE_INTEGER) || (rootId === 0n && !bytesEqual(root, emptyRoot(crypto))))
    throw new AppError('TRIE_NODE_CORRUPT', { id: String(rootId), reason: 'the id of the root does not fit its hash' })
  return new Snapshot({ context: createContext(crypto, store), version, rootNode: rootId === 0n ? undefined : Number(rootId), rootHash: root })
}
