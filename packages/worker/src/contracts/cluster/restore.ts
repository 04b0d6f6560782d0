/** Owns the bringing back of a cluster from a checkpoint and the sealed secrets, whichever of the two is older. */
import { bytesEqual } from '@phalanx/primitives/bytes'
import type { Crypto } from '@phalanx/primitives/crypto'
import type { LiveState, Restored } from '../../core/state.ts'
import type { ClusterKeyring } from './keyring.ts'
import { openEpochs } from './keyring.ts'
import { waitFor } from './joining.ts'
import { EMPTY_LOG_RING } from './log-ring.ts'
import { contractsFrom, readCluster } from './records.ts'
import type { ClusterState, StoredCluster } from './state.ts'

type Parts = Pick<LiveState, 'cluster' | 'joining' | 'clusterKeys'>

/**
 * Secrets that this state or blocks after it need: the file may be newer than the checkpoint and hold what later blocks brought, or older and hold what was
 * let go of already.
 */
const stillNeeded = ({ follow, clusters }: Restored, ring: ClusterKeyring): ClusterKeyring | undefined => {
  const { number } = follow.head
  const { membership } = clusters
  const isMember = membership !== undefined && bytesEqual(membership.cluster, ring.cluster)
  const isNeeded = (since: number): boolean => isMember || since > number
  const epochs = ring.epochs.filter(({ epoch, since }) => (isMember && membership.epochs.some((one) => one.epoch === epoch)) || since > number)
  const main = ring.main !== undefined && isNeeded(ring.main.since) ? ring.main : undefined
  return main === undefined && epochs.length === 0 ? undefined : { ...ring, main, epochs }
}

/** A running cluster out of its parts. */
export const runCluster = (
  crypto: Crypto, stored: Pick<StoredCluster, 'id' | 'entries'>, { ring, ...rest }: { readonly ring: ClusterKeyring } & Pick<ClusterState, 'receipts' | 'reported' | 'reportedUpTo' | 'differsSince' | 'gaps'>,
): ClusterState | undefined => {
  const contracts = contractsFrom(crypto, stored.entries)
  const read = readCluster(contracts)
  const main = ring.main?.key
  if (read === undefined || main === undefined || !bytesEqual(main.publicKey, read.record.publicKey)) return undefined
  const { runtimeVersion, systemCodeVersion, eventChain, epochs } = read.record
  return {
    id: stored.id, secret: main.secret, publicKey: main.publicKey, epochs: openEpochs(epochs, ring), contracts, deployed: read.deployed, nonces: read.nonces,
    logs: EMPTY_LOG_RING, runtimeVersion, systemCodeVersion, eventChain, agreed: undefined, ...rest,
  }
}

/** A cluster that ran here, out of what a checkpoint holds of it and its secrets. */
export const resumeCluster = (crypto: Crypto, stored: StoredCluster, ring: ClusterKeyring): ClusterState | undefined => {
  const { receipts, reported, reportedUpTo, differsSince, gaps } = stored
  return runCluster(crypto, stored, { ring, receipts, reported: reported.map((one) => ({ ...one, contracts: undefined })), reportedUpTo, differsSince, gaps })
}

/** What a restored worker knows of its cluster. One whose secrets are lost waits for its key, or another member's state. */
export const restoreCluster = (crypto: Crypto, restored: Restored, held: ClusterKeyring | undefined): Parts => {
  const clusterKeys = held === undefined ? undefined : stillNeeded(restored, held)
  const { cluster: stored, joining } = restored
  if (stored === undefined) return { cluster: undefined, joining, clusterKeys }
  const cluster = clusterKeys === undefined ? undefined : resumeCluster(crypto, stored, clusterKeys)
  if (cluster !== undefined) return { cluster, joining: undefined, clusterKeys }
  return {
    cluster: undefined, clusterKeys, joining: waitFor({ cluster: stored.id, since: restored.follow.head.number + 1, why: 'the sealed secrets of the cluster are lost', state: stored }),
  }
}
