/** Owns the packed form in which entries of a state travel to a thread: one buffer, moved and not copied. Both ends are ours: nothing is checked. */
import type { StateChanges } from '@phalanx/primitives/trie'

/** Lengths of key and value; this length of a value says that the entry is removed. */
const HEADER_BYTES = 8
const REMOVED = 0xffff_ffff

/** Packs writes. */
export const packChanges = (changes: StateChanges): Uint8Array => {
  let length = 0
  for (const [key, value] of changes) length += HEADER_BYTES + key.length + (value?.length ?? 0)
  const out = new Uint8Array(length)
  const view = new DataView(out.buffer)
  let at = 0
  for (const [key, value] of changes) {
    view.setUint32(at, key.length)
    view.setUint32(at + 4, value?.length ?? REMOVED)
    out.set(key, at + HEADER_BYTES)
    if (value !== undefined) out.set(value, at + HEADER_BYTES + key.length)
    at += HEADER_BYTES + key.length + (value?.length ?? 0)
  }
  return out
}

/** Inverse of `packChanges`. Keys and values are copies: they are kept. */
export const unpackChanges = (packed: Uint8Array): StateChanges => {
  const view = new DataView(packed.buffer, packed.byteOffset, packed.byteLength)
  const changes: (readonly [Uint8Array, Uint8Array | undefined])[] = []
  for (let at = 0; at < packed.length; ) {
    const keyLength = view.getUint32(at)
    const valueLength = view.getUint32(at + 4)
    const from = at + HEADER_BYTES
    const value = valueLength === REMOVED ? undefined : packed.slice(from + keyLength, from + keyLength + valueLength)
    changes.push([packed.slice(from, from + keyLength), value])
    at = from + keyLength + (value?.length ?? 0)
  }
  return changes
}
