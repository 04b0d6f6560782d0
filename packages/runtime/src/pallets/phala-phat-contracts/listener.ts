/** Owns what clusters do when sessions of their workers stop or lose stake. */
import type { ComputationListener } from '../phala-computation/listeners.ts'
import { isStaked } from './duties.ts'
import { leaveCluster } from './membership.ts'

/** Tells clusters of sessions. */
export const phatContractsListener: ComputationListener = {
  onStopped: (ctx, { worker }) => leaveCluster(ctx, worker, { kind: 'SessionStopped' }),
  onSlashed(ctx, { worker }) {
    if (worker !== undefined && !isStaked(ctx, worker)) leaveCluster(ctx, worker, { kind: 'StakeTooLow' })
  },
}
