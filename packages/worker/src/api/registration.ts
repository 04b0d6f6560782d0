/** Owns the methods around registration: initialisation, registration info with attestation, and other workers' state. */
import { InitRuntimeRequest } from './chain.ts'
import { bool, bytes, KIB, message, type MessageOf, method, MIB, nested, optional, repeated, string, uint32, uint64 } from './schema.ts'

/** Evidence for the registration info. `encodedReport` is SCALE `Option<AttestationReport>`, `provider` JSON text, `timestamp` Unix seconds of chain time. */
export const Attestation = message('Attestation', {
  version: uint32(1), provider: string(2), timestamp: uint64(4), encodedReport: bytes(5),
})

/** `encodedRuntimeInfo` is SCALE `WorkerRegistrationInfoV2`; pass it to the chain as it is. */
export const InitRuntimeResponse = message('InitRuntimeResponse', {
  encodedRuntimeInfo: bytes(1),
  encodedGenesisBlockHash: bytes(2),
  encodedPublicKey: bytes(3),
  encodedEcdhPublicKey: bytes(4),
  attestation: nested(5, Attestation),
})
export type InitRuntimeResponse = MessageOf<typeof InitRuntimeResponse>

/** An operator (SCALE AccountId) replaces the current one; either field drops the cached evidence. */
export const GetRuntimeInfoRequest = message('GetRuntimeInfoRequest', { forceRefreshRa: bool(1), encodedOperator: optional(bytes(2)) })

/** Identity of the worker asked about. */
const GetWorkerStateRequest = message('GetWorkerStateRequest', { publicKey: bytes(1) })
/** Session of a computing worker; gatekeepers do not keep when it began. */
const WorkingState = message('WorkingState', { sessionId: uint32(1), paused: bool(2) })

/** What a worker earns by; numbers in decimal, times in ms of chain time. */
const TokenomicInfo = message('TokenomicInfo', {
  v: string(1), vInit: string(2), vUpdateAt: uint64(4), vUpdateBlock: uint32(5), iterationLast: uint64(6), challengeTimeLast: uint64(7), pBench: string(8), pInstant: string(9),
  confidenceLevel: uint32(10), vDeductible: string(19), share: string(20),
})

/** A worker as gatekeepers see it. `waitingHeartbeats`: blocks of challenges that it has not answered. */
const WorkerStateMessage = message('WorkerState', {
  registered: bool(1), unresponsive: bool(2), workingState: nested(4, WorkingState), waitingHeartbeats: repeated(uint32(5)), tokenomicInfo: nested(10, TokenomicInfo),
})
/** A worker as gatekeepers see it. */
export type WorkerStateMessage = MessageOf<typeof WorkerStateMessage>

/** Methods of the service PhactoryAPI. */
export const registrationMethods = {
  InitRuntime: method({
    doc: 'Gives the worker its chain: proves the first authorities, makes or unseals the keys.',
    params: InitRuntimeRequest, result: InitRuntimeResponse, access: 'private', kind: 'command', limitBytes: 10 * MIB,
  }),
  GetRuntimeInfo: method({
    doc: 'Registration info and, once a block has been followed, evidence bound to it.',
    params: GetRuntimeInfoRequest, result: InitRuntimeResponse, access: 'private', kind: 'command', limitBytes: KIB,
  }),
  GetWorkerState: method({
    doc: 'State of a worker as a gatekeeper sees it.', params: GetWorkerStateRequest, result: WorkerStateMessage, access: 'private', kind: 'query', limitBytes: KIB,
  }),
} as const
