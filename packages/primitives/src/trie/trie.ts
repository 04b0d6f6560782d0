/** Owns the trie as the node keeps it: snapshots that can be committed to, and read back from, a store of numbered nodes. */
import { unreachable } from '../assert.ts'
import type { Crypto } from '../crypto/crypto.ts'
import type { State, StateChanges, StateVersion } from './state.ts'

/** The one operation the trie needs. */
export type TrieCrypto = Pick<Crypto, 'blake2b256'>

/** Where the records of a committed trie are read back from. */
export interface NodeStore {
  /** Record that `commit` created under this id. @throws TRIE_NODE_MISSING */
  load(id: bigint): Uint8Array
}

/** What a commit hands to the node for its atomic batch. */
export interface Commit {
  /** The same snapshot, with every node numbered. */
  readonly trie: Trie
  /** First id not used yet. */
  readonly nextId: bigint
  /** Id of the root node, 0n for the empty trie. */
  readonly rootId: bigint
  /** Records to write. */
  readonly created: readonly { readonly id: bigint; readonly bytes: Uint8Array }[]
  /** Ids that `base` reaches and this snapshot does not. */
  readonly dropped: readonly bigint[]
}

/** A snapshot that can be stored. */
export interface Trie extends State {
  readonly version: StateVersion
  apply(changes: StateChanges): Trie
  /** The same snapshot; later writes follow another state version. */
  withVersion(version: StateVersion): Trie
  /** Numbers every node not yet stored with `nextId++`. `base` is the committed snapshot this one was made from. */
  commit(options: { readonly nextId: bigint; readonly base: Trie | undefined }): Commit
  /** Forgets stored nodes that were not touched since the previous call; they load again when needed. Returns how many nodes stay loaded. */
  evict(): number
}

/** The empty trie. `store` is where committed nodes load from after `evict`. */
export const createTrie = (_options: { readonly crypto: TrieCrypto; readonly version: StateVersion; readonly store?: NodeStore }): Trie => unreachable(undefined as never)

/** A committed trie, loaded node by node as it is read. @throws TRIE_NODE_CORRUPT */
export const openTrie = (_options: { readonly crypto: TrieCrypto; readonly version: StateVersion; readonly store: NodeStore; readonly rootId: bigint; readonly root: Uint8Array }): Trie => unreachable(undefined as never)
