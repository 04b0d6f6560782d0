/** Owns the notes about a block that a cluster keeps while the block is executed, and small accesses to the cluster's part of a draft. */
import { bytesEqual } from '@phalanx/primitives/bytes'
import type { MessageOrigin } from '@phalanx/primitives/messages'
import type { Draft } from '../../system/draft.ts'
import type { StoredReceipt } from './recent-receipts.ts'
import type { ClusterFacts, ClusterState, Membership } from './state.ts'

/** Notes about the block being executed. */
export interface ClusterWork {
  /** Receipts of its commands, in order. */
  receipts: StoredReceipt[]
  /** The cluster as it was when the block began. */
  before: ClusterState | undefined
  /** Place of the message being delivered in its block. */
  index: number
  /** Whether the chain had the cluster do anything. */
  isActive: boolean
  /** Whether in this step an epoch's secret came that was sealed to this worker. Unlike the others it lasts over blocks. */
  wasSentSecret: boolean
}

/** Notes about a block that has not begun. */
export const createClusterWork = (): ClusterWork => ({ receipts: [], before: undefined, index: 0, isActive: false, wasSentSecret: false })

/** Origin of a cluster's messages. */
export const clusterOrigin = (id: Uint8Array): MessageOrigin => ({ kind: 'Cluster', value: id })

/** Whether a key is this worker's identity. */
export const isOwn = (draft: Draft, pubkey: Uint8Array): boolean => bytesEqual(pubkey, draft.state.keys.identity.publicKey)

/** The cluster that runs here, if it is this one (or any). */
export const runningCluster = (draft: Draft, id?: Uint8Array): ClusterState | undefined => {
  const { cluster } = draft.state
  return cluster !== undefined && (id === undefined || bytesEqual(cluster.id, id)) ? cluster : undefined
}

/** Replaces the running cluster. */
export const setCluster = (draft: Draft, cluster: ClusterState | undefined): void => {
  draft.state = { ...draft.state, cluster }
}

/** Replaces part of the running cluster. */
export const updateCluster = (draft: Draft, change: Partial<ClusterState>): void => {
  const { cluster } = draft.state
  if (cluster !== undefined) setCluster(draft, { ...cluster, ...change })
}

/** Replaces part of what the chain told. */
export const updateFacts = (draft: Draft, change: Partial<ClusterFacts>): void => {
  draft.state = { ...draft.state, clusters: { ...draft.state.clusters, ...change } }
}

/** The worker's place in a cluster, if it is in this one (or any). */
export const membershipOf = (draft: Draft, cluster?: Uint8Array): Membership | undefined => {
  const { membership } = draft.state.clusters
  return membership !== undefined && (cluster === undefined || bytesEqual(membership.cluster, cluster)) ? membership : undefined
}

/** Whether the worker is known to be the only one of its cluster. */
export const isLone = (draft: Draft): boolean => {
  const members = membershipOf(draft)?.members ?? []
  return members.length === 1 && members.every((member) => isOwn(draft, member))
}

/** Replaces part of the worker's place in its cluster. */
export const updateMembership = (draft: Draft, change: Partial<Membership>): void => {
  const { membership } = draft.state.clusters
  if (membership !== undefined) updateFacts(draft, { membership: { ...membership, ...change } })
}
