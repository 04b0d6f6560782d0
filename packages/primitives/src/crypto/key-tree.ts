/** Owns derivation of sr25519 keys from a worker's or cluster's secret (worker_api.md §6). Does not own channel keys (channel.ts). */
import { concatBytes, parseHex } from '../bytes.ts'
import type { Crypto, Sr25519Pair } from './crypto.ts'
import { requireSr25519Secret } from './shared/sr25519-secret.ts'

/** Salt of the reference's key derivation. */
const DERIVATION_SALT = parseHex('18e876adfa74cc743b4b7d7f92c96e03de559a3c15270581fce445963d90f85e')

/**
 * The key below `secret` for these parts, HKDF-SHA256 as the reference derives it. Parts are joined without lengths, so a caller
 * that mixes parts of several lengths must make them unambiguous itself.
 * @throws CRYPTO_INVALID_KEY
 */
export const deriveKeyPair = (crypto: Pick<Crypto, 'hkdfSha256' | 'sr25519'>, secret: Uint8Array, parts: readonly Uint8Array[]): Sr25519Pair => {
  requireSr25519Secret(secret)
  const seed = crypto.hkdfSha256({ ikm: secret, salt: DERIVATION_SALT, info: concatBytes(...parts), length: 32 })
  const pair = crypto.sr25519.pairFromSeed(seed)
  seed.fill(0)
  return pair
}
