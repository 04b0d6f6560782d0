/** Owns the methods around registration: initialisation, registration info with attestation, and other workers' state. */
import { InitRuntimeRequest } from './chain.ts'
import { KIB, MIB, bool, bytes, message, method, nested, optional, string, uint32, uint64, type MessageOf } from './schema.ts'

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
/** A worker as gatekeepers see it; the other fields come with the gatekeeper's economics. */
const WorkerStateMessage = message('WorkerState', { registered: bool(1), unresponsive: bool(2) })

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
