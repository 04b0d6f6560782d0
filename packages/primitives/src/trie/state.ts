/**
 * Owns the view of chain state that the runtime and the node share: an immutable snapshot of a key-value map with a
 * Merkle root. Does not own how snapshots are stored (trie.ts) or how proofs are checked (proof.ts).
 */

/** 0 keeps every value in its trie node; 1 keeps only the hash of values over 32 bytes there. */
export type StateVersion = 0 | 1

/** Sorted or unsorted set of writes; undefined deletes. Keys are unique. */
export type StateChanges = readonly (readonly [key: Uint8Array, value: Uint8Array | undefined])[]

/** An immutable snapshot. Returned bytes belong to the snapshot: never write into them. */
export interface State {
  /** 32 bytes, computed when first asked and kept. */
  readonly root: Uint8Array
  /** Value of a key, undefined where there is none. */
  get(key: Uint8Array): Uint8Array | undefined
  /** Smallest key greater than `after` that begins with `prefix` (default: any). */
  nextKey(after: Uint8Array, prefix?: Uint8Array): Uint8Array | undefined
  /** Keys that begin with `prefix`, ascending, only those greater than `after`, at most `limit`. */
  keys(prefix: Uint8Array, options?: { readonly after?: Uint8Array | undefined; readonly limit?: number | undefined }): Iterable<Uint8Array>
  /** Keys that begin with `prefix` and their values, ascending. */
  entries(prefix: Uint8Array): Iterable<readonly [Uint8Array, Uint8Array]>
  /** The snapshot after a set of writes; this one stays as it is. Computes no hashes. */
  apply(changes: StateChanges): State
  /** Encoded trie nodes, and in version 1 hashed values, that prove presence or absence of `keys` under `root`; no duplicates. */
  prove(keys: readonly Uint8Array[]): readonly Uint8Array[]
  /** Merkle value (hash, or the encoded node where it is under 32 bytes) of the highest node at or below `key`; undefined where no key begins with it. */
  closestDescendantMerkleValue(key: Uint8Array): Uint8Array | undefined
}
