/** Owns `childstate_*`: this chain has no child tries, so every one of them is empty. */
import { call, type MethodTable } from '../method.ts'
import { hash, hexBytes, integer, listOf, optional } from '../params.ts'

const childKey = hexBytes
const at = optional(hash)

/** Methods about child tries. */
export const childstateMethods: MethodTable = {
  childstate_getStorage: call({ doc: 'Value in a child trie.', params: { childKey, key: hexBytes, at }, handle: () => null }),
  childstate_getStorageHash: call({ doc: 'Hash of a value in a child trie.', params: { childKey, key: hexBytes, at }, handle: () => null }),
  childstate_getStorageSize: call({ doc: 'Size of a value in a child trie.', params: { childKey, key: hexBytes, at }, handle: () => null }),
  childstate_getStorageEntries: call({
    doc: 'Values in a child trie.', params: { childKey, keys: listOf(hexBytes, 1_000), at }, handle: (_backend, { keys }) => keys.map(() => null),
  }),
  childstate_getKeys: call({ doc: 'Keys of a child trie.', params: { childKey, prefix: hexBytes, at }, handle: () => [] }),
  childstate_getKeysPaged: call({
    doc: 'Keys of a child trie, page by page.', params: { childKey, prefix: hexBytes, count: integer(0, 1_000), startKey: optional(hexBytes), at }, handle: () => [],
  }),
}
