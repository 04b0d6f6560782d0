/** Owns a gatekeeper that pays one bit more than it should: a deliberate defect, to show that the simulator finds it. */
import { bytesEqual, concatBytes } from '@phalanx/primitives/bytes'
import { ByteReader } from '@phalanx/primitives/codec'
import type { Crypto } from '@phalanx/primitives/crypto'
import { isAppError } from '@phalanx/primitives/errors'
import { Message, TOPICS, type GatekeeperVote } from '@phalanx/primitives/messages'
import { EgressMessages } from '@phalanx/worker/testing'

const richer = (vote: GatekeeperVote): GatekeeperVote => {
  if (!bytesEqual(vote.destination, TOPICS.workingUpdate.topic)) return vote
  const update = TOPICS.workingUpdate.payload.decode(vote.payload)
  const settle = update.settle.map((entry, i) => (i === 0 ? { ...entry, payout: entry.payout + 1n } : entry))
  return { ...vote, payload: TOPICS.workingUpdate.payload.encode({ ...update, settle }) }
}

const alter = (message: Message): Message => {
  if (!bytesEqual(message.destination, TOPICS.gatekeeperVote.topic)) return message
  return { ...message, payload: TOPICS.gatekeeperVote.payload.encode(richer(TOPICS.gatekeeperVote.payload.decode(message.payload))) }
}

/** What is signed as a message, altered; anything else as it is. */
const alterSigned = (payload: Uint8Array): Uint8Array => {
  try {
    const input = new ByteReader(payload)
    return concatBytes(Message.encode(alter(Message.read(input))), input.raw(input.left))
  } catch (error) {
    if (isAppError(error)) return payload
    throw error
  }
}

/** Its signatures are over what it wants. */
export const withGreed = (crypto: Crypto): Crypto => ({
  ...crypto, sr25519: { ...crypto.sr25519, sign: (secret, message, random) => crypto.sr25519.sign(secret, alterSigned(message), random) },
})

/** And its waiting messages (SCALE EgressMessages) say so. */
export const alterEgress = (encoded: Uint8Array): Uint8Array =>
  EgressMessages.encode(EgressMessages.decode(encoded).map(([origin, messages]) => [origin, messages.map((signed) => ({ ...signed, message: alter(signed.message) }))]))
