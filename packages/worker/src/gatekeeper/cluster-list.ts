/**
 * Owns the list of clusters that gatekeepers keep: the same on each of them, also on one that was sent the past and replays what came after. Does not own
 * what gatekeepers do for a cluster (clusters.ts).
 */
import { bytesEqual } from '@phalanx/primitives/bytes'
import { isAppError } from '@phalanx/primitives/errors'
import { TOPICS, type ClusterEvent, type Message } from '@phalanx/primitives/messages'
import { CLUSTERS_MAX, type KnownCluster } from './state.ts'

/** First byte of an encoded `DestroyCluster`: the other operations are not for gatekeepers, and can be large. */
const DESTROY_INDEX = 1

/** Whether a message may change the list. */
export const isClusterChange = ({ sender, destination, payload }: Message): boolean =>
  sender.kind === 'Pallet'
  && (bytesEqual(destination, TOPICS.clusterEvent.topic) || (bytesEqual(destination, TOPICS.clusterOperation.topic) && payload[0] === DESTROY_INDEX))

/** Adds a cluster that is to be given a key; one that is known stays as it is. */
export const withCluster = (clusters: readonly KnownCluster[], event: ClusterEvent, block: number): readonly KnownCluster[] => {
  const { cluster: id, workers: _workers, ...terms } = event.value
  const isKnown = clusters.some((one) => bytesEqual(one.id, id))
  return isKnown || clusters.length >= CLUSTERS_MAX ? clusters : [...clusters, { id, since: block, terms }]
}

/** Forgets a cluster. */
export const withoutCluster = (clusters: readonly KnownCluster[], id: Uint8Array): readonly KnownCluster[] => clusters.filter((one) => !bytesEqual(one.id, id))

/** The list after a message of a block that was kept for later; what cannot be read changes nothing, as it did when it came. */
export const withClusterChange = (clusters: readonly KnownCluster[], message: Message, block: number): readonly KnownCluster[] => {
  if (!isClusterChange(message)) return clusters
  try {
    if (bytesEqual(message.destination, TOPICS.clusterEvent.topic)) return withCluster(clusters, TOPICS.clusterEvent.payload.decode(message.payload), block)
    const operation = TOPICS.clusterOperation.payload.decode(message.payload)
    return operation.kind === 'DestroyCluster' ? withoutCluster(clusters, operation.value) : clusters
  } catch (error) {
    if (!isAppError(error)) throw error
    return clusters
  }
}
