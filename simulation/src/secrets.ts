/** Owns the hunt for leaked secrets: remembers every key pair made in the world, and looks for its bytes, raw or in hex, in all that leaves. */
import { toHexPlain } from '@phalanx/primitives/bytes'
import type { Crypto } from '@phalanx/primitives/crypto'

/** Watches key generation and traffic. */
export interface SecretHunt {
  /** The same crypto; key pairs it makes are remembered. For workers only: a relay's account is not a secret of the enclave. */
  readonly crypto: Crypto
  watch(what: string | Uint8Array): void
  /** Names what leaked, or undefined. */
  found(): string | undefined
  readonly secrets: number
}

const latin1 = (bytes: Uint8Array): string => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')

/** Shortest thing looked for: a secret scalar. */
const NEEDLE_MIN = 32
const GRAM = 4
/** Whatever holds a whole needle holds, at one of any so many places in turn, four bytes of it: looking there is enough to begin with. */
const STRIDE = NEEDLE_MIN - GRAM + 1

const pack = (a: number, b: number, c: number, d: number): number => ((a << 24) | (b << 16) | (c << 8) | d) >>> 0
const gramOf = (text: string, at: number): number => pack(text.charCodeAt(at), text.charCodeAt(at + 1), text.charCodeAt(at + 2), text.charCodeAt(at + 3))
const gramIn = (bytes: Uint8Array, at: number): number => pack(bytes[at] as number, bytes[at + 1] as number, bytes[at + 2] as number, bytes[at + 3] as number)

/** Starts the hunt. */
export const createSecretHunt = (crypto: Crypto): SecretHunt => {
  // A key derived again and again is one secret.
  const needles = new Set<string>()
  const grams = new Set<number>()
  let leaked: string | undefined
  const add = (needle: string): void => {
    if (needles.has(needle)) return
    needles.add(needle)
    for (let at = 0; at < STRIDE; at++) grams.add(gramOf(needle, at))
  }
  const remember = <P extends { readonly secret: Uint8Array }>(pair: P): P => {
    const scalar = pair.secret.subarray(0, NEEDLE_MIN)
    add(latin1(scalar))
    add(toHexPlain(scalar))
    return pair
  }
  const holdsGram = (what: string | Uint8Array): boolean => {
    const last = what.length - GRAM
    if (typeof what === 'string') for (let at = 0; at <= last; at += STRIDE) if (grams.has(gramOf(what, at))) return true
    if (typeof what !== 'string') for (let at = 0; at <= last; at += STRIDE) if (grams.has(gramIn(what, at))) return true
    return false
  }
  return {
    get secrets() {
      return needles.size / 2
    },
    crypto: {
      ...crypto,
      sr25519: {
        ...crypto.sr25519,
        pairFromSeed: (seed) => remember(crypto.sr25519.pairFromSeed(seed)),
        pairFromSecret: (secret) => remember(crypto.sr25519.pairFromSecret(secret)),
      },
    },
    watch(what) {
      if (!holdsGram(what)) return
      const text = typeof what === 'string' ? what : latin1(what)
      for (const needle of needles) if (text.includes(needle)) leaked ??= `a secret key in ${typeof what === 'string' ? 'a text' : 'bytes'} of ${text.length}`
    },
    found: () => leaked,
  }
}
