/** Owns the answers of the log server in the reference's form: JSON in, JSON out (cluster_contracts.md section 9). Who may read what is contracts/query/read-logs.ts. */
import { parseHex, parseUtf8, toHex, utf8 } from '@phalanx/primitives/bytes'
import type { LogRecord } from '@phalanx/primitives/contracts'
import type { Crypto } from '@phalanx/primitives/crypto'
import { isAppError } from '@phalanx/primitives/errors'
import { countLogs, LOG_RING_BYTES_MAX } from '../contracts/cluster/log-ring.ts'
import type { ClusterState } from '../contracts/cluster/state.ts'
import { readLogPage } from '../contracts/query/read-logs.ts'

const PROGRAM_VERSION = [0, 1, 0]
const ID_BYTES = 32
const INVALID = { error: 'Invalid input' }
const MODES = ['query', 'estimating', 'transaction']

const recordToJson = ({ sequence, block, content }: LogRecord): unknown => {
  const start = { sequence: Number(sequence), type: content.kind === 'Output' ? 'MessageOutput' : content.kind, blockNumber: block }
  switch (content.kind) {
    case 'Log': {
      const { contract, entry, mode, timeMs, level, message } = content.value
      return { ...start, contract: toHex(contract), entry: toHex(entry), execMode: MODES[mode] ?? 'transaction', timestamp: Number(timeMs), level, message }
    }
    case 'Event': {
      const { contract, topics, payload } = content.value
      return { ...start, contract: toHex(contract), topics: topics.map(toHex), payload: toHex(payload) }
    }
    case 'Output': {
      const { origin, contract, nonce, output } = content.value
      return { ...start, origin: toHex(origin), contract: toHex(contract), nonce: toHex(nonce), output: toHex(output) }
    }
  }
}

interface LogRequest {
  readonly action?: unknown
  readonly contract?: unknown
  readonly from?: unknown
  readonly count?: unknown
}

const parseRequest = (input: Uint8Array): LogRequest | undefined => {
  try {
    const value: unknown = JSON.parse(parseUtf8(input))
    return typeof value === 'object' && value !== null ? value : undefined
  } catch (error) {
    if (error instanceof SyntaxError || isAppError(error)) return undefined
    throw error
  }
}

/** A contract id in hex; undefined for none, null for anything else. */
const parseContract = (value: unknown): Uint8Array | undefined | null => {
  if (value === undefined || value === null || value === '') return undefined
  if (typeof value !== 'string' || !/^(0x)?[0-9a-fA-F]{64}$/.test(value)) return null
  const id = parseHex(value)
  return id.length === ID_BYTES ? id : null
}

const isCount = (value: unknown, min: number): value is number => Number.isSafeInteger(value) && (value as number) >= min

const answerRequest = (crypto: Crypto, cluster: ClusterState, reader: Uint8Array | undefined, request: LogRequest | undefined): unknown => {
  if (request?.action === 'GetInfo') {
    const { logs } = cluster
    const used = logs.bytes
    return {
      programVersion: PROGRAM_VERSION, nextSequence: Number(logs.next), memoryCapacity: LOG_RING_BYTES_MAX, memoryUsage: used, currentNumberOfRecords: countLogs(logs),
      estimatedCurrentSize: used,
    }
  }
  const { from = 0, count = 0 } = request ?? {}
  const contract = parseContract(request?.contract)
  if (request?.action !== 'GetLog' || contract === null || !isCount(from, Number.MIN_SAFE_INTEGER) || !isCount(count, 0)) return INVALID
  const { records, next } = readLogPage(crypto, cluster, { reader, contract, from: BigInt(from), count })
  return { records: records.map(recordToJson), next: Number(next) }
}

/** Answers the log server's JSON request. */
export const answerLogger = (crypto: Crypto, cluster: ClusterState, { reader, input }: { readonly reader: Uint8Array | undefined; readonly input: Uint8Array }): Uint8Array =>
  utf8(JSON.stringify(answerRequest(crypto, cluster, reader, parseRequest(input))))
