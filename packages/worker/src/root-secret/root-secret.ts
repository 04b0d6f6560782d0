/**
 * Owns the interface behind which the gatekeepers' root secret stands (design: a threshold scheme will take the place of the copied key).
 * It hands no secret out; what it answers is stored by whoever asked, and never derived twice from something else.
 */
import type { EncryptedKey, KeyDistribution, WorkerIdentity } from '@phalanx/primitives/messages'
import type { HeldKey, MasterEpoch } from '../gatekeeper/root-calls.ts'
import type { KeyPair } from '../core/keys.ts'

/** A secret below the root: a master key itself, or the key of a cluster (32-byte id). */
export type SecretLabel = { readonly kind: 'master' } | { readonly kind: 'cluster'; readonly id: Uint8Array }

/** The root secret. Epochs are rotation ids. @throws ROOT_KEY_MISSING where the epoch's key is not held, SEAL_ codes where it cannot be kept */
export interface RootSecret {
  /** All keys held, ascending. */
  held(): Promise<readonly HeldKey[]>
  /** Public key of an epoch, or of a secret below it. */
  publicKey(epoch: bigint, label?: SecretLabel): Promise<Uint8Array>
  /** Makes and keeps the first key, unless there is one; it survives a crash when this resolves. */
  launch(options: { readonly block: number }): Promise<void>
  /** A secret below the root, sealed to a gatekeeper's or worker's ECDH key. Equal arguments give equal bytes on every holder. @throws CRYPTO_INVALID_KEY where there is no such ECDH key */
  sealTo(options: { readonly recipient: Uint8Array; readonly label: SecretLabel; readonly epoch: bigint }): Promise<EncryptedKey>
  /** A round's value after `last`, the same on every holder; `proof` is empty where holders recompute instead of verifying. */
  beacon(options: { readonly round: number; readonly last: Uint8Array; readonly epoch: bigint }): Promise<{ readonly value: Uint8Array; readonly proof: Uint8Array }>
  /** sr25519 signature of an epoch's key; `random` is 32 fresh bytes. */
  sign(options: { readonly message: Uint8Array; readonly epoch: bigint; readonly random: Uint8Array }): Promise<Uint8Array>
  /** The keys of these epochs, sealed to a gatekeeper that joins. Equal on every holder. */
  admit(options: { readonly recipient: WorkerIdentity; readonly epochs: readonly MasterEpoch[] }): Promise<KeyDistribution>
  /**
   * Opens keys that were sealed to us and keeps them; those that no ECDH key opens are left out. With `sealedTo`, the ECDH key of ours for which
   * they were sealed, a key is opened also where only the root secret that sealed it is held, and that ECDH key is gone.
   */
  accept(options: {
    readonly block: number; readonly keys: readonly (readonly [rotationId: bigint, key: EncryptedKey])[]; readonly ecdh: readonly KeyPair[]; readonly sealedTo?: Uint8Array
  }): Promise<void>
  /** Proposes the key of a rotation: made once, kept before it is sealed to anybody. Undefined for a rotation that is over. */
  rotate(options: {
    readonly rotationId: bigint; readonly epoch: bigint; readonly recipients: readonly WorkerIdentity[]
  }): Promise<readonly (readonly [dest: Uint8Array, key: EncryptedKey])[] | undefined>
  /** Erases all keys, unless any was received after this block. */
  retire(options: { readonly block: number }): Promise<void>
  /** Erases the keys from memory; the kept file stays. */
  close(): void
}
