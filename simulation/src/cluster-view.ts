/** Owns what one sees of the simulated world's cluster: on the chain, and on its workers from inside. Changes nothing. */
import { bytesEqual, parseHex, toHex } from '@phalanx/primitives/bytes'
import type { ChannelTarget } from '@phalanx/primitives/contracts'
import { clusterIdOf } from '@phalanx/primitives/messages'
import { phalaComputationStorage as computation, phalaPhatContractsStorage as phat, phalaRegistryStorage as registry } from '@phalanx/runtime/storage'
import type { Node } from '@phalanx/node'
import type { LiveState } from '@phalanx/worker/testing'
import { readHead } from './orders.ts'
import type { World, WorkerPlace } from './world-types.ts'

/** A cluster on the chain at the node's head. */
export interface ClusterOnChain {
  readonly id: Uint8Array
  readonly owner: Uint8Array
  readonly members: readonly Uint8Array[]
  readonly systemContract: Uint8Array
  /** Whether its system contract has said its key, and an epoch has begun. */
  readonly isOpen: boolean
}

/** The newest cluster, while there is one. */
export const clusterOf = (world: World, node: Node): ClusterOnChain | undefined => {
  const read = <K extends readonly unknown[], T>(item: Parameters<typeof readHead<K, T>>[2], ...key: K): T => readHead(node, world.crypto, item, ...key)
  const id = clusterIdOf(read(phat.clusterCounter))
  const info = read(phat.clusters, id)
  if (info === undefined) return undefined
  const epoch = read(phat.clusterEpoch, id)
  const isOpen = epoch !== undefined && epoch.current > 0n && read(registry.contractKeys, info.systemContract) !== undefined
  return { id, owner: info.owner, members: read(phat.clusterWorkers, id), systemContract: info.systemContract, isOpen }
}

/** A worker from inside, while it follows the chain. */
export const liveOf = ({ worker }: WorkerPlace): LiveState | undefined => {
  const state = worker?.inspect()
  return state?.kind === 'live' ? state : undefined
}

/** The place of a worker by its identity. */
export const placeOf = (world: World, identity: Uint8Array): WorkerPlace | undefined => world.workers.find((place) => place.identity === toHex(identity))

/** Whether a cluster runs at a place. */
export const runsAt = (place: WorkerPlace | undefined, cluster: Uint8Array): boolean => {
  const running = place === undefined ? undefined : liveOf(place)?.cluster
  return running !== undefined && bytesEqual(running.id, cluster)
}

/** File of the sealed secrets of a worker's cluster. */
export const CLUSTER_FILE = 'cluster.seal'

/** Whether a worker took in the chain's newest block and is, by the chain, still in a cluster: what it holds will not be erased by blocks that it has not seen. */
const isMemberNow = (world: World, place: WorkerPlace, cluster: Uint8Array): boolean => {
  const node = world.node()
  const live = liveOf(place)
  if (node === undefined || live === undefined || live.follow.head.number < node.head().number) return false
  const home = readHead(node, world.crypto, phat.clusterByWorkers, live.keys.identity.publicKey)
  return home !== undefined && bytesEqual(home, cluster)
}

/** Whether a worker can do without what it knows of its cluster: it has none, or another member runs it up to the newest block and has its secrets on its disk. */
export const maySpareCluster = (world: World, place: WorkerPlace): boolean => {
  const live = liveOf(place)
  const id = live?.clusters.membership?.cluster
  if (live === undefined || id === undefined) return place.worker !== undefined
  return world.workers.some((other) => other !== place && runsAt(other, id) && other.disk.isAsWritten(CLUSTER_FILE) && isMemberNow(world, other, id))
}

/** State of a worker's session by name. */
export const sessionOf = (world: World, node: Node, worker: Uint8Array): string => {
  const session = readHead(node, world.crypto, computation.workerBindings, worker)
  const info = session === undefined ? undefined : readHead(node, world.crypto, computation.sessions, session)
  return info?.state.kind ?? 'none'
}

/** Workers that may enter a cluster: they compute, are no gatekeepers and in no cluster. */
export const candidatesOf = (world: World, node: Node): readonly Uint8Array[] =>
  world.workers.slice(world.options.gatekeepers).flatMap(({ identity }) => {
    const pubkey = identity === undefined ? undefined : parseHex(identity)
    if (pubkey === undefined || readHead(node, world.crypto, phat.clusterByWorkers, pubkey) !== undefined) return []
    return sessionOf(world, node, pubkey) === 'WorkerIdle' ? [pubkey] : []
  })

/** A contract's channel key of an epoch in which commands count: the one in force, or any that is still open. */
export const targetsOf = (world: World, node: Node, where: { readonly cluster: Uint8Array; readonly contract: Uint8Array }): readonly ChannelTarget[] =>
  readHead(node, world.crypto, phat.openEpochs, where.cluster).flatMap(({ epoch, anchor }) => {
    const publicKey = readHead(node, world.crypto, phat.contractChannelKeys, where.contract, epoch)
    return publicKey === undefined || anchor === undefined ? [] : [{ genesis: node.genesisHash, epoch, anchor, publicKey }]
  })
