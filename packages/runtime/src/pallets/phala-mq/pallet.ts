/** Owns PhalaMq: messages between chain and workers, their sequences, and the block's PHLX digest (mq.md; design of the digest in primitives/chain). */
import { bytesUpTo, option, u64 } from '@phalanx/primitives/codec'
import { createPhlxItem } from '@phalanx/primitives/chain'
import {
  isOffchainOrigin, isOffchainTopic, isValidTopic, MessageOrigin, messageSigningPayload, palletOrigin, PAYLOAD_BYTES_MAX, SignedMessage,
  TOPIC_BYTES_MAX, type Message,
} from '@phalanx/primitives/messages'
import { apiMethod, runtimeApi } from '../../frame/api.ts'
import type { Context } from '../../frame/context.ts'
import { ensureRoot, ensureSigned } from '../../frame/origin.ts'
import { declarePallet } from '../../frame/pallet.ts'
import type { SignatureCheck } from '../../frame/runtime-api.ts'
import { weigh } from '../../frame/weight.ts'
import { senderPublicKey, SIGNATURE_BYTES } from '../phala-registry/sender-key.ts'
import { now } from '../timestamp/storage.ts'
import { registryParts } from '../phala-registry/declaration.ts'
import { workers } from '../phala-registry/storage.ts'
import { isGatekeeperWork } from '../phala-registry/gatekeeper-messages.ts'
import { quorumSize, takeDecided } from '../phala-registry/outcomes.ts'
import { logMessage, logSequence, loggedAcks, loggedMessages } from './block-log.ts'
import { checkMqSequence, signedMessageOf } from './check-sequence.ts'
import { routeMessage } from './routing.ts'
import { noteStandings } from './standings.ts'
import * as storage from './storage.ts'

const parts = declarePallet({
  name: 'PhalaMq',
  crate: 'phala_pallets::mq',
  doc: 'Message queue between the chain and its workers.',
  storage,
  errors: {
    BadSender: { index: 0, doc: 'Messages of this origin do not come from outside the chain.' },
    BadSequence: { index: 1, doc: 'The message is not the next one of its sender.' },
    BadDestination: { index: 2, doc: 'The topic is empty or begins with a reserved character.' },
  },
})

const dispatchMessage = (ctx: Context, message: Message): void => {
  routeMessage(ctx, message)
  logMessage(ctx, message)
  for (const decided of takeDecided(ctx)) dispatchMessage(ctx, decided)
}

const messageSignature = ({ message, sequence, signature }: SignedMessage, publicKey: Uint8Array): SignatureCheck => ({
  kind: 'sr25519', signature, message: messageSigningPayload(message, sequence), publicKey,
})

const SIGNATURE_CHECK_MICROS = 250
const DISPATCH_WEIGHT = weigh({ reads: 2, writes: 2 })

/** The pallet. */
export const phalaMq = parts.withCalls(
  {
    syncOffchainMessage: {
      index: 0,
      doc: 'Hand in a message that a worker, gatekeeper, cluster or contract signed. Anyone may; the signature inside counts.',
      args: { signedMessage: SignedMessage },
      weight: weigh({ reads: 4, writes: 3, micros: SIGNATURE_CHECK_MICROS }),
      dispatch(ctx, origin, { signedMessage }) {
        ensureSigned(origin)
        const { message, sequence, signature } = signedMessage
        const { sender, destination } = message
        if (!isOffchainOrigin(sender)) ctx.fail('BadSender')
        // The reference's form, signed by the master key: one holder speaks for all, so only while one holder is the quorum.
        if (sender.kind === 'Gatekeeper' && quorumSize(ctx) > 1) ctx.fail('BadSender')
        if (!isValidTopic(destination)) ctx.fail('BadDestination')
        if (sequence !== (storage.offchainIngress.get(ctx, sender) ?? 0n)) ctx.fail('BadSequence')
        const registry = registryParts.in(ctx)
        const publicKey = senderPublicKey(registry, sender)
        if (signature.length !== SIGNATURE_BYTES) registry.fail('InvalidSignatureLength')
        if (!ctx.verify(messageSignature(signedMessage, publicKey))) registry.fail('InvalidSignature')
        if (sender.kind === 'Worker' && !workers.has(ctx, sender.value)) registry.fail('WorkerNotFound')
        storage.offchainIngress.set(ctx, sender, sequence + 1n)
        logSequence(ctx, { sender, next: sequence + 1n })
        dispatchMessage(ctx, message)
        return { paysFee: sender.kind !== 'Gatekeeper' && !isGatekeeperWork(ctx, message) }
      },
    },
    pushMessage: {
      index: 1,
      doc: 'Send a message as the signing account.',
      args: { destination: bytesUpTo(TOPIC_BYTES_MAX), payload: bytesUpTo(PAYLOAD_BYTES_MAX) },
      weight: DISPATCH_WEIGHT,
      dispatch(ctx, origin, { destination, payload }) {
        const who = ensureSigned(origin)
        dispatchMessage(ctx, { sender: { kind: 'AccountId', value: who }, destination, payload })
      },
    },
    forcePushPalletMessage: {
      index: 2,
      doc: 'Send a message in the name of the chain itself.',
      args: { destination: bytesUpTo(TOPIC_BYTES_MAX), payload: bytesUpTo(PAYLOAD_BYTES_MAX) },
      weight: DISPATCH_WEIGHT,
      dispatch(ctx, origin, { destination, payload }) {
        ensureRoot(origin)
        dispatchMessage(ctx, { sender: palletOrigin('ForcePushed'), destination, payload })
      },
    },
  },
  {
    hooks: {
      onInitialize(ctx) {
        storage.outboundMessages.remove(ctx)
        for (const message of storage.queuedOutboundMessage.take(ctx) ?? []) dispatchMessage(ctx, message)
      },
      onFinalize(ctx) {
        const messages = loggedMessages(ctx)
        noteStandings(ctx, messages, { number: ctx.block.number, timeMs: now.get(ctx) })
        const outbound = messages.filter(({ destination }) => isOffchainTopic(destination))
        if (outbound.length > 0) storage.outboundMessages.set(ctx, outbound)
      },
      onBlockEnd: (ctx) =>
        createPhlxItem(ctx.crypto, { number: ctx.block.number, timeMs: now.get(ctx), messages: loggedMessages(ctx), acks: loggedAcks(ctx) }),
    },
    extension: checkMqSequence,
    signatureChecks(call) {
      const signedMessage = signedMessageOf(call)
      return signedMessage?.message.sender.kind === 'Worker' ? [messageSignature(signedMessage, signedMessage.message.sender.value)] : []
    },
    apis: [
      runtimeApi({
        name: 'MqApi',
        version: 1,
        doc: 'Sequences of the message queue.',
        methods: {
          senderSequence: apiMethod({
            doc: 'Next sequence that the chain expects from a sender; none before its first message.',
            params: { sender: MessageOrigin },
            result: option(u64),
            call: (ctx, { sender }) => storage.offchainIngress.get(ctx, sender),
          }),
        },
      }),
    ],
  },
)
