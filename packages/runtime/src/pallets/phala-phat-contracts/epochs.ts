/**
 * Owns the epochs of clusters' channel keys. The chain asks the gatekeepers for a cluster's key first, and for an epoch as soon as its workers were sent
 * that key, when the epoch's time is over, and when its workers are others. The first proper proposal of a gatekeeper begins the epoch: each is made at
 * random and forgotten by its maker, so that there is nothing to agree on. A request that is not answered is repeated.
 */
import { bytesEqual } from '@phalanx/primitives/bytes'
import { TOPICS, type ClusterEpochCandidate, type WorkerIdentity } from '@phalanx/primitives/messages'
import { pushPalletMessage } from '../phala-mq/push.ts'
import { registryParts } from '../phala-registry/declaration.ts'
import { isConfirmed } from '../phala-registry/outcomes.ts'
import { workers } from '../phala-registry/storage.ts'
import { parentHash } from '../system/storage.ts'
import { PHAT_CONTRACTS, type PhatContext } from './declaration.ts'
import * as storage from './storage.ts'
import type { EpochState, OpenEpoch } from './types.ts'

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

/** Asks the gatekeepers for the key of a new cluster, for its present workers; asked again until they sent it. */
export const askForKey = (ctx: PhatContext, cluster: Uint8Array): void => {
  const info = storage.clusters.get(ctx, cluster)
  const terms = storage.clusterTerms.get(ctx, cluster)
  if (info === undefined || terms === undefined) return
  const { owner, gasPrice, depositPerItem, depositPerByte } = info
  schedule(ctx, cluster, { ...NO_EPOCH, dueBlock: ctx.block.number + RETRY_BLOCKS })
  pushPalletMessage(ctx, PHAT_CONTRACTS, TOPICS.clusterEvent, {
    kind: 'DeployCluster', value: { owner, cluster, workers: members(ctx, cluster), gasPrice, depositPerItem, depositPerByte, ...terms },
  })
}

/** Asks the gatekeepers for the first epoch of a cluster, unless that was done before. */
export const requestFirstEpoch = (ctx: PhatContext, cluster: Uint8Array): void => {
  const state = storage.clusterEpoch.get(ctx, cluster)
  if (state?.requested === 0n) ask(ctx, cluster, state)
}

/** Whether the workers of a cluster were sent its key, and an epoch was asked for. */
export const isDeployed = (ctx: PhatContext, cluster: Uint8Array): boolean => (storage.clusterEpoch.get(ctx, cluster)?.requested ?? 0n) > 0n

/**
 * Asks the gatekeepers for an epoch that none of the keys handed out so far opens. A request under way is replaced by one for the present workers;
 * before the first there is nothing to replace.
 */
export const requestEpoch = (ctx: PhatContext, cluster: Uint8Array): void => {
  const state = storage.clusterEpoch.get(ctx, cluster)
  if (state !== undefined && state.requested > 0n) ask(ctx, cluster, state)
}

const ask = (ctx: PhatContext, cluster: Uint8Array, state: EpochState): void => {
  const epoch = state.requested + 1n
  storage.epochRenewals.remove(ctx, cluster)
  schedule(ctx, cluster, { ...state, requested: epoch, dueBlock: ctx.block.number + RETRY_BLOCKS })
  ctx.emit('ClusterEpochRequested', { cluster, epoch })
  push(ctx, cluster, epoch)
}

/**
 * Has an epoch asked for that the present workers know: in the next block, so that many wishes of one block make one. An epoch under way is not given up
 * for it, lest epochs that nobody waits for keep one from ever beginning: another follows it.
 */
export const renewEpoch = (ctx: PhatContext, cluster: Uint8Array): void => {
  const state = storage.clusterEpoch.get(ctx, cluster)
  if (state === undefined || state.requested === 0n) return
  if (state.requested === state.current) schedule(ctx, cluster, { ...state, dueBlock: ctx.block.number + 1 })
  else storage.epochRenewals.set(ctx, cluster, [])
}

const onDue = (ctx: PhatContext, cluster: Uint8Array): void => {
  const state = storage.clusterEpoch.get(ctx, cluster)
  if (state === undefined) return
  if (state.requested === 0n) return askForKey(ctx, cluster)
  if (state.requested === state.current) return ask(ctx, cluster, state)
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

const isForAll = (ctx: PhatContext, { cluster, secretKeys }: ClusterEpochCandidate): boolean => {
  const expected = members(ctx, cluster)
  return expected.length > 0 && secretKeys.length === expected.length && expected.every(({ pubkey }) => secretKeys.some(([worker]) => bytesEqual(worker, pubkey)))
}

/**
 * Takes a gatekeeper's proposal: the first proper one is passed on to the workers, and the epoch begins. One for the epoch that began already changes
 * nothing. Fails with PhalaRegistry's GatekeeperNotConfirmed, ClusterNotFound, EpochNotRequested, InvalidEpochCandidate.
 */
export const takeEpochCandidate = (ctx: PhatContext, gatekeeper: Uint8Array, candidate: ClusterEpochCandidate): void => {
  const { cluster, epoch, pubkey, secretKeys } = candidate
  if (!isConfirmed(ctx, gatekeeper)) registryParts.in(ctx).fail('GatekeeperNotConfirmed')
  if (!storage.clusters.has(ctx, cluster)) ctx.fail('ClusterNotFound')
  const state = storage.clusterEpoch.get(ctx, cluster) ?? NO_EPOCH
  if (epoch !== state.requested || epoch === 0n) ctx.fail('EpochNotRequested')
  if (epoch === state.current) return
  if (!ctx.crypto.sr25519.isValidPoint(pubkey) || !isForAll(ctx, candidate)) ctx.fail('InvalidEpochCandidate')
  ctx.emit('EpochCandidateChosen', { cluster, epoch, gatekeeper })
  pushPalletMessage(ctx, PHAT_CONTRACTS, TOPICS.clusterEpochKeys, { cluster, epoch, secretKeys })
  beginEpoch(ctx, candidate)
}

/** The epochs that count after another began: those before it end with block `retireAt`, unless they end sooner. */
const withEpoch = (ctx: PhatContext, open: readonly OpenEpoch[], begun: Pick<OpenEpoch, 'epoch' | 'pubkey'>, retireAt: number): readonly OpenEpoch[] => {
  const { number } = ctx.block
  const former = open.map((one) => ({ ...one, retireAt: Math.min(one.retireAt ?? retireAt, retireAt) })).filter((one) => one.retireAt > number)
  return [...former.slice(1 - storage.OPEN_EPOCHS_MAX), { epoch: begun.epoch, pubkey: begun.pubkey, since: number, anchor: undefined, retireAt: undefined }]
}

/** When a block begins: the epochs that began in the one before are anchored in it. */
export const anchorEpochs = (ctx: PhatContext): number => {
  const began = storage.epochsBegan.take(ctx) ?? []
  const anchor = parentHash.get(ctx)
  for (const cluster of began)
    if (storage.openEpochs.has(ctx, cluster)) storage.openEpochs.mutate(ctx, cluster, (open) => open.map((one) => (one.anchor === undefined ? { ...one, anchor } : one)))
  return began.length
}

const beginEpoch = (ctx: PhatContext, { cluster, epoch, pubkey }: ClusterEpochCandidate): void => {
  const { rotationPeriodBlocks, graceBlocks } = storage.clusterParameters.get(ctx)
  const { number } = ctx.block
  const isWantedAgain = storage.epochRenewals.take(ctx, cluster) !== undefined
  schedule(ctx, cluster, { current: epoch, since: number, requested: epoch, dueBlock: number + (isWantedAgain ? 1 : rotationPeriodBlocks) })
  storage.clusterChannelKeys.set(ctx, cluster, epoch, { pubkey, since: number })
  forgetOld(storage.clusterChannelKeys, ctx, cluster)
  const retireAt = number + graceBlocks
  storage.openEpochs.mutate(ctx, cluster, (open) => withEpoch(ctx, open, { epoch, pubkey }, retireAt))
  storage.epochsBegan.mutate(ctx, (began) => [...began, cluster])
  ctx.emit('ClusterEpochBegan', { cluster, epoch, pubkey })
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
  storage.epochRenewals.remove(ctx, cluster)
  storage.openEpochs.remove(ctx, cluster)
  storage.clusterChannelKeys.clear(ctx, cluster)
}
