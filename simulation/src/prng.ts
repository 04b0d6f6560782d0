/** Owns the simulator's only source of chance: a seeded generator whose children are independent of each other's use. */
import type { Random } from '@phalanx/primitives/ports'

const SPREAD = 0x9e3779b9

const mix = (value: number): number => {
  let z = (value + SPREAD) | 0
  z = Math.imul(z ^ (z >>> 16), 0x21f0aaad)
  z = Math.imul(z ^ (z >>> 15), 0x735a2d97)
  return (z ^ (z >>> 15)) >>> 0
}

const hashText = (text: string): number => {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return hash >>> 0
}

/** Seeded pseudo-random numbers (xoshiro128**). Equal seeds give equal draws on every machine. */
export interface Prng extends Random {
  /** Uniform in 0 .. 2^32-1. */
  u32(): number
  /** Uniform in 0 .. limit-1; `limit` from 1 to 2^32. */
  below(limit: number): number
  /** Uniform whole number in min .. max, both included. */
  between(min: number, max: number): number
  /** True with a probability of `perMille` in a thousand. */
  chance(perMille: number): boolean
  /** One element of a list that is not empty. */
  pick<T>(list: readonly T[]): T
  /** One element of a list that is not empty, each as often as its weight among all; weights are whole and positive. */
  pickWeighted<T>(list: readonly (readonly [weight: number, element: T])[]): T
  /** A generator for another purpose: its draws do not depend on how many were made here since. */
  fork(label: string): Prng
}

/** Starts a generator from four words. */
const fromState = (words: readonly [number, number, number, number], origin: number): Prng => {
  let [a, b, c, d] = words
  const u32 = (): number => {
    const scaled = Math.imul(b, 5)
    const result = Math.imul((scaled << 7) | (scaled >>> 25), 9) >>> 0
    const shifted = b << 9
    c ^= a
    d ^= b
    b ^= c
    a ^= d
    c ^= shifted
    d = (d << 11) | (d >>> 21)
    return result
  }
  const below = (limit: number): number => Math.floor((u32() / 0x1_0000_0000) * limit)
  return {
    u32,
    below,
    between: (min, max) => min + below(max - min + 1),
    chance: (perMille) => below(1000) < perMille,
    pick: (list) => list[below(list.length)] as never,
    pickWeighted(list) {
      let at = below(list.reduce((sum, [weight]) => sum + weight, 0))
      const found = list.find(([weight]) => (at -= weight) < 0)
      return found?.[1] as never
    },
    fork: (label) => createPrng(mix(origin ^ hashText(label))),
    bytes(length) {
      const out = new Uint8Array(length)
      for (let i = 0; i < length; i++) out[i] = u32() & 0xff
      return out
    },
  }
}

/** A generator for a seed of 32 bits. */
export const createPrng = (seed: number): Prng => {
  const words: number[] = []
  for (let i = 0; i < 4; i++) words.push(mix((seed + Math.imul(i + 1, SPREAD)) | 0))
  return fromState(words as unknown as readonly [number, number, number, number], seed >>> 0)
}
