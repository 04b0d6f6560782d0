/**
 * Owns positions in keys counted in nibbles, high half first. A node's path is a prefix of the full keys below it, so
 * paths are never unpacked: two keys are compared where they stand.
 */

/** Longest key in bytes. Bounds the depth of the trie, so that every recursion over it fits in half of the default stack. */
export const KEY_LENGTH_MAX = 512

/** Nibble `index` of a key; the caller keeps `index` inside the key. */
export const nibbleAt = (key: Uint8Array, index: number): number => {
  const byte = key[index >> 1] as number
  return (index & 1) === 0 ? byte >> 4 : byte & 15
}

/** First nibble position from `from` on where two keys differ or one ends, at most `limit`. */
export const commonNibbles = (keys: { readonly a: Uint8Array; readonly b: Uint8Array }, from: number, limit: number): number => {
  const { a, b } = keys
  const end = Math.min(limit, 2 * a.length, 2 * b.length)
  let at = from
  if (at >= end) return end
  if ((at & 1) === 1) {
    if (((a[at >> 1] as number) & 15) !== ((b[at >> 1] as number) & 15)) return at
    at++
  }
  for (; at < end; at += 2) {
    const difference = (a[at >> 1] as number) ^ (b[at >> 1] as number)
    if (difference !== 0) return Math.min(end, difference > 15 ? at : at + 1)
  }
  return end
}
