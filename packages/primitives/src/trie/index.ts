/** Entry point of `@phalanx/primitives/trie`. */
export type { State, StateChanges, StateVersion } from './state.ts'
export type { NodeStore, TrieCrypto } from './node.ts'
export type { StoredNode } from './commit.ts'
export { createTrie, openTrie, type Commit, type Trie } from './trie.ts'
export { readProof, type ProofReader } from './proof.ts'
export { orderedRoot } from './ordered.ts'
