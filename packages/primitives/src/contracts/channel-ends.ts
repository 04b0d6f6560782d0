/** Owns how a channel of this folder is opened: purpose by use, and failures told apart from malformed bytes. Key derivation is crypto/channel.ts. */
import { createChannel, type Channel } from '../crypto/channel.ts'
import { bytesEqual } from '../bytes.ts'
import { Sr25519Public } from '../chain/basics.ts'
import { tuple, u64, u8 } from '../codec/index.ts'
import type { Crypto, Sr25519Pair } from '../crypto/crypto.ts'
import { AppError, isAppError } from '../errors.ts'

/** Purposes of channels: each has keys of its own. */
const CHANNEL_PURPOSES = { command: 'phalanx/command', query: 'phalanx/query', receipt: 'phalanx/receipt' } as const

/** What both ends of a channel know: the chain, the epoch of the rotated key, and the hash of the block that anchors it. */
export interface ChannelTerms {
  readonly genesis: Uint8Array
  readonly epoch: bigint
  readonly anchor: Uint8Array
}

/** A rotated key as who writes to it knows it. */
export interface ChannelTarget extends ChannelTerms {
  /** sr25519 public key of that epoch, 32 bytes. */
  readonly publicKey: Uint8Array
}

/** A rotated key as its holder has it. */
export interface ChannelHolder extends ChannelTerms {
  readonly pair: Sr25519Pair
}

/** Crypto that channels need. */
export type ChannelCrypto = Pick<Crypto, 'hkdfSha256' | 'sr25519' | 'aesGcmSeal' | 'aesGcmOpen'>

const Header = tuple(u8, u64, Sr25519Public)

/** What stands in the clear before a sealed command or query, and is authenticated with it. */
export const headerOf = ({ version, epoch, from }: { readonly version: number; readonly epoch: bigint; readonly from: Uint8Array }): Uint8Array => Header.encode([version, epoch, from])

/** Opens one end. @throws CRYPTO_INVALID_KEY */
export const openChannel = (
  crypto: ChannelCrypto, purpose: keyof typeof CHANNEL_PURPOSES, options: { readonly own: Sr25519Pair; readonly their: Uint8Array; readonly terms: ChannelTerms },
): Channel => {
  const { genesis, epoch, anchor } = options.terms
  // Whoever writes may name any key as its own, this end's among them.
  if (bytesEqual(options.own.publicKey, options.their)) throw new AppError('CRYPTO_INVALID_KEY', { what: 'key of the other end' })
  return createChannel({ own: options.own, theirPublicKey: options.their }, { purpose: CHANNEL_PURPOSES[purpose], genesis, epoch, anchor }, crypto)
}

/** What `open` gives; a key or ciphertext that does not belong here is one refusal. @throws SEALED_NOT_OPENED */
export const orNotOpened = <T>(what: string, open: () => T): T => {
  try {
    return open()
  } catch (cause) {
    const isKeyTrouble = isAppError(cause, 'CRYPTO_DECRYPTION_FAILED') || isAppError(cause, 'CRYPTO_INVALID_KEY') || isAppError(cause, 'CRYPTO_INVALID_LENGTH')
    throw isKeyTrouble ? new AppError('SEALED_NOT_OPENED', { what }, { cause }) : cause
  }
}
