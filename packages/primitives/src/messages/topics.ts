/** Owns the list of topics, each bound to the codec of its payload. Payload types live in one file per area. */
import { utf8 } from '../bytes.ts'
import type { Codec } from '../codec/index.ts'
import { GatekeeperChange, GatekeeperLaunch } from './gatekeeper.ts'
import type { Message, MessageOrigin } from './message.ts'
import { EcdhKeyAnnouncement, RegistryEvent, RegistryNotice } from './registry.ts'
import { SystemEvent } from './system.ts'
import { WorkingReportEvent } from './working.ts'

/** A topic and what its messages carry. */
export interface TopicOf<T> {
  readonly topic: Uint8Array
  readonly payload: Codec<T>
}

const topic = <T>(name: string, payload: Codec<T>): TopicOf<T> => ({ topic: utf8(name), payload })

/** Topics of the reference (mq.md section 7) and, under `phalanx/`, ours. */
export const TOPICS = {
  systemEvent: topic('phala/system/event', SystemEvent),
  gatekeeperLaunch: topic('phala/gatekeeper/launch', GatekeeperLaunch),
  gatekeeperChange: topic('phala/gatekeeper/change', GatekeeperChange),
  workingReport: topic('phala/mining/report', WorkingReportEvent),
  registryEvent: topic('^phala/registry/event', RegistryEvent),
  /** A worker announces its fresh ECDH key; the finalised message is the key's anchor. */
  ecdhKey: topic('phalanx/registry/ecdh-key', EcdhKeyAnnouncement),
  /** What workers must learn from the registry's state. */
  registryNotice: topic('phalanx/registry/notice', RegistryNotice),
} as const

/** Builds a message for a topic. */
export const createMessage = <T>(sender: MessageOrigin, to: TopicOf<T>, payload: T): Message => ({
  sender,
  destination: to.topic,
  payload: to.payload.encode(payload),
})
