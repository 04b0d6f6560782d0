/** Owns the handlers of a handover of identity. What is decided stands in core/handover.ts; evidence is made here. */
import { bytesEqual } from '@phalanx/primitives/bytes'
import { AppError } from '@phalanx/primitives/errors'
import type { HandoverChallengeResponse, HandoverWorkerKey, handoverEndMethods, handoverMethods } from '../api/handover.ts'
import type { Handlers } from '../api/schema.ts'
import { openChallenge } from '../core/handover.ts'
import { HandoverChallenge, HandoverRequest, WorkerKeyParcel, parcelReportData, receiptPayload, requestReportData } from '../core/handover-messages.ts'
import type { KeyPair } from '../core/keys.ts'
import { assertLive } from '../core/step.ts'
import type { MethodContext } from './context.ts'
import { quote } from './registration.ts'

const NOTHING = new Uint8Array(0)
const MS_PER_SECOND = 1000n

const attest = async (context: MethodContext, reportData: Uint8Array, nowMs: bigint) => (
  { version: 1, provider: context.platform.provider, timestamp: nowMs / MS_PER_SECOND, encodedReport: await quote(context, reportData, nowMs) })

/** A successor knows no chain yet: the challenge's giver says what time it is, and judges the evidence at its own. */
const accept = async (context: MethodContext, encodedChallenge: Uint8Array): Promise<HandoverChallengeResponse> => {
  const state = await context.dispatch({ kind: 'acceptChallenge', value: { challenge: encodedChallenge, entropy: context.entropy() } })
  const accepted = state.kind === 'empty' ? state.accepted : undefined
  if (accepted === undefined) throw new AppError('WORKER_HANDOVER_REFUSED', { reason: 'another challenge was accepted meanwhile' })
  const request = { challenge: accepted.challenge, key: accepted.key.publicKey }
  const attestation = await attest(context, requestReportData(context.core.crypto, request), accepted.challenge.timeMs)
  return { encodedChallengeHandler: HandoverRequest.encode(request), attestation, encodedHeader: NOTHING, proof: [] }
}

const start = async (context: MethodContext, params: HandoverChallengeResponse): Promise<HandoverWorkerKey> => {
  const claim = { request: params.encodedChallengeHandler, report: params.attestation?.encodedReport ?? NOTHING, header: params.encodedHeader, proof: params.proof }
  const { handedOver, follow } = assertLive(await context.dispatch({ kind: 'giveIdentity', value: { claim, entropy: context.entropy() } }))
  if (handedOver === undefined) throw new AppError('WORKER_HANDOVER_REFUSED', { reason: 'nothing was given' })
  const attestation = await attest(context, parcelReportData(context.core.crypto, WorkerKeyParcel.decode(handedOver.parcel)), follow.head.timeMs)
  return { encodedWorkerKey: handedOver.parcel, attestation, encodedGenesisInfo: NOTHING, encodedCheckpoint: NOTHING, proof: [] }
}

/** The identity here, if it is the one that a parcel holds. */
const arrivedIdentity = (context: MethodContext, { identity }: HandoverChallenge): KeyPair | undefined => {
  const state = context.state()
  const own = state.kind === 'live' ? state.keys.identity : state.sealed?.identity
  return own !== undefined && bytesEqual(own.publicKey, identity) ? own : undefined
}

const receive = async (context: MethodContext, params: HandoverWorkerKey): Promise<{ readonly signature: Uint8Array }> => {
  const { challenge } = WorkerKeyParcel.decode(params.encodedWorkerKey)
  if (arrivedIdentity(context, challenge) === undefined) {
    await context.dispatch({
      kind: 'takeIdentity',
      value: {
        genesis: params.encodedGenesisInfo, checkpoint: params.encodedCheckpoint, parcel: params.encodedWorkerKey,
        report: params.attestation?.encodedReport ?? NOTHING, proof: params.proof,
      },
    })
  }
  const identity = arrivedIdentity(context, challenge)
  if (identity === undefined) throw new AppError('WORKER_HANDOVER_REFUSED', { reason: 'another identity is here' })
  return { signature: context.core.crypto.sr25519.sign(identity.secret.reveal(), receiptPayload(challenge), context.entropy()) }
}

/** Handlers of `handoverMethods`. */
export const handoverHandlers: Handlers<typeof handoverMethods, MethodContext> = {
  async HandoverCreateChallenge(context) {
    const challenge = openChallenge(assertLive(await context.dispatch({ kind: 'challengeSuccessor', value: { entropy: context.entropy() } })))
    if (challenge === undefined) throw new AppError('WORKER_HANDOVER_REFUSED', { reason: 'no challenge was made' })
    return { encodedChallenge: HandoverChallenge.encode(challenge) }
  },
  HandoverAcceptChallenge: (context, { encodedChallenge }) => accept(context, encodedChallenge),
  HandoverStart: start,
  HandoverReceive: receive,
}

/** Handlers of `handoverEndMethods`. */
export const handoverEndHandlers: Handlers<typeof handoverEndMethods, MethodContext> = {
  async HandoverFinish(context, { signature }) {
    await context.dispatch({ kind: 'forgetIdentity', value: { receipt: signature } })
    return {}
  },
}
