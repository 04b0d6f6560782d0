/** Owns asking a cluster: a sealed query to a worker that proved itself, another worker where one cannot answer, the reply opened and its signature checked. */
import { sealQuery, openReply, type ClusterQuery, type PreparedQuery, type QueryAnswer, type ReplyPoint } from '@phalanx/primitives/contracts'
import { AppError, isAppError } from '@phalanx/primitives/errors'
import type { PickedWorker } from '../cluster/pick-worker.ts'
import '../errors.ts'
import type { Session } from './session.ts'

/** An answer and where it is from. */
export interface ClusterAnswer {
  readonly answer: QueryAnswer
  readonly worker: PickedWorker
  /** Block and state root for which the worker signed. */
  readonly point: ReplyPoint
  readonly signature: Uint8Array
}

/** Trouble of one worker alone: another one is asked. */
const ELSEWHERE: readonly string[] = [
  'SDK_WORKER_UNREACHABLE', 'QUERY_NOT_SERVING', 'QUERY_NO_CLUSTER', 'QUERY_GATEKEEPER', 'QUERY_STATE_DIFFERS', 'QUERY_OVERLOADED', 'QUERY_ENGINE_FAILED', 'QUERY_CLUSTER_MISMATCH',
  'WORKER_UNINITIALIZED', 'WORKER_METHOD_NOT_OFFERED', 'WORKER_HALTED', 'REPLY_SIGNATURE_INVALID', 'REPLY_STATE_OLD', 'REPLY_BLOCK_UNKNOWN', 'SEALED_NOT_OPENED',
]
/** The worker has not come so far, or not yet. */
const BEHIND: readonly string[] = ['QUERY_STATE_BEHIND', 'QUERY_BLOCK_UNKNOWN']
/** Its key has changed since it was looked up. */
const OLD_KEY = 'WORKER_ECDH_EPOCH_UNKNOWN'
const ATTEMPTS_MAX = 20
/** So often the same worker is asked while it is behind; then the others are, for it may not come further at all. */
const PATIENT_ATTEMPTS = 5
const FIRST_WAIT_MS = 25
const WAIT_MS_MAX = 4000
const QUERY_LIFE = 64
const SEED_BYTES = 32
const IV_BYTES = 12

/** The worker's own code of an error, else ours. */
export const codeOf = (error: unknown): string => {
  if (isAppError(error, 'WIRE_CALL_FAILED')) return error.context.code
  return isAppError(error, 'SDK_MESSAGE_REFUSED') ? error.context.code : isAppError(error) ? error.code : ''
}

const prepare = async (session: Session, worker: PickedWorker, query: ClusterQuery): Promise<PreparedQuery> => {
  const { genesisHash: genesis, surroundings: { crypto, random } } = session.network
  const [head, atLeast] = await Promise.all([session.headBlock(), session.atLeast()])
  const content = {
    genesis, worker: worker.publicKey, cluster: worker.cluster, atLeast, notAfter: Math.max(head.number, atLeast.number) + QUERY_LIFE, nonce: random.bytes(SEED_BYTES), query,
  }
  const signer = await session.signQuery(content)
  return sealQuery(crypto, { target: { ...worker.key, genesis }, content, signer, random: { seed: random.bytes(SEED_BYTES), iv: random.bytes(IV_BYTES) } })
}

const askWorker = async (session: Session, worker: PickedWorker, { query, entry }: Question): Promise<ClusterAnswer> => {
  const { crypto } = session.network.surroundings
  const prepared = await prepare(session, worker, query)
  try {
    const { sealed } = await worker.api.PhalanxAPI.Query({ sealed: prepared.sealed.bytes })
    const { outcome, point, signature } = openReply(crypto, prepared, sealed)
    if (!outcome.ok) throw new AppError('SDK_MESSAGE_REFUSED', { entry, code: outcome.error.code, reason: outcome.error.text, receipt: undefined })
    await session.assertFinal({ number: point.blockNumber, hash: point.blockHash })
    return { answer: outcome.value, worker, point, signature }
  } finally {
    prepared.channel.wipe()
  }
}

/** What is asked, and how to call it in errors. */
export interface Question {
  readonly cluster: Uint8Array
  readonly query: ClusterQuery
  readonly entry: string
}

/** What to do about an error of one attempt. */
type Remedy = 'elsewhere' | 'later' | 'look again' | 'give up'

const remedyOf = (error: unknown): Remedy => {
  const code = codeOf(error)
  if (ELSEWHERE.includes(code)) return 'elsewhere'
  if (BEHIND.includes(code)) return 'later'
  return code === OLD_KEY ? 'look again' : 'give up'
}

/** Waits for a worker that is behind the node: it mostly is so by moments, and the next look is a little later each time. */
const giveTime = ({ network: { surroundings: { clock } } }: Session, attempt: number): Promise<void> =>
  new Promise((resolve) => clock.after(Math.min(FIRST_WAIT_MS * 2 ** (attempt - 1), WAIT_MS_MAX), resolve))

/**
 * Asks a cluster.
 * @throws SDK_WORKER_NONE, SDK_MESSAGE_REFUSED with the worker's code, SDK_SIGNING_REFUSED, connection codes
 */
export const askCluster = async (session: Session, question: Question): Promise<ClusterAnswer> => {
  const tried: Uint8Array[] = []
  let behind: Uint8Array[] = []
  let last: unknown
  for (let attempt = 1; ; attempt++) {
    const worker = await session.network.pickWorker(question.cluster, { except: [...tried, ...behind] }).catch((error: unknown) => {
      if (behind.length > 0 && isAppError(error, 'SDK_WORKER_NONE')) return undefined
      // The worker that was asked says more than that there is no other.
      throw last !== undefined && isAppError(error, 'SDK_WORKER_NONE') ? last : error
    })
    if (worker === undefined) {
      // All others are behind, too, or give no answer.
      behind = []
      continue
    }
    try {
      return await askWorker(session, worker, question)
    } catch (error) {
      last = error
      const remedy = attempt >= ATTEMPTS_MAX ? 'give up' : remedyOf(error)
      if (remedy === 'give up') throw error
      session.network.forgetWorker(worker)
      if (remedy === 'elsewhere') tried.push(worker.publicKey)
      if (remedy !== 'later') continue
      if (attempt >= PATIENT_ATTEMPTS) behind.push(worker.publicKey)
      await giveTime(session, attempt)
    }
  }
}
