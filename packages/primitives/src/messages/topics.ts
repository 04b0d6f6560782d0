/** Owns the list of topics, each bound to the codec of its payload. Payload types live in one file per area. */
import { utf8 } from '../bytes.ts'
import type { Codec } from '../codec/index.ts'
import {
  ClusterChannelEvent, ClusterEpochCandidate, ClusterEpochKeys, ClusterEvent, ClusterKeyRequest, ClusterNotice, ClusterOperation, ClusterRegistryEvent, ClusterStateReport,
  WorkerClusterReport,
} from './cluster.ts'
import { CommandPayload, contractCommandTopic, ContractOperation, ContractRegistryEvent } from './contract.ts'
import { GatekeeperEvent, WorkingInfoUpdateEvent } from './economics.ts'
import { GatekeeperChange, GatekeeperLaunch } from './gatekeeper.ts'
import { GatekeeperRegistryEvent, KeyDistribution, MasterKeyRotationEvent } from './gatekeeper-keys.ts'
import {
  GatekeeperKeyRequest, GatekeeperNotice, GatekeeperStatePart, GatekeeperVote, RegistrationEvidence, RegistrationVerdict,
} from './gatekeeper-outcome.ts'
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
  gatekeeperEvent: topic('phala/gatekeeper/event', GatekeeperEvent),
  workingUpdate: topic('^phala/mining/update', WorkingInfoUpdateEvent),
  registryEvent: topic('^phala/registry/event', RegistryEvent),
  keyDistribution: topic('phala/gatekeeper/key', KeyDistribution),
  gatekeeperRegistryEvent: topic('^phala/registry/gk_event', GatekeeperRegistryEvent),
  clusterEvent: topic('phala/cluster/event', ClusterEvent),
  clusterOperation: topic('phala/cluster/key', ClusterOperation),
  contractOperation: topic('phala/contract/op', ContractOperation),
  workerClusterReport: topic('phala/cluster/worker/report', WorkerClusterReport),
  clusterRegistryEvent: topic('^phala/registry/cluster', ClusterRegistryEvent),
  contractRegistryEvent: topic('^phala/registry/contract', ContractRegistryEvent),
  /** A gatekeeper's vote on an outcome of its replay. */
  gatekeeperVote: topic('^phalanx/gatekeeper/vote', GatekeeperVote),
  /** A listed gatekeeper asks for the master key. */
  gatekeeperKeyRequest: topic('^phalanx/gatekeeper/key-request', GatekeeperKeyRequest),
  /** A gatekeeper proposes the next master key. */
  rotationCandidate: topic('^phalanx/gatekeeper/candidate', MasterKeyRotationEvent),
  /** The gatekeepers' verdict on a registration. */
  registrationVerdict: topic('^phalanx/gatekeeper/verdict', RegistrationVerdict),
  /** What a joining gatekeeper has to know of the past. */
  gatekeeperState: topic('phalanx/gatekeeper/state', GatekeeperStatePart),
  /** Evidence of a registration, for gatekeepers to judge. */
  registrationEvidence: topic('phalanx/gatekeeper/evidence', RegistrationEvidence),
  /** What the chain tells gatekeepers. */
  gatekeeperNotice: topic('phalanx/gatekeeper/notice', GatekeeperNotice),
  /** A worker announces its fresh ECDH key; the finalised message is the key's anchor. */
  ecdhKey: topic('phalanx/registry/ecdh-key', EcdhKeyAnnouncement),
  /** What workers must learn from the registry's state. */
  registryNotice: topic('phalanx/registry/notice', RegistryNotice),
  /** What workers and gatekeepers must learn of clusters from the chain's state. */
  clusterNotice: topic('phalanx/cluster/notice', ClusterNotice),
  /** A gatekeeper proposes an epoch's channel secret. */
  clusterEpochCandidate: topic('^phalanx/cluster/epoch-candidate', ClusterEpochCandidate),
  /** A worker lacks its cluster's keys. */
  clusterKeyRequest: topic('^phalanx/cluster/key-request', ClusterKeyRequest),
  /** The chain hands out an epoch's channel secrets. */
  clusterEpochKeys: topic('phalanx/cluster/epoch-key', ClusterEpochKeys),
  /** Public channel keys of an epoch. */
  clusterChannel: topic('^phalanx/cluster/channel', ClusterChannelEvent),
  /** A worker tells the root of its cluster's state. */
  clusterState: topic('^phalanx/cluster/state', ClusterStateReport),
} as const

/** Builds a message for a topic. */
export const createMessage = <T>(sender: MessageOrigin, to: TopicOf<T>, payload: T): Message => ({
  sender,
  destination: to.topic,
  payload: to.payload.encode(payload),
})

/** The topic on which a contract hears commands. */
export const commandTopicOf = (contract: Uint8Array): TopicOf<CommandPayload> => ({ topic: contractCommandTopic(contract), payload: CommandPayload })
