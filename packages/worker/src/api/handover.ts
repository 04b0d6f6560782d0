/** Owns the methods by which a worker hands its identity over to its successor. Contents are SCALE, see core/handover-messages.ts. */
import { Empty } from './common.ts'
import { KIB, MIB, bytes, message, method, nested, repeated, type MessageOf } from './schema.ts'
import { Attestation } from './registration.ts'

/** SCALE `HandoverChallenge`. */
const HandoverChallengeMessage = message('HandoverChallenge', { encodedChallenge: bytes(1) })

/** SCALE `HandoverRequest` with the successor's evidence; for the giver also a recent header and the read proof of the rules of admission under it. */
export const HandoverChallengeResponse = message('HandoverChallengeResponse', {
  encodedChallengeHandler: bytes(1), attestation: nested(2, Attestation), encodedHeader: bytes(100), proof: repeated(bytes(101)),
})
export type HandoverChallengeResponse = MessageOf<typeof HandoverChallengeResponse>

/** SCALE `WorkerKeyParcel` with the giver's evidence; for the successor also genesis, a checkpoint for the identity, and the proof under its header. */
export const HandoverWorkerKey = message('HandoverWorkerKey', {
  encodedWorkerKey: bytes(1), attestation: nested(2, Attestation), encodedGenesisInfo: bytes(100), encodedCheckpoint: bytes(101), proof: repeated(bytes(102)),
})
export type HandoverWorkerKey = MessageOf<typeof HandoverWorkerKey>

/** Signature of the identity: it is sealed with its successor, the giver may forget it. */
const HandoverReceipt = message('HandoverReceipt', { signature: bytes(1) })

/** Methods of the service PhactoryAPI. */
export const handoverMethods = {
  HandoverCreateChallenge: method({
    doc: 'Asks a successor to show what it is.', params: Empty, result: HandoverChallengeMessage, access: 'private', kind: 'command', limitBytes: 10 * KIB,
  }),
  HandoverAcceptChallenge: method({
    doc: 'Answers a predecessor\'s challenge with evidence and a key for the identity.', params: HandoverChallengeMessage, result: HandoverChallengeResponse, access: 'private', kind: 'command', limitBytes: 10 * KIB,
  }),
  HandoverStart: method({
    doc: 'Gives the identity to a successor whose code was admitted later; this worker stops for good.', params: HandoverChallengeResponse, result: HandoverWorkerKey, access: 'private', kind: 'command', limitBytes: MIB,
  }),
  HandoverReceive: method({
    doc: 'Takes the identity of a predecessor in and seals it.', params: HandoverWorkerKey, result: HandoverReceipt, access: 'private', kind: 'command', limitBytes: 12 * MIB,
  }),
} as const

/** Methods of the service PhalanxAPI. */
export const handoverEndMethods = {
  HandoverFinish: method({ doc: 'Forgets the identity, which its successor has.', params: HandoverReceipt, result: Empty, access: 'private', kind: 'command', limitBytes: KIB }),
} as const
