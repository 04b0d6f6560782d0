/**
 * Owns the `CheckMqSequence` extension (mq.md section 5): orders a worker's messages in the pool and refuses stale and early ones.
 * Acts only where the outer call is `sync_offchain_message`; calls inside batches and proxies are not checked.
 */
import { struct, text, u64 } from '@phalanx/primitives/codec'
import { MessageOrigin, type SignedMessage } from '@phalanx/primitives/messages'
import type { Context, RuntimeCall } from '../../frame/context.ts'
import { NO_OPINION, type TransactionExtension } from '../../frame/extension.ts'
import { invalid } from '../../frame/validity.ts'
import { offchainIngress } from './storage.ts'

const Tag = struct({ name: text, sender: MessageOrigin, sequence: u64 })

/** The tag that a message provides to the pool, and that the next message of its sender requires. */
export const sequenceTag = (sender: MessageOrigin, sequence: bigint): Uint8Array => Tag.encode({ name: 'PhalaMqOffchainMessages', sender, sequence })

/** The message that a call hands in, if it is that call. */
export const signedMessageOf = (call: RuntimeCall): SignedMessage | undefined =>
  call.pallet === 'PhalaMq' && call.name === 'syncOffchainMessage' ? (call.args as { signedMessage: SignedMessage }).signedMessage : undefined

const expectedSequence = (ctx: Context, sender: MessageOrigin): bigint => offchainIngress.get(ctx, sender) ?? 0n

/** The extension. Nothing on the wire. */
export const checkMqSequence: TransactionExtension = {
  name: 'CheckMqSequence',
  validate(ctx, { call }) {
    const signed = signedMessageOf(call)
    if (signed === undefined) return NO_OPINION
    const { message: { sender }, sequence } = signed
    const expected = expectedSequence(ctx, sender)
    if (sequence < expected) return { ok: false, error: invalid('Stale') }
    const requires = sequence > expected ? [sequenceTag(sender, sequence - 1n)] : []
    return { ok: true, value: { provides: [sequenceTag(sender, sequence)], requires } }
  },
  prepare(ctx, { call }) {
    const signed = signedMessageOf(call)
    if (signed === undefined) return undefined
    const expected = expectedSequence(ctx, signed.message.sender)
    if (signed.sequence < expected) return invalid('Stale')
    return signed.sequence > expected ? invalid('Future') : undefined
  },
}
