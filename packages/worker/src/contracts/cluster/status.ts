/** Owns the cluster's standing on this worker in words. */
import { toHex } from '@phalanx/primitives/bytes'
import type { LiveState } from '../../core/state.ts'
import { isAnchored } from '../../system/anchor.ts'

/** One sentence; undefined for a worker of no cluster. */
export const summarizeCluster = ({ cluster, joining, clusters }: LiveState): string | undefined => {
  if (cluster?.differsSince !== undefined) return `differs from the other workers since block ${cluster.differsSince}: it serves no queries, and takes their state when asked to join again`
  if (cluster !== undefined) return `runs ${cluster.deployed.length} contracts, last compared with the other workers at block ${cluster.agreed?.block ?? 'none'}`
  if (joining !== undefined) return `does not run here yet: ${joining.why}; ${joining.deploy === undefined && joining.state === undefined ? `it needs another member's state of block ${joining.since - 1} or later` : 'it waits for the key'}`
  return clusters.membership === undefined ? undefined : 'is being created'
}

/** Id (hex with 0x) of the cluster of which another member is to give the state or a key, once this worker can be sealed to; undefined where none is. */
export const awaitedCluster = (state: LiveState): string | undefined => {
  const { cluster, joining } = state
  if (!isAnchored(state)) return undefined
  if (cluster?.differsSince !== undefined) return toHex(cluster.id)
  return joining === undefined ? undefined : toHex(joining.cluster)
}
