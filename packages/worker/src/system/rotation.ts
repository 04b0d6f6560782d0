/**
 * Owns the rotation of the ECDH key: a fresh one every so many blocks or when asked for, in force as soon as the chain's final notice names it.
 * The key before it opens for a grace of blocks what was on its way; then its secret is overwritten. No ECDH key is ever sealed.
 */
import { bytesEqual } from '@phalanx/primitives/bytes'
import { AppError } from '@phalanx/primitives/errors'
import { logEffect } from '../core/effects.ts'
import { createKey, type KeyPair, type Keys } from '../core/keys.ts'
import type { LiveState } from '../core/state.ts'
import { ensureAnnounced, isAnchored } from './anchor.ts'
import { updateSystem, type Draft } from './draft.ts'
import type { SystemState } from './state.ts'

const updateKeys = (draft: Draft, change: Partial<Keys>): void => {
  draft.state = { ...draft.state, keys: { ...draft.state.keys, ...change } }
}

/** Makes the next key and announces it; one that is announced already stays. @throws WORKER_ECDH_NOT_ANCHORED */
export const beginRotation = (draft: Draft): void => {
  const { keys, system } = draft.state
  if (!isAnchored(draft.state)) throw new AppError('WORKER_ECDH_NOT_ANCHORED', {})
  if (keys.nextEcdh !== undefined) return
  updateKeys(draft, { nextEcdh: createKey(draft.crypto, draft.signer.entropy, 'ecdh') })
  draft.effects.push(logEffect('info', 'ECDH key rotates', { block: draft.block.number, epoch: String((system.anchor?.epoch ?? 0n) + 1n) }))
  ensureAnnounced(draft)
}

/** The chain's final notice of a key of ours. The next key comes into force; a key of an earlier start changes nothing but the epoch. */
export const noteAnchored = (draft: Draft, anchor: NonNullable<SystemState['anchor']>): void => {
  const { keys } = draft.state
  const { number, hash } = draft.block
  const ecdhAnchor = { block: number, hash, epoch: anchor.epoch }
  if (keys.nextEcdh !== undefined && bytesEqual(keys.nextEcdh.publicKey, anchor.ecdhPubkey)) {
    const former = { key: keys.ecdh, epoch: keys.ecdhAnchor?.epoch ?? 0n, until: number + draft.build.ecdhGraceBlocks, anchor: keys.ecdhAnchor?.hash }
    updateKeys(draft, { ecdh: keys.nextEcdh, ecdhAnchor, nextEcdh: undefined, formerEcdh: [...keys.formerEcdh, former] })
    // Evidence names the key it was made for.
    draft.state = { ...draft.state, attestation: undefined }
    draft.effects.push(logEffect('info', 'another ECDH key is in force', { block: number, epoch: String(anchor.epoch) }))
  } else if (bytesEqual(keys.ecdh.publicKey, anchor.ecdhPubkey)) updateKeys(draft, { ecdhAnchor })
  updateSystem(draft, { anchor, announcedAt: undefined })
}

/**
 * After a jump over blocks: a key of ours that was anchored in one of them has an anchor that this worker never saw. It serves nobody, and another one is
 * announced in its place.
 */
export const replaceUnseenKey = (draft: Draft): void => {
  const { keys, system } = draft.state
  const { anchor } = system
  const ours = [keys.ecdh, keys.nextEcdh].find((key) => key !== undefined && anchor !== undefined && bytesEqual(key.publicKey, anchor.ecdhPubkey))
  if (ours === undefined || keys.ecdhAnchor?.epoch === anchor?.epoch) return
  if (keys.nextEcdh !== undefined) draft.effects.push({ kind: 'eraseKeys', value: [keys.nextEcdh] })
  updateKeys(draft, { nextEcdh: createKey(draft.crypto, draft.signer.entropy, 'ecdh') })
}

/** After the last block of a step: lets go of keys whose grace is over, and rotates where it is time. */
export const rotateWhereDue = (draft: Draft): void => {
  const { number } = draft.block
  const { formerEcdh } = draft.state.keys
  const over = formerEcdh.filter(({ until }) => number >= until)
  if (over.length > 0) {
    updateKeys(draft, { formerEcdh: formerEcdh.filter(({ until }) => number < until) })
    draft.effects.push({ kind: 'eraseKeys', value: over.map(({ key }) => key) })
  }
  const { ecdhAnchor, nextEcdh } = draft.state.keys
  const isDue = ecdhAnchor !== undefined && nextEcdh === undefined && number - ecdhAnchor.block >= draft.build.rotateEcdhEveryBlocks
  if (isDue && isAnchored(draft.state)) beginRotation(draft)
}

/** Keys that open what was sealed to this worker, the one in force first. */
export const openingKeys = ({ ecdh, formerEcdh }: Keys): readonly KeyPair[] => [ecdh, ...formerEcdh.toReversed().map(({ key }) => key)]

/**
 * The key that opens what was sealed to an epoch of this worker, and the hash of the block that anchored it.
 * @throws WORKER_ECDH_EPOCH_UNKNOWN before it is final and after its grace
 */
export const channelKeyOfEpoch = (state: LiveState, epoch: bigint): { readonly key: KeyPair; readonly anchor: Uint8Array } => {
  const key = keyOfEpoch(state, epoch)
  const { ecdhAnchor, formerEcdh } = state.keys
  const anchor = ecdhAnchor?.epoch === epoch ? ecdhAnchor.hash : formerEcdh.find((former) => former.epoch === epoch)?.anchor
  if (anchor === undefined) throw epochUnknown(state, epoch)
  return { key, anchor }
}

const epochUnknown = (state: LiveState, epoch: bigint): AppError =>
  new AppError('WORKER_ECDH_EPOCH_UNKNOWN', { epoch: String(epoch), current: String(state.system.anchor?.epoch ?? 'none') })

/** The key that opens what was sealed to an epoch of this worker. @throws WORKER_ECDH_EPOCH_UNKNOWN before it is final and after its grace */
export const keyOfEpoch = (state: LiveState, epoch: bigint): KeyPair => {
  const { keys } = state
  if (isAnchored(state) && keys.ecdhAnchor?.epoch === epoch) return keys.ecdh
  const former = keys.formerEcdh.find((one) => one.epoch === epoch)
  if (former === undefined) throw epochUnknown(state, epoch)
  return former.key
}
