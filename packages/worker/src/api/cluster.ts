/** Owns the methods by which a worker that joins a running cluster is given its state. */
import { Empty } from './common.ts'
import { KIB, MIB, bytes, message, method, optional, string, uint32 } from './schema.ts'

/**
 * A worker's request for its cluster's state. `receiver` and `signature` in hex as in the reference, where the request has no bytes of its own;
 * `encodedRequest` is SCALE ClusterStateRequest, which counts.
 */
const SaveClusterStateArguments = message('SaveClusterStateArguments', {
  receiver: string(1), minBlockNumber: uint32(2), signature: string(3), encodedRequest: optional(bytes(16)),
})

/** A cluster's state after block `blockNumber`, sealed to whoever asked. `filename` is empty: the bytes are here. */
const SaveClusterStateResponse = message('SaveClusterStateResponse', { blockNumber: uint32(1), filename: string(2), encodedState: optional(bytes(16)) })

/** Methods of the service PhactoryAPI. */
export const clusterStateMethods = {
  GenerateClusterStateRequest: method({
    doc: 'Asks for the state of the cluster that this worker belongs to and cannot run yet; hand the answer to SaveClusterState of another member.',
    params: Empty, result: SaveClusterStateArguments, access: 'private', kind: 'command', limitBytes: KIB,
  }),
  SaveClusterState: method({
    doc: 'The latest state that the cluster\'s members agreed on, sealed to the member that asks.',
    params: SaveClusterStateArguments, result: SaveClusterStateResponse, access: 'public', kind: 'query', limitBytes: 2 * KIB,
  }),
  LoadClusterState: method({
    doc: 'Takes over a cluster\'s state whose root the chain said is agreed on, and does what followed it.',
    params: SaveClusterStateResponse, result: Empty, access: 'private', kind: 'command', limitBytes: 100 * MIB,
  }),
} as const
