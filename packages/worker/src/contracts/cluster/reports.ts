/**
 * Owns the comparison with the other workers: the state's root and the receipts' root are reported after blocks in which the chain had the cluster do something
 * and every so often; a worker whose state is not the one that more than half reported says so and serves no queries.
 */
import { bytesEqual, toHex } from '@phalanx/primitives/bytes'
import { TOPICS, type ClusterNotice } from '@phalanx/primitives/messages'
import { logEffect } from '../../core/effects.ts'
import { send, type Draft } from '../../system/draft.ts'
import { withReceipts } from './recent-receipts.ts'
import { rootOfReceipts } from './receipts.ts'
import { REPORTED_STATES_MAX, type StatePoint } from './state.ts'
import { runningCluster, updateCluster } from './work.ts'

/** So many of the latest reported states are kept themselves, for members that join. */
const STATES_KEPT = 16
/** The chain takes reports about blocks up to this old. */
const REPORT_WINDOW_BLOCKS = 1000

/** At the end of a block: notes the state, where it is one to be compared, and keeps the receipts. */
export const noteState = (draft: Draft): void => {
  const cluster = runningCluster(draft)
  if (cluster === undefined) return
  const { number } = draft.block
  const { receipts, isActive } = draft.cluster
  const { reportIntervalBlocks } = draft.state.clusters.parameters
  if (!isActive && number % reportIntervalBlocks !== 0) return
  const receiptsRoot = rootOfReceipts(draft.crypto, receipts)
  const { contracts } = cluster
  const reported = [...cluster.reported, { block: number, stateRoot: contracts.root, receiptsRoot, contracts }].slice(-REPORTED_STATES_MAX)
  const oldest = reported.length - STATES_KEPT - 1
  const last = reported[oldest]
  if (last !== undefined) reported[oldest] = { ...last, contracts: undefined }
  updateCluster(draft, { reported, ...(receipts.length === 0 ? {} : { receipts: withReceipts(cluster.receipts, { block: number, root: receiptsRoot, receipts }) }) })
}

/** After the last block of a step: reports what was not reported yet and not agreed on by others meanwhile. */
export const sendReports = (draft: Draft): void => {
  const cluster = runningCluster(draft)
  if (cluster === undefined) return
  const due = cluster.reported.filter(({ block }) => block > cluster.reportedUpTo && block + REPORT_WINDOW_BLOCKS > draft.block.number)
  for (const { block, stateRoot, receiptsRoot } of due) send(draft, TOPICS.clusterState, { cluster: cluster.id, block, stateRoot, receiptsRoot })
  if (due.length > 0) updateCluster(draft, { reportedUpTo: draft.block.number })
}

const isSame = (a: StatePoint, b: Omit<StatePoint, 'block'>): boolean => bytesEqual(a.stateRoot, b.stateRoot) && bytesEqual(a.receiptsRoot, b.receiptsRoot)

/** More than half of the workers hold this state. */
export const compareAgreed = (draft: Draft, agreed: Extract<ClusterNotice, { kind: 'StateAgreed' }>['value']): void => {
  const cluster = runningCluster(draft, agreed.cluster)
  const own = cluster?.reported.find(({ block }) => block === agreed.block)
  if (cluster === undefined || own === undefined) return
  const reported = cluster.reported.filter((one) => one !== own)
  if (isSame(own, agreed)) {
    const isNewer = cluster.agreed === undefined || cluster.agreed.block < own.block
    return updateCluster(draft, { reported, agreed: isNewer && own.contracts !== undefined ? own : cluster.agreed })
  }
  updateCluster(draft, { reported, differsSince: cluster.differsSince ?? own.block })
  draft.effects.push(logEffect('error', 'alarm: this worker\'s cluster differs from the other workers\'', { block: own.block, cluster: toHex(cluster.id) }))
}
