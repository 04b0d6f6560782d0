/**
 * Owns which part of the state a worker must be shown to begin at a block in the middle of the chain, and what that part says: everything that it
 * would otherwise have learned from messages since genesis. Nodes prove these keys, workers read them; whoever lets workers act on another piece
 * of state adds it here.
 */
import type { AttestationPolicy } from '@phalanx/attestation'
import type { AuthorityList } from '@phalanx/primitives/chain'
import { NO_STANDING, type ClusterParameters, type MessageOrigin, type WorkerStanding } from '@phalanx/primitives/messages'
import type { KeyHasher } from './frame/overlay.ts'
import { authorities, currentSetId } from './pallets/grandpa/storage.ts'
import { offchainIngress, workerStanding } from './pallets/phala-mq/storage.ts'
import {
  clusterByWorkers, clusterEpoch, clusterParameters, clusterWorkers, openEpochs, pinkRuntimeVersion, pinkSystemCode,
} from './pallets/phala-phat-contracts/storage.ts'
import type { OpenEpoch } from './pallets/phala-phat-contracts/types.ts'
import { allowList, attestationPolicy, consensusVersion, ecdhEpoch, ecdhKeys, gatekeeper, measurementAddedAt, minimumVersion } from './pallets/phala-registry/storage.ts'
import { blockHash } from './pallets/system/storage.ts'

/** What the state says about the cluster of one worker. */
export interface OwnClusterView {
  readonly cluster: Uint8Array
  readonly members: readonly Uint8Array[]
  /** Whether its members were sent the cluster's key: it runs, or is about to. */
  readonly isDeployed: boolean
  /** Epochs that began and still open something after the block, ascending. The anchor is absent where it is the block itself. */
  readonly epochs: readonly OpenEpoch[]
}

/** What the state says about all clusters. */
export interface ClustersView {
  /** Code of system contracts; absent where there is none. */
  readonly systemCode: { readonly version: number; readonly code: Uint8Array } | undefined
  readonly runtimeVersion: readonly [major: number, minor: number] | undefined
  readonly parameters: ClusterParameters
}

/** What the state says about one worker; all absent for one that it does not know. */
export interface OwnView {
  readonly standing: WorkerStanding
  /** The ECDH key that was anchored last. */
  readonly anchor: { readonly epoch: bigint; readonly ecdhPubkey: Uint8Array } | undefined
  /** Next sequence that the chain expects of it; undefined before its first message. */
  readonly nextSequence: bigint | undefined
  /** The cluster that it is in. */
  readonly cluster: OwnClusterView | undefined
}

/** What the state says to every worker, and to one. */
export interface CheckpointView {
  readonly genesisHash: Uint8Array
  readonly authorities: AuthorityList
  readonly setId: bigint
  readonly minimumVersion: readonly [major: number, minor: number, patch: number]
  readonly consensusVersion: number
  /** In the order in which they were admitted. */
  readonly allowedMeasurements: readonly Uint8Array[]
  /** Identities that are gatekeepers: what those know is not in the state, so that none of them can begin here. */
  readonly gatekeepers: readonly Uint8Array[]
  readonly clusters: ClustersView
  readonly own: OwnView | undefined
}

/** Value of a storage key. Throws where it cannot tell. */
export type ReadKey = (key: Uint8Array) => Uint8Array | undefined

const GENESIS_NUMBER = 0
const senderOf = (worker: Uint8Array): MessageOrigin => ({ kind: 'Worker', value: worker })

const readOwnCluster = (hasher: KeyHasher, read: ReadKey, worker: Uint8Array): OwnClusterView | undefined => {
  const cluster = clusterByWorkers.decode(read(clusterByWorkers.key(hasher, worker)))
  if (cluster === undefined) return undefined
  return {
    cluster,
    members: clusterWorkers.decode(read(clusterWorkers.key(hasher, cluster))),
    isDeployed: (clusterEpoch.decode(read(clusterEpoch.key(hasher, cluster)))?.requested ?? 0n) > 0n,
    epochs: openEpochs.decode(read(openEpochs.key(hasher, cluster))),
  }
}

const readClusters = (hasher: KeyHasher, read: ReadKey): ClustersView => {
  const [version, code] = pinkSystemCode.decode(read(pinkSystemCode.key(hasher)))
  return {
    systemCode: code.length === 0 ? undefined : { version, code },
    runtimeVersion: pinkRuntimeVersion.decode(read(pinkRuntimeVersion.key(hasher))),
    parameters: clusterParameters.decode(read(clusterParameters.key(hasher))),
  }
}

const readOwn = (hasher: KeyHasher, read: ReadKey, worker: Uint8Array): OwnView => {
  const epoch = ecdhEpoch.decode(read(ecdhEpoch.key(hasher, worker)))
  const anchored = epoch === undefined ? undefined : ecdhKeys.decode(read(ecdhKeys.key(hasher, worker, epoch)))
  return {
    standing: workerStanding.decode(read(workerStanding.key(hasher, worker))) ?? NO_STANDING,
    anchor: epoch === undefined || anchored === undefined ? undefined : { epoch, ecdhPubkey: anchored.ecdhPubkey },
    nextSequence: offchainIngress.decode(read(offchainIngress.key(hasher, senderOf(worker)))),
    cluster: readOwnCluster(hasher, read, worker),
  }
}

/** Reads the view. @throws what `read` throws, CODEC_ codes */
export const readCheckpointView = (hasher: KeyHasher, read: ReadKey, worker: Uint8Array | undefined): CheckpointView => ({
  genesisHash: blockHash.decode(read(blockHash.key(hasher, GENESIS_NUMBER))),
  authorities: authorities.decode(read(authorities.key(hasher))),
  setId: currentSetId.decode(read(currentSetId.key(hasher))),
  minimumVersion: minimumVersion.decode(read(minimumVersion.key(hasher))),
  consensusVersion: consensusVersion.decode(read(consensusVersion.key(hasher))),
  allowedMeasurements: allowList.decode(read(allowList.key(hasher))),
  gatekeepers: gatekeeper.decode(read(gatekeeper.key(hasher))),
  clusters: readClusters(hasher, read),
  own: worker === undefined ? undefined : readOwn(hasher, read, worker),
})

/** Storage keys that the view of a state is read from, absent ones included. */
export const checkpointKeys = (hasher: KeyHasher, read: ReadKey, worker: Uint8Array | undefined): readonly Uint8Array[] => {
  const keys: Uint8Array[] = []
  readCheckpointView(hasher, (key) => {
    keys.push(key)
    return read(key)
  }, worker)
  return keys
}

/** Under what rules the chain admits code: what two workers judge each other by. */
export interface AdmissionView {
  readonly policy: AttestationPolicy
  /** Admitted measurements and the block in which each was. */
  readonly measurements: readonly { readonly measurement: Uint8Array; readonly addedAt: number | undefined }[]
}

/** Reads the rules of admission. @throws what `read` throws, CODEC_ codes */
export const readAdmission = (hasher: KeyHasher, read: ReadKey): AdmissionView => ({
  policy: attestationPolicy.decode(read(attestationPolicy.key(hasher))),
  measurements: allowList.decode(read(allowList.key(hasher))).map((measurement) => (
    { measurement, addedAt: measurementAddedAt.decode(read(measurementAddedAt.key(hasher, measurement))) })),
})

/** Storage keys that the rules of admission are read from. */
export const admissionKeys = (hasher: KeyHasher, read: ReadKey): readonly Uint8Array[] => {
  const keys: Uint8Array[] = []
  readAdmission(hasher, (key) => {
    keys.push(key)
    return read(key)
  })
  return keys
}
