/**
 * Owns what is asked of every answer to a query: that it is one to this query, for a final block and the state that the cluster has there, and says what the model says;
 * and of every refusal that there is a reason for it. Does not own the model of clusters.
 */
import { bytesEqual, toHex, toHexPlain } from '@phalanx/primitives/bytes'
import { u64 } from '@phalanx/primitives/codec'
import type { LogRecord } from '@phalanx/primitives/contracts'
import type { ClusterAudit } from './cluster-audit.ts'
import type { SentCommand } from './cluster-commands.ts'
import type { CalledAnswer, QueryEnd, SentQuery } from './cluster-queries.ts'
import { canariesOf, DEEDS, endOfDeed } from './scripted-contract.ts'

/** Counts of queries. */
export interface QueryCounts {
  asked: number
  answered: number
  /** Refused with good reason. */
  refused: number
  /** Neither: the worker was down, or the network lost one of the two messages. */
  lost: number
}

/** The audit. */
export interface QueryAudit {
  readonly counts: Readonly<QueryCounts>
  /** A worker, called `name`, did this with a query. Says what is wrong, if anything. */
  judge(name: string, sent: SentQuery, end: QueryEnd): string | undefined
}

/** Parts of the audit. `finalized` are hashes of blocks by number, `owner` is who may read what contracts log. */
export interface QueryAuditDependencies {
  readonly clusters: Pick<ClusterAudit, 'noteAnswer' | 'heldAt' | 'isBereft'>
  readonly commands: readonly SentCommand[]
  readonly finalized: readonly string[]
  readonly owner: Uint8Array
}

/** A proper query is refused so by a worker that is not in a position to answer: it has just started or joined, has changed its key, or is behind, perhaps so far that a query seems to live too long. */
const CIRCUMSTANCES: readonly string[] = [
  'WORKER_UNINITIALIZED', 'WORKER_ECDH_EPOCH_UNKNOWN', 'QUERY_NOT_SERVING', 'QUERY_NO_CLUSTER', 'QUERY_CLUSTER_MISMATCH', 'QUERY_STATE_BEHIND', 'QUERY_BLOCK_UNKNOWN',
  'QUERY_LIFE_EXCEEDED',
]

/** Starts with nothing asked. */
export const createQueryAudit = (dependencies: QueryAuditDependencies): QueryAudit => {
  const counts: QueryCounts = { asked: 0, answered: 0, refused: 0, lost: 0 }
  return {
    counts,
    judge(name, sent, end) {
      counts.asked++
      if (end.kind === 'Lost') counts.lost++
      if (end.kind === 'Refused') counts.refused++
      if (end.kind === 'Answered') counts.answered++
      const problem = end.kind === 'Lost' ? undefined : end.kind === 'Refused' ? judgeRefusal(sent, end.value) : judgeAnswer(dependencies, name, sent, end.value)
      return problem === undefined ? undefined : `${name} ${problem}`
    },
  }
}

const judgeRefusal = ({ flaw, way }: SentQuery, code: string): string | undefined => {
  if (code === flaw || CIRCUMSTANCES.includes(code)) return undefined
  // What is asked again may be over by then.
  if (code === 'QUERY_EXPIRED' && flaw === 'QUERY_REPLAYED') return undefined
  // In the reference's form nobody says which block the worker must have followed.
  if (code === 'QUERY_CONTRACT_UNKNOWN' && way.kind === 'Reference') return undefined
  return `refused a query by ${code}${flaw === undefined ? '' : `, not ${flaw}`}`
}

type Answered = Extract<QueryEnd, { kind: 'Answered' }>['value']

const judgeAnswer = (parts: QueryAuditDependencies, name: string, sent: SentQuery, { block, point, answer }: Answered): string | undefined => {
  const { clusters, finalized } = parts
  if (sent.flaw !== undefined) return `answered a query that it had to refuse by ${sent.flaw}`
  if (finalized[block] === undefined) return `answered for block ${block}, which is not final`
  if (point !== undefined && toHex(point.blockHash) !== finalized[block]) return `answered for block ${block} as ${toHex(point.blockHash)}, not ${finalized[block]}`
  const differs = point === undefined ? undefined : clusters.noteAnswer(name, { cluster: toHex(sent.cluster), block, stateRoot: point.stateRoot })
  if (differs !== undefined) return `answered otherwise: ${differs}`
  const { query } = sent
  if (clusters.isBereft(toHex(sent.cluster))) return undefined
  if (query.kind === 'Logs') return answer.kind === 'Logs' ? judgeLogs(parts, sent, answer.value.records) : 'answered another question'
  if (query.kind === 'EstimateInstantiate' || answer.kind !== 'Called') return 'answered another question'
  const problem = judgeCall(parts, { ...sent, ...query.value }, block, answer.value)
  return problem === undefined ? undefined : `asked at block ${block} what deed ${query.value.input[0]} comes to ${problem}`
}

interface Call {
  readonly asker: Uint8Array
  readonly contract: Uint8Array
  readonly input: Uint8Array
}

const judgeCall = ({ clusters, owner }: QueryAuditDependencies, { asker, contract, input }: Call, block: number, { result, failure, logs }: CalledAnswer['value']): string | undefined => {
  const [one] = canariesOf(input)
  // Whoever asks in the reference's form is told no logs.
  const told = input[0] === DEEDS.say && bytesEqual(asker, owner) ? toHexPlain(one) : ''
  if (logs !== undefined && logs.join() !== told) return `told ${logs.length} lines of log`
  const end = endOfDeed(input)
  if (!result.ok) return end === 'fails' ? undefined : `says that it failed (${failure ?? 'no reason'})`
  if (end === 'fails' || result.value.flags !== (end === 'reverts' ? 1 : 0)) return `says that it ended with flags ${result.value.flags}`
  const { data } = result.value
  const held = clusters.heldAt(contract, block)
  if (input[0] === DEEDS.read) return held.judgeRead(one, data)
  const wanted = end === 'reverts' ? one : u64.encode(held.count + 1n)
  return bytesEqual(data, wanted) ? undefined : `says ${toHex(data)}, not ${toHex(wanted)}`
}

/** The owner of the cluster reads what the contract said in commands; all others only what came of their own. */
const judgeLogs = ({ commands, owner }: QueryAuditDependencies, { asker, query }: SentQuery, records: readonly LogRecord[]): string | undefined => {
  const { contract } = query.value as { readonly contract: Uint8Array | undefined }
  const isOwner = bytesEqual(asker, owner)
  const said = new Set(commands.flatMap(({ input }) => (input?.[0] === DEEDS.say ? [toHexPlain(canariesOf(input)[0])] : [])))
  for (const { content } of records) {
    const isOwn = content.kind === 'Output' && bytesEqual(content.value.origin, asker)
    if (!isOwner && !isOwn) return `told a ${content.kind} to who may not read it`
    if (contract === undefined) continue
    if (content.kind === 'Log' && !said.has(content.value.message)) return 'told a line of log that nobody had the contract say'
    if (content.kind === 'Event' && !said.has(toHexPlain(content.value.topics[0] ?? new Uint8Array(0)))) return 'told an event that nobody had the contract give'
  }
  return undefined
}
