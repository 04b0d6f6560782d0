/**
 * Owns the secrets of a worker's cluster: the cluster's key and the channel secrets of its epochs, their sealed form, and what follows from them. They are
 * never part of a checkpoint. Does not own when they come and go (keys.ts).
 */
import { bytesEqual, utf8 } from '@phalanx/primitives/bytes'
import { option, struct, u32, u64, u8, vecUpTo, type TypeOf } from '@phalanx/primitives/codec'
import { Hash } from '@phalanx/primitives/chain'
import { deriveKeyPair, Secret, type Crypto } from '@phalanx/primitives/crypto'
import { AppError, isAppError } from '@phalanx/primitives/errors'
import type { KeyPair } from '../../core/keys.ts'
import { SecretBytes, type ChannelEpoch, type EpochFact } from './state.ts'

/** File of the sealed secrets. */
export const CLUSTER_FILE = 'cluster.seal'
const FILE_VERSION = 1
const EPOCHS_MAX = 1024

/** A key that is held and the block whose message brought it. */
export interface HeldSecret {
  readonly key: KeyPair
  readonly since: number
}

/** Secrets of one cluster. `main` is its key; an epoch's secret can come before it. */
export interface ClusterKeyring {
  readonly cluster: Uint8Array
  readonly main: HeldSecret | undefined
  /** Ascending. */
  readonly epochs: readonly (HeldSecret & { readonly epoch: bigint })[]
}

type KeyCrypto = Pick<Crypto, 'hkdfSha256' | 'sr25519'>

const Held = struct({ secret: SecretBytes, since: u32 })
const SealedKeyring = struct({
  version: u8, genesisHash: Hash, cluster: Hash, main: option(Held), epochs: vecUpTo(struct({ epoch: u64, held: Held }), EPOCHS_MAX),
})

/** A key pair of 64 secret bytes, which become its own. */
export const keyFromSecret = (crypto: Pick<Crypto, 'sr25519'>, secret: Uint8Array): KeyPair => ({ publicKey: crypto.sr25519.pairFromSecret(secret).publicKey, secret: new Secret(secret) })

/** A key pair below another by name. */
const keyBelow = (crypto: KeyCrypto, key: KeyPair, ...parts: readonly Uint8Array[]): KeyPair => {
  const { publicKey, secret } = deriveKeyPair(crypto, key.secret.reveal(), parts)
  return { publicKey, secret: new Secret(secret) }
}

/** Key of a contract for its life, below the cluster's: signs nothing by itself, opens the reference's form of commands. */
export const contractKey = (crypto: KeyCrypto, cluster: KeyPair, contract: Uint8Array): KeyPair => keyBelow(crypto, cluster, utf8('contract_key'), contract)

/** Key of a contract in an epoch, below the epoch's: commands are sealed to it. */
export const contractChannelKey = (crypto: KeyCrypto, epoch: KeyPair, contract: Uint8Array): KeyPair => keyBelow(crypto, epoch, utf8('contract_channel'), contract)

/** All keys of a ring. */
export const keysOf = ({ main, epochs }: ClusterKeyring): readonly KeyPair[] => [...(main === undefined ? [] : [main.key]), ...epochs.map(({ key }) => key)]

/** The epochs of the chain whose keys are held. */
export const openEpochs = (facts: readonly EpochFact[], ring: ClusterKeyring | undefined): readonly ChannelEpoch[] =>
  facts.flatMap(({ epoch, publicKey, anchor, since, retireAt }) => {
    const held = ring?.epochs.find((one) => one.epoch === epoch && bytesEqual(one.key.publicKey, publicKey))
    return held === undefined ? [] : [{ epoch, key: held.key, anchor, since, retireAt }]
  })

/** Bytes to seal. The caller erases them once they are sealed. */
export const keyringToSealed = (ring: ClusterKeyring, genesisHash: Uint8Array): Uint8Array => {
  const held = ({ key, since }: HeldSecret): TypeOf<typeof Held> => ({ secret: key.secret.reveal(), since })
  return SealedKeyring.encode({
    version: FILE_VERSION, genesisHash, cluster: ring.cluster, main: ring.main === undefined ? undefined : held(ring.main),
    epochs: ring.epochs.map((one) => ({ epoch: one.epoch, held: held(one) })),
  })
}

/** Secrets out of an opened seal. @throws SEAL_MALFORMED, SEAL_VERSION_UNSUPPORTED, SEAL_FOREIGN */
export const openKeyring = (crypto: Pick<Crypto, 'sr25519'>, opened: Uint8Array, genesisHash: Uint8Array): ClusterKeyring => {
  let content: TypeOf<typeof SealedKeyring>
  try {
    content = SealedKeyring.decode(opened)
    const held = ({ secret, since }: TypeOf<typeof Held>): HeldSecret => ({ key: keyFromSecret(crypto, secret.slice()), since })
    if (content.version !== FILE_VERSION) throw new AppError('SEAL_VERSION_UNSUPPORTED', { name: CLUSTER_FILE, version: content.version })
    if (!bytesEqual(content.genesisHash, genesisHash)) throw new AppError('SEAL_FOREIGN', { name: CLUSTER_FILE, reason: 'it belongs to another chain' })
    const { cluster, main, epochs } = content
    return { cluster, main: main === undefined ? undefined : held(main), epochs: epochs.map((one) => ({ epoch: one.epoch, ...held(one.held) })) }
  } catch (cause) {
    if (!isAppError(cause) || cause.code.startsWith('SEAL_')) throw cause
    throw new AppError('SEAL_MALFORMED', { name: CLUSTER_FILE, reason: 'its content is no cluster\'s secrets' }, { cause })
  }
}

