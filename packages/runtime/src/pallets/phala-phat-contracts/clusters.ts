/** Owns the life of clusters: creation, deposits, destruction, and who may do what with one. */
import { bytesEqual } from '@phalanx/primitives/bytes'
import { clusterAccountOf, clusterIdOf, contractIdOf, TOPICS } from '@phalanx/primitives/messages'
import { transfer } from '../balances/currency.ts'
import { balancesParts } from '../balances/declaration.ts'
import { pushPalletMessage } from '../phala-mq/push.ts'
import { clusterKeys } from '../phala-registry/storage.ts'
import { PHAT_CONTRACTS, type PhatContext } from './declaration.ts'
import { askForKey, endEpochs } from './epochs.ts'
import { enterCluster } from './membership.ts'
import * as storage from './storage.ts'
import type { ClusterInfo, ClusterPermission } from './types.ts'

/** What a new cluster is made of; amounts in plancks. */
export interface NewCluster {
  readonly owner: Uint8Array
  readonly permission: ClusterPermission
  readonly deployWorkers: readonly Uint8Array[]
  readonly deposit: bigint
  readonly gasPrice: bigint
  readonly depositPerItem: bigint
  readonly depositPerByte: bigint
  readonly treasuryAccount: Uint8Array
}

const NO_SALT = new Uint8Array(0)

/** A cluster. Fails with ClusterNotFound. */
const clusterOf = (ctx: PhatContext, cluster: Uint8Array): ClusterInfo => storage.clusters.get(ctx, cluster) ?? ctx.fail('ClusterNotFound')

/** Fails with ClusterNotFound, ClusterPermissionDenied unless the account may bring code and contracts into the cluster. */
export const ensurePermitted = (ctx: PhatContext, cluster: Uint8Array, who: Uint8Array): void => {
  const { permission } = clusterOf(ctx, cluster)
  if (permission.kind === 'OnlyOwner' && !bytesEqual(permission.value, who)) ctx.fail('ClusterPermissionDenied')
}

/** Fails with ClusterNotFound, ClusterPermissionDenied unless the account owns the cluster. */
export const ensureOwner = (ctx: PhatContext, cluster: Uint8Array, who: Uint8Array): void => {
  if (!bytesEqual(clusterOf(ctx, cluster).owner, who)) ctx.fail('ClusterPermissionDenied')
}

const payIn = (ctx: PhatContext, cluster: Uint8Array, payment: { readonly from: Uint8Array; readonly amount: bigint }): void => {
  if (payment.amount > 0n) transfer(balancesParts.in(ctx), { ...payment, to: clusterAccountOf(ctx.crypto, cluster) }, 'Preserve')
}

/**
 * Creates a cluster and has the gatekeepers give its workers the key. Fails with NoWorkerSpecified, NoPinkSystemCode, as enterCluster and Balances
 * transfers do.
 */
export const createCluster = (ctx: PhatContext, wish: NewCluster): void => {
  if (wish.deployWorkers.length === 0) ctx.fail('NoWorkerSpecified')
  const counter = storage.clusterCounter.get(ctx) + 1n
  storage.clusterCounter.set(ctx, counter)
  const cluster = clusterIdOf(counter)
  for (const worker of wish.deployWorkers) {
    enterCluster(ctx, { worker, cluster })
    storage.spokeAt.set(ctx, worker, ctx.block.number)
  }
  const codeHash = storage.pinkSystemCodeHash.get(ctx) ?? ctx.fail('NoPinkSystemCode')
  const { owner, permission, deposit, gasPrice, depositPerItem, depositPerByte, treasuryAccount } = wish
  const systemContract = contractIdOf(ctx.crypto, { deployer: owner, codeHash, clusterId: cluster, salt: NO_SALT })
  storage.clusters.set(ctx, cluster, { owner, permission, systemContract, gasPrice, depositPerItem, depositPerByte })
  storage.contracts.set(ctx, systemContract, { deployer: owner, cluster })
  ctx.emit('ClusterCreated', { cluster, systemContract })
  payIn(ctx, cluster, { from: owner, amount: deposit })
  storage.clusterTerms.set(ctx, cluster, { deposit, treasuryAccount })
  askForKey(ctx, cluster)
}

/**
 * Moves tokens into a cluster, where they appear on the account named. Unlike the reference it refuses a cluster that does not exist, in which they would be
 * lost. Fails with ClusterNotFound and as Balances transfers do.
 */
export const transferToCluster = (
  ctx: PhatContext, payment: { readonly from: Uint8Array; readonly amount: bigint; readonly cluster: Uint8Array; readonly account: Uint8Array },
): void => {
  const { from, amount, cluster, account } = payment
  clusterOf(ctx, cluster)
  payIn(ctx, cluster, { from, amount })
  pushPalletMessage(ctx, PHAT_CONTRACTS, TOPICS.clusterOperation, { kind: 'Deposit', value: { clusterId: cluster, account, amount } })
  ctx.emit('Transfered', { cluster, account, amount })
}

/** Ends a cluster: its workers are free again (in the reference they are not), its key signs no more. Fails with ClusterNotFound. */
export const destroyCluster = (ctx: PhatContext, cluster: Uint8Array): void => {
  clusterOf(ctx, cluster)
  storage.clusters.remove(ctx, cluster)
  for (const worker of storage.clusterWorkers.get(ctx, cluster)) {
    storage.clusterByWorkers.remove(ctx, worker)
    storage.keyRequestedAt.remove(ctx, worker)
    storage.spokeAt.remove(ctx, worker)
  }
  storage.clusterWorkers.remove(ctx, cluster)
  storage.clusterContracts.remove(ctx, cluster)
  storage.agreedState.remove(ctx, cluster)
  storage.clusterTerms.remove(ctx, cluster)
  clusterKeys.remove(ctx, cluster)
  endEpochs(ctx, cluster)
  pushPalletMessage(ctx, PHAT_CONTRACTS, TOPICS.clusterOperation, { kind: 'DestroyCluster', value: cluster })
  ctx.emit('ClusterDestroyed', { cluster })
}
