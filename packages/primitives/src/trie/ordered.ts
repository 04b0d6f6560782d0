/** Owns the root of an ordered list, such as the extrinsics of a block. */
import { lengthPrefixLength, writeLengthPrefix } from './node-codec.ts'
import type { TrieCrypto } from './node.ts'
import type { StateVersion } from './state.ts'
import { createTrie } from './trie.ts'

const indexKey = (index: number): Uint8Array => {
  const key = new Uint8Array(lengthPrefixLength(index))
  writeLengthPrefix(key, 0, index)
  return key
}

/** Root of the trie that maps the compact-encoded index of each item to the item. */
export const orderedRoot = (options: { readonly crypto: TrieCrypto; readonly version: StateVersion; readonly items: readonly Uint8Array[] }): Uint8Array =>
  createTrie(options).apply(options.items.map((item, index) => [indexKey(index), item] as const)).root
