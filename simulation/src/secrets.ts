/**
 * Owns the hunt for leaked secrets: remembers every key pair that workers made and every canary that clients planted, and looks for their bytes, raw, in hex
 * or in base64, in all that leaves. Also says which of the key pairs some bytes hold.
 */
import { toHexPlain } from '@phalanx/primitives/bytes'
import type { Crypto, Sr25519Pair } from '@phalanx/primitives/crypto'

/** Watches key generation and traffic. */
export interface SecretHunt {
  /** The same crypto; key pairs it makes are remembered. For workers only: a relay's account is not a secret of the enclave. */
  readonly crypto: Crypto
  /** Has 32 bytes looked for that only clients and contracts may see; `what` names them in a report. */
  plant(canary: Uint8Array, what: string): void
  /** Looks for secrets in what anybody may see; `where` names it in a report. */
  watch(what: string | Uint8Array, where?: string): void
  /** Names what leaked, or undefined. */
  found(): string | undefined
  /** Copies of the key pairs whose secret scalars occur in some bytes, whoever may see these. */
  heldIn(bytes: Uint8Array): readonly Sr25519Pair[]
  readonly secrets: number
  readonly canaries: number
}

/** Something looked for. Key pairs keep a copy of themselves with their raw form. */
interface Needle {
  readonly text: string
  readonly what: string
  readonly pair: Sr25519Pair | undefined
}

const latin1 = (bytes: Uint8Array): string => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')

/** Length of a secret scalar and of a canary; the shortest thing looked for. */
const NEEDLE_MIN = 32
const GRAM = 6
/** Whatever holds a whole needle holds, at one of any so many places in turn, six bytes of it: looking there is enough to begin with. */
const STRIDE = NEEDLE_MIN - GRAM + 1
const BASE64_BYTES = 3

const pack = (high: number, low: number): number => high * 0x1_0000 + low
const gramOf = (text: string, at: number): number => pack(
  ((text.charCodeAt(at) << 24) | (text.charCodeAt(at + 1) << 16) | (text.charCodeAt(at + 2) << 8) | text.charCodeAt(at + 3)) >>> 0,
  ((text.charCodeAt(at + 4) << 8) | text.charCodeAt(at + 5)) & 0xffff)
const gramIn = (bytes: Uint8Array, at: number): number => pack(
  (((bytes[at] as number) << 24) | ((bytes[at + 1] as number) << 16) | ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number)) >>> 0,
  ((bytes[at + 4] as number) << 8) | (bytes[at + 5] as number))

/** What base64 of a text that contains the bytes has of them, by how many bytes before them belong to their first group. */
const base64Forms = (bytes: Uint8Array): readonly string[] => [0, 1, 2].map((skipped) => {
  const whole = bytes.length - skipped - ((bytes.length - skipped) % BASE64_BYTES)
  return Buffer.from(bytes.buffer, bytes.byteOffset + skipped, whole).toString('base64')
})

/** Starts the hunt. */
export const createSecretHunt = (crypto: Crypto): SecretHunt => {
  // A key derived again and again is one secret.
  const known = new Set<string>()
  const byGram = new Map<number, Needle[]>()
  let secrets = 0
  let canaries = 0
  let leaked: string | undefined
  const add = (needle: Needle): void => {
    for (let at = 0; at < STRIDE; at++) {
      const gram = gramOf(needle.text, at)
      const others = byGram.get(gram)
      if (others === undefined) byGram.set(gram, [needle])
      else others.push(needle)
    }
  }
  const addForms = (bytes: Uint8Array, what: string, pair: Sr25519Pair | undefined): boolean => {
    const raw = latin1(bytes)
    if (known.has(raw)) return false
    known.add(raw)
    add({ text: raw, what, pair })
    for (const text of [toHexPlain(bytes), ...base64Forms(bytes)]) add({ text, what, pair: undefined })
    return true
  }
  const remember = (pair: Sr25519Pair): Sr25519Pair => {
    // Zeroes are what an erased key leaves, and everywhere.
    const scalar = pair.secret.subarray(0, NEEDLE_MIN)
    if (scalar.some((byte) => byte !== 0) && addForms(scalar, 'a secret key', { publicKey: pair.publicKey.slice(), secret: pair.secret.slice() })) secrets++
    return pair
  }
  /** Needles of which a gram stands where it would be looked for. */
  const suspects = (what: string | Uint8Array): readonly Needle[] => {
    const out: Needle[] = []
    const last = what.length - GRAM
    for (let at = 0; at <= last; at += STRIDE) {
      const hits = byGram.get(typeof what === 'string' ? gramOf(what, at) : gramIn(what, at))
      if (hits !== undefined) out.push(...hits)
    }
    return out
  }
  return {
    get secrets() {
      return secrets
    },
    get canaries() {
      return canaries
    },
    crypto: {
      ...crypto,
      sr25519: {
        ...crypto.sr25519,
        pairFromSeed: (seed) => remember(crypto.sr25519.pairFromSeed(seed)),
        pairFromSecret: (secret) => remember(crypto.sr25519.pairFromSecret(secret)),
      },
    },
    plant(canary, what) {
      if (addForms(canary, what, undefined)) canaries++
    },
    watch(what, where) {
      const needles = suspects(what)
      if (needles.length === 0) return
      const text = typeof what === 'string' ? what : latin1(what)
      for (const needle of needles) if (text.includes(needle.text)) leaked ??= `${needle.what} in ${where ?? (typeof what === 'string' ? 'a text' : 'bytes')} of ${text.length}`
    },
    found: () => leaked,
    heldIn(bytes) {
      const text = latin1(bytes)
      return [...new Set(suspects(bytes).filter((needle) => needle.pair !== undefined && text.includes(needle.text)))].flatMap(({ pair }) => (pair === undefined ? [] : [pair]))
    },
  }
}
