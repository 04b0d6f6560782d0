/**
 * Owns commands on their way: the sender signs an invocation and seals it to the contract's channel key; workers open and check it. Does not own
 * whether a nonce was used before: that is the cluster's state.
 */
import { bytesEqual, toHex } from '../bytes.ts'
import { fixedBytes, tuple } from '../codec/index.ts'
import type { Crypto, Sr25519Pair } from '../crypto/crypto.ts'
import { AppError } from '../errors.ts'
import { CommandPayload, InkCommand, Invocation, invocationSigningPayload, SEALED_COMMAND_VERSION, type SealedCommand } from '../messages/contract.ts'
import { headerOf, openChannel, orNotOpened, type ChannelCrypto, type ChannelHolder, type ChannelTarget } from './channel-ends.ts'
import { openEncryptedData } from './reference.ts'
import { markSealed, type SealedBytes } from './sealed-bytes.ts'
import { wrapBytes } from './signature.ts'

/** Blocks after which a signed invocation is refused, and for which nonces are remembered. */
export const INVOCATION_LIFE_BLOCKS = 256

/** Fresh randomness for one sealing: 32 bytes for a key of its own, 12 for the initialisation vector. */
export interface SealingRandom {
  readonly seed: Uint8Array
  readonly iv: Uint8Array
}

/** A command ready to be sent, and what its sender keeps to open the receipt. */
export interface PreparedCommand {
  /** Payload of the contract's command topic. */
  readonly payload: SealedBytes<'command'>
  /** blake2b-256 of the payload: by it the receipt is asked for. */
  readonly commandHash: Uint8Array
  /** Key that was made for this command; the receipt is sealed to it. */
  readonly own: Sr25519Pair
  readonly target: ChannelTarget
}

/** Seals a signed invocation to the channel key of its contract. @throws CRYPTO_INVALID_KEY, CODEC_ codes */
export const sealCommand = (
  crypto: ChannelCrypto & Pick<Crypto, 'blake2b256'>,
  options: { readonly target: ChannelTarget; readonly invocation: Invocation; readonly random: SealingRandom },
): PreparedCommand => {
  const { target, random } = options
  const own = crypto.sr25519.pairFromSeed(random.seed)
  const channel = openChannel(crypto, 'command', { own, their: target.publicKey, terms: target })
  const head = { version: SEALED_COMMAND_VERSION, epoch: target.epoch, from: own.publicKey }
  const data = channel.seal({ iv: random.iv, header: headerOf(head), plaintext: Invocation.encode(options.invocation) })
  channel.wipe()
  const payload = CommandPayload.encode({ kind: 'Sealed', value: { ...head, iv: random.iv, data } })
  return { payload: markSealed('command', payload), commandHash: crypto.blake2b256(payload), own, target }
}

/**
 * Reads a sealed command with the key that was made for it, as its sender may.
 * @throws SEALED_NOT_OPENED, SEALED_VERSION_UNSUPPORTED, CODEC_ codes
 */
export const openOwnCommand = (crypto: ChannelCrypto, payload: Uint8Array, { own, target }: Pick<PreparedCommand, 'own' | 'target'>): { readonly command: InkCommand; readonly invocation: Invocation } => {
  const decoded = CommandPayload.decode(payload)
  if (decoded.kind !== 'Sealed' || !bytesEqual(decoded.value.from, own.publicKey)) throw new AppError('SEALED_NOT_OPENED', { what: 'command' })
  const { version, iv, data } = decoded.value
  if (version !== SEALED_COMMAND_VERSION) throw new AppError('SEALED_VERSION_UNSUPPORTED', { what: 'command', version, supported: SEALED_COMMAND_VERSION })
  const plaintext = orNotOpened('command', () => {
    const channel = openChannel(crypto, 'command', { own, their: target.publicKey, terms: target })
    try {
      return channel.openOwn({ iv, header: headerOf(decoded.value), ciphertext: data })
    } finally {
      channel.wipe()
    }
  })
  const invocation = Invocation.decode(plaintext)
  return { command: InkCommand.decode(invocation.payload.input), invocation }
}

/** What opens the commands of one contract. */
export interface CommandKeys {
  readonly genesis: Uint8Array
  /** The contract's own key: commands in the reference's form are encrypted to it. */
  readonly contractKey: Sr25519Pair
  /** The contract's channel key of an epoch; undefined before it began and once it is erased. */
  channelOf(epoch: bigint): Omit<ChannelHolder, 'genesis' | 'epoch'> | undefined
}

/** A command and how it came. `sender` is the key that sealed it. */
export type OpenedCommand =
  | { readonly kind: 'Plain'; readonly value: { readonly command: InkCommand } }
  | { readonly kind: 'Encrypted'; readonly value: { readonly command: InkCommand; readonly sender: Uint8Array } }
  | { readonly kind: 'Sealed'; readonly value: { readonly command: InkCommand; readonly invocation: Invocation; readonly sender: Uint8Array; readonly epoch: bigint } }

const openSealed = (crypto: ChannelCrypto, keys: CommandKeys, sealed: SealedCommand): OpenedCommand => {
  const { version, epoch, from, iv, data } = sealed
  if (version !== SEALED_COMMAND_VERSION) throw new AppError('SEALED_VERSION_UNSUPPORTED', { what: 'command', version, supported: SEALED_COMMAND_VERSION })
  const held = keys.channelOf(epoch)
  if (held === undefined) throw new AppError('COMMAND_EPOCH_UNKNOWN', { epoch: String(epoch) })
  const plaintext = orNotOpened('command', () => {
    const channel = openChannel(crypto, 'command', { own: held.pair, their: from, terms: { genesis: keys.genesis, epoch, anchor: held.anchor } })
    try {
      return channel.open({ iv, header: headerOf(sealed), ciphertext: data })
    } finally {
      channel.wipe()
    }
  })
  const invocation = Invocation.decode(plaintext)
  return { kind: 'Sealed', value: { command: InkCommand.decode(invocation.payload.input), invocation, sender: from, epoch } }
}

/**
 * Reads the payload of a command topic in any of its three forms. Whoever it is from is not checked yet: `verifyInvocation` does for sealed ones.
 * @throws SEALED_VERSION_UNSUPPORTED, COMMAND_EPOCH_UNKNOWN, SEALED_NOT_OPENED, CODEC_ codes
 */
export const openCommand = (crypto: ChannelCrypto, keys: CommandKeys, payload: Uint8Array): OpenedCommand => {
  const decoded = CommandPayload.decode(payload)
  switch (decoded.kind) {
    case 'Plain': return { kind: 'Plain', value: { command: decoded.value } }
    case 'Encrypted': {
      const opened = openEncryptedData(crypto, keys.contractKey.secret, decoded.value)
      return { kind: 'Encrypted', value: { command: InkCommand.decode(opened), sender: decoded.value.pubkey } }
    }
    case 'Sealed': return openSealed(crypto, keys, decoded.value)
  }
}

type Verifying = Pick<Crypto, 'sr25519' | 'ed25519' | 'secp256k1' | 'blake2b256'>

const isSignedBy = (crypto: Verifying, { from, sig }: Invocation, message: Uint8Array): boolean => {
  if (sig.kind === 'Sr25519') return crypto.sr25519.verify(sig.value, message, from)
  if (sig.kind === 'Ed25519') return crypto.ed25519.verify(sig.value, message, from)
  const signer = crypto.secp256k1.recover(sig.value, crypto.blake2b256(message))
  return signer !== undefined && bytesEqual(crypto.blake2b256(signer), from)
}

/**
 * Checks that an invocation is for this contract, fresh, and by the account it names, signed as it is or wrapped as wallets do.
 * @throws INVOCATION_RECIPIENT_MISMATCH, INVOCATION_FROM_FUTURE, INVOCATION_EXPIRED, INVOCATION_SIGNATURE_INVALID
 */
export const verifyInvocation = (
  crypto: Verifying, invocation: Invocation, options: { readonly genesis: Uint8Array; readonly to: Uint8Array; readonly blockNumber: number },
): void => {
  const { block, payload, from } = invocation
  const { blockNumber } = options
  if (!bytesEqual(payload.to, options.to)) throw new AppError('INVOCATION_RECIPIENT_MISMATCH', { expected: toHex(options.to), got: toHex(payload.to) })
  if (block > blockNumber) throw new AppError('INVOCATION_FROM_FUTURE', { block, blockNumber })
  if (block + INVOCATION_LIFE_BLOCKS < blockNumber) throw new AppError('INVOCATION_EXPIRED', { block, blockNumber, life: INVOCATION_LIFE_BLOCKS })
  const message = invocationSigningPayload(invocation, options.genesis)
  if (!isSignedBy(crypto, invocation, message) && !isSignedBy(crypto, invocation, wrapBytes(message)))
    throw new AppError('INVOCATION_SIGNATURE_INVALID', { from: toHex(from) })
}

const NonceKey = tuple(fixedBytes(32), fixedBytes(32))

/** 32 bytes that stand for an account's nonce among those that were used. */
export const invocationNonceKey = (crypto: Pick<Crypto, 'blake2b256'>, { from, nonce }: Pick<Invocation, 'from' | 'nonce'>): Uint8Array =>
  crypto.blake2b256(NonceKey.encode([from, crypto.blake2b256(nonce)]))
