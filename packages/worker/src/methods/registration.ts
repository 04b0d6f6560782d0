/** Owns the handlers around registration: initialisation, registration info, evidence. */
import { AccountId } from '@phalanx/primitives/chain'
import { AppError, isAppError } from '@phalanx/primitives/errors'
import { fixed } from '@phalanx/primitives/fixed'
import { type registrationMethods, type InitRuntimeResponse, type WorkerStateMessage } from '../api/registration.ts'
import type { InitRuntimeRequest } from '../api/chain.ts'
import type { Handlers } from '../api/schema.ts'
import { registrationInfo, reportData } from '../core/registration-info.ts'
import type { LiveState } from '../core/state.ts'
import { assertLive } from '../core/step.ts'
import { shareOf } from '../gatekeeper/economics/shares.ts'
import { economicsOf } from '../gatekeeper/economics/state.ts'
import { withRates } from '../gatekeeper/economics/worker-record.ts'
import type { MethodContext } from './context.ts'

const MS_PER_SECOND = 1000n

const parseOperator = (encoded: Uint8Array | undefined): Uint8Array | undefined => (encoded === undefined ? undefined : AccountId.decode(encoded))

const answer = (context: MethodContext, state: LiveState): InitRuntimeResponse => ({
  encodedRuntimeInfo: registrationInfo(context.core.build, state),
  encodedGenesisBlockHash: state.follow.genesisHash,
  encodedPublicKey: state.keys.identity.publicKey,
  encodedEcdhPublicKey: state.keys.ecdh.publicKey,
})

const initRuntime = async (context: MethodContext, params: InitRuntimeRequest): Promise<InitRuntimeResponse> => {
  if (params.debugSetKey !== undefined) throw new AppError('WORKER_DEBUG_KEY_REFUSED', {})
  const state = await context.dispatch({
    kind: 'init',
    value: {
      genesis: params.encodedGenesisInfo, checkpoint: params.encodedCheckpoint, operator: parseOperator(params.encodedOperator), entropy: context.entropy(),
    },
  })
  return answer(context, assertLive(state))
}

/** Evidence from the platform. @throws WORKER_QUOTE_FAILED and the platform's own codes */
export const quote = async (context: MethodContext, data: Uint8Array, nowMs: bigint): Promise<Uint8Array> => {
  try {
    return await context.platform.quote({ reportData: data, nowMs })
  } catch (cause) {
    if (isAppError(cause)) throw cause
    throw new AppError('WORKER_QUOTE_FAILED', { platform: context.platform.name }, { cause })
  }
}

/** Evidence exists only once a block was followed: its hash shows the chain that the evidence is recent. */
const attest = async (context: MethodContext, state: LiveState): Promise<LiveState> => {
  if (state.attestation !== undefined || state.follow.head.number === 0) return state
  const info = registrationInfo(context.core.build, state)
  const nowMs = state.follow.head.timeMs
  const encodedReport = await quote(context, reportData(context.core.crypto, info, state), nowMs)
  const attestation = { encodedReport, provider: context.platform.provider, madeAtMs: nowMs }
  return assertLive(await context.dispatch({ kind: 'attested', value: { infoHash: context.core.crypto.blake2b256(info), attestation } }))
}

const getRuntimeInfo = async (
  context: MethodContext, params: { readonly forceRefreshRa: boolean; readonly encodedOperator?: Uint8Array | undefined },
): Promise<InitRuntimeResponse> => {
  const refreshed = await context.dispatch({ kind: 'refreshInfo', value: { operator: parseOperator(params.encodedOperator), force: params.forceRefreshRa } })
  const state = await attest(context, assertLive(refreshed))
  const { attestation } = state
  if (attestation === undefined) return answer(context, state)
  const { encodedReport, provider, madeAtMs } = attestation
  return { ...answer(context, state), attestation: { version: 1, provider, timestamp: madeAtMs / MS_PER_SECOND, encodedReport } }
}

/** Digits after the point, as the reference prints its numbers. */
const DECIMALS = 20
const decimal = (bits: bigint): string => fixed.toText(bits, DECIMALS)

const NO_WORKER: WorkerStateMessage = { registered: false, unresponsive: false, waitingHeartbeats: [] }

const getWorkerState = (context: MethodContext, { publicKey }: { readonly publicKey: Uint8Array }): WorkerStateMessage => {
  const state = context.state()
  const economics = state.kind === 'live' ? state.gatekeeper?.economics : undefined
  if (economics === undefined) throw new AppError('WORKER_NOT_GATEKEEPER', {})
  const known = economicsOf(economics, publicKey)
  if (known === undefined) return NO_WORKER
  const { worker, v, deductible } = known
  const { session, vInit, vUpdateAt, vUpdateBlock, iterationLast, challengeTimeLast, pBench, pInstant, confidenceLevel } = worker
  const tokenomicInfo = {
    v: decimal(v), vInit: decimal(vInit), vUpdateAt, vUpdateBlock, iterationLast, challengeTimeLast, pBench: decimal(pBench), pInstant: decimal(pInstant),
    confidenceLevel, vDeductible: decimal(deductible), share: decimal(shareOf(withRates(worker, economics.parameters), v)),
  }
  return {
    registered: true, unresponsive: worker.unresponsive, waitingHeartbeats: worker.waiting,
    ...(session === undefined ? {} : { workingState: { sessionId: session.sessionId, paused: session.paused }, tokenomicInfo }),
  }
}

/** Handlers of `registrationMethods`. */
export const registrationHandlers: Handlers<typeof registrationMethods, MethodContext> = {
  InitRuntime: initRuntime,
  GetRuntimeInfo: getRuntimeInfo,
  GetWorkerState: getWorkerState,
}
