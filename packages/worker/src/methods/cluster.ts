/** Owns the handlers by which a running cluster's state goes from one member to another. */
import { toHexPlain } from '@phalanx/primitives/bytes'
import { AppError } from '@phalanx/primitives/errors'
import type { clusterStateMethods } from '../api/cluster.ts'
import type { Handlers } from '../api/schema.ts'
import { REQUEST_LIFE_BLOCKS, requestClusterState, saveClusterState } from '../contracts/cluster/snapshot.ts'
import { createEntropy } from '../core/entropy.ts'
import { assertLive } from '../core/step.ts'
import type { MethodContext } from './context.ts'

const NO_BYTES = new Uint8Array(0)

/** Handlers of `clusterStateMethods`. */
export const clusterStateHandlers: Handlers<typeof clusterStateMethods, MethodContext> = {
  async GenerateClusterStateRequest(context) {
    const { core } = context
    const known = assertLive(context.state())
    // One that differs from the others drops what it has: only theirs is of use.
    const state = known.cluster?.differsSince === undefined ? known : assertLive(await context.dispatch({ kind: 'rejoinCluster', value: { entropy: context.entropy() } }))
    const { encoded, atLeast } = requestClusterState(core.crypto, state, createEntropy(core.crypto, context.entropy()))
    return { receiver: toHexPlain(state.keys.identity.publicKey), minBlockNumber: atLeast, signature: '', encodedRequest: encoded }
  },
  SaveClusterState(context, { encodedRequest }) {
    const { core: { crypto }, contracts: { stateRequests } } = context
    if (encodedRequest === undefined) throw new AppError('CLUSTER_STATE_REFUSED', { reason: 'it holds no encoded_request' })
    const state = assertLive(context.state())
    const key = crypto.blake2b256(encodedRequest)
    stateRequests.assertUnused(key)
    const { block, sealed } = saveClusterState(crypto, state, encodedRequest, createEntropy(crypto, context.entropy()))
    // Whoever overheard the request could have a whole state sealed again and again.
    const { number } = state.follow.head
    stateRequests.use(key, { notAfter: number + 2 * REQUEST_LIFE_BLOCKS, blockNumber: number })
    return { blockNumber: block, filename: '', encodedState: sealed }
  },
  async LoadClusterState(context, { encodedState }) {
    const state = assertLive(await context.dispatch({ kind: 'loadClusterState', value: { encoded: encodedState ?? NO_BYTES, entropy: context.entropy() } }))
    if (state.failed !== undefined) throw new AppError('WORKER_HALTED', { reason: state.failed })
    return {}
  },
}
