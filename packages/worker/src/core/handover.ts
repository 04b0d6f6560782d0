/**
 * Owns the handover of an identity to a newer, later-listed code, attested both ways: the giver stops before anything leaves, gives to one
 * successor only and forgets when that one shows that it has the identity; the successor takes it from admitted code only. A crash anywhere in
 * between repeats the step. Does not own evidence's making (methods) nor files (shell).
 */
import { OptionalAttestationReport, evaluateRegistration, type AttestationReport } from '@phalanx/attestation'
import { bytesEqual, startsWith, toHex } from '@phalanx/primitives/bytes'
import { Header, headerHash } from '@phalanx/primitives/chain'
import { createChannel, Secret, type Crypto } from '@phalanx/primitives/crypto'
import { AppError, isAppError } from '@phalanx/primitives/errors'
import { readProof } from '@phalanx/primitives/trie'
import { readAdmission, type AdmissionView } from '@phalanx/runtime/storage'
import { createEntropy } from './entropy.ts'
import {
  CHALLENGE_BLOCKS_MAX, HANDOVER_VERSION, HandoverChallenge, HandoverRequest, SealedHandover, WorkerKeyParcel, channelContext, parcelHeader, parcelReportData,
  receiptPayload, requestReportData, type HandedOver,
} from './handover-messages.ts'
import { createKey, type KeyPair } from './keys.ts'
import type { Build, EmptyState, LiveState } from './state.ts'

type HandoverCore = { readonly crypto: Crypto; readonly build: Build }

const refused = (reason: string, cause?: unknown): AppError => new AppError('WORKER_HANDOVER_REFUSED', { reason }, cause === undefined ? {} : { cause })

const assertVersion = (challenge: HandoverChallenge): void => {
  if (challenge.version !== HANDOVER_VERSION) throw refused(`its form ${challenge.version} is not known`)
}

/** A fresh challenge to a successor, in the place of the one before; once the identity was given, the one it was given for stays. @throws WORKER_HANDOVER_REFUSED, WORKER_HALTED */
export const challengeSuccessor = ({ crypto }: HandoverCore, state: LiveState, seed: Uint8Array): LiveState => {
  if (state.gatekeeper !== undefined) throw refused('gatekeepers are struck off first: the master key is never handed over')
  if (state.handedOver !== undefined) return state
  if (state.halted !== undefined) throw new AppError('WORKER_HALTED', { reason: state.halted })
  if (state.system.registration === undefined) throw refused('this worker is not registered')
  const entropy = createEntropy(crypto, seed)
  const key = createKey(crypto, entropy, 'ecdh')
  const { genesisHash, head } = state.follow
  const value = {
    version: HANDOVER_VERSION, genesisHash, number: head.number, blockHash: head.hash, timeMs: head.timeMs, identity: state.keys.identity.publicKey, key: key.publicKey, nonce: entropy.next('nonce'),
  }
  return { ...state, challenge: { value, key } }
}

/** The challenge that a successor is to answer now. */
export const openChallenge = ({ handedOver, challenge }: LiveState): HandoverChallenge | undefined =>
  handedOver === undefined ? challenge?.value : WorkerKeyParcel.decode(handedOver.parcel).challenge

/** The successor's side: a key for this handover, to be sealed before it is used. @throws WORKER_HANDOVER_REFUSED, WORKER_ALREADY_INITIALIZED, CODEC_ codes */
export const acceptChallenge = ({ crypto }: HandoverCore, state: EmptyState, encoded: Uint8Array, seed: Uint8Array): { readonly state: EmptyState; readonly toSeal: Secret<Uint8Array> } => {
  if (state.sealed !== undefined) throw refused('this worker has an identity of its own')
  const challenge = HandoverChallenge.decode(encoded)
  assertVersion(challenge)
  // The same question keeps its key: a parcel may be on its way to it.
  const known = state.accepted !== undefined && bytesEqual(HandoverChallenge.encode(state.accepted.challenge), encoded) ? state.accepted.key : undefined
  const key = known ?? createKey(crypto, createEntropy(crypto, seed), 'ecdh')
  const content = SealedHandover.encode({ challenge, publicKey: key.publicKey, secret: key.secret.reveal() })
  return { state: { ...state, accepted: { challenge, key } }, toSeal: new Secret(content) }
}

/** The rules of admission, proven under a header. @throws WORKER_HANDOVER_REFUSED */
const provenAdmission = (crypto: Crypto, stateRoot: Uint8Array, proof: readonly Uint8Array[]): AdmissionView => {
  try {
    const reader = readProof({ crypto, root: stateRoot, proof })
    return readAdmission(crypto, (key) => reader.get(key))
  } catch (cause) {
    if (isAppError(cause)) throw refused('the rules of admission are not proven', cause)
    throw cause
  }
}

const decodeReport = (encoded: Uint8Array): AttestationReport => {
  const report = OptionalAttestationReport.decode(encoded)
  if (report === undefined) throw refused('it comes without evidence')
  return report
}

/** Code that evidence proves to be admitted. @throws WORKER_HANDOVER_REFUSED */
const admittedCode = (crypto: Crypto, admission: AdmissionView, claim: { readonly report: Uint8Array; readonly reportData: Uint8Array; readonly timeMs: bigint }): Uint8Array => {
  const measurements = admission.measurements.map(({ measurement }) => measurement)
  const outcome = evaluateRegistration({
    report: decodeReport(claim.report), commit: claim.reportData.slice(0, 32), policy: { ...admission.policy, enforceMeasurements: true, measurements },
    nowSeconds: Number(claim.timeMs / 1000n), crypto,
  })
  if (!outcome.ok) throw refused(`the evidence does not pass (${outcome.code})`)
  return outcome.measurement
}

const addedAt = ({ measurements }: AdmissionView, isIt: (measurement: Uint8Array) => boolean): number => {
  const found = measurements.find(({ measurement }) => isIt(measurement))
  if (found?.addedAt === undefined) throw refused('the code is not on the list of admitted measurements')
  return found.addedAt
}

/** The successor's code must have been admitted in a later block than the giver's: identities go forward only. */
const assertLater = (admission: AdmissionView, from: (measurement: Uint8Array) => boolean, to: (measurement: Uint8Array) => boolean): void => {
  const [before, after] = [addedAt(admission, from), addedAt(admission, to)]
  if (after <= before) throw refused(`the successor's code was admitted in block ${after}, not after block ${before}`)
}

/** What a successor hands to the giver. `header` is of a block that the giver knows, `proof` of the rules of admission under it. */
export interface SuccessorClaim {
  readonly request: Uint8Array
  readonly report: Uint8Array
  readonly header: Uint8Array
  readonly proof: readonly Uint8Array[]
}

const assertAnswersChallenge = (state: LiveState, { challenge }: HandoverRequest): KeyPair => {
  const { challenge: open, follow } = state
  if (open === undefined || !bytesEqual(HandoverChallenge.encode(open.value), HandoverChallenge.encode(challenge))) throw refused('it does not answer the last challenge')
  if (follow.head.number - challenge.number > CHALLENGE_BLOCKS_MAX) throw refused(`the challenge is older than ${CHALLENGE_BLOCKS_MAX} blocks`)
  return open.key
}

/**
 * The giver's decision: halted from now on, with a parcel for this successor and nobody else.
 * @throws WORKER_HANDOVER_REFUSED, CODEC_ codes
 */
export const giveIdentity = ({ crypto, build }: HandoverCore, state: LiveState, claim: SuccessorClaim, seed: Uint8Array): LiveState => {
  // Whoever asks may have the parcel again: it opens for its recipient only.
  if (state.handedOver !== undefined && claim.request.length === 0) return state
  const request = HandoverRequest.decode(claim.request)
  if (state.handedOver !== undefined) {
    if (bytesEqual(state.handedOver.recipient, request.key)) return state
    throw refused('the identity was given to another worker already')
  }
  if (state.halted !== undefined) throw new AppError('WORKER_HALTED', { reason: state.halted })
  // What its contracts keep stays here: another member has to have it.
  if (state.cluster !== undefined && state.clusters.membership?.members.length === 1) throw refused('it alone runs its cluster; let another worker join the cluster first')
  const own = assertAnswersChallenge(state, request)
  const header = Header.decode(claim.header)
  if (!state.follow.recent.some(({ hash }) => bytesEqual(hash, headerHash(crypto, header)))) throw refused('the rules of admission are of a block that is not among the last ones here')
  const admission = provenAdmission(crypto, header.stateRoot, claim.proof)
  const measurement = admittedCode(crypto, admission, { report: claim.report, reportData: requestReportData(crypto, request), timeMs: state.follow.head.timeMs })
  assertLater(admission, (one) => startsWith(one, build.measurement), (one) => bytesEqual(one, measurement))
  const { identity } = state.keys
  const channel = createChannel({ own: { publicKey: own.publicKey, secret: own.secret.reveal() }, theirPublicKey: request.key }, channelContext(request.challenge), crypto)
  const iv = createEntropy(crypto, seed).next('iv').slice(0, 12)
  const ciphertext = channel.seal({ iv, header: parcelHeader(request.challenge), plaintext: identity.secret.reveal() })
  channel.wipe()
  const parcel = WorkerKeyParcel.encode({ challenge: request.challenge, recipient: request.key, iv, ciphertext })
  const handedOver: HandedOver = { recipient: request.key, measurement, parcel, nonce: request.challenge.nonce }
  return { ...state, handedOver, halted: reasonOf(handedOver) }
}

/** Why a worker that gave its identity away does nothing any more. */
export const reasonOf = ({ measurement }: HandedOver): string => `the identity was handed over to code ${toHex(measurement)}`

/** A parcel with the giver's evidence. `stateRoot` and `timeMs` are of a block that the successor has proven final for itself. */
export interface ParcelClaim {
  readonly parcel: Uint8Array
  readonly report: Uint8Array
  readonly stateRoot: Uint8Array
  readonly timeMs: bigint
  readonly genesisHash: Uint8Array
  readonly proof: readonly Uint8Array[]
}

/** The identity in a parcel, from admitted code that is older than this. @throws WORKER_HANDOVER_REFUSED, CODEC_ codes */
export const takeIdentity = ({ crypto, build }: HandoverCore, state: EmptyState, claim: ParcelClaim): KeyPair => {
  const { accepted } = state
  const parcel = WorkerKeyParcel.decode(claim.parcel)
  if (accepted === undefined || !bytesEqual(HandoverChallenge.encode(parcel.challenge), HandoverChallenge.encode(accepted.challenge)) || !bytesEqual(parcel.recipient, accepted.key.publicKey))
    throw refused('it is not the parcel that this worker waits for')
  const { challenge, key } = accepted
  if (!bytesEqual(challenge.genesisHash, claim.genesisHash)) throw refused('the identity belongs to another chain')
  const admission = provenAdmission(crypto, claim.stateRoot, claim.proof)
  const measurement = admittedCode(crypto, admission, { report: claim.report, reportData: parcelReportData(crypto, parcel), timeMs: claim.timeMs })
  assertLater(admission, (one) => bytesEqual(one, measurement), (one) => startsWith(one, build.measurement))
  const channel = createChannel({ own: { publicKey: key.publicKey, secret: key.secret.reveal() }, theirPublicKey: challenge.key }, channelContext(challenge), crypto)
  try {
    const secret = channel.open({ iv: parcel.iv, header: parcelHeader(challenge), ciphertext: parcel.ciphertext })
    if (secret.length !== 64 || !bytesEqual(crypto.sr25519.pairFromSecret(secret).publicKey, challenge.identity)) throw refused('the parcel holds another key than was promised')
    return { publicKey: challenge.identity, secret: new Secret(secret) }
  } catch (cause) {
    if (isAppError(cause, 'CRYPTO_DECRYPTION_FAILED')) throw refused('the parcel does not open', cause)
    throw cause
  } finally {
    channel.wipe()
  }
}

/** Makes sure that the successor has the identity. @throws WORKER_HANDOVER_REFUSED */
export const assertReceipt = ({ crypto }: HandoverCore, state: LiveState, signature: Uint8Array): void => {
  const { handedOver, follow, keys } = state
  if (handedOver === undefined) throw refused('nothing was handed over')
  const payload = receiptPayload({ genesisHash: follow.genesisHash, nonce: handedOver.nonce })
  if (signature.length !== 64 || !crypto.sr25519.verify(signature, payload, keys.identity.publicKey)) throw refused('the receipt is not signed by the identity')
}
