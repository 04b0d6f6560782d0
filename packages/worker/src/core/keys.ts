/** Owns the worker's keys: the identity, made once and sealed, and the ECDH keys, fresh at every start and every rotation and never sealed. */
import type { Crypto } from '@phalanx/primitives/crypto'
import { Secret } from '@phalanx/primitives/crypto'
import { Hash, Sr25519Public } from '@phalanx/primitives/chain'
import { fixedBytes, struct, type TypeOf } from '@phalanx/primitives/codec'
import { AppError } from '@phalanx/primitives/errors'
import { bytesEqual } from '@phalanx/primitives/bytes'
import type { Entropy } from './entropy.ts'

/** A key pair whose secret half (64 bytes) cannot be printed. */
export interface KeyPair {
  readonly publicKey: Uint8Array
  readonly secret: Secret<Uint8Array>
}

/** An ECDH key that another one has followed. It opens what was still on its way, until block `until` is final; then it is erased. */
export interface FormerKey {
  readonly key: KeyPair
  readonly epoch: bigint
  readonly until: number
  /** Hash of the block that anchored it. */
  readonly anchor: Uint8Array | undefined
}

/** The keys in use. */
export interface Keys {
  readonly identity: KeyPair
  readonly ecdh: KeyPair
  /** In which block (number and hash) and under which epoch `ecdh` was anchored. */
  readonly ecdhAnchor: { readonly block: number; readonly hash: Uint8Array; readonly epoch: bigint } | undefined
  /** The key that follows `ecdh` as soon as its announcement is final. */
  readonly nextEcdh: KeyPair | undefined
  /** Newest last. */
  readonly formerEcdh: readonly FormerKey[]
}

/** Keys of a process that has just started. */
export const startKeys = (identity: KeyPair, ecdh: KeyPair): Keys => ({ identity, ecdh, ecdhAnchor: undefined, nextEcdh: undefined, formerEcdh: [] })

/** Every key whose secret is held. */
export const heldKeys = ({ identity, ecdh, nextEcdh, formerEcdh }: Keys): readonly KeyPair[] =>
  [identity, ecdh, ...(nextEcdh === undefined ? [] : [nextEcdh]), ...formerEcdh.map(({ key }) => key)]

/** Content of the sealed identity file: the secret and the chain it was made for. */
const SealedIdentity = struct({ genesisHash: Hash, publicKey: Sr25519Public, secret: fixedBytes(64) })

/** Makes a key from fresh entropy. */
export const createKey = (crypto: Pick<Crypto, 'sr25519'>, entropy: Entropy, purpose: 'identity' | 'ecdh'): KeyPair => {
  const seed = entropy.next(purpose)
  const { secret, publicKey } = crypto.sr25519.pairFromSeed(seed)
  seed.fill(0)
  return { publicKey, secret: new Secret(secret) }
}

/** Overwrites a secret that is no longer needed. */
export const eraseKey = (key: KeyPair): void => {
  key.secret.reveal().fill(0)
}

/** Bytes to seal for an identity. The caller erases them once they are sealed. */
export const identityToSealed = (identity: KeyPair, genesisHash: Uint8Array): Uint8Array =>
  SealedIdentity.encode({ genesisHash, publicKey: identity.publicKey, secret: identity.secret.reveal() })

const decodeSealed = (opened: Uint8Array): TypeOf<typeof SealedIdentity> => {
  try {
    return SealedIdentity.decode(opened)
  } catch (cause) {
    throw new AppError('SEAL_MALFORMED', { name: 'identity', reason: 'its content is not an identity' }, { cause })
  }
}

/** Identity out of an opened seal. @throws SEAL_MALFORMED when it is none, or its halves do not belong together */
export const openIdentity = (crypto: Pick<Crypto, 'sr25519'>, opened: Uint8Array): { readonly identity: KeyPair; readonly genesisHash: Uint8Array } => {
  const { genesisHash, publicKey, secret } = decodeSealed(opened)
  if (!bytesEqual(crypto.sr25519.pairFromSecret(secret).publicKey, publicKey))
    throw new AppError('SEAL_MALFORMED', { name: 'identity', reason: 'its public key does not belong to its secret' })
  return { identity: { publicKey, secret: new Secret(secret) }, genesisHash }
}
