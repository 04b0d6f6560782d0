/**
 * Owns the account of workers' messages: what a worker showed to be sent must reach the chain as it was shown, under its number and once. Only a
 * damaged disk may take what the chain had not taken yet; the same process never changes its mind, whatever keys it rotates.
 */
import { bytesEqual, toHex } from '@phalanx/primitives/bytes'
import type { Crypto } from '@phalanx/primitives/crypto'
import { isAppError } from '@phalanx/primitives/errors'
import { Message, MessageOrigin, TOPICS, type SignedMessage } from '@phalanx/primitives/messages'
import { EgressMessages } from '@phalanx/worker/testing'
import type { TypeOf } from '@phalanx/primitives/codec'

type Signed = TypeOf<typeof SignedMessage>

/** The account. */
export interface EgressAudit {
  /** A worker process answered with its waiting messages (SCALE EgressMessages). Says what is wrong, if anything. */
  show(life: object, encoded: Uint8Array): string | undefined
  /** A worker's checkpoints were damaged or put back: the numbers that it had shown until now may come to mean other messages. */
  forget(pubkey: Uint8Array): void
  /** The chain took a message of a worker. Says what is wrong, if anything. */
  take(signed: Signed): string | undefined
  /** Messages that a process still shows though the chain has had its turn with them. */
  waiting(life: object): number
  /** Messages that were compared with what their worker had shown. */
  readonly compared: number
}

interface Sender {
  /** Process that showed messages last, and what it showed by number. */
  life: object | undefined
  shown: Map<bigint, string>
  /** All that any process showed under a number that the chain has not taken. */
  ever: Map<bigint, Set<string>>
  /** Numbers below this one were shown before a disk was damaged. */
  forgottenBelow: bigint
  /** What may be on the chain once only, and the process that had shown it. */
  readonly once: Map<string, object | undefined>
}

/** What a message is about where there may be only one such message, by topic. */
const subjectOf = ({ destination, payload }: Message): string | undefined => {
  try {
    if (bytesEqual(destination, TOPICS.workingReport.topic)) {
      const { sessionId, challengeBlock } = TOPICS.workingReport.payload.decode(payload).value
      return `answer to ${challengeBlock} in ${sessionId}`
    }
    return bytesEqual(destination, TOPICS.ecdhKey.topic) ? `ECDH key ${toHex(TOPICS.ecdhKey.payload.decode(payload).ecdhPubkey)}` : undefined
  } catch (error) {
    if (isAppError(error)) return undefined
    throw error
  }
}

/** Whether a cluster only gives a number up with it, so that what its members say under the next ones is heard. */
const isFiller = ({ destination, payload }: Message): boolean =>
  bytesEqual(destination, TOPICS.clusterChannel.topic) && TOPICS.clusterChannel.payload.decode(payload).value.keys.length === 0

const isAnnouncement = ({ destination }: Message): boolean => bytesEqual(destination, TOPICS.ecdhKey.topic)

/** Starts with nothing shown. */
export const createEgressAudit = ({ crypto }: { readonly crypto: Crypto }): EgressAudit => {
  const senders = new Map<string, Sender>()
  const senderOf = (origin: MessageOrigin): Sender => {
    const name = toHex(MessageOrigin.encode(origin))
    let sender = senders.get(name)
    if (sender === undefined) senders.set(name, (sender = { life: undefined, shown: new Map(), ever: new Map(), forgottenBelow: 0n, once: new Map() }))
    return sender
  }
  const digest = (message: Message): string => toHex(crypto.blake2b256(Message.encode(message)))
  let compared = 0
  /**
   * All members of a cluster speak for it, each from its own life. What they say under a number is the same, except that one that lacks a key may give the number
   * up while another says it: either may come first, and nothing of a member is lost by that.
   */
  const showShared = (sender: Sender, messages: readonly Signed[]): string | undefined => {
    for (const { message, sequence } of messages) {
      const hash = digest(message)
      sender.ever.set(sequence, (sender.ever.get(sequence) ?? new Set()).add(hash))
      if (isFiller(message)) continue
      const said = sender.shown.get(sequence)
      if (said !== undefined && said !== hash) return `members of a cluster say different things under ${sequence}`
      sender.shown.set(sequence, hash)
    }
    return undefined
  }
  return {
    get compared() {
      return compared
    },
    show(life, encoded) {
      for (const [origin, messages] of EgressMessages.decode(encoded)) {
        const sender = senderOf(origin)
        if (origin.kind === 'Cluster') {
          const problem = showShared(sender, messages)
          if (problem !== undefined) return problem
          continue
        }
        if (sender.life !== life) Object.assign(sender, { life, shown: new Map() })
        for (const { message, sequence } of messages) {
          const hash = sender.shown.get(sequence)
          // Most of what waits was seen before.
          const now = digest(message)
          // An announcement that another one overtook is made anew under its number.
          if (hash !== undefined && hash !== now && !isAnnouncement(message)) return `a worker changed its message ${sequence} without a restart`
          sender.shown.set(sequence, now)
          sender.ever.set(sequence, (sender.ever.get(sequence) ?? new Set()).add(now))
        }
      }
      return undefined
    },
    forget(pubkey) {
      const sender = senderOf({ kind: 'Worker', value: pubkey })
      for (const sequence of sender.ever.keys()) if (sequence >= sender.forgottenBelow) sender.forgottenBelow = sequence + 1n
    },
    take({ message, sequence }) {
      const sender = senderOf(message.sender)
      const hash = digest(message)
      const known = sender.ever.get(sequence)
      compared++
      sender.ever.delete(sequence)
      if (known?.has(hash) !== true) return `message ${sequence} is on the chain, but its worker never showed it`
      if (message.sender.kind === 'Cluster') return undefined
      const latest = sender.shown.get(sequence)
      const isLost = latest !== undefined && latest !== hash && !isAnnouncement(message) && sequence >= sender.forgottenBelow
      if (isLost) return `message ${sequence} was lost: the chain took another one under its number`
      sender.shown.delete(sequence)
      const subject = subjectOf(message)
      if (subject === undefined) return undefined
      // A process that was started from an older state answers again what its predecessor had answered; the chain knows the answer already.
      if (sender.once.has(subject) && sender.once.get(subject) === sender.life) return `${subject} is on the chain twice`
      sender.once.set(subject, sender.life)
      return undefined
    },
    waiting: (life) => [...senders.values()].reduce((sum, sender) => sum + (sender.life === life ? sender.shown.size : 0), 0),
  }
}
