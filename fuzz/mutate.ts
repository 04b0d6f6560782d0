/** Owns seeded randomness and the blind mutations of byte strings. Knows no format. */

/** Numbers drawn from one 32-bit seed (mulberry32); the same seed gives the same numbers everywhere. */
export interface Rng {
  /** Whole number, `0 <= n < limit`. */
  below(limit: number): number
}

/** A generator from a seed; `label` separates the streams of one seed. */
export const createRng = (seed: number, label = ''): Rng => {
  let state = seed >>> 0
  for (const letter of label) state = (Math.imul(state ^ (letter.codePointAt(0) ?? 0), 0x9e3779b1) + 1) >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return (mixed ^ (mixed >>> 14)) >>> 0
  }
  return { below: (limit) => (limit <= 1 ? 0 : next() % limit) }
}

const INTERESTING = [0x00, 0x01, 0x02, 0x03, 0x04, 0x7f, 0x80, 0xfc, 0xfd, 0xfe, 0xff, 0x22, 0x30, 0x7b]
const WORDS = ['00000000', 'ffffffff', 'ffffff7f', '00000080', '01000000', 'feffffff', '03000000ff', '33ffffffffffffffffffffffffffffffff'].map((hex) => Uint8Array.from(Buffer.from(hex, 'hex')))
const LENGTH_MAX = 64 * 1024

const join = (...parts: readonly Uint8Array[]): Uint8Array => Uint8Array.from(Buffer.concat(parts))

type Mutation = (rng: Rng, input: Uint8Array, other: Uint8Array) => Uint8Array

const edit = (rng: Rng, input: Uint8Array, change: (byte: number) => number): Uint8Array => {
  const out = input.slice()
  if (out.length > 0) {
    const at = rng.below(out.length)
    out[at] = change(out[at] ?? 0)
  }
  return out
}

const slice = (rng: Rng, input: Uint8Array): Uint8Array => {
  const from = rng.below(input.length + 1)
  return input.subarray(from, from + rng.below(Math.min(input.length - from, 64) + 1))
}

const insertAt = (input: Uint8Array, at: number, piece: Uint8Array): Uint8Array => join(input.subarray(0, at), piece, input.subarray(at))

const MUTATIONS: readonly Mutation[] = [
  (rng, input) => edit(rng, input, (byte) => byte ^ (1 << rng.below(8))),
  (rng, input) => edit(rng, input, () => rng.below(256)),
  (rng, input) => edit(rng, input, () => INTERESTING[rng.below(INTERESTING.length)] ?? 0),
  (rng, input) => edit(rng, input, (byte) => byte + (rng.below(2) === 0 ? 1 : 255)),
  (rng, input) => input.subarray(0, rng.below(input.length + 1)),
  (rng, input) => input.subarray(rng.below(input.length + 1)),
  (rng, input) => insertAt(input, rng.below(input.length + 1), Uint8Array.from({ length: 1 + rng.below(8) }, () => rng.below(256))),
  (rng, input) => insertAt(input, rng.below(input.length + 1), slice(rng, input)),
  (rng, input, other) => insertAt(input, rng.below(input.length + 1), slice(rng, other)),
  (rng, input, other) => join(input.subarray(0, rng.below(input.length + 1)), other.subarray(rng.below(other.length + 1))),
  (rng, input) => {
    const from = rng.below(input.length + 1)
    return join(input.subarray(0, from), input.subarray(from + rng.below(16)))
  },
  (rng, input) => {
    const word = WORDS[rng.below(WORDS.length)] ?? WORDS[0]
    const at = rng.below(input.length + 1)
    return word === undefined ? input : join(input.subarray(0, at), word, input.subarray(at + word.length))
  },
  (rng, input) => join(...Array.from({ length: 1 + rng.below(16) }, () => input)),
]

/** One to eight blind changes to `input`, with pieces of `other`. */
export const mutate = (rng: Rng, input: Uint8Array, other: Uint8Array): Uint8Array => {
  let out = input
  for (let left = 1 << rng.below(4); left > 0; left--) {
    const mutation = MUTATIONS[rng.below(MUTATIONS.length)]
    if (mutation !== undefined) out = mutation(rng, out, other)
    if (out.length > LENGTH_MAX) out = out.subarray(0, LENGTH_MAX)
  }
  return out
}
