/**
 * Owns the heart of the worker: `step(core, state, input)` gives the next state and what to do, synchronously and without touching the
 * old state. An input that is refused throws an AppError and changes nothing.
 */
import { bytesEqual, toHex } from '@phalanx/primitives/bytes'
import type { Crypto } from '@phalanx/primitives/crypto'
import { Secret } from '@phalanx/primitives/crypto'
import { AppError, isAppError } from '@phalanx/primitives/errors'
import { answerGatekeeper, resumeGatekeeper, settleGatekeeper } from '../gatekeeper/block.ts'
import { forgetGatekeeper } from '../gatekeeper/keys.ts'
import { retiredReason } from '../system/gate.ts'
import { ensureAnnounced, isAnchored } from '../system/anchor.ts'
import { beginRotation } from '../system/rotation.ts'
import { reportResult } from '../system/benchmark.ts'
import { takeView } from '../system/from-view.ts'
import { beginWaiting, waitFor } from '../contracts/cluster/joining.ts'
import { loadClusterState } from '../contracts/cluster/snapshot.ts'
import { restoreCluster } from '../contracts/cluster/restore.ts'
import { sealClusterKeys } from '../contracts/cluster/seal-keys.ts'
import { keysOf, type ClusterKeyring } from '../contracts/cluster/keyring.ts'
import { createClusterWork } from '../contracts/cluster/work.ts'
import { INITIAL_CLUSTER_FACTS } from '../contracts/cluster/state.ts'
import type { CodeVm } from '../contracts/vm.ts'
import type { Draft } from '../system/draft.ts'
import { INITIAL_SYSTEM } from '../system/state.ts'
import { anchorOf, assertAnchored } from './anchors.ts'
import { proveCheckpoint, type ProvenCheckpoint } from './chain-checkpoint.ts'
import { logEffect, type Effect } from './effects.ts'
import { addEndpoint, signEndpoints } from './endpoints.ts'
import { createEntropy, type Entropy } from './entropy.ts'
import { executeBlocks } from './execute.ts'
import { startAtGenesis } from './genesis.ts'
import type { Input } from './inputs.ts'
import { createKey, eraseKey, heldKeys, identityToSealed, startKeys, type KeyPair } from './keys.ts'
import { takeFeed, type FinalityConflict, type FollowState } from './light-client.ts'
import { hasNewMessages } from './mq.ts'
import { registrationInfo } from './registration-info.ts'
import { acceptChallenge, assertReceipt, challengeSuccessor, giveIdentity, reasonOf, takeIdentity } from './handover.ts'
import { HandedOver } from './handover-messages.ts'
import type { Build, EmptyState, LiveState, Restored, WorkerState } from './state.ts'

/** How long evidence is used again, in chain time. */
const ATTESTATION_LIFE_MS = 3_600_000n

/** What every step needs and none changes. */
export interface Core {
  readonly crypto: Crypto
  readonly build: Build
  /** Machines that run the code of contracts. */
  readonly vms: readonly CodeVm[]
}

/** Outcome of a step. */
export interface StepResult {
  readonly state: WorkerState
  readonly effects: readonly Effect[]
}

type InputOf<K extends Input['kind']> = Extract<Input, { kind: K }> extends { value: infer V } ? V : never

/** State of a process that has just started. */
export const EMPTY_STATE: WorkerState = { kind: 'empty', sealed: undefined }

/** The state as a live one. @throws WORKER_UNINITIALIZED */
export const assertLive = (state: WorkerState): LiveState => {
  if (state.kind !== 'live') throw new AppError('WORKER_UNINITIALIZED', {})
  return state
}

const openDraft = (core: Core, state: LiveState, entropy: Entropy): Draft => ({
  state,
  block: state.follow.head,
  effects: [],
  build: core.build,
  crypto: core.crypto,
  vms: core.vms,
  cluster: createClusterWork(),
  signer: { crypto: core.crypto, secret: state.keys.identity.secret.reveal(), entropy },
})

const liveState = (keys: LiveState['keys'], follow: FollowState, operator: Uint8Array | undefined): LiveState => ({
  kind: 'live', keys, follow, egress: [], system: INITIAL_SYSTEM, endpoints: { urls: [], signed: undefined }, operator, halted: undefined, gatekeeper: undefined,
  attestation: undefined, checkpointedAt: 0, handedOver: undefined, challenge: undefined, failed: undefined,
  clusters: INITIAL_CLUSTER_FACTS, cluster: undefined, joining: undefined, clusterKeys: undefined,
})

const init = (core: Core, previous: WorkerState, input: InputOf<'init'>): StepResult => {
  const state = assertEmpty(previous)
  // Whoever is to receive an identity makes none of its own.
  if (state.accepted !== undefined && state.sealed === undefined) throw new AppError('WORKER_HANDOVER_REFUSED', { reason: 'this worker waits for an identity' })
  const follow = startAtGenesis(core.crypto, input.genesis)
  const entropy = createEntropy(core.crypto, input.entropy)
  const { sealed } = state
  const anchor = anchorOf(core.build.anchors, follow.genesisHash)
  if (sealed !== undefined && !bytesEqual(sealed.genesisHash, follow.genesisHash))
    throw new AppError('WORKER_IDENTITY_OTHER_CHAIN', { expected: toHex(sealed.genesisHash), got: toHex(follow.genesisHash) })
  const proven = input.checkpoint === undefined ? undefined : proveCheckpoint(core.crypto, input.checkpoint, { follow, anchor, identity: sealed?.identity.publicKey })
  const identity = sealed?.identity ?? createKey(core.crypto, entropy, 'identity')
  const begun = liveState(startKeys(identity, createKey(core.crypto, entropy, 'ecdh')), follow, input.operator)
  const draft = openDraft(core, { ...begun, clusterKeys: sealed?.clusterKeys }, entropy)
  const { effects } = draft
  if (sealed === undefined) effects.push({ kind: 'sealIdentity', value: { content: new Secret(identityToSealed(identity, follow.genesisHash)) } })
  effects.push(logEffect('info', 'initialised', { identity: toHex(identity.publicKey), genesis: toHex(follow.genesisHash), fresh: sealed === undefined }))
  if (proven !== undefined) beginAt(core, draft, proven)
  return { state: draft.state, effects }
}

/** Goes on at a proven checkpoint as if every block up to it had been followed. Its own checkpoint is sealed soon, so that a restart finds it. */
const beginAt = (core: Core, draft: Draft, { follow, view }: ProvenCheckpoint): void => {
  const before = draft.state
  draft.state = { ...before, follow, checkpointedAt: follow.head.number }
  draft.block = follow.head
  takeView(draft, view)
  forgetGatekeeper(draft)
  settleGatekeeper(draft)
  noteRetirement(core, before, draft)
  draft.effects.push(
    logEffect('info', 'goes on at a checkpoint of the chain', { from: before.follow.head.number, block: follow.head.number }), { kind: 'checkpoint', value: { wait: false } })
}

const skipTo = (core: Core, previous: WorkerState, input: InputOf<'skipTo'>): StepResult => {
  const state = assertLive(previous)
  if (state.halted !== undefined) throw new AppError('WORKER_HALTED', { reason: state.halted })
  const { follow, keys } = state
  // One that was struck off meanwhile has something to erase yet: the blocks tell it.
  if (state.gatekeeper !== undefined) throw new AppError('LIGHT_CHECKPOINT_GATEKEEPER', { number: follow.head.number })
  // What contracts keep is in no block's state: were all members to skip, it would be gone.
  if (state.cluster !== undefined) throw new AppError('LIGHT_CHECKPOINT_CLUSTER', { number: follow.head.number })
  const anchor = anchorOf(core.build.anchors, follow.genesisHash)
  const proven = proveCheckpoint(core.crypto, input.checkpoint, { follow, anchor, identity: keys.identity.publicKey })
  const draft = openDraft(core, state, createEntropy(core.crypto, input.entropy))
  beginAt(core, draft, proven)
  return { state: draft.state, effects: draft.effects }
}

const restoreLive = (core: Core, identity: KeyPair, restored: Restored, { entropy, clusterKeys }: { readonly entropy: Entropy; readonly clusterKeys: ClusterKeyring | undefined }): StepResult => {
  const { identity: _identity, ...rest } = restored
  const state: LiveState = {
    kind: 'live', keys: startKeys(identity, createKey(core.crypto, entropy, 'ecdh')), attestation: undefined, challenge: undefined, handedOver: undefined, failed: undefined, ...rest,
    ...restoreCluster(core.crypto, restored, clusterKeys),
    system: { ...rest.system, announcedAt: undefined, ...(rest.system.bench === undefined ? {} : { bench: { ...rest.system.bench, asked: false } }) },
  }
  const draft = openDraft(core, state, entropy)
  if (state.halted === undefined) {
    if (state.system.bench !== undefined || state.system.session !== undefined) draft.effects.push({ kind: 'startBenchmark' })
    ensureAnnounced(draft)
    resumeGatekeeper(draft)
  }
  draft.effects.push(logEffect('info', 'resumed from a checkpoint', { identity: toHex(identity.publicKey), block: state.follow.head.number }))
  return { state: draft.state, effects: draft.effects }
}

const resume = (core: Core, state: WorkerState, input: InputOf<'resume'>): StepResult => {
  if (state.kind === 'live') throw new AppError('WORKER_ALREADY_INITIALIZED', {})
  const { identity, genesisHash, restored, clusterKeys } = input
  const fits = restored !== undefined && bytesEqual(restored.identity, identity.publicKey) && bytesEqual(restored.follow.genesisHash, genesisHash)
  if (fits) return restoreLive(core, identity, restored, { entropy: createEntropy(core.crypto, input.entropy), clusterKeys })
  const effects = restored === undefined ? [] : [logEffect('warn', 'checkpoint belongs to another identity or chain and is not used')]
  return { state: { kind: 'empty', sealed: { identity, genesisHash, clusterKeys } }, effects }
}

const halt = (state: LiveState, conflict: FinalityConflict): StepResult => {
  const reason = `block ${conflict.number} is final twice, as ${toHex(conflict.ours)} and as ${toHex(conflict.theirs)}`
  return { state: { ...state, halted: reason }, effects: [logEffect('error', 'halted: two final histories', { block: conflict.number }), { kind: 'checkpoint', value: { wait: true } }] }
}

const feed = (core: Core, previous: WorkerState, input: InputOf<'feed'>): StepResult => {
  const state = assertLive(previous)
  const stopped = state.halted ?? state.failed
  if (stopped !== undefined) throw new AppError('WORKER_HALTED', { reason: stopped })
  if (input.genesisHash !== undefined && !bytesEqual(input.genesisHash, state.follow.genesisHash))
    throw new AppError('LIGHT_GENESIS_MISMATCH', { expected: toHex(state.follow.genesisHash), got: toHex(input.genesisHash) })
  const verdict = takeFeed(core.crypto, state.follow, input.blocks)
  if (verdict.kind === 'conflict') return halt(state, verdict.value)
  const { follow, executed } = verdict.value
  assertAnchored(core.build.anchors, follow.genesisHash, executed)
  const system = { ...state.system, iterations: state.system.iterations + input.iterations }
  const draft = openDraft(core, { ...state, system, follow }, createEntropy(core.crypto, input.entropy))
  executeBlocks(draft, executed)
  noteRetirement(core, state, draft)
  if (follow.head.number - state.checkpointedAt >= core.build.checkpointEveryBlocks) {
    draft.state = { ...draft.state, checkpointedAt: follow.head.number }
    draft.effects.push({ kind: 'checkpoint', value: { wait: false } })
  }
  return { state: draft.state, effects: draft.effects }
}

const noteRetirement = (core: Core, before: LiveState, draft: Draft): void => {
  const reason = retiredReason(core.build, draft.state.system)
  if (reason !== undefined && retiredReason(core.build, before.system) === undefined)
    draft.effects.push(logEffect('error', 'this version is retired: nothing confidential is served', { reason }))
}

const benchmarkResult = (core: Core, previous: WorkerState, input: InputOf<'benchmarkResult'>): StepResult => {
  const draft = openDraft(core, assertLive(previous), createEntropy(core.crypto, input.entropy))
  reportResult(draft, input)
  return { state: draft.state, effects: draft.effects }
}

const rootAnswer = (core: Core, previous: WorkerState, input: InputOf<'rootAnswer'>): StepResult => {
  const draft = openDraft(core, assertLive(previous), createEntropy(core.crypto, input.entropy))
  answerGatekeeper(draft, input)
  return { state: draft.state, effects: draft.effects }
}

const rotateEcdh = (core: Core, previous: WorkerState, input: InputOf<'rotateEcdh'>): StepResult => {
  const state = assertLive(previous)
  if (state.halted !== undefined) throw new AppError('WORKER_HALTED', { reason: state.halted })
  const draft = openDraft(core, state, createEntropy(core.crypto, input.entropy))
  beginRotation(draft)
  return { state: draft.state, effects: draft.effects }
}

const takeClusterState = (core: Core, previous: WorkerState, { encoded, entropy }: InputOf<'loadClusterState'>): StepResult => {
  const draft = openDraft(core, assertLive(previous), createEntropy(core.crypto, entropy))
  loadClusterState(draft, encoded)
  // Whoever recorded what was given here must not find the key that opens it later.
  if (isAnchored(draft.state)) beginRotation(draft)
  draft.effects.push({ kind: 'checkpoint', value: { wait: true } })
  return { state: { ...draft.state, checkpointedAt: draft.state.follow.head.number }, effects: draft.effects }
}

const rejoinCluster = (core: Core, previous: WorkerState, { entropy }: InputOf<'rejoinCluster'>): StepResult => {
  const draft = openDraft(core, assertLive(previous), createEntropy(core.crypto, entropy))
  const { cluster } = draft.state
  if (cluster?.differsSince !== undefined)
    beginWaiting(draft, waitFor({ cluster: cluster.id, since: draft.block.number + 1, why: `its state differed from the other members' since block ${cluster.differsSince}` }))
  return { state: draft.state, effects: draft.effects }
}

const assertEmpty = (state: WorkerState): EmptyState => {
  if (state.kind === 'live') throw new AppError('WORKER_ALREADY_INITIALIZED', {})
  if (state.retired !== undefined) throw new AppError('WORKER_HANDED_OVER', { reason: state.retired })
  return state
}

const accept = (core: Core, previous: WorkerState, input: InputOf<'acceptChallenge'>): StepResult => {
  const { state, toSeal } = acceptChallenge(core, assertEmpty(previous), input.challenge, input.entropy)
  return { state, effects: [{ kind: 'sealHandover', value: { content: toSeal } }] }
}

const give = (core: Core, previous: WorkerState, input: InputOf<'giveIdentity'>): StepResult => {
  const before = assertLive(previous)
  const state = giveIdentity(core, before, input.claim, input.entropy)
  const { handedOver } = state
  if (state === before || handedOver === undefined) return { state, effects: [] }
  const data = { identity: toHex(state.keys.identity.publicKey), measurement: toHex(handedOver.measurement) }
  return { state, effects: [{ kind: 'sealGift', value: { content: HandedOver.encode(handedOver) } }, logEffect('warn', 'identity handed over', data)] }
}

/** Takes an identity in; one that is here already stays, and its receipt can be made again. */
const take = (core: Core, previous: WorkerState, { genesis, checkpoint, parcel, report, proof }: InputOf<'takeIdentity'>): StepResult => {
  const state = assertEmpty(previous)
  const { accepted } = state
  if (accepted === undefined) throw new AppError('WORKER_HANDOVER_REFUSED', { reason: 'this worker has accepted no challenge' })
  const start = startAtGenesis(core.crypto, genesis)
  const { genesisHash } = start
  const { follow } = proveCheckpoint(core.crypto, checkpoint, { follow: start, anchor: anchorOf(core.build.anchors, genesisHash), identity: accepted.challenge.identity })
  const { stateRoot, timeMs } = follow.head
  const identity = takeIdentity(core, state, { parcel, report, proof, stateRoot, timeMs, genesisHash })
  return {
    state: { kind: 'empty', sealed: { identity, genesisHash } },
    effects: [
      { kind: 'sealIdentity', value: { content: new Secret(identityToSealed(identity, genesisHash)) } },
      { kind: 'endHandover' },
      { kind: 'eraseKeys', value: [accepted.key] },
      logEffect('info', 'identity received', { identity: toHex(identity.publicKey), genesis: toHex(genesisHash) }),
    ],
  }
}

const resumeHandover = (state: WorkerState, { handedOver, ...empty }: InputOf<'resumeHandover'>): StepResult => {
  if (handedOver === undefined) return { state: { ...assertEmpty(state), ...empty }, effects: [] }
  const halted = reasonOf(handedOver)
  return { state: state.kind === 'live' ? { ...state, handedOver, halted } : { ...state, retired: halted }, effects: [] }
}

const forget = (core: Core, previous: WorkerState, input: InputOf<'forgetIdentity'>): StepResult => {
  if (previous.kind === 'empty' && previous.retired !== undefined) return { state: previous, effects: [] }
  const state = assertLive(previous)
  assertReceipt(core, state, input.receipt)
  const reason = state.halted ?? ''
  const keys = [...heldKeys(state.keys), ...(state.challenge === undefined ? [] : [state.challenge.key]), ...(state.clusterKeys === undefined ? [] : keysOf(state.clusterKeys))]
  return {
    state: { kind: 'empty', sealed: undefined, retired: reason },
    effects: [{ kind: 'retire', value: { reason } }, { kind: 'eraseKeys', value: keys }, logEffect('warn', 'identity forgotten', { identity: toHex(state.keys.identity.publicKey) })],
  }
}

const refreshInfo = (previous: WorkerState, { operator, force }: InputOf<'refreshInfo'>): StepResult => {
  const state = assertLive(previous)
  const { attestation } = state
  const tooOld = attestation !== undefined && state.follow.head.timeMs - attestation.madeAtMs >= ATTESTATION_LIFE_MS
  const drop = force || operator !== undefined || tooOld
  return { state: { ...state, operator: operator ?? state.operator, attestation: drop ? undefined : attestation }, effects: [] }
}

const attested = (core: Core, previous: WorkerState, { infoHash, attestation }: InputOf<'attested'>): StepResult => {
  const state = assertLive(previous)
  const current = core.crypto.blake2b256(registrationInfo(core.build, state))
  return { state: bytesEqual(current, infoHash) ? { ...state, attestation } : state, effects: [] }
}

const stop = (state: WorkerState): StepResult => {
  if (state.kind === 'live') {
    heldKeys(state.keys).forEach(eraseKey)
    if (state.challenge !== undefined) eraseKey(state.challenge.key)
    if (state.clusterKeys !== undefined) keysOf(state.clusterKeys).forEach(eraseKey)
  } else if (state.sealed !== undefined) eraseKey(state.sealed.identity)
  return { state: EMPTY_STATE, effects: [] }
}

/**
 * Has a state sealed before it is shown if it assigned numbers to messages. A life that began at an older state would give these numbers to other
 * messages, and lose those when the chain takes, or took, what this one had shown.
 */
const sealNewMessages = (before: WorkerState, { state, effects }: StepResult): StepResult => {
  if (state.kind !== 'live' || !hasNewMessages(before.kind === 'live' ? before.egress : [], state.egress)) return { state, effects }
  return {
    state: { ...state, checkpointedAt: state.follow.head.number },
    effects: [...effects.filter(({ kind }) => kind !== 'checkpoint'), { kind: 'checkpoint', value: { wait: true } }],
  }
}

/**
 * Applies one input.
 * @throws AppError with the code of the refusal; the old state stays in force
 */
export const step = (core: Core, state: WorkerState, input: Input): StepResult => {
  const held = input.kind === 'resume' ? input.value.clusterKeys : heldBefore(state)
  try {
    return sealClusterKeys(held, sealNewMessages(state, apply(core, state, input)))
  } catch (error) {
    if (state.kind !== 'live' || !isAppError(error, 'CONTRACT_ENGINE_FAILED')) throw error
    return fail(state, error.context.reason)
  }
}

/** A machine for contracts gave out: what it was doing has no result, and the worker goes no further until it is started again. */
const fail = (state: LiveState, reason: string): StepResult => ({
  state: { ...state, failed: `the machine that runs contracts gave out: ${reason}` },
  effects: [logEffect('error', 'halted: the machine that runs contracts gave out', { block: state.follow.head.number, reason })],
})

/** Secrets of a cluster that the state before a step holds. */
const heldBefore = (state: WorkerState): ClusterKeyring | undefined => (state.kind === 'live' ? state.clusterKeys : state.sealed?.clusterKeys)

const apply = (core: Core, state: WorkerState, input: Input): StepResult => {
  switch (input.kind) {
    case 'init': return init(core, state, input.value)
    case 'skipTo': return skipTo(core, state, input.value)
    case 'resume': return resume(core, state, input.value)
    case 'feed': return feed(core, state, input.value)
    case 'benchmarkResult': return benchmarkResult(core, state, input.value)
    case 'rootAnswer': return rootAnswer(core, state, input.value)
    case 'resumeHandover': return resumeHandover(state, input.value)
    case 'challengeSuccessor': return { state: challengeSuccessor(core, assertLive(state), input.value.entropy), effects: [] }
    case 'acceptChallenge': return accept(core, state, input.value)
    case 'giveIdentity': return give(core, state, input.value)
    case 'takeIdentity': return take(core, state, input.value)
    case 'forgetIdentity': return forget(core, state, input.value)
    case 'rotateEcdh': return rotateEcdh(core, state, input.value)
    case 'refreshInfo': return refreshInfo(state, input.value)
    case 'attested': return attested(core, state, input.value)
    case 'addEndpoint': return { state: addEndpoint(core, assertLive(state), input.value), effects: [] }
    case 'signEndpoints': return { state: signEndpoints(core, assertLive(state), createEntropy(core.crypto, input.value.entropy)), effects: [] }
    case 'loadClusterState': return takeClusterState(core, state, input.value)
    case 'rejoinCluster': return rejoinCluster(core, state, input.value)
    case 'takeCheckpoint': return { state: { ...assertLive(state), checkpointedAt: assertLive(state).follow.head.number }, effects: [{ kind: 'checkpoint', value: { wait: true } }] }
    case 'stop': return stop(state)
  }
}
