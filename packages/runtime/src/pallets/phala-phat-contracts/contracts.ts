/** Owns what the chain does with code and contracts: it checks who may, keeps ids and keys, and passes the rest on to the cluster. */
import { bytesEqual } from '@phalanx/primitives/bytes'
import {
  contractCommandTopic, contractIdOf, RESOURCE_BYTES_MAX, TOPICS, type CodeIndex, type Message, type ResourceType,
} from '@phalanx/primitives/messages'
import { logMessage } from '../phala-mq/block-log.ts'
import { pushPalletMessage } from '../phala-mq/push.ts'
import { contractKeys } from '../phala-registry/storage.ts'
import { ensurePermitted, transferToCluster } from './clusters.ts'
import { PHAT_CONTRACTS, type PhatContext } from './declaration.ts'
import * as storage from './storage.ts'

/** A resource for a cluster. */
export interface Upload {
  readonly clusterId: Uint8Array
  readonly resourceType: ResourceType
  readonly resourceData: Uint8Array
}

/** Sends code into a cluster. Fails with ClusterNotFound, ClusterPermissionDenied, SidevmNotSupported, PayloadTooLarge. */
export const uploadResource = (ctx: PhatContext, origin: Uint8Array, upload: Upload): void => {
  ensurePermitted(ctx, upload.clusterId, origin)
  if (upload.resourceType.kind === 'SidevmCode') ctx.fail('SidevmNotSupported')
  if (upload.resourceData.length > RESOURCE_BYTES_MAX) ctx.fail('PayloadTooLarge')
  pushPalletMessage(ctx, PHAT_CONTRACTS, TOPICS.clusterOperation, { kind: 'UploadResource', value: { origin, ...upload } })
}

/** What a contract is to be made of; `gasLimit` in gas, amounts in plancks. */
export interface Instantiation {
  readonly codeIndex: CodeIndex
  readonly data: Uint8Array
  readonly salt: Uint8Array
  readonly clusterId: Uint8Array
  readonly transfer: bigint
  readonly gasLimit: bigint
  readonly storageDepositLimit: bigint | undefined
  readonly deposit: bigint
}

/** Has a cluster instantiate a contract; `deposit` goes there first. Fails with ClusterNotFound, ClusterPermissionDenied, DuplicatedContract. */
export const instantiateContract = (ctx: PhatContext, deployer: Uint8Array, wish: Instantiation): void => {
  const { codeIndex, data, salt, clusterId, transfer, gasLimit, storageDepositLimit, deposit } = wish
  ensurePermitted(ctx, clusterId, deployer)
  if (deposit > 0n) transferToCluster(ctx, { from: deployer, amount: deposit, cluster: clusterId, account: deployer })
  const contract = contractIdOf(ctx.crypto, { deployer, codeHash: codeIndex.value, clusterId, salt })
  if (storage.contracts.has(ctx, contract)) ctx.fail('DuplicatedContract')
  storage.contracts.set(ctx, contract, { deployer, cluster: clusterId })
  const contractInfo = { deployer, codeIndex, salt, clusterId, instantiateData: data }
  pushPalletMessage(ctx, PHAT_CONTRACTS, TOPICS.contractOperation, { kind: 'InstantiateCode', value: { contractInfo, transfer, gasLimit, storageDepositLimit } })
  ctx.emit('Instantiating', { contract, cluster: clusterId, deployer })
}

/**
 * Sends an account's command to a contract; the chain does not look into it. A deposit goes to the contract's cluster first. Fails with ContractNotFound
 * where there is a deposit and no such contract, and as transferToCluster does.
 */
export const pushContractMessage = (
  ctx: PhatContext, sender: Uint8Array, command: { readonly contractId: Uint8Array; readonly payload: Uint8Array; readonly deposit: bigint },
): void => {
  const { contractId, payload, deposit } = command
  if (deposit > 0n) {
    const { cluster } = storage.contracts.get(ctx, contractId) ?? ctx.fail('ContractNotFound')
    transferToCluster(ctx, { from: sender, amount: deposit, cluster, account: sender })
  }
  const message: Message = { sender: { kind: 'AccountId', value: sender }, destination: contractCommandTopic(contractId), payload }
  logMessage(ctx, message)
}

/**
 * A cluster tells the key of a contract that runs. Said again, nothing happens (the reference lists the contract twice). Fails with ClusterNotFound,
 * DuplicatedContract for one of another cluster (the reference lets a cluster take it over), ContractKeyMismatch, ClusterFull.
 */
export const learnContract = (
  ctx: PhatContext, cluster: Uint8Array, told: { readonly contract: Uint8Array; readonly pubkey: Uint8Array; readonly deployer: Uint8Array },
): void => {
  const { contract, pubkey, deployer } = told
  if (!storage.clusters.has(ctx, cluster)) ctx.fail('ClusterNotFound')
  const known = storage.contracts.get(ctx, contract)
  if (known !== undefined && !bytesEqual(known.cluster, cluster)) ctx.fail('DuplicatedContract')
  const key = contractKeys.get(ctx, contract)
  if (key !== undefined) {
    if (!bytesEqual(key, pubkey)) ctx.fail('ContractKeyMismatch')
    return
  }
  const listed = storage.clusterContracts.get(ctx, cluster)
  if (listed.length >= storage.CONTRACTS_PER_CLUSTER_MAX) ctx.fail('ClusterFull')
  contractKeys.set(ctx, contract, pubkey)
  ctx.emit('ContractPubkeyAvailable', { contract, cluster, pubkey })
  storage.clusterContracts.set(ctx, cluster, [...listed, contract])
  if (known === undefined) storage.contracts.set(ctx, contract, { deployer, cluster })
  ctx.emit('Instantiated', { contract, cluster, deployer })
}
