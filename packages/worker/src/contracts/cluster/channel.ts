/**
 * Owns what a cluster says to the chain: every worker of it says the same under the same numbers and one of them is heard. What a worker cannot say for
 * want of a key it leaves to the others; if nobody says it for long, or nobody needs it any more, it says nothing under that number, so that what follows is heard.
 */
import { bytesEqual } from '@phalanx/primitives/bytes'
import { struct, vecUpTo, type TypeOf } from '@phalanx/primitives/codec'
import { CHANNEL_KEYS_MAX, createMessage, SignedMessage, TOPICS, type TopicOf } from '@phalanx/primitives/messages'
import { adoptMessages, channelOf, EGRESS_MESSAGES_MAX, enqueueAt, fillGap, type EgressSigner } from '../../core/mq.ts'
import type { LiveState } from '../../core/state.ts'
import type { Draft } from '../../system/draft.ts'
import { contractChannelKey, openEpochs } from './keyring.ts'
import { recordOf, updateRecord } from './records.ts'
import { ChannelGaps, type ClusterState, type EpochFact } from './state.ts'
import { clusterOrigin, membershipOf, runningCluster, setCluster, updateCluster } from './work.ts'

/** Blocks for which a number is left to the others. */
const GAP_BLOCKS = 30

const signerOf = (draft: Draft, cluster: ClusterState): EgressSigner => ({ crypto: draft.crypto, secret: cluster.secret.reveal(), entropy: draft.signer.entropy })

/** Says something as the cluster; undefined: cannot be said here. */
const sayAsCluster = <T>(draft: Draft, to: TopicOf<T>, payload: T | undefined): void => {
  const cluster = runningCluster(draft)
  if (cluster === undefined) return
  const sender = clusterOrigin(cluster.id)
  const { sequence } = recordOf(cluster)
  const message = payload === undefined ? undefined : createMessage(sender, to, payload)
  const channel = channelOf(draft.state.egress, sender)
  const isOpen = sequence >= channel.sequence && !channel.messages.some((waiting) => waiting.sequence === sequence)
  draft.state = { ...draft.state, egress: enqueueAt(draft.state.egress, { sender, message, sequence }, signerOf(draft, cluster)) }
  const gaps = message === undefined && isOpen ? [...cluster.gaps, { sequence, since: draft.block.number }] : cluster.gaps
  setCluster(draft, { ...updateRecord(cluster, { sequence: sequence + 1n }), gaps })
}

/** Tells the chain that a contract runs. */
export const sayContract = (draft: Draft, contract: { readonly contract: Uint8Array; readonly pubkey: Uint8Array; readonly deployer: Uint8Array }): void =>
  sayAsCluster(draft, TOPICS.contractRegistryEvent, { kind: 'PubkeyAvailable', value: contract })

/** Tells the chain the channel keys of these contracts in the epoch in force, if there is one. */
export const sayChannelKeys = (draft: Draft, contracts: readonly Uint8Array[]): void => {
  const current = membershipOf(draft)?.epochs.at(-1)
  const cluster = runningCluster(draft)
  if (current === undefined || cluster === undefined) return
  const held = cluster.epochs.find(({ epoch }) => epoch === current.epoch)
  for (let at = 0; at < contracts.length; at += CHANNEL_KEYS_MAX) {
    const keys = contracts.slice(at, at + CHANNEL_KEYS_MAX)
    sayAsCluster(draft, TOPICS.clusterChannel, held === undefined ? undefined : {
      kind: 'ContractPubkeys',
      value: { epoch: current.epoch, keys: keys.map((id) => [id, publicChannelKey(draft, held.key, id)] as const) },
    })
  }
}

const publicChannelKey = (draft: Draft, epoch: Parameters<typeof contractChannelKey>[1], contract: Uint8Array): Uint8Array => {
  const { publicKey, secret } = contractChannelKey(draft.crypto, epoch, contract)
  secret.reveal().fill(0)
  return publicKey
}

/** The running cluster's epochs, after facts or keys changed. */
export const refreshEpochs = (draft: Draft): void => {
  const cluster = runningCluster(draft)
  if (cluster !== undefined) updateCluster(draft, { epochs: openEpochs(membershipOf(draft)?.epochs ?? [], draft.state.clusterKeys) })
}

/** Puts the epochs that the chain told into the record, where they differ. */
export const recordEpochs = (draft: Draft, epochs: readonly EpochFact[]): void => {
  const cluster = runningCluster(draft)
  if (cluster !== undefined && !sameEpochs(recordOf(cluster).epochs, epochs)) setCluster(draft, updateRecord(cluster, { epochs }))
}

const sameEpochs = (a: readonly EpochFact[], b: readonly EpochFact[]): boolean =>
  a.length === b.length && a.every(({ epoch, retireAt, isAnnounced }, i) => epoch === b[i]?.epoch && retireAt === b[i].retireAt && isAnnounced === b[i].isAnnounced)

/** The chain has counted messages of the cluster: numbers that it has are no gaps any more. */
export const noteCounted = (draft: Draft, next: bigint): void => {
  const cluster = runningCluster(draft)
  if (cluster !== undefined && cluster.gaps.some(({ sequence }) => sequence < next)) updateCluster(draft, { gaps: cluster.gaps.filter(({ sequence }) => sequence >= next) })
}

/**
 * Fills numbers that nobody used for long with a message that says nothing. What was left out are keys of an epoch: once another began nobody waits for them, and
 * what waits behind that number are the keys that everybody wants.
 */
export const fillGaps = (draft: Draft): void => {
  const cluster = runningCluster(draft)
  const current = membershipOf(draft)?.epochs.at(-1)
  const now = draft.block.number
  const due = cluster?.gaps.filter(({ since }) => now >= since + GAP_BLOCKS || since < (current?.since ?? 0)) ?? []
  if (cluster === undefined || due.length === 0) return
  const epoch = current?.epoch ?? 0n
  for (const { sequence } of due) {
    const message = createMessage(clusterOrigin(cluster.id), TOPICS.clusterChannel, { kind: 'ContractPubkeys', value: { epoch, keys: [] } })
    draft.state = { ...draft.state, egress: fillGap(draft.state.egress, message, sequence, signerOf(draft, cluster)) }
  }
  updateCluster(draft, { gaps: cluster.gaps.filter((gap) => !due.includes(gap)) })
}

/** Numbers of the cluster's channel that are assigned and of which the chain has not heard: what waits under them, and which are left to others. */
export const OpenNumbers = struct({ messages: vecUpTo(SignedMessage, EGRESS_MESSAGES_MAX), gaps: ChannelGaps })

/** What a member knows of open numbers, for one that joins. */
export const openNumbersOf = ({ egress }: LiveState, { id, gaps }: ClusterState): TypeOf<typeof OpenNumbers> => ({ messages: channelOf(egress, clusterOrigin(id)).messages, gaps })

/**
 * Takes over open numbers from before the state at which the cluster begins here: without them nobody would know of them once whoever gave them is gone, and the
 * chain would wait for them for good. Later numbers are assigned here.
 */
export const adoptNumbers = (draft: Draft, { messages, gaps }: TypeOf<typeof OpenNumbers>): void => {
  const cluster = runningCluster(draft)
  if (cluster === undefined) return
  const sender = clusterOrigin(cluster.id)
  const { sequence: begin } = recordOf(cluster)
  const isOfCluster = ({ message }: SignedMessage): boolean => message.sender.kind === 'Cluster' && bytesEqual(message.sender.value, cluster.id)
  const egress = adoptMessages(draft.state.egress, sender, messages.filter((one) => one.sequence < begin && isOfCluster(one)))
  const channel = channelOf(egress, sender)
  const isOpen = (sequence: bigint): boolean => sequence >= channel.sequence && sequence < begin && !channel.messages.some((waiting) => waiting.sequence === sequence)
  draft.state = { ...draft.state, egress }
  updateCluster(draft, { gaps: gaps.filter(({ sequence }) => isOpen(sequence)) })
}
