/** Entry point of `@phalanx/primitives/trie`. */
export type { State, StateChanges, StateVersion } from './state.ts'
export { createTrie, openTrie, type Commit, type NodeStore, type Trie, type TrieCrypto } from './trie.ts'
export { readProof, type ProofReader } from './proof.ts'
export { orderedRoot } from './ordered.ts'
