/**
 * Owns the fetching of what a worker lacks of its cluster: its signed request goes to other members, one after another, and the first answer that the worker takes
 * is the end of it. Nothing of it can be read here: answers are sealed to the worker.
 */
import { concatBytes, toHex } from '@phalanx/primitives/bytes'
import type { Crypto } from '@phalanx/primitives/crypto'
import { AppError, isAppError } from '@phalanx/primitives/errors'
import { VersionedWorkerEndpoints } from '@phalanx/primitives/messages'
import { phalaPhatContractsStorage } from '@phalanx/runtime/storage'
import type { WorkerClient } from '@phalanx/sdk'
import type { NodePool } from './node-pool.ts'

/** Most addresses of members that are tried at a time. */
const ADDRESSES_MAX = 8

/** What joining works with. */
export interface JoinDependencies {
  readonly worker: WorkerClient
  readonly node: ReturnType<NodePool['pick']>
  readonly crypto: Pick<Crypto, 'twox64'>
  /** Workers at hand by identity in hex. */
  readonly peers: () => readonly { readonly identity: string; readonly url: string }[]
  readonly connectWorker: (url: string) => WorkerClient
  /** In [0, 1): with which member to begin. */
  readonly fraction: number
}

/** Addresses of a member: those at hand, then those that it announced. */
const addressesOf = async (member: Uint8Array, { node, crypto, peers }: JoinDependencies): Promise<readonly string[]> => {
  const identity = toHex(member)
  const near = peers().filter((peer) => peer.identity === identity).map(({ url }) => url)
  const prefix = (await node.metadata()).storagePrefix('PhalaRegistry', 'Endpoints')
  const announced = await node.storage(concatBytes(prefix, crypto.twox64(member), member))
  return announced === undefined ? near : [...near, ...VersionedWorkerEndpoints.decode(announced).value.filter((url) => /^https?:\/\//.test(url))]
}

const otherMembers = async (cluster: Uint8Array, identity: string, { node, crypto, fraction }: JoinDependencies): Promise<readonly Uint8Array[]> => {
  const prefix = (await node.metadata()).storagePrefix('PhalaPhatContracts', 'ClusterWorkers')
  const all = phalaPhatContractsStorage.clusterWorkers.decode(await node.storage(concatBytes(prefix, crypto.twox64(cluster), cluster)))
  const others = all.filter((member) => toHex(member) !== identity)
  const first = Math.floor(fraction * others.length)
  return [...others.slice(first), ...others.slice(0, first)]
}

/** Has the worker given what it lacks of a cluster (32-byte id). @throws RELAY_CLUSTER_STATE_NONE where no member that answers has it, the worker's own codes */
export const joinCluster = async (options: { readonly cluster: Uint8Array; readonly identity: string }, dependencies: JoinDependencies): Promise<void> => {
  const { worker, connectWorker } = dependencies
  const request = await worker.requestClusterState()
  let reason = 'it has no other members with an address'
  let tried = 0
  for (const member of await otherMembers(options.cluster, options.identity, dependencies)) {
    for (const url of await addressesOf(member, dependencies)) {
      if (tried++ >= ADDRESSES_MAX) break
      try {
        await worker.loadClusterState(await connectWorker(url).saveClusterState(request))
        return
      } catch (error) {
        if (!isAppError(error)) throw error
        reason = `${url}: ${error.message}`
      }
    }
  }
  throw new AppError('RELAY_CLUSTER_STATE_NONE', { reason })
}
