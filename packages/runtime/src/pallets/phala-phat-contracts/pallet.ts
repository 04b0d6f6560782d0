/** Owns PhalaPhatContracts' calls and hooks (cluster_contracts.md section 3). What they do stands in the sibling files. */
import { assert } from '@phalanx/primitives/assert'
import { bytesEqual } from '@phalanx/primitives/bytes'
import { AccountId, Hash, Sr25519Public } from '@phalanx/primitives/chain'
import { bytesUpTo, option, tuple, u128, u32, u64, vecUpTo } from '@phalanx/primitives/codec'
import {
  CLUSTER_WORKERS_MAX, ClusterParameters, CodeIndex, COMMAND_BYTES_MAX, CONTRACT_INPUT_BYTES_MAX, ResourceType, SALT_BYTES_MAX, TOPICS,
} from '@phalanx/primitives/messages'
import { ensureRoot, ensureSigned } from '../../frame/origin.ts'
import { addWeights, weigh, writes, ZERO_WEIGHT, type Weight } from '../../frame/weight.ts'
import { ensureGovernance } from '../collective/origin.ts'
import { pushPalletMessage } from '../phala-mq/push.ts'
import { createCluster, destroyCluster, ensureOwner, transferToCluster } from './clusters.ts'
import { instantiateContract, pushContractMessage, uploadResource } from './contracts.ts'
import { PHAT_CONTRACTS, phatParts, type PhatContext } from './declaration.ts'
import { isStaked } from './duties.ts'
import { anchorEpochs, isDeployed, requestDueEpochs, requestEpoch } from './epochs.ts'
import { buildPhatGenesis, DEFAULT_PHAT_GENESIS, isSaneClusterParameters, phatGenesisShape } from './genesis.ts'
import { tellStrangers } from './keys.ts'
import { isMember } from './members.ts'
import { addWorker, removeWorker, setMinStake } from './membership.ts'
import { pruneStateReports } from './state-reports.ts'
import * as storage from './storage.ts'
import { applyNextSystemCode } from './system-code.ts'
import { ClusterPermission } from './types.ts'

/** Longest resource that a call can carry; above 2 MiB it is refused by name. */
const RESOURCE_ARGUMENT_BYTES_MAX = 4 * 1024 * 1024
/** Members that a raised least stake is reckoned to look at. */
const MEMBERS_LOOKED_AT = 2000
const TRANSFER_WEIGHT = weigh({ reads: 4, writes: 4 })
const MEMBER_WEIGHT = weigh({ reads: 12, writes: 6 })
/** Bytes that are hashed and logged in a microsecond. */
const BYTES_PER_MICRO = 200

const carrying = (base: Weight, ...payloads: readonly Uint8Array[]): Weight =>
  addWeights(base, weigh({ micros: Math.ceil(payloads.reduce((sum, { length }) => sum + length, 0) / BYTES_PER_MICRO) }))

const times = (count: number, weight: Weight): Weight => ({ refTime: weight.refTime * BigInt(count), proofSize: weight.proofSize * BigInt(count) })

const notice = (ctx: PhatContext, value: Parameters<typeof TOPICS.clusterNotice.payload.encode>[0]): void =>
  pushPalletMessage(ctx, PHAT_CONTRACTS, TOPICS.clusterNotice, value)

/** What must hold between blocks. */
const tryState = (ctx: PhatContext): void => {
  let members = 0
  for (const [[cluster], workers] of storage.clusterWorkers.entries(ctx)) {
    assert(storage.clusters.has(ctx, cluster) || workers.length === 0, 'workers are in clusters that exist')
    for (const worker of workers) {
      members++
      assert(isMember(ctx, { worker, cluster }), 'a worker knows its cluster')
      assert(isStaked(ctx, worker), 'a worker in a cluster computes with the least stake')
    }
  }
  assert(members === [...storage.clusterByWorkers.keys(ctx)].length, 'a cluster knows its workers, each once')
  for (const [[cluster], listed] of storage.clusterContracts.entries(ctx)) {
    for (const contract of listed) {
      const home = storage.contracts.get(ctx, contract)?.cluster
      assert(home !== undefined && bytesEqual(home, cluster), 'a listed contract is known and of the cluster')
    }
  }
  let queued = 0
  for (const [block, cluster] of storage.epochQueue.keys(ctx)) {
    queued++
    assert(storage.clusterEpoch.get(ctx, cluster)?.dueBlock === block, 'the epochs\' queue follows the epochs')
  }
  assert(queued === [...storage.clusterEpoch.keys(ctx)].length, 'every cluster\'s epoch is queued')
  for (const [[cluster], open] of storage.openEpochs.entries(ctx)) {
    assert(storage.clusterEpoch.get(ctx, cluster)?.current === open.at(-1)?.epoch, 'the last epoch that counts is the current one')
    assert(open.every(({ epoch, retireAt }, i) => (i === open.length - 1) === (retireAt === undefined) && epoch > (open[i - 1]?.epoch ?? 0n)), 'epochs ascend, and one is in force')
  }
  for (const [cluster] of storage.epochRenewals.keys(ctx)) assert(storage.clusterEpoch.has(ctx, cluster), 'epochs are wanted for clusters')
  for (const [worker] of storage.keyRequestedAt.keys(ctx)) assert(storage.clusterByWorkers.has(ctx, worker), 'keys are asked for by members')
  for (const [[cluster], { current, requested }] of storage.clusterEpoch.entries(ctx)) {
    assert(storage.clusters.has(ctx, cluster) && current <= requested, 'epochs are those of clusters and only grow')
  }
  assert(storage.clusterMinStake.get(ctx) > 0n, 'clusters ask for a stake')
}

/** PhalaPhatContracts, index 48. */
export const phalaPhatContracts = phatParts.withCalls(
  {
    addCluster: {
      index: 0,
      doc: 'Create a cluster of workers that compute with enough at stake; the owner pays the deposit.',
      args: {
        owner: AccountId, permission: ClusterPermission, deployWorkers: vecUpTo(Sr25519Public, CLUSTER_WORKERS_MAX), deposit: u128, gasPrice: u128,
        depositPerItem: u128, depositPerByte: u128, treasuryAccount: AccountId,
      },
      weight: ({ deployWorkers }) => addWeights(TRANSFER_WEIGHT, times(deployWorkers.length, MEMBER_WEIGHT), writes(6)),
      dispatch(ctx, origin, wish) {
        ensureGovernance(origin)
        createCluster(ctx, wish)
      },
    },
    clusterUploadResource: {
      index: 1,
      doc: 'Send code into a cluster. It is kept there under its hash; the cluster charges for it.',
      args: { clusterId: Hash, resourceType: ResourceType, resourceData: bytesUpTo(RESOURCE_ARGUMENT_BYTES_MAX) },
      weight: ({ resourceData }) => carrying(writes(1), resourceData),
      dispatch(ctx, origin, upload) {
        uploadResource(ctx, ensureSigned(origin), upload)
      },
    },
    transferToCluster: {
      index: 2,
      doc: 'Move tokens into a cluster, to an account there.',
      args: { amount: u128, clusterId: Hash, destAccount: AccountId },
      weight: TRANSFER_WEIGHT,
      dispatch(ctx, origin, { amount, clusterId, destAccount }) {
        transferToCluster(ctx, { from: ensureSigned(origin), amount, cluster: clusterId, account: destAccount })
      },
    },
    pushContractMessage: {
      index: 3,
      doc: 'Send a command to a contract; a deposit goes to one\'s own account in its cluster first.',
      args: { contractId: Hash, payload: bytesUpTo(COMMAND_BYTES_MAX), deposit: u128 },
      weight: ({ payload }) => carrying(TRANSFER_WEIGHT, payload),
      dispatch(ctx, origin, command) {
        pushContractMessage(ctx, ensureSigned(origin), command)
      },
    },
    instantiateContract: {
      index: 4,
      doc: 'Have a cluster instantiate a contract; a deposit goes to one\'s own account there first.',
      args: {
        codeIndex: CodeIndex, data: bytesUpTo(CONTRACT_INPUT_BYTES_MAX), salt: bytesUpTo(SALT_BYTES_MAX), clusterId: Hash, transfer: u128, gasLimit: u64,
        storageDepositLimit: option(u128), deposit: u128,
      },
      weight: ({ data }) => carrying(addWeights(TRANSFER_WEIGHT, writes(2)), data),
      dispatch(ctx, origin, wish) {
        instantiateContract(ctx, ensureSigned(origin), wish)
      },
    },
    clusterDestroy: {
      index: 5,
      doc: 'End a cluster; its workers are free again.',
      args: { cluster: Hash },
      weight: addWeights(writes(10), times(CLUSTER_WORKERS_MAX, writes(1))),
      dispatch(ctx, origin, { cluster }) {
        ensureRoot(origin)
        destroyCluster(ctx, cluster)
      },
    },
    setPinkSystemCode: {
      index: 6,
      doc: 'Set the system contract\'s code, from the next block on.',
      args: { code: storage.SystemCode },
      weight: ({ code }) => carrying(writes(2), code, code),
      dispatch(ctx, origin, { code }) {
        ensureGovernance(origin)
        if (code.length === 0) ctx.fail('NoPinkSystemCode')
        storage.nextPinkSystemCode.set(ctx, code)
      },
    },
    setPinkRuntimeVersion: {
      index: 7,
      doc: 'Set the version of the contract runtime in clusters created from now on.',
      args: { version: tuple(u32, u32) },
      weight: writes(1),
      dispatch(ctx, origin, { version }) {
        ensureGovernance(origin)
        storage.pinkRuntimeVersion.set(ctx, version)
        notice(ctx, { kind: 'RuntimeVersion', value: version })
      },
    },
    addWorkerToCluster: {
      index: 8,
      doc: 'Take a worker into one\'s cluster; it is given keys and state by the others.',
      args: { workerPubkey: Sr25519Public, clusterId: Hash },
      weight: MEMBER_WEIGHT,
      dispatch(ctx, origin, { workerPubkey, clusterId }) {
        ensureOwner(ctx, clusterId, ensureSigned(origin))
        addWorker(ctx, { worker: workerPubkey, cluster: clusterId })
      },
    },
    removeWorkerFromCluster: {
      index: 9,
      doc: 'Remove a worker from one\'s cluster; commands are sealed for another epoch afterwards.',
      args: { workerPubkey: Sr25519Public, clusterId: Hash },
      weight: addWeights(MEMBER_WEIGHT, weigh({ reads: CLUSTER_WORKERS_MAX })),
      dispatch(ctx, origin, { workerPubkey, clusterId }) {
        ensureOwner(ctx, clusterId, ensureSigned(origin))
        removeWorker(ctx, { worker: workerPubkey, cluster: clusterId })
      },
    },
    cleanupRemovedWorkers: {
      index: 10,
      doc: 'Drop workers from a cluster\'s list that are not in it. Kept for clients: lists are clean here.',
      args: { clusterId: Hash },
      weight: weigh({ reads: CLUSTER_WORKERS_MAX, writes: 1 }),
      dispatch(ctx, origin, { clusterId }) {
        ensureRoot(origin)
        const listed = storage.clusterWorkers.get(ctx, clusterId)
        const present = listed.filter((worker) => isMember(ctx, { worker, cluster: clusterId }))
        if (present.length < listed.length) storage.clusterWorkers.set(ctx, clusterId, present)
      },
    },
    setClusterMinStake: {
      index: 11,
      doc: 'Set the least stake of workers in clusters, above zero; those with less leave.',
      args: { minStake: u128 },
      weight: weigh({ reads: 3 * MEMBERS_LOOKED_AT, writes: MEMBERS_LOOKED_AT }),
      dispatch(ctx, origin, { minStake }) {
        ensureGovernance(origin)
        setMinStake(ctx, minStake)
      },
    },
    setClusterParameters: {
      index: 12,
      doc: 'Set how often clusters change their channel keys and report their state.',
      args: { parameters: ClusterParameters },
      weight: writes(1),
      dispatch(ctx, origin, { parameters }) {
        ensureGovernance(origin)
        if (!isSaneClusterParameters(parameters)) ctx.fail('InvalidParameter')
        storage.clusterParameters.set(ctx, parameters)
        ctx.emit('ClusterParametersChanged', { parameters })
        notice(ctx, { kind: 'Parameters', value: parameters })
      },
    },
    rotateClusterEpoch: {
      index: 13,
      doc: 'Have one\'s cluster change its channel keys now.',
      args: { clusterId: Hash },
      weight: weigh({ reads: CLUSTER_WORKERS_MAX, writes: 4 }),
      dispatch(ctx, origin, { clusterId }) {
        ensureOwner(ctx, clusterId, ensureSigned(origin))
        if (!isDeployed(ctx, clusterId)) ctx.fail('ClusterNotDeployed')
        requestEpoch(ctx, clusterId)
      },
    },
  },
  {
    genesis: { shape: phatGenesisShape, empty: DEFAULT_PHAT_GENESIS, build: buildPhatGenesis },
    hooks: {
      onInitialize(ctx) {
        const applied = applyNextSystemCode(ctx)
        const pruned = pruneStateReports(ctx)
        const anchored = anchorEpochs(ctx)
        const strangers = tellStrangers(ctx)
        const requested = requestDueEpochs(ctx)
        const codeWeight = applied ? carrying(writes(3), storage.pinkSystemCode.get(ctx)[1]) : ZERO_WEIGHT
        return addWeights(weigh({ reads: 5 + anchored + strangers, writes: pruned + anchored }), codeWeight, times(requested, weigh({ reads: 20, writes: 4 })))
      },
    },
    tryState,
  },
)
