/**
 * Owns what every header tells workers: exactly one `Consensus('PHLX', …)` item with the block's time and the hashes of its
 * messages and acks, so that a worker follows digests instead of storage. The hashed bytes are domain-tagged and length-prefixed.
 */
import { AppError } from '../errors.ts'
import { bytesEqual, concatBytes, utf8 } from '../bytes.ts'
import { bytes, struct, u32, u64, u8, vec, type TypeOf } from '../codec/index.ts'
import type { Crypto } from '../crypto/crypto.ts'
import { Message, MessageOrigin } from '../messages/message.ts'
import { Hash } from './basics.ts'
import type { DigestItem, Header } from './header.ts'

/** Engine id of the item. */
export const PHLX_ENGINE: Uint8Array = utf8('PHLX')
/** Version of the item's content that this code writes and reads. */
export const PHLX_VERSION = 1

/** Content of the item. */
export const PhlxDigest = struct({ version: u8, timeMs: u64, messagesHash: Hash, acksHash: Hash })
export type PhlxDigest = TypeOf<typeof PhlxDigest>

/** The next sequence number that the chain expects from a sender. */
export const MessageAck = struct({ sender: MessageOrigin, next: u64 })
export type MessageAck = TypeOf<typeof MessageAck>

/** All messages that workers hear of one block, and the acks that it changed; both in block order. */
export const BlockMessages = struct({ messages: vec(Message), acks: vec(MessageAck) })
export type BlockMessages = TypeOf<typeof BlockMessages>

type HashCrypto = Pick<Crypto, 'blake2b256'>

const hashed = <T>(domain: string, codec: { encode(value: T): Uint8Array }) => {
  const prefix = bytes.encode(utf8(domain))
  const ofEncoded = (crypto: HashCrypto, number: number, encoded: Uint8Array): Uint8Array =>
    crypto.blake2b256(concatBytes(prefix, u32.encode(number), bytes.encode(encoded)))
  return { ofEncoded, of: (crypto: HashCrypto, number: number, value: T): Uint8Array => ofEncoded(crypto, number, codec.encode(value)) }
}

const messagesHashes = hashed('phalanx/block-messages/1', vec(Message))
const acksHashes = hashed('phalanx/block-acks/1', vec(MessageAck))

/** blake2b-256 over (domain, block number, ordered messages), each length-prefixed. */
export const messagesHash = messagesHashes.of
/** blake2b-256 over (domain, block number, changed acks), each length-prefixed. */
export const acksHash = acksHashes.of
/** `messagesHash` of messages in their SCALE form, as they came. */
export const encodedMessagesHash = messagesHashes.ofEncoded
/** `acksHash` of acks in their SCALE form, as they came. */
export const encodedAcksHash = acksHashes.ofEncoded

/** The digest item for a block. */
export const createPhlxItem = (
  crypto: Pick<Crypto, 'blake2b256'>,
  block: { readonly number: number; readonly timeMs: bigint } & BlockMessages,
): DigestItem => ({
  kind: 'Consensus',
  value: [
    PHLX_ENGINE,
    PhlxDigest.encode({
      version: PHLX_VERSION,
      timeMs: block.timeMs,
      messagesHash: messagesHash(crypto, block.number, block.messages),
      acksHash: acksHash(crypto, block.number, block.acks),
    }),
  ],
})

/**
 * The header's PHLX content.
 * @throws HEADER_PHLX_MALFORMED when the item is missing, doubled, undecodable or of another version
 */
export const readPhlx = (header: Header): PhlxDigest => {
  const found = header.digest.logs.filter((item) => item.kind === 'Consensus' && bytesEqual(item.value[0], PHLX_ENGINE))
  const [item] = found
  const malformed = (cause?: unknown): AppError =>
    new AppError('HEADER_PHLX_MALFORMED', { number: header.number, found: found.length }, cause === undefined ? {} : { cause })
  if (found.length !== 1 || item?.kind !== 'Consensus') throw malformed()
  try {
    const digest = PhlxDigest.decode(item.value[1])
    if (digest.version !== PHLX_VERSION) throw malformed()
    return digest
  } catch (cause) {
    throw malformed(cause)
  }
}

/** Whether these messages and acks are the ones that the header commits to. */
export const matchesPhlx = (crypto: Pick<Crypto, 'blake2b256'>, header: Header, block: BlockMessages): boolean => {
  const digest = readPhlx(header)
  return (
    bytesEqual(digest.messagesHash, messagesHash(crypto, header.number, block.messages)) &&
    bytesEqual(digest.acksHash, acksHash(crypto, header.number, block.acks))
  )
}

/** Joins a signing domain, the genesis hash and a body, each length-prefixed: the form of every message signed outside extrinsics. */
export const domainSeparated = (domain: string, genesisHash: Uint8Array, body: Uint8Array): Uint8Array =>
  concatBytes(bytes.encode(utf8(domain)), bytes.encode(genesisHash), bytes.encode(body))
