/** Owns the choice of a worker's messages that still have to be submitted. Pure; submitting is worker-driver.ts. */
import { bytesToKey } from '@phalanx/primitives/bytes'
import { tuple, vec, type TypeOf } from '@phalanx/primitives/codec'
import { MessageOrigin, SignedMessage } from '@phalanx/primitives/messages'

/** Outgoing messages of a worker by sender, as `GetEgressMessages` returns them. */
export const EgressMessages = vec(tuple(MessageOrigin, vec(SignedMessage)))
export type EgressMessages = TypeOf<typeof EgressMessages>

/** Which messages of one sender to submit, or why none. */
export type Selection =
  | { readonly kind: 'messages'; readonly messages: readonly SignedMessage[] }
  /** The chain waits for a message that the worker no longer has. */
  | { readonly kind: 'gap'; readonly first: bigint }

/**
 * Messages from `next` on without a hole, at most `limit`. What the chain or its pool already has is left out, and so is
 * everything behind a hole: the chain would refuse it.
 */
export const selectMessages = (messages: readonly SignedMessage[], options: { readonly next: bigint; readonly limit: number }): Selection => {
  const wanted: SignedMessage[] = []
  let expected = options.next
  const ordered = [...messages].filter(({ sequence }) => sequence >= options.next).sort((a, b) => (a.sequence < b.sequence ? -1 : a.sequence > b.sequence ? 1 : 0))
  const [first] = ordered
  if (first !== undefined && first.sequence > options.next) return { kind: 'gap', first: first.sequence }
  for (const message of ordered) {
    if (wanted.length === options.limit || message.sequence > expected) break
    if (message.sequence < expected) continue
    wanted.push(message)
    expected += 1n
  }
  return { kind: 'messages', messages: wanted }
}

/** Map key of one message. */
export const messageKey = (sender: MessageOrigin, sequence: bigint): string => `${bytesToKey(MessageOrigin.encode(sender))}#${sequence}`

/** How logs and reasons name a sender. */
export const describeSender = (sender: MessageOrigin, toText: (bytes: Uint8Array) => string): string =>
  sender.value === undefined ? sender.kind : `${sender.kind}(${toText(sender.value)})`
