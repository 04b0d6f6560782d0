/**
 * Owns receipts: what became of a command, sealed to its sender with bytes that are equal on every worker, and the proof that a block's receipts
 * contain it. Does not own when receipts are made or which root the chain agreed on.
 */
import { bytesEqual, concatBytes, toHex, utf8 } from '../bytes.ts'
import { bytesUpTo, fixedBytes, named, option, struct, textUpTo, u32, u64, u8, variant, vecUpTo, type TypeOf } from '../codec/index.ts'
import { Hash, Sr25519Public, ZERO_HASH } from '../chain/basics.ts'
import { syntheticIv } from '../crypto/channel.ts'
import type { Crypto, Sr25519Pair } from '../crypto/crypto.ts'
import { AppError } from '../errors.ts'
import { createTrie, readProof, type Trie } from '../trie/index.ts'
import { openChannel, orNotOpened, type ChannelCrypto, type ChannelHolder, type ChannelTarget } from './channel-ends.ts'

/** Version of sealed receipts. */
export const SEALED_RECEIPT_VERSION = 1
/** Longest result, event data or log message of a receipt: what is longer is left out by who makes it. */
export const RECEIPT_PART_BYTES_MAX = 1024 * 1024
/** Most logs and most events of a receipt. */
export const RECEIPT_ENTRIES_MAX = 256
/** Longest receipt: what is longer is shortened by who makes it. */
export const RECEIPT_BYTES_MAX = 4 * 1024 * 1024 - 1024
const TEXT_MAX = 4096
const CODE_MAX = 64
const TOPICS_MAX = 16

/** How a command ended: executed, with SCALE `ContractExecResult`, or refused before it ran, with an error code and its sentence. */
export const ReceiptOutcome = variant('ReceiptOutcome', {
  Executed: { index: 0, value: bytesUpTo(RECEIPT_PART_BYTES_MAX) },
  Refused: { index: 1, fields: { code: textUpTo(CODE_MAX), reason: textUpTo(TEXT_MAX) } },
})
export type ReceiptOutcome = TypeOf<typeof ReceiptOutcome>

/** What became of a command. `index` counts the commands of the cluster in its block; `failure` says for people why a call failed; `gas` is what it took. */
export const Receipt = named('phalanx_types::Receipt', struct({
  contract: Hash, commandHash: Hash, block: u32, index: u32, outcome: ReceiptOutcome, failure: option(textUpTo(TEXT_MAX)),
  logs: vecUpTo(struct({ contract: Hash, level: u8, message: textUpTo(RECEIPT_PART_BYTES_MAX) }), RECEIPT_ENTRIES_MAX),
  events: vecUpTo(struct({ contract: Hash, topics: vecUpTo(fixedBytes(32), TOPICS_MAX), data: bytesUpTo(RECEIPT_PART_BYTES_MAX) }), RECEIPT_ENTRIES_MAX),
  gas: u64,
}))
export type Receipt = TypeOf<typeof Receipt>

/** A receipt as it is handed out: in the clear for commands that were, else sealed from the contract's key of `epoch` to the key `to` that sealed the command. */
export const SealedReceipt = variant('SealedReceipt', {
  Plain: { index: 0, value: Receipt },
  Sealed: { index: 1, fields: { version: u8, epoch: u64, to: Sr25519Public, iv: fixedBytes(12), data: bytesUpTo(RECEIPT_BYTES_MAX) } },
})
export type SealedReceipt = TypeOf<typeof SealedReceipt>

/** What a block's receipts root commits to, by index. `receiptHash` is blake2b-256 of SCALE `SealedReceipt`. */
export const ReceiptLeaf = struct({ contract: Hash, commandHash: Hash, receiptHash: Hash })
export type ReceiptLeaf = TypeOf<typeof ReceiptLeaf>

type ReceiptCrypto = ChannelCrypto & Pick<Crypto, 'hmacSha256'>

const headerOf = (version: number, commandHash: Uint8Array): Uint8Array => concatBytes(Uint8Array.of(version), commandHash)

/**
 * Seals a receipt to the key that sealed its command. The IV follows from everything sealed and a key below the contract's, so that every worker
 * makes the same bytes. @throws CRYPTO_INVALID_KEY
 */
export const sealReceipt = (crypto: ReceiptCrypto, options: { readonly receipt: Receipt; readonly to: Uint8Array; readonly holder: ChannelHolder }): Uint8Array => {
  const { receipt, to, holder } = options
  const version = SEALED_RECEIPT_VERSION
  const plaintext = Receipt.encode(receipt)
  const header = headerOf(version, receipt.commandHash)
  const ivKey = crypto.hkdfSha256({ ikm: holder.pair.secret, salt: holder.genesis, info: utf8('phalanx/receipt-iv'), length: 32 })
  const iv = syntheticIv(crypto, { key: ivKey, context: concatBytes(header, to), plaintext })
  const channel = openChannel(crypto, 'receipt', { own: holder.pair, their: to, terms: holder })
  const data = channel.seal({ iv, header, plaintext })
  channel.wipe()
  ivKey.fill(0)
  return SealedReceipt.encode({ kind: 'Sealed', value: { version, epoch: holder.epoch, to, iv, data } })
}

/** SCALE form of a receipt for a command that came in the clear. */
export const plainReceipt = (receipt: Receipt): Uint8Array => SealedReceipt.encode({ kind: 'Plain', value: receipt })

/** The leaf for a receipt's bytes. */
export const receiptLeaf = (crypto: Pick<Crypto, 'blake2b256'>, receipt: Pick<Receipt, 'contract' | 'commandHash'>, sealed: Uint8Array): ReceiptLeaf =>
  ({ contract: receipt.contract, commandHash: receipt.commandHash, receiptHash: crypto.blake2b256(sealed) })

/** The trie of a block's receipts: SCALE index (u32) to SCALE leaf. */
export const receiptsTrie = (crypto: Pick<Crypto, 'blake2b256'>, leaves: readonly ReceiptLeaf[]): Trie =>
  createTrie({ crypto, version: 0 }).apply(leaves.map((leaf, index) => [u32.encode(index), ReceiptLeaf.encode(leaf)] as const))

/** Root over a block's receipts: 32 zero bytes where there are none. */
export const receiptsRoot = (crypto: Pick<Crypto, 'blake2b256'>, leaves: readonly ReceiptLeaf[]): Uint8Array =>
  leaves.length === 0 ? ZERO_HASH : receiptsTrie(crypto, leaves).root

/** Proof of the leaf at an index. */
export const proveReceipt = (crypto: Pick<Crypto, 'blake2b256'>, leaves: readonly ReceiptLeaf[], index: number): readonly Uint8Array[] =>
  receiptsTrie(crypto, leaves).prove([u32.encode(index)])

/** What a worker hands out: the receipt's bytes, its index in the block, the leaf and the proof of it. */
export interface ProvenReceipt {
  readonly sealed: Uint8Array
  readonly index: number
  readonly leaf: ReceiptLeaf
  readonly proof: readonly Uint8Array[]
}

/**
 * Checks that a block's receipts root contains a receipt for a command.
 * @throws RECEIPT_MISMATCH, RECEIPT_NOT_PROVEN, TRIE_PROOF_ codes
 */
export const verifyReceiptProof = (
  crypto: Pick<Crypto, 'blake2b256'>, receipt: ProvenReceipt, options: { readonly receiptsRoot: Uint8Array; readonly commandHash: Uint8Array },
): void => {
  const { leaf, sealed, proof, index } = receipt
  if (!bytesEqual(leaf.commandHash, options.commandHash)) throw new AppError('RECEIPT_MISMATCH', { what: 'command' })
  if (!bytesEqual(leaf.receiptHash, crypto.blake2b256(sealed))) throw new AppError('RECEIPT_MISMATCH', { what: 'hash of the receipt' })
  const proven = readProof({ crypto, root: options.receiptsRoot, proof }).get(u32.encode(index))
  if (proven === undefined || !bytesEqual(proven, ReceiptLeaf.encode(leaf))) throw new AppError('RECEIPT_NOT_PROVEN', { index, root: toHex(options.receiptsRoot) })
}

/**
 * Reads a receipt: opens a sealed one with the key that was made for its command, and compares it with what it is for.
 * @throws SEALED_VERSION_UNSUPPORTED, SEALED_NOT_OPENED, RECEIPT_MISMATCH, CODEC_ codes
 */
export const openReceipt = (
  crypto: ChannelCrypto, sealed: Uint8Array, options: { readonly commandHash: Uint8Array; readonly own: Sr25519Pair | undefined; readonly target: ChannelTarget | undefined },
): Receipt => {
  const { commandHash, own, target } = options
  const decoded = SealedReceipt.decode(sealed)
  const receipt = decoded.kind === 'Plain' ? decoded.value : openSealed(crypto, decoded.value, { commandHash, own, target })
  if (!bytesEqual(receipt.commandHash, commandHash)) throw new AppError('RECEIPT_MISMATCH', { what: 'command' })
  return receipt
}

const openSealed = (
  crypto: ChannelCrypto, sealed: Extract<SealedReceipt, { kind: 'Sealed' }>['value'],
  { commandHash, own, target }: { readonly commandHash: Uint8Array; readonly own: Sr25519Pair | undefined; readonly target: ChannelTarget | undefined },
): Receipt => {
  const { version, epoch, to, iv, data } = sealed
  if (version !== SEALED_RECEIPT_VERSION) throw new AppError('SEALED_VERSION_UNSUPPORTED', { what: 'receipt', version, supported: SEALED_RECEIPT_VERSION })
  if (own === undefined || target === undefined || !bytesEqual(to, own.publicKey)) throw new AppError('RECEIPT_MISMATCH', { what: 'recipient' })
  if (epoch !== target.epoch) throw new AppError('RECEIPT_MISMATCH', { what: 'epoch' })
  const plaintext = orNotOpened('receipt', () => {
    const channel = openChannel(crypto, 'receipt', { own, their: target.publicKey, terms: target })
    try {
      return channel.open({ iv, header: headerOf(version, commandHash), ciphertext: data })
    } finally {
      channel.wipe()
    }
  })
  return Receipt.decode(plaintext)
}
