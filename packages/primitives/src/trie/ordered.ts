/** Owns the root of an ordered list, such as the extrinsics of a block. */
import { unreachable } from '../assert.ts'
import type { StateVersion } from './state.ts'
import type { TrieCrypto } from './trie.ts'

/** Root of the trie that maps the compact-encoded index of each item to the item. */
export const orderedRoot = (_options: { readonly crypto: TrieCrypto; readonly version: StateVersion; readonly items: readonly Uint8Array[] }): Uint8Array => unreachable(undefined as never)
