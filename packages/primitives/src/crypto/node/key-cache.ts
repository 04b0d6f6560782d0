/** Owns a bounded cache of imported OpenSSL keys: importing a public key costs more than verifying with it. */
import type { KeyObject } from 'node:crypto'

import { bytesToKey } from '../../bytes.ts'

/** Imported keys by their raw bytes, least recently used first to go. */
export interface KeyCache {
  /** @throws whatever `importKey` throws; failures are not kept */
  get(publicKey: Uint8Array): KeyObject
}

/** Keeps at most `limit` keys; `importKey` runs on a miss. */
export const createKeyCache = ({ limit }: { limit: number }, importKey: (publicKey: Uint8Array) => KeyObject): KeyCache => {
  const keys = new Map<string, KeyObject>()
  return {
    get(publicKey) {
      const id = bytesToKey(publicKey)
      const known = keys.get(id)
      if (known !== undefined) {
        keys.delete(id)
        keys.set(id, known)
        return known
      }
      const imported = importKey(publicKey)
      if (keys.size >= limit) keys.delete(keys.keys().next().value as string)
      keys.set(id, imported)
      return imported
    },
  }
}
