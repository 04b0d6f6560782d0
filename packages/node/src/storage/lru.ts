/** Owns a small map that forgets what was not used for longest. */

/** A bounded cache. */
export interface Lru<K, V> {
  get(key: K): V | undefined
  set(key: K, value: V): void
  delete(key: K): void
}

/** A cache of at most `max` entries. */
export const createLru = <K, V>(max: number): Lru<K, V> => {
  const map = new Map<K, V>()
  return {
    get(key) {
      const value = map.get(key)
      if (value === undefined) return undefined
      map.delete(key)
      map.set(key, value)
      return value
    },
    set(key, value) {
      map.delete(key)
      map.set(key, value)
      if (map.size <= max) return
      const oldest = map.keys().next()
      if (oldest.done !== true) map.delete(oldest.value)
    },
    delete(key) {
      map.delete(key)
    },
  }
}
