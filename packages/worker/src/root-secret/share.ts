/**
 * Owns the arithmetic of the copied master key: keys derived from it, shares of it over a channel, the beacon (cluster_contracts.md
 * section 1). Deterministic; keeps nothing.
 */
import { bigintToLe, bytesEqual, concatBytes, utf8 } from '@phalanx/primitives/bytes'
import { createChannel, deriveKeyPair, syntheticIv, type Crypto, type Sr25519Pair } from '@phalanx/primitives/crypto'
import { AppError, isAppError } from '@phalanx/primitives/errors'
import type { EncryptedKey } from '@phalanx/primitives/messages'
import type { KeyPair } from '../core/keys.ts'

/** Purpose of the channels over which secrets below the root travel. */
const PURPOSE = 'phalanx/root-secret/1'

/** What a share is bound to besides its two ends. */
export interface ShareContext {
  readonly genesisHash: Uint8Array
  /** Which secret: its label, and the rotation that made it. */
  readonly label: Uint8Array
  readonly epoch: bigint
}

const headerOf = ({ label }: ShareContext): Uint8Array => concatBytes(utf8(PURPOSE), label)

const contextOf = ({ genesisHash, epoch }: ShareContext) => ({ purpose: PURPOSE, epoch, genesis: genesisHash, anchor: genesisHash })

const bigEndian = (value: number): Uint8Array => bigintToLe(BigInt(value), 4).reverse()

/** The key below a master key by name. The caller erases it. */
const derived = (crypto: Pick<Crypto, 'sr25519' | 'hkdfSha256'>, master: Uint8Array, ...parts: readonly Uint8Array[]) => deriveKeyPair(crypto, master, parts)

/** Secret of a cluster, 64 bytes. */
export const clusterSecret = (crypto: Crypto, master: Uint8Array, clusterId: Uint8Array): Uint8Array => derived(crypto, master, utf8('cluster_key'), clusterId).secret

/** Public key of a cluster. */
export const clusterPublicKey = (crypto: Crypto, master: Uint8Array, clusterId: Uint8Array): Uint8Array => {
  const { publicKey, secret } = derived(crypto, master, utf8('cluster_key'), clusterId)
  secret.fill(0)
  return publicKey
}

/** The beacon: blake2b-256 of last value ‖ round (u32 BE) ‖ secret of the master key's `random_number` key (computation.md section 9.7). */
export const beaconValue = (crypto: Crypto, master: Uint8Array, { round, last }: { readonly round: number; readonly last: Uint8Array }): Uint8Array => {
  const { secret } = derived(crypto, master, utf8('random_number'))
  const value = crypto.blake2b256(concatBytes(last, bigEndian(round), secret))
  secret.fill(0)
  return value
}

/** Seals a secret of 64 bytes from `own` to an ECDH key. The IV is keyed with `ivKey` and comes from the content: another secret never shares it. @throws CRYPTO_INVALID_KEY */
export const sealFrom = (
  crypto: Crypto, options: { readonly own: Sr25519Pair; readonly ivKey: Uint8Array; readonly recipient: Uint8Array; readonly secret: Uint8Array; readonly context: ShareContext },
): EncryptedKey => {
  const { own, ivKey, recipient, secret, context } = options
  // Our public keys are no secret: somebody may claim one as the own.
  if (bytesEqual(recipient, own.publicKey)) throw new AppError('CRYPTO_INVALID_KEY', { what: 'ECDH key of a share\'s receiver' })
  const channel = createChannel({ own, theirPublicKey: recipient }, contextOf(context), crypto)
  try {
    const header = headerOf(context)
    const iv = syntheticIv(crypto, { key: ivKey, context: concatBytes(header, recipient, bigintToLe(context.epoch, 8)), plaintext: secret })
    return { ecdhPubkey: own.publicKey, encryptedKey: channel.seal({ iv, header, plaintext: secret }), iv }
  } finally {
    channel.wipe()
  }
}

/** Seals a secret of 64 bytes from a key of the master key's to an ECDH key: the same secret gives the same share on every holder. */
export const sealShare = (
  crypto: Crypto, options: { readonly master: Uint8Array; readonly sharing: string; readonly recipient: Uint8Array; readonly secret: Uint8Array; readonly context: ShareContext },
): EncryptedKey => {
  const { master, sharing, ...rest } = options
  const own = derived(crypto, master, utf8(sharing))
  const ivKey = derived(crypto, master, utf8('iv_generator')).secret
  try {
    return sealFrom(crypto, { own, ivKey, ...rest })
  } finally {
    ivKey.fill(0)
    own.secret.fill(0)
  }
}

/**
 * Opens a share from the side that sealed it: whoever holds that master key needs of the receiver only the public key that the share was made for.
 * Undefined where another key sealed it, for another receiver, or it was altered.
 */
export const openFromSender = (
  crypto: Crypto, options: { readonly master: Uint8Array; readonly sharing: string; readonly recipient: Uint8Array; readonly share: EncryptedKey; readonly context: ShareContext },
): Uint8Array | undefined => {
  const { master, sharing, recipient, share, context } = options
  const own = derived(crypto, master, utf8(sharing))
  try {
    if (!bytesEqual(own.publicKey, share.ecdhPubkey) || bytesEqual(own.publicKey, recipient)) return undefined
    const channel = createChannel({ own, theirPublicKey: recipient }, contextOf(context), crypto)
    try {
      return channel.openOwn({ iv: share.iv, header: headerOf(context), ciphertext: share.encryptedKey })
    } finally {
      channel.wipe()
    }
  } catch (error) {
    if (!isAppError(error)) throw error
    return undefined
  } finally {
    own.secret.fill(0)
  }
}

/** Opens a share with whichever of our ECDH keys it was made for; undefined where none opens it. */
export const openShare = (crypto: Crypto, options: { readonly ecdh: readonly KeyPair[]; readonly share: EncryptedKey; readonly context: ShareContext }): Uint8Array | undefined => {
  const { ecdh, share, context } = options
  for (const { publicKey, secret } of ecdh) {
    if (bytesEqual(publicKey, share.ecdhPubkey)) continue
    try {
      const channel = createChannel({ own: { publicKey, secret: secret.reveal() }, theirPublicKey: share.ecdhPubkey }, contextOf(context), crypto)
      try {
        return channel.open({ iv: share.iv, header: headerOf(context), ciphertext: share.encryptedKey })
      } finally {
        channel.wipe()
      }
    } catch (error) {
      if (!isAppError(error)) throw error
    }
  }
  return undefined
}
