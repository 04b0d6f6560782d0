/** Owns the envelope of the message queue: origins, topics, messages and their signatures (mq.md sections 1 and 2). */
import { utf8 } from '../bytes.ts'
import { bytesUpTo, named, newtype, struct, u64, variant, type TypeOf } from '../codec/index.ts'
import { concatBytes } from '../bytes.ts'
import { Hash, Sr25519Public } from '../chain/basics.ts'

/** Longest payload of one message. */
export const PAYLOAD_BYTES_MAX = 4 * 1024 * 1024
/** Longest topic. */
export const TOPIC_BYTES_MAX = 256

/** Who sends a message. Index 255 exists so that `ff…` never begins a valid signing payload. */
export const MessageOrigin = named(
  'phala_mq::types::MessageOrigin',
  variant('MessageOrigin', {
    Pallet: { index: 0, value: bytesUpTo(256) },
    Contract: { index: 1, value: Hash },
    Worker: { index: 2, value: Sr25519Public },
    AccountId: { index: 3, value: Hash },
    MultiLocation: { index: 4, value: bytesUpTo(1024) },
    Gatekeeper: { index: 5 },
    Cluster: { index: 6, value: Hash },
    Reserved: { index: 255 },
  }),
)
export type MessageOrigin = TypeOf<typeof MessageOrigin>

/** Whether messages of this origin arrive signed from outside the chain. */
export const isOffchainOrigin = (origin: MessageOrigin): boolean =>
  origin.kind === 'Contract' || origin.kind === 'Worker' || origin.kind === 'Gatekeeper' || origin.kind === 'Cluster'

/** Destination of a message. */
export const Topic = newtype('phala_mq::types::Topic', bytesUpTo(TOPIC_BYTES_MAX))
export type Topic = TypeOf<typeof Topic>

const RESERVED_FIRST = new Set([...'~!@#$%&*_+-=|<>?,./;:\''].map((character) => character.charCodeAt(0)))
const ONCHAIN_MARK = '^'.charCodeAt(0)

/** Non-empty and not beginning with a reserved character. */
export const isValidTopic = (topic: Topic): boolean => topic.length > 0 && !RESERVED_FIRST.has(topic[0] as number)

/** Valid and also delivered to workers by the reference; `^…` topics are for the chain. */
export const isOffchainTopic = (topic: Topic): boolean => isValidTopic(topic) && topic[0] !== ONCHAIN_MARK

/** A message; `payload` is the SCALE value that the topic names. */
export const Message = named('phala_mq::types::Message', struct({ sender: MessageOrigin, destination: Topic, payload: bytesUpTo(PAYLOAD_BYTES_MAX) }))
export type Message = TypeOf<typeof Message>

/** A message from outside with its place in the sender's sequence and the sender's sr25519 signature (64 bytes). */
export const SignedMessage = named('phala_mq::types::SignedMessage', struct({ message: Message, sequence: u64, signature: bytesUpTo(256) }))
export type SignedMessage = TypeOf<typeof SignedMessage>

/** What the sender signs: SCALE(message) ‖ sequence, context `substrate`, no prefix (mq.md section 2). */
export const messageSigningPayload = (message: Message, sequence: bigint): Uint8Array => concatBytes(Message.encode(message), u64.encode(sequence))

/** Origin of a pallet by its runtime name. */
export const palletOrigin = (name: string): MessageOrigin => ({ kind: 'Pallet', value: utf8(name) })
