/**
 * Owns both ends of the message queue inside a worker: per-sender egress with sequence numbers, and delivery of a block's messages
 * to whoever subscribed to their topic. Does not own what messages mean.
 */
import { bytesToKey, compareBytes } from '@phalanx/primitives/bytes'
import { struct, tuple, u64, vecUpTo, type TypeOf } from '@phalanx/primitives/codec'
import type { MessageAck } from '@phalanx/primitives/chain'
import { MessageOrigin, SignedMessage, messageSigningPayload, type Message, type TopicOf } from '@phalanx/primitives/messages'
import { isAppError } from '@phalanx/primitives/errors'
import type { Crypto } from '@phalanx/primitives/crypto'
import type { Entropy } from './entropy.ts'

/** Most messages of one sender that wait for the chain's ack; the oldest stay, so that sequences never break. */
export const EGRESS_MESSAGES_MAX = 10_000

/** What one sender still has to say: the next sequence to assign and the signed messages that the chain has not acknowledged. */
const EgressChannel = struct({ sequence: u64, messages: vecUpTo(SignedMessage, EGRESS_MESSAGES_MAX) })
type EgressChannel = TypeOf<typeof EgressChannel>

/** All senders of this worker, sorted by origin. */
export const Egress = vecUpTo(tuple(MessageOrigin, EgressChannel), 1024)
export type Egress = TypeOf<typeof Egress>

/** SCALE form of GetEgressMessages. */
export const EgressMessages = vecUpTo(tuple(MessageOrigin, vecUpTo(SignedMessage, EGRESS_MESSAGES_MAX)), 1024)

/** How a sender signs. */
export interface EgressSigner {
  readonly crypto: Pick<Crypto, 'sr25519'>
  readonly secret: Uint8Array
  readonly entropy: Entropy
}

const originKey = (origin: MessageOrigin): string => bytesToKey(MessageOrigin.encode(origin))

const EMPTY_CHANNEL: EgressChannel = { sequence: 0n, messages: [] }

/** The channel of a sender, empty where it has said nothing. */
export const channelOf = (egress: Egress, sender: MessageOrigin): EgressChannel => {
  const key = originKey(sender)
  return egress.find(([origin]) => originKey(origin) === key)?.[1] ?? EMPTY_CHANNEL
}

const withChannel = (egress: Egress, sender: MessageOrigin, channel: EgressChannel): Egress => {
  const key = originKey(sender)
  const others = egress.filter(([origin]) => originKey(origin) !== key)
  return [...others, [sender, channel] as const].sort((a, b) => compareBytes(MessageOrigin.encode(a[0]), MessageOrigin.encode(b[0])))
}

const sign = (signer: EgressSigner, message: Message, sequence: bigint): SignedMessage => ({
  message,
  sequence,
  signature: signer.crypto.sr25519.sign(signer.secret, messageSigningPayload(message, sequence), signer.entropy.next('message')),
})

/** Adds a message with the sender's next sequence. A full channel drops it: nothing is acknowledged any more, and a gap would block it for good. */
export const enqueue = (egress: Egress, message: Message, signer: EgressSigner): Egress => {
  const channel = channelOf(egress, message.sender)
  if (channel.messages.length >= EGRESS_MESSAGES_MAX) return egress
  return withChannel(egress, message.sender, {
    sequence: channel.sequence + 1n,
    messages: [...channel.messages, sign(signer, message, channel.sequence)],
  })
}

/**
 * Whether messages wait in `after` under numbers that `before` had not assigned. Which number a message has, and of most what it says, depends on how
 * blocks were fed and on fresh keys: a later life cannot find it out from the chain.
 */
export const hasNewMessages = (before: Egress, after: Egress): boolean =>
  after.some(([sender, { messages }]) => {
    const last = messages.at(-1)
    return last !== undefined && last.sequence >= channelOf(before, sender).sequence
  })

/** Sum of all senders' numbers; within a block it grows, so that of two states at one block the later one has the larger. */
export const assignedCount = (egress: Egress): bigint => egress.reduce((sum, [, { sequence }]) => sum + sequence, 0n)

/**
 * Adds a message of a sender that others speak for too, under the number that all of them give it. Undefined leaves the number to the others. A number that the
 * chain has counted already needs nobody, and one that waits is said.
 */
export const enqueueAt = (egress: Egress, { sender, message, sequence }: { readonly sender: MessageOrigin; readonly message: Message | undefined; readonly sequence: bigint }, signer: EgressSigner): Egress => {
  const channel = channelOf(egress, sender)
  if (sequence < channel.sequence) return egress
  const isSaid = channel.messages.some((waiting) => waiting.sequence === sequence)
  const isLeftOut = message === undefined || isSaid || channel.messages.length >= EGRESS_MESSAGES_MAX
  return withChannel(egress, sender, { sequence: sequence + 1n, messages: isLeftOut ? channel.messages : inOrder([...channel.messages, sign(signer, message, sequence)]) })
}

const inOrder = (messages: readonly SignedMessage[]): SignedMessage[] => messages.toSorted((a, b) => (a.sequence < b.sequence ? -1 : 1))

/** Takes back that numbers from this one on are assigned; what waits under them stays. For a sender that others speak for too, whose past is done again. */
export const reopenAt = (egress: Egress, sender: MessageOrigin, sequence: bigint): Egress => {
  const channel = channelOf(egress, sender)
  return channel.sequence <= sequence ? egress : withChannel(egress, sender, { ...channel, sequence })
}

/** Says after all what was left to others, in its place. */
export const fillGap = (egress: Egress, message: Message, sequence: bigint, signer: EgressSigner): Egress => {
  const channel = channelOf(egress, message.sender)
  return withChannel(egress, message.sender, { ...channel, messages: inOrder([...channel.messages, sign(signer, message, sequence)]) })
}

/**
 * Takes over messages of a sender that others speak for too, as another of them signed them; those under numbers that are assigned or said here already are left
 * out. Assigns no number.
 */
export const adoptMessages = (egress: Egress, sender: MessageOrigin, given: readonly SignedMessage[]): Egress => {
  const channel = channelOf(egress, sender)
  const isNew = ({ sequence }: SignedMessage): boolean => sequence >= channel.sequence && !channel.messages.some((waiting) => waiting.sequence === sequence)
  return withChannel(egress, sender, { ...channel, messages: inOrder([...channel.messages, ...given.filter(isNew)]).slice(0, EGRESS_MESSAGES_MAX) })
}

/** Forgets a sender. */
export const withoutSender = (egress: Egress, sender: MessageOrigin): Egress => egress.filter(([origin]) => originKey(origin) !== originKey(sender))

/** Puts another message in the place, and under the sequence, of one that waits. */
export const replaceMessage = (egress: Egress, old: SignedMessage, message: Message, signer: EgressSigner): Egress => {
  const channel = channelOf(egress, message.sender)
  return withChannel(egress, message.sender, {
    sequence: channel.sequence,
    messages: channel.messages.map((waiting) => (waiting.sequence === old.sequence ? sign(signer, message, old.sequence) : waiting)),
  })
}

/**
 * Applies the chain's acks to our senders: acknowledged messages go, and a sequence behind the chain's (after a restart from an old
 * checkpoint) catches up.
 */
export const applyAcks = (egress: Egress, acks: readonly MessageAck[], isOurs: (sender: MessageOrigin) => boolean): Egress => {
  let out = egress
  for (const { sender, next } of acks) {
    if (!isOurs(sender)) continue
    const channel = channelOf(out, sender)
    out = withChannel(out, sender, {
      sequence: channel.sequence > next ? channel.sequence : next,
      messages: channel.messages.filter(({ sequence }) => sequence >= next),
    })
  }
  return out
}

/** The waiting messages, sorted by origin; senders that have none are left out. */
export const waitingMessages = (egress: Egress): TypeOf<typeof EgressMessages> =>
  egress.flatMap(([origin, { messages }]) => (messages.length === 0 ? [] : [[origin, messages] as const]))

/** Number of waiting messages. */
export const waitingCount = (egress: Egress): number => egress.reduce((sum, [, { messages }]) => sum + messages.length, 0)

/** Takes the messages of one topic. */
export interface Subscriber<Context> {
  readonly topic: Uint8Array
  /** @throws CODEC_ codes when the payload does not decode; the message is then skipped */
  deliver(context: Context, message: Message): void
}

/** Subscribes to a topic; only messages whose origin `accepts` allows are decoded. */
export const subscribe = <T, Context>(
  to: TopicOf<T>,
  accepts: (sender: MessageOrigin) => boolean,
  deliver: (context: Context, payload: T) => void,
): Subscriber<Context> => ({
  topic: to.topic,
  deliver(context, message) {
    if (accepts(message.sender)) deliver(context, to.payload.decode(message.payload))
  },
})

/** Subscribers by topic. */
export type Subscribers<Context> = ReadonlyMap<string, readonly Subscriber<Context>[]>

/** Groups subscribers by topic, keeping their order. */
export const groupSubscribers = <Context>(subscribers: readonly Subscriber<Context>[]): Subscribers<Context> => {
  const groups = new Map<string, Subscriber<Context>[]>()
  for (const subscriber of subscribers) {
    const key = bytesToKey(subscriber.topic)
    groups.set(key, [...(groups.get(key) ?? []), subscriber])
  }
  return groups
}

/** Delivers one message to all subscribers of exactly its topic; `onSkipped` hears of payloads that do not decode. */
export const deliver = <Context>(
  subscribers: Subscribers<Context>,
  context: Context,
  message: Message,
  onSkipped: (code: string) => void,
): void => {
  for (const subscriber of subscribers.get(bytesToKey(message.destination)) ?? []) {
    try {
      subscriber.deliver(context, message)
    } catch (error) {
      // What fails in a machine is no fault of the message.
      if (!isAppError(error) || error.code === 'CONTRACT_ENGINE_FAILED') throw error
      onSkipped(error.code)
    }
  }
}
