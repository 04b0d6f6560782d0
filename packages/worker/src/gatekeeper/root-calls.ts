/** Owns what gatekeeper code asks of the root secret and what it is told. Questions leave as effects, answers come back as inputs. */
import type { EncryptedKey, WorkerIdentity } from '@phalanx/primitives/messages'
import type { KeyPair } from '../core/keys.ts'

/** A master key that the root secret holds, by the rotation that made it. */
export interface HeldKey {
  readonly rotationId: bigint
  readonly publicKey: Uint8Array
}

/** An epoch of the master key that the chain knows: its rotation, and the block since which it holds. */
export interface MasterEpoch {
  readonly rotationId: bigint
  readonly since: number
}

/** A question. `block` is the block that made it arise. */
export type RootCall =
  /** Make the first master key unless there is one. */
  | { readonly kind: 'launch'; readonly value: { readonly block: number } }
  /** Say which keys are held. */
  | { readonly kind: 'inventory' }
  /** The beacon's value of a round, after the one before it. */
  | { readonly kind: 'beacon'; readonly value: { readonly round: number; readonly last: Uint8Array; readonly epoch: bigint } }
  /** Seal the keys of these epochs, the newest last, to another gatekeeper. */
  | { readonly kind: 'admit'; readonly value: { readonly recipient: WorkerIdentity; readonly epochs: readonly MasterEpoch[] } }
  /** Open keys that were sealed to us, with any of these ECDH keys, or from the side that sealed them for our ECDH key `sealedTo`. */
  | {
      readonly kind: 'accept'
      readonly value: {
        readonly block: number; readonly keys: readonly (readonly [rotationId: bigint, key: EncryptedKey])[]; readonly ecdh: readonly KeyPair[]; readonly sealedTo?: Uint8Array
      }
    }
  /** Propose the key of a rotation, sealed to every gatekeeper by the key in force. */
  | { readonly kind: 'rotate'; readonly value: { readonly rotationId: bigint; readonly epoch: bigint; readonly recipients: readonly WorkerIdentity[] } }
  /** Seal the key of a cluster (32-byte id), as it follows from the master key of an epoch, to its workers. */
  | { readonly kind: 'sealCluster'; readonly value: { readonly cluster: Uint8Array; readonly epoch: bigint; readonly recipients: readonly WorkerIdentity[] } }
  /** Erase everything that was received up to this block. */
  | { readonly kind: 'retire'; readonly value: { readonly block: number } }

/** An answer. */
export type RootAnswer =
  | { readonly kind: 'held'; readonly value: readonly HeldKey[] }
  | { readonly kind: 'beacon'; readonly value: Uint8Array }
  /** Encoded KeyDistribution. */
  | { readonly kind: 'admitted'; readonly value: Uint8Array }
  | { readonly kind: 'proposed'; readonly value: readonly (readonly [dest: Uint8Array, key: EncryptedKey])[] }
  /** A cluster's public key, and its secret for each worker; those whose ECDH key is none are left out. */
  | { readonly kind: 'clusterSealed'; readonly value: { readonly publicKey: Uint8Array; readonly secretKeys: readonly (readonly [worker: Uint8Array, key: EncryptedKey])[] } }
  /** The key that the question needs is not held: `held` are all that are. */
  | { readonly kind: 'missing'; readonly value: readonly HeldKey[] }
  /** Something outside failed, for example the disk; the question may be asked again. */
  | { readonly kind: 'failed'; readonly value: { readonly code: string } }

