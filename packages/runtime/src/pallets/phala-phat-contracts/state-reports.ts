/**
 * Owns the comparison of what workers of a cluster hold: each reports the root of the state after a block and the root over the block's receipts. What
 * more than half of the workers say is the cluster's; a worker that says otherwise is named. Workers that say nothing do not count: one that waits for the state of the
 * others could not have it otherwise, where without it they are no more than half. Does not own what follows: the cluster's owner decides.
 */
import { bytesEqual } from '@phalanx/primitives/bytes'
import { TOPICS, type ClusterStateReport } from '@phalanx/primitives/messages'
import { pushPalletMessage } from '../phala-mq/push.ts'
import { PHAT_CONTRACTS, type PhatContext } from './declaration.ts'
import { isMember } from './members.ts'
import * as storage from './storage.ts'
import type { ClusterState, StateProposal, StateReports } from './types.ts'

/** How many blocks long after its own a block may be reported; as long are the reports, the receipts' root among them, kept. */
export const REPORT_WINDOW_BLOCKS = 1200
/** A member that told no state for so many blocks, and for so many of the intervals in which all tell theirs, is taken for silent. */
const SILENT_BLOCKS = 60
const SILENT_INTERVALS = 2

const isSame = (a: ClusterState, b: ClusterState): boolean => bytesEqual(a.stateRoot, b.stateRoot) && bytesEqual(a.receiptsRoot, b.receiptsRoot)

const contains = (list: readonly Uint8Array[], one: Uint8Array): boolean => list.some((other) => bytesEqual(other, one))

const withReport = (proposals: readonly StateProposal[], state: ClusterState, worker: Uint8Array): readonly StateProposal[] =>
  proposals.some((proposal) => isSame(proposal.state, state))
    ? proposals.map((proposal) => (isSame(proposal.state, state) ? { state, workers: [...proposal.workers, worker] } : proposal))
    : [...proposals, { state, workers: [worker] }]

interface Case {
  readonly cluster: Uint8Array
  readonly block: number
}

const agree = (ctx: PhatContext, { cluster, block }: Case, state: ClusterState, others: readonly Uint8Array[]): void => {
  const last = storage.agreedState.get(ctx, cluster)
  if (last === undefined || last.block < block) storage.agreedState.set(ctx, cluster, { block, state })
  ctx.emit('ClusterStateAgreed', { cluster, block, ...state })
  pushPalletMessage(ctx, PHAT_CONTRACTS, TOPICS.clusterNotice, { kind: 'StateAgreed', value: { cluster, block, ...state } })
  for (const worker of others) ctx.emit('WorkerStateDiffers', { cluster, block, worker })
}

/** The members whose word counts: all but those that joined and have no state yet, and those from which nothing was heard for long. */
const speakers = (ctx: PhatContext, cluster: Uint8Array): readonly Uint8Array[] => {
  const patience = Math.max(SILENT_BLOCKS, SILENT_INTERVALS * storage.clusterParameters.get(ctx).reportIntervalBlocks)
  return storage.clusterWorkers.get(ctx, cluster).filter((worker) => {
    const at = storage.spokeAt.get(ctx, worker)
    return at !== undefined && ctx.block.number <= at + patience
  })
}

/** Settles what was reported, if it can be. Only reports of present members count. */
const settle = (ctx: PhatContext, about: Case, proposals: readonly StateProposal[]): ClusterState | undefined => {
  const members = speakers(ctx, about.cluster)
  const countOf = (proposal: StateProposal): number => proposal.workers.filter((worker) => contains(members, worker)).length
  const won = proposals.find((proposal) => countOf(proposal) * 2 > members.length)
  if (won !== undefined) agree(ctx, about, won.state, proposals.filter((one) => one !== won).flatMap(({ workers }) => workers))
  else if (proposals.reduce((sum, proposal) => sum + countOf(proposal), 0) === members.length) ctx.emit('ClusterStateDisputed', about)
  return won?.state
}

/** Counts a worker's report. Fails with ClusterNotFound, InvalidSender, StateReportOutOfRange, AlreadyReported. */
export const takeStateReport = (ctx: PhatContext, worker: Uint8Array, report: ClusterStateReport): void => {
  const { cluster, block, stateRoot, receiptsRoot } = report
  if (!storage.clusters.has(ctx, cluster)) ctx.fail('ClusterNotFound')
  if (!isMember(ctx, { worker, cluster })) ctx.fail('InvalidSender')
  if (block >= ctx.block.number || block + REPORT_WINDOW_BLOCKS < ctx.block.number) ctx.fail('StateReportOutOfRange')
  const before: StateReports = storage.stateReports.get(ctx, block, cluster) ?? { agreed: undefined, proposals: [] }
  if (before.proposals.some(({ workers }) => contains(workers, worker))) ctx.fail('AlreadyReported')
  storage.spokeAt.set(ctx, worker, ctx.block.number)
  const state = { stateRoot, receiptsRoot }
  const proposals = withReport(before.proposals, state, worker)
  if (before.agreed !== undefined && !isSame(before.agreed, state)) ctx.emit('WorkerStateDiffers', { cluster, block, worker })
  const agreed = before.agreed ?? settle(ctx, { cluster, block }, proposals)
  storage.stateReports.set(ctx, block, cluster, { agreed, proposals })
}

/** Forgets the reports about the block that falls out of the window; how many. */
export const pruneStateReports = (ctx: PhatContext): number => {
  const block = ctx.block.number - REPORT_WINDOW_BLOCKS - 1
  return block >= 0 ? storage.stateReports.clear(ctx, block) : 0
}
