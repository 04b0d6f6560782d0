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

/** Starts the hunt. */
export const createSecretHunt = (crypto: Crypto): SecretHunt => {
  // A key derived again and again is one secret.
  const needles = new Set<string>()
  let leaked: string | undefined
  const remember = <P extends { readonly secret: Uint8Array }>(pair: P): P => {
    const scalar = pair.secret.subarray(0, 32)
    needles.add(latin1(scalar)).add(toHexPlain(scalar))
    return pair
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
      const text = typeof what === 'string' ? what : latin1(what)
      for (const needle of needles) if (text.includes(needle)) leaked ??= `a secret key in ${typeof what === 'string' ? 'a text' : 'bytes'} of ${text.length}`
    },
    found: () => leaked,
  }
}
