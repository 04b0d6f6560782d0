/** Owns what the registry tells workers: events of one worker, and notices of the state they act on. */
import { createMessage, palletOrigin, TOPICS, type GatekeeperNotice, type Message, type RegistryNotice, type WorkerEvent } from '@phalanx/primitives/messages'
import type { StorageHost } from '../../frame/overlay.ts'
import { pushPalletMessage } from '../phala-mq/push.ts'
import { REGISTRY } from './declaration.ts'

/** Tells a worker what happened to it. */
export const pushWorkerEvent = (host: StorageHost, pubkey: Uint8Array, event: WorkerEvent): void =>
  pushPalletMessage(host, REGISTRY, TOPICS.systemEvent, { kind: 'WorkerEvent', value: { pubkey, event } })

/** The same as a message, for a genesis build to queue. */
export const workerEventMessage = (pubkey: Uint8Array, event: WorkerEvent): Message =>
  createMessage(palletOrigin(REGISTRY), TOPICS.systemEvent, { kind: 'WorkerEvent', value: { pubkey, event } })

/** Tells all workers about a change of the registry. */
export const pushNotice = (host: StorageHost, notice: RegistryNotice): void => pushPalletMessage(host, REGISTRY, TOPICS.registryNotice, notice)

/** The same as a message, for a genesis build to queue. */
export const noticeMessage = (notice: RegistryNotice): Message => createMessage(palletOrigin(REGISTRY), TOPICS.registryNotice, notice)

/** Tells gatekeepers about a change of their standing or their votes. */
export const pushGatekeeperNotice = (host: StorageHost, notice: GatekeeperNotice): void => pushPalletMessage(host, REGISTRY, TOPICS.gatekeeperNotice, notice)
