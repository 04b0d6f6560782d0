/** Owns the answer to heartbeat challenges (computation.md sections 3 and 8). */
import { toHex } from '@phalanx/primitives/bytes'
import { TOPICS, type HeartbeatChallenge } from '@phalanx/primitives/messages'
import { send, type Draft } from './draft.ts'

const toBigEndian = (bytes: Uint8Array): bigint => BigInt(toHex(bytes))

/** Whether a challenge is for this worker: hash of its identity, read big endian, XOR seed, at most the target. */
export const isChallenged = (identityHash: Uint8Array, challenge: HeartbeatChallenge): boolean =>
  (toBigEndian(identityHash) ^ challenge.seed) <= challenge.onlineTarget

/** Answers with a heartbeat when registered, computing and hit. */
export const answerChallenge = (draft: Draft, challenge: HeartbeatChallenge): void => {
  const { registration, session, iterations } = draft.state.system
  if (registration === undefined || session === undefined || session.paused) return
  if (!isChallenged(draft.crypto.blake2b256(draft.state.keys.identity.publicKey), challenge)) return
  send(draft, TOPICS.workingReport, {
    kind: 'HeartbeatV2',
    value: {
      sessionId: session.sessionId,
      challengeBlock: draft.block.number,
      challengeTime: draft.block.timeMs,
      iterations: iterations - session.startIterations,
      nClusters: draft.state.cluster === undefined ? 0 : 1,
      nContracts: draft.state.cluster?.deployed.length ?? 0,
    },
  })
}
