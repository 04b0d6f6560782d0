/**
 * Owns how secrets of clusters travel: which share is which, an epoch's secret sealed by whoever made it, and the opening of both kinds at a member.
 * Does not own when (clusters.ts), nor how the root secret seals a cluster's key (root-secret/).
 */
import { concatBytes, utf8 } from '@phalanx/primitives/bytes'
import { deriveKeyPair, type Crypto } from '@phalanx/primitives/crypto'
import type { EncryptedKey } from '@phalanx/primitives/messages'
import type { KeyPair } from '../core/keys.ts'
import { openShare, sealFrom, type ShareContext } from '../root-secret/share.ts'

/** Length of every secret that is shared: that of an sr25519 secret. */
const SECRET_BYTES = 64

/** What a share of a cluster's key is bound to. Members do not know which master key the cluster's was derived from: its id says which secret it is. */
export const clusterKeyContext = (genesisHash: Uint8Array, cluster: Uint8Array): ShareContext => ({ genesisHash, label: concatBytes(utf8('cluster_key'), cluster), epoch: 0n })

/** What a share of an epoch's channel secret is bound to. */
export const clusterEpochContext = (genesisHash: Uint8Array, { cluster, epoch }: { readonly cluster: Uint8Array; readonly epoch: bigint }): ShareContext =>
  ({ genesisHash, label: concatBytes(utf8('cluster_epoch'), cluster), epoch })

/** Seals a secret of 64 bytes to a member's ECDH key, from a key that is used for nothing else: `seed` is 32 fresh random bytes, and is erased. */
export const sealClusterSecret = (
  crypto: Crypto, options: { readonly secret: Uint8Array; readonly recipient: Uint8Array; readonly seed: Uint8Array; readonly context: ShareContext },
): EncryptedKey => {
  const { seed, ...rest } = options
  const own = crypto.sr25519.pairFromSeed(seed)
  const ivKey = deriveKeyPair(crypto, own.secret, [utf8('iv_generator')]).secret
  try {
    return sealFrom(crypto, { own, ivKey, ...rest })
  } finally {
    for (const bytes of [seed, own.secret, ivKey]) bytes.fill(0)
  }
}

/**
 * Opens a share of either kind with whichever of a worker's ECDH keys it was made for (`openingKeys` in system/rotation.ts); undefined where none does.
 * The caller compares the secret's public half with the one on the chain, and erases the secret.
 */
export const openClusterSecret = (
  crypto: Crypto, options: { readonly keys: readonly KeyPair[]; readonly sealed: EncryptedKey; readonly context: ShareContext },
): Uint8Array | undefined => {
  const secret = openShare(crypto, { ecdh: options.keys, share: options.sealed, context: options.context })
  return secret?.length === SECRET_BYTES ? secret : undefined
}
