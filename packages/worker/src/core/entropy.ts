/** Owns the stretching of one input's fresh randomness into as many secret bytes as a step needs, deterministically. */
import { utf8 } from '@phalanx/primitives/bytes'
import { u32 } from '@phalanx/primitives/codec'
import type { Crypto } from '@phalanx/primitives/crypto'
import { assert } from '@phalanx/primitives/assert'

/** Bytes of randomness that the shell hands in with every input that may sign or make keys. */
export const ENTROPY_BYTES = 32

/** Gives out 32-byte values that are independent of each other. */
export interface Entropy {
  next(purpose: string): Uint8Array
}

/** Entropy from one seed; the same seed and calls give the same values, so that a step can be replayed. */
export const createEntropy = (crypto: Pick<Crypto, 'hkdfSha256'>, seed: Uint8Array): Entropy => {
  assert(seed.length === ENTROPY_BYTES, 'entropy is 32 bytes')
  let counter = 0
  return {
    next: (purpose) =>
      crypto.hkdfSha256({ ikm: seed, salt: u32.encode(counter++), info: utf8(`phalanx/worker-entropy/1/${purpose}`), length: 32 }),
  }
}
