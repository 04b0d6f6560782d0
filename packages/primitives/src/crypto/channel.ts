/**
 * Owns the keys and envelopes of private channels between two sr25519 key holders (design.md §5, Channels): one AES-256-GCM key per
 * purpose, epoch and direction, and associated data that pins recipient, chain and epoch. Does not own where keys are announced.
 */
import { assert } from '../assert.ts'
import { bigintToLe, compareBytes, concatBytes, EMPTY, utf8 } from '../bytes.ts'
import type { Crypto, Sr25519Pair } from './crypto.ts'
import { requireLength } from './shared/guards.ts'

/** Which channel: both ends must hold the same values. */
export interface ChannelContext {
  /** What the channel is for, at most 255 bytes of UTF-8, for example `phalanx/command`. */
  readonly purpose: string
  /** Epoch of the rotated key, u64. */
  readonly epoch: bigint
  /** Genesis hash of the chain, 32 bytes. */
  readonly genesis: Uint8Array
  /** Hash of the finalised block that anchors the rotated key, 32 bytes. */
  readonly anchor: Uint8Array
}

/** One end of a channel. */
export interface ChannelEnd {
  /** Own pair, used for channels only. */
  readonly own: Sr25519Pair
  readonly theirPublicKey: Uint8Array
}

/** Seals for the other end and opens what it sealed. Keys stay inside; `wipe` erases them. */
export interface Channel {
  /**
   * Ciphertext with tag. `iv` is 12 bytes never used before with this channel; `header` is sent in the clear and authenticated.
   * @throws CRYPTO_INVALID_LENGTH
   */
  seal(options: { iv: Uint8Array; header: Uint8Array; plaintext: Uint8Array }): Uint8Array
  /** @throws CRYPTO_DECRYPTION_FAILED for anything not sealed by the other end for exactly this channel and header */
  open(options: { iv: Uint8Array; header: Uint8Array; ciphertext: Uint8Array }): Uint8Array
  /** What this end sealed itself. @throws CRYPTO_DECRYPTION_FAILED */
  openOwn(options: { iv: Uint8Array; header: Uint8Array; ciphertext: Uint8Array }): Uint8Array
  wipe(): void
}

type ChannelCrypto = Pick<Crypto, 'hkdfSha256' | 'sr25519' | 'aesGcmSeal' | 'aesGcmOpen'>

/** Directions of a channel, told by the order of the two keys so that no end needs a role. */
const FROM_LOWER_KEY = 0
const FROM_HIGHER_KEY = 1

/** info = length-prefixed purpose ‖ lower key ‖ higher key ‖ epoch (u64 LE) ‖ direction. Every part but the prefixed one has a fixed length. */
const keyInfo = (options: { purpose: string; lower: Uint8Array; higher: Uint8Array; epoch: bigint; direction: number }): Uint8Array => {
  const purpose = utf8(options.purpose)
  assert(purpose.length <= 255, 'the purpose of a channel has at most 255 bytes')
  assert(options.epoch >= 0n && options.epoch < 1n << 64n, 'an epoch is a u64')
  return concatBytes(Uint8Array.of(purpose.length), purpose, options.lower, options.higher, bigintToLe(options.epoch, 8), Uint8Array.of(options.direction))
}

/** AES-256 keys for both directions of `CommKey(A, B)`. @throws CRYPTO_INVALID_KEY */
export const deriveChannelKeys = (
  crypto: Pick<Crypto, 'hkdfSha256' | 'sr25519'>, { own, theirPublicKey }: ChannelEnd, { purpose, epoch }: Pick<ChannelContext, 'purpose' | 'epoch'>,
): { toThem: Uint8Array; fromThem: Uint8Array } => {
  const agreement = crypto.sr25519.agree(own.secret, theirPublicKey)
  requireLength('own public key', own.publicKey, 32)
  const order = compareBytes(own.publicKey, theirPublicKey)
  assert(order !== 0, 'a channel has two ends')
  const weAreLower = order < 0
  const [lower, higher] = weAreLower ? [own.publicKey, theirPublicKey] : [theirPublicKey, own.publicKey]
  const keyOf = (direction: number): Uint8Array =>
    crypto.hkdfSha256({ ikm: agreement, salt: EMPTY, info: keyInfo({ purpose, lower, higher, epoch, direction }), length: 32 })
  const keys = {
    toThem: keyOf(weAreLower ? FROM_LOWER_KEY : FROM_HIGHER_KEY),
    fromThem: keyOf(weAreLower ? FROM_HIGHER_KEY : FROM_LOWER_KEY),
  }
  agreement.fill(0)
  return keys
}

/** AAD = header ‖ recipient ‖ genesis ‖ anchor ‖ epoch; only the first part has no fixed length, so no two readings exist. */
const associatedData = (header: Uint8Array, recipient: Uint8Array, context: ChannelContext): Uint8Array =>
  concatBytes(header, recipient, context.genesis, context.anchor, bigintToLe(context.epoch, 8))

/** Opens a channel between two keys. @throws CRYPTO_INVALID_KEY, CRYPTO_INVALID_LENGTH */
export const createChannel = (end: ChannelEnd, context: ChannelContext, crypto: ChannelCrypto): Channel => {
  requireLength('genesis hash', context.genesis, 32)
  requireLength('anchor hash', context.anchor, 32)
  const { toThem, fromThem } = deriveChannelKeys(crypto, end, context)
  let wiped = false
  return {
    seal({ iv, header, plaintext }) {
      assert(!wiped, 'a wiped channel seals nothing')
      return crypto.aesGcmSeal({ key: toThem, iv, aad: associatedData(header, end.theirPublicKey, context), plaintext })
    },
    open({ iv, header, ciphertext }) {
      assert(!wiped, 'a wiped channel opens nothing')
      return crypto.aesGcmOpen({ key: fromThem, iv, aad: associatedData(header, end.own.publicKey, context), ciphertext })
    },
    openOwn({ iv, header, ciphertext }) {
      assert(!wiped, 'a wiped channel opens nothing')
      return crypto.aesGcmOpen({ key: toThem, iv, aad: associatedData(header, end.theirPublicKey, context), ciphertext })
    },
    wipe() {
      wiped = true
      toThem.fill(0)
      fromThem.fill(0)
    },
  }
}

/**
 * A 12-byte IV from the key, a context and the plaintext, for senders that must give the same bytes on every replay: equal input
 * gives the equal ciphertext, and different input never shares an IV by design.
 */
export const syntheticIv = (
  crypto: Pick<Crypto, 'hmacSha256'>, { key, context, plaintext }: { key: Uint8Array; context: Uint8Array; plaintext: Uint8Array },
): Uint8Array => crypto.hmacSha256(key, concatBytes(utf8('phalanx/iv'), bigintToLe(BigInt(context.length), 8), context, plaintext)).slice(0, 12)
