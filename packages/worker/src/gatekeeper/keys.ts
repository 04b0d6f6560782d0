/** Owns the master key's life as a gatekeeper sees it: launch, shares for those who join, rotation, requests for it, erasure. */
import { bytesEqual } from '@phalanx/primitives/bytes'
import { MasterKeyRotationPayload, TOPICS, wrapSignedContent, type EncryptedKey, type GatekeeperLaunch, type KeyDistribution, type WorkerIdentity } from '@phalanx/primitives/messages'
import { logEffect } from '../core/effects.ts'
import { isAnchored } from '../system/anchor.ts'
import { send, type Draft } from '../system/draft.ts'
import { addTask, gatekeeperOf, isHeld, updateGatekeeper } from './draft.ts'
import { beginJoining } from './joining.ts'
import { abstain, takeOutcomeId } from './outcomes.ts'
import { createEconomics } from './economics/state.ts'
import { createGatekeeperState, currentEpoch, type OutcomeId } from './state.ts'

/** Blocks between two reports or requests of the same thing. */
const REPEAT_AFTER_BLOCKS = 20
/** Id of the first master key. */
const FIRST_ROTATION = 0n

const isOwn = (draft: Draft, pubkey: Uint8Array): boolean => bytesEqual(pubkey, draft.state.keys.identity.publicKey)

const becomeGatekeeper = (draft: Draft): void => {
  draft.state = { ...draft.state, gatekeeper: { ...(draft.state.gatekeeper ?? createGatekeeperState()), listed: true } }
}

/** Steps of launch and rotation. */
export const onLaunch = (draft: Draft, event: GatekeeperLaunch): void => {
  const block = draft.block.number
  switch (event.kind) {
    case 'FirstGatekeeper':
      if (!isOwn(draft, event.value.pubkey)) return
      becomeGatekeeper(draft)
      addTask(draft, { kind: 'Launch', value: { block } })
      return
    case 'MasterPubkeyOnChain':
      updateGatekeeper(draft, {
        launchedAt: block, economics: createEconomics({ launched: true }), epochs: [{ rotationId: FIRST_ROTATION, since: block, publicKey: event.value.masterPubkey }],
      })
      return
    case 'RotateMasterKey': {
      const { rotationId, gkIdentities } = event.value
      updateGatekeeper(draft, { rotating: { rotationId, sealedTo: gkIdentities.find(({ pubkey }) => isOwn(draft, pubkey))?.ecdhPubkey } })
      const state = gatekeeperOf(draft)
      const epoch = state === undefined ? undefined : currentEpoch(state)
      if (state?.confirmedAt !== undefined && epoch !== undefined) addTask(draft, { kind: 'Rotate', value: { rotationId, epoch: epoch.rotationId, recipients: gkIdentities } })
      return
    }
    case 'MasterPubkeyRotated': {
      const state = gatekeeperOf(draft)
      if (state?.rotating === undefined) return
      updateGatekeeper(draft, { epochs: [...state.epochs, { rotationId: state.rotating.rotationId, since: block, publicKey: event.value.masterPubkey }] })
      endRotation(draft)
    }
  }
}

/** The rotation under way is over, for good or ill. */
const endRotation = (draft: Draft): void => {
  const state = gatekeeperOf(draft)
  if (state !== undefined) updateGatekeeper(draft, { rotating: undefined, tasks: state.tasks.filter(({ kind }) => kind !== 'Rotate') })
}

/** A rotation was given up: its key will never be in force. */
export const onRotationCancelled = (draft: Draft, { rotationId }: { readonly rotationId: bigint }): void => {
  endRotation(draft)
  if (gatekeeperOf(draft)?.candidate?.rotationId === rotationId) updateGatekeeper(draft, { candidate: undefined })
}

/** A gatekeeper was listed, or asked for the key: everybody else seals it to that worker's ECDH key. */
export const onListed = (draft: Draft, recipient: WorkerIdentity): void => {
  if (isOwn(draft, recipient.pubkey)) {
    becomeGatekeeper(draft)
    const state = gatekeeperOf(draft)
    updateGatekeeper(draft, { requestedAt: draft.block.number, tasks: state?.tasks.filter(({ kind }) => kind !== 'Retire') ?? [] })
    if (state?.economics === undefined) beginJoining(draft)
    return
  }
  const state = gatekeeperOf(draft)
  if (state === undefined) return
  const outcome = takeOutcomeId(draft)
  updateGatekeeper(draft, { joiners: state.joiners + 1 })
  if (state.confirmedAt === undefined) return
  const epochs = state.epochs.map(({ rotationId, since }) => [rotationId, since] as const)
  addTask(draft, { kind: 'Admit', value: { outcome, recipient, epochs } })
}

/** A gatekeeper left the list; one's own secrets are then erased. */
export const onUnlisted = (draft: Draft, pubkey: Uint8Array): void => {
  if (!isOwn(draft, pubkey) || gatekeeperOf(draft) === undefined) return
  const { ticket = 0n } = gatekeeperOf(draft) ?? {}
  draft.state = { ...draft.state, gatekeeper: { ...createGatekeeperState(), ticket, listed: false, tasks: [{ kind: 'Retire', value: { block: draft.block.number } }] } }
}

/** The worker skipped blocks at a checkpoint where it is no gatekeeper: whatever it was before, it was taken off the list meanwhile. */
export const forgetGatekeeper = (draft: Draft): void => onUnlisted(draft, draft.state.keys.identity.publicKey)

const accept = (draft: Draft, keys: readonly (readonly [bigint, EncryptedKey])[]): void =>
  addTask(draft, { kind: 'Accept', value: { block: draft.block.number, keys, sealedTo: undefined, rotation: undefined } })

const acceptCandidate = (draft: Draft, outcome?: OutcomeId): void => {
  const candidate = gatekeeperOf(draft)?.candidate
  if (candidate === undefined) return
  const { rotationId, sealedTo, key } = candidate
  const rotation = outcome === undefined ? undefined : { rotationId, outcome }
  addTask(draft, { kind: 'Accept', value: { block: draft.block.number, keys: [[rotationId, key]], sealedTo, rotation } })
}

/** Keys were counted or received: a rotated key that could not be opened before is opened once the one that sealed it is held. */
export const retryCandidate = (draft: Draft): void => {
  const state = gatekeeperOf(draft)
  const candidate = state?.candidate
  if (state === undefined || candidate?.sealedTo === undefined || state.held.some(({ rotationId }) => rotationId === candidate.rotationId)) return
  const before = state.epochs.filter(({ rotationId }) => rotationId < candidate.rotationId).at(-1)
  if (before !== undefined && isHeld(state, before)) acceptCandidate(draft)
}

/** Keys that a quorum of gatekeepers sent: ours are opened. The proposed key of a rotation is for everybody. */
export const onKeys = (draft: Draft, event: KeyDistribution): void => {
  switch (event.kind) {
    case 'MasterKeyDistribution': {
      const { dest, ecdhPubkey, encryptedMasterKey, iv } = event.value
      if (isOwn(draft, dest)) accept(draft, [[FIRST_ROTATION, { ecdhPubkey, encryptedKey: encryptedMasterKey, iv }]])
      return
    }
    case 'MasterKeyHistory':
      if (isOwn(draft, event.value.dest)) accept(draft, event.value.encryptedMasterKeyHistory.map(([rotationId, , key]) => [rotationId, key] as const))
      return
    case 'MasterKeyRotation': {
      const { rotationId, secretKeys } = event.value
      const outcome = takeOutcomeId(draft)
      const own = secretKeys.find(([dest]) => isOwn(draft, dest))
      const rotating = gatekeeperOf(draft)?.rotating
      if (own === undefined || rotating?.rotationId !== rotationId) return abstain(draft, outcome)
      updateGatekeeper(draft, { candidate: { ...rotating, key: own[1] } })
      acceptCandidate(draft, outcome)
    }
  }
}

/** Our proposal for a rotation is sealed and goes out, if the rotation still waits for one. */
export const proposeKey = (draft: Draft, rotationId: bigint, secretKeys: readonly (readonly [Uint8Array, EncryptedKey])[]): void => {
  if (gatekeeperOf(draft)?.rotating?.rotationId !== rotationId) return
  const sender = draft.state.keys.identity.publicKey
  const body = { rotationId, secretKeys, sender }
  const message = wrapSignedContent('masterKeyRotation', MasterKeyRotationPayload.encode(body))
  const sig = draft.crypto.sr25519.sign(draft.state.keys.identity.secret.reveal(), message, draft.signer.entropy.next('rotation'))
  send(draft, TOPICS.rotationCandidate, { ...body, sig })
}

const isDue = (at: number | undefined, now: number): boolean => at === undefined || now >= at + REPEAT_AFTER_BLOCKS

/** Reports the first master key, made just now. */
export const reportLaunch = (draft: Draft): void => {
  const first = gatekeeperOf(draft)?.held.find(({ rotationId }) => rotationId === FIRST_ROTATION)
  if (first === undefined || gatekeeperOf(draft)?.launchedAt !== undefined) return
  updateGatekeeper(draft, { reportedAt: draft.block.number })
  send(draft, TOPICS.registryEvent, { kind: 'MasterPubkey', value: { masterPubkey: first.publicKey } })
}

/** At the end of a step: shows the chain that the key is held, or asks for it, whichever is due. */
export const ensureConfirmed = (draft: Draft): void => {
  const state = gatekeeperOf(draft)
  const epoch = state === undefined ? undefined : currentEpoch(state)
  if (state === undefined || !state.listed) return
  const now = draft.block.number
  // Keys of the past are needed too: for rounds that are still to be computed, and for gatekeepers that join.
  const isReady = epoch !== undefined && state.epochs.every((one) => isHeld(state, one)) && state.economics !== undefined
  if (isReady) {
    if (state.confirmedAt !== undefined || !isDue(state.reportedAt, now)) return
    updateGatekeeper(draft, { reportedAt: now })
    send(draft, TOPICS.registryEvent, { kind: 'MasterPubkey', value: { masterPubkey: epoch.publicKey } })
    return
  }
  const isLaunching = state.launchedAt === undefined && state.reportedAt !== undefined
  const isWaiting = isLaunching || state.tasks.some(({ kind }) => kind === 'Accept' || kind === 'Launch' || kind === 'Inventory')
  // A key that is about to be followed by another is the chain's no more when the request arrives, and the request would be refused.
  const isAddressed = isAnchored(draft.state) && draft.state.keys.nextEcdh === undefined
  // What said that the key is held may have reached the chain, or be on its way to it, after the key was lost: it is taken back at once.
  const shownAt = state.confirmedAt ?? state.reportedAt
  const isTakenForHolder = shownAt !== undefined && state.requestedAt !== undefined && shownAt > state.requestedAt
  if (isWaiting || !isAddressed || !(isTakenForHolder || isDue(state.requestedAt, now))) return
  updateGatekeeper(draft, { requestedAt: now })
  draft.effects.push(logEffect('warn', 'gatekeeper asks the others for the master key', { block: now }))
  send(draft, TOPICS.gatekeeperKeyRequest, { ecdhPubkey: draft.state.keys.ecdh.publicKey })
}
