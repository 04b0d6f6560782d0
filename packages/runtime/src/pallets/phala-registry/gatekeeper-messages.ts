/** Owns the messages from and about gatekeepers that the registry acts on: what a worker says as a gatekeeper, and what they say together. */
import { bytesEqual } from '@phalanx/primitives/bytes'
import { TOPICS, type Message, type MessageOrigin } from '@phalanx/primitives/messages'
import type { Context } from '../../frame/context.ts'
import { takeRandomNumber } from './beacon.ts'
import { registryParts, type RegistryContext } from './declaration.ts'
import { decodePayload } from './decode-payload.ts'
import { requestMasterKey } from './gatekeepers.ts'
import { countVote, decideMessage } from './outcomes.ts'
import { learnRotatedKey, takeCandidate } from './rotation.ts'
import * as storage from './storage.ts'
import { takeVerdict } from './verdicts.ts'

const ensureWorker = (ctx: RegistryContext, sender: MessageOrigin): Uint8Array => (sender.kind === 'Worker' ? sender.value : ctx.fail('InvalidSender'))

const ensureGatekeepers = (ctx: RegistryContext, sender: MessageOrigin): void => {
  if (sender.kind !== 'Gatekeeper') ctx.fail('InvalidSender')
}

const onCandidate = (ctx: RegistryContext, sender: MessageOrigin, payload: Uint8Array): void => {
  const message = takeCandidate(ctx, ensureWorker(ctx, sender), decodePayload(TOPICS.rotationCandidate.payload, payload))
  if (message !== undefined) decideMessage(ctx, message)
}

const onRegistryEvent = (ctx: RegistryContext, sender: MessageOrigin, payload: Uint8Array): void => {
  ensureGatekeepers(ctx, sender)
  const { rotationId, masterPubkey } = decodePayload(TOPICS.gatekeeperRegistryEvent.payload, payload).value
  learnRotatedKey(ctx, rotationId, masterPubkey)
}

/** `phala/gatekeeper/event` also carries what pallets send; only the gatekeepers' own events concern the registry. */
const onGatekeeperEvent = (ctx: RegistryContext, sender: MessageOrigin, payload: Uint8Array): void => {
  if (sender.kind !== 'Gatekeeper') return
  const event = decodePayload(TOPICS.gatekeeperEvent.payload, payload)
  if (event.kind === 'NewRandomNumber') takeRandomNumber(ctx, event.value)
}

type Handler = (ctx: RegistryContext, sender: MessageOrigin, payload: Uint8Array) => void

const HANDLERS: readonly (readonly [topic: Uint8Array, handle: Handler])[] = [
  [TOPICS.gatekeeperVote.topic, (ctx, sender, payload) => countVote(ctx, ensureWorker(ctx, sender), decodePayload(TOPICS.gatekeeperVote.payload, payload))],
  [TOPICS.gatekeeperKeyRequest.topic, (ctx, sender, payload) =>
    requestMasterKey(ctx, ensureWorker(ctx, sender), decodePayload(TOPICS.gatekeeperKeyRequest.payload, payload).ecdhPubkey)],
  [TOPICS.rotationCandidate.topic, onCandidate],
  [TOPICS.gatekeeperRegistryEvent.topic, onRegistryEvent],
  [TOPICS.gatekeeperEvent.topic, onGatekeeperEvent],
  [TOPICS.registrationVerdict.topic, (ctx, sender, payload) => {
    ensureGatekeepers(ctx, sender)
    takeVerdict(ctx, decodePayload(TOPICS.registrationVerdict.payload, payload))
  }],
]

/** Offers a message to the gatekeepers' part of the registry; other topics pass. Refusals fail and are undone by the caller. */
export const onGatekeeperMessage = (context: Context, { sender, destination, payload }: Message): void => {
  const found = HANDLERS.find(([topic]) => bytesEqual(topic, destination))
  if (found !== undefined) found[1](registryParts.in(context), sender, payload)
}

/** Whether a message of a worker is one of a gatekeeper at work, which travels free of charge. */
export const isGatekeeperWork = (ctx: Context, { sender, destination }: Message): boolean =>
  sender.kind === 'Worker' && [TOPICS.gatekeeperVote, TOPICS.rotationCandidate, TOPICS.clusterEpochCandidate].some(({ topic }) => bytesEqual(topic, destination))
  && storage.gatekeeper.get(ctx).some((one) => bytesEqual(one, sender.value))
