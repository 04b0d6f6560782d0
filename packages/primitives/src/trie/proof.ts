/** Owns the reading of state proofs. */
import { unreachable } from '../assert.ts'
import type { TrieCrypto } from './trie.ts'

/** Answers from a proof; what the proof does not cover is an error, never "absent". */
export interface ProofReader {
  /** Proven value, or undefined where absence is proven. @throws TRIE_PROOF_INCOMPLETE */
  get(key: Uint8Array): Uint8Array | undefined
}

/** Checks every node of a proof by its hash, from `root` down. @throws TRIE_PROOF_INVALID */
export const readProof = (_options: { readonly crypto: TrieCrypto; readonly root: Uint8Array; readonly proof: readonly Uint8Array[] }): ProofReader => unreachable(undefined as never)
