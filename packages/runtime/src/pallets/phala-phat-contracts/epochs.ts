/**
 * Owns the epochs of clusters' channel keys. The chain asks the gatekeepers for an epoch when a cluster is created, when its time is over and when a
 * worker left that knew the present keys; the epoch begins when the gatekeepers' public key of it arrives. A request that is not answered is repeated.
 */
import { bytesEqual } from '@phalanx/primitives/bytes'
import { TOPICS, type WorkerIdentity } from '@phalanx/primitives/messages'
import { pushPalletMessage } from '../phala-mq/push.ts'
import { workers } from '../phala-registry/storage.ts'
import { PHAT_CONTRACTS, type PhatContext } from './declaration.ts'
import * as storage from './storage.ts'
import type { EpochState } from './types.ts'

/** Blocks after which an unanswered request is repeated. */
const RETRY_BLOCKS = 30
/** Most clusters dealt with in one block; the rest waits for the next. */
const CLUSTERS_PER_BLOCK = 32
/** Epochs whose public keys are kept: the current one and the one before. */
const EPOCHS_KEPT = 2

const NO_EPOCH: EpochState = { current: 0n, since: 0, requested: 0n, dueBlock: 0 }

/** Keeps the state and its place in the queue together. */
const schedule = (ctx: PhatContext, cluster: Uint8Array, state: EpochState): void => {
  const before = storage.clusterEpoch.get(ctx, cluster)
  if (before !== undefined) storage.epochQueue.remove(ctx, before.dueBlock, cluster)
  storage.clusterEpoch.set(ctx, cluster, state)
  storage.epochQueue.set(ctx, state.dueBlock, cluster, [])
}

const members = (ctx: PhatContext, cluster: Uint8Array): readonly WorkerIdentity[] =>
  storage.clusterWorkers.get(ctx, cluster).flatMap((pubkey) => {
    const worker = workers.get(ctx, pubkey)
    return worker === undefined ? [] : [{ pubkey, ecdhPubkey: worker.ecdhPubkey }]
  })

const push = (ctx: PhatContext, cluster: Uint8Array, epoch: bigint): void =>
  pushPalletMessage(ctx, PHAT_CONTRACTS, TOPICS.clusterNotice, { kind: 'EpochRequested', value: { cluster, epoch, workers: members(ctx, cluster) } })

/** Asks the gatekeepers for an epoch that none of the keys handed out so far opens. A request under way is replaced by one for the present workers. */
export const requestEpoch = (ctx: PhatContext, cluster: Uint8Array): void => {
  const state = storage.clusterEpoch.get(ctx, cluster) ?? NO_EPOCH
  const epoch = state.requested + 1n
  schedule(ctx, cluster, { ...state, requested: epoch, dueBlock: ctx.block.number + RETRY_BLOCKS })
  ctx.emit('ClusterEpochRequested', { cluster, epoch })
  push(ctx, cluster, epoch)
}

const onDue = (ctx: PhatContext, cluster: Uint8Array): void => {
  const state = storage.clusterEpoch.get(ctx, cluster)
  if (state === undefined) return
  if (state.requested === state.current) return requestEpoch(ctx, cluster)
  schedule(ctx, cluster, { ...state, dueBlock: ctx.block.number + RETRY_BLOCKS })
  push(ctx, cluster, state.requested)
}

/** Makes and repeats the requests that are due in this block; how many. */
export const requestDueEpochs = (ctx: PhatContext): number => {
  const due = [...storage.epochQueue.keys(ctx, ctx.block.number)].map(([, cluster]) => cluster)
  for (const [i, cluster] of due.entries()) {
    const state = storage.clusterEpoch.get(ctx, cluster)
    if (i < CLUSTERS_PER_BLOCK) onDue(ctx, cluster)
    else if (state !== undefined) schedule(ctx, cluster, { ...state, dueBlock: ctx.block.number + 1 })
  }
  return due.length
}

/** The gatekeepers made an epoch's secret: it begins. Fails with ClusterNotFound, ClusterNotDeployed, EpochNotRequested. */
export const beginEpoch = (ctx: PhatContext, begun: { readonly cluster: Uint8Array; readonly epoch: bigint; readonly pubkey: Uint8Array }): void => {
  const { cluster, epoch, pubkey } = begun
  if (!storage.clusters.has(ctx, cluster)) ctx.fail('ClusterNotFound')
  const state = storage.clusterEpoch.get(ctx, cluster) ?? NO_EPOCH
  if (epoch !== state.requested || epoch === state.current) ctx.fail('EpochNotRequested')
  const { rotationPeriodBlocks, graceBlocks } = storage.clusterParameters.get(ctx)
  const { number } = ctx.block
  schedule(ctx, cluster, { current: epoch, since: number, requested: epoch, dueBlock: number + rotationPeriodBlocks })
  storage.clusterChannelKeys.set(ctx, cluster, epoch, { pubkey, since: number })
  forgetOld(storage.clusterChannelKeys, ctx, cluster)
  ctx.emit('ClusterEpochBegan', { cluster, epoch, pubkey })
  const retireAt = number + graceBlocks
  pushPalletMessage(ctx, PHAT_CONTRACTS, TOPICS.clusterNotice, { kind: 'EpochBegan', value: { cluster, epoch, pubkey, retireAt } })
}

/** Drops the keys of all epochs but the latest two. */
const forgetOld = (keys: typeof storage.clusterChannelKeys | typeof storage.contractChannelKeys, ctx: PhatContext, of: Uint8Array): void => {
  const epochs = [...keys.keys(ctx, of)].map(([, epoch]) => epoch).sort((a, b) => (a < b ? -1 : 1))
  for (const epoch of epochs.slice(0, -EPOCHS_KEPT)) keys.remove(ctx, of, epoch)
}

/**
 * A cluster tells the channel keys of its contracts. Fails with EpochNotRequested unless it is about the current epoch, ContractNotFound,
 * ContractKeyMismatch.
 */
export const learnContractKeys = (
  ctx: PhatContext, cluster: Uint8Array, told: { readonly epoch: bigint; readonly keys: readonly (readonly [contract: Uint8Array, pubkey: Uint8Array])[] },
): void => {
  const { epoch, keys } = told
  if (epoch === 0n || storage.clusterEpoch.get(ctx, cluster)?.current !== epoch) ctx.fail('EpochNotRequested')
  for (const [contract, pubkey] of keys) {
    const home = storage.contracts.get(ctx, contract)?.cluster
    if (home === undefined || !bytesEqual(home, cluster)) ctx.fail('ContractNotFound')
    const known = storage.contractChannelKeys.get(ctx, contract, epoch)
    if (known !== undefined && !bytesEqual(known, pubkey)) ctx.fail('ContractKeyMismatch')
    storage.contractChannelKeys.set(ctx, contract, epoch, pubkey)
    forgetOld(storage.contractChannelKeys, ctx, contract)
  }
  ctx.emit('ContractChannelKeysAvailable', { cluster, epoch, contracts: keys.length })
}

/** A cluster is no more: nothing is asked for it. */
export const endEpochs = (ctx: PhatContext, cluster: Uint8Array): void => {
  const state = storage.clusterEpoch.take(ctx, cluster)
  if (state !== undefined) storage.epochQueue.remove(ctx, state.dueBlock, cluster)
  storage.clusterChannelKeys.clear(ctx, cluster)
}
