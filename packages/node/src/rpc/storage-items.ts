/** Owns the storage queries of the new interface: what an item asks for, and the answers of one item, lazily. */
import { toHex } from '@phalanx/primitives/bytes'
import type { Crypto } from '@phalanx/primitives/crypto'
import type { State } from '@phalanx/primitives/trie'
import { hexBytes, listOf, objectOf, oneOf, optional, type ParamValue } from './params.ts'

/** What to find out about a key. */
const queryType = oneOf('value', 'hash', 'closestDescendantMerkleValue', 'descendantsValues', 'descendantsHashes')

/** Items of `chainHead_v1_storage`. */
export const storageItems = listOf(objectOf({ key: hexBytes, type: queryType }), 1_024)
/** Items of `archive_v1_storage`, which may begin in the middle. */
export const pagedStorageItems = listOf(objectOf({ key: hexBytes, type: queryType, paginationStartKey: optional(hexBytes) }), 1_024)

/** One queried item. */
export type StorageItem = ParamValue<typeof pagedStorageItems>[number] | ParamValue<typeof storageItems>[number]

/** Answers to all items, in order; keys without a value give none. */
export function* answerItems(crypto: Pick<Crypto, 'blake2b256'>, state: State, items: readonly StorageItem[]): Generator<Record<string, string>> {
  for (const item of items) {
    const { key, type } = item
    const name = toHex(key)
    if (type === 'closestDescendantMerkleValue') {
      const merkle = state.closestDescendantMerkleValue(key)
      if (merkle !== undefined) yield { key: name, closestDescendantMerkleValue: toHex(merkle) }
    } else if (type === 'value' || type === 'hash') {
      const value = state.get(key)
      if (value !== undefined) yield { key: name, [type]: toHex(type === 'value' ? value : crypto.blake2b256(value)) }
    } else {
      const after = 'paginationStartKey' in item ? item.paginationStartKey : undefined
      const keys = state.keys(key, { after })
      for (const found of keys) {
        const value = state.get(found)
        if (value === undefined) continue
        yield type === 'descendantsValues' ? { key: toHex(found), value: toHex(value) } : { key: toHex(found), hash: toHex(crypto.blake2b256(value)) }
      }
    }
  }
}
