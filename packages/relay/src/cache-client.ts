/**
 * Owns block feeding from relay to relay: asking another relay's cache over HTTP, and answering such questions. The questions are
 * those of a node's JSON-RPC, `chain_getBlockHash [0]` and `phalanx_getBlocks [from, limit]`, so a node's HTTP port may be listed too.
 */
import { parseHex, toHex, utf8, parseUtf8 } from '@phalanx/primitives/bytes'
import { FEED_BLOCKS_MAX } from '@phalanx/primitives/chain'
import { AppError, isAppError } from '@phalanx/primitives/errors'
import type { HttpClient } from '@phalanx/sdk'

/** Another relay's cache, or whatever answers like one. */
export interface CacheClient {
  readonly url: string
  genesisHash(): Promise<Uint8Array>
  /** SCALE FollowedBlocks; none where it is not that far. */
  getBlocks(from: number, limit: number): Promise<Uint8Array>
}

/** What serves blocks to other relays. */
export interface BlockServer {
  /** Hex hash of the chain served; undefined while no node has answered. */
  genesis(): string | undefined
  getBlocks(from: number, limit: number): Promise<Uint8Array>
}

/** Hex of the largest feed and its envelope. */
const ANSWER_BYTES_MAX = 24 * 1024 * 1024
const TIMEOUT_MS = 10_000

/** A client over HTTP. */
export const createCacheClient = (options: { readonly url: string }, dependencies: { readonly http: HttpClient }): CacheClient => {
  const { url } = options
  const ask = async (method: string, params: readonly unknown[]): Promise<Uint8Array> => {
    const body = utf8(JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }))
    const answer = await dependencies.http({ method: 'POST', url, body, timeoutMs: TIMEOUT_MS, maxBytes: ANSWER_BYTES_MAX, headers: { 'content-type': 'application/json' } })
    try {
      const { result, error } = JSON.parse(parseUtf8(answer.body)) as { result?: unknown; error?: { code?: unknown; message?: unknown } }
      if (typeof result === 'string') return parseHex(result)
      throw new AppError('RELAY_CACHE_REFUSED', { url, reason: String(error?.message ?? `status ${answer.status}`).slice(0, 200) })
    } catch (cause) {
      if (isAppError(cause, 'RELAY_CACHE_REFUSED')) throw cause
      throw new AppError('RELAY_CACHE_REFUSED', { url, reason: `its answer to ${method} is malformed` }, { cause })
    }
  }
  return { url, genesisHash: () => ask('chain_getBlockHash', [0]), getBlocks: (from, limit) => ask('phalanx_getBlocks', [from, limit]) }
}

interface Question {
  readonly id: string | number | null
  readonly method: unknown
  readonly params: readonly unknown[]
}

const parseQuestion = (text: string): Question | undefined => {
  try {
    const value = JSON.parse(text) as { id?: unknown; method?: unknown; params?: unknown } | null
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
    const id = typeof value.id === 'string' || typeof value.id === 'number' ? value.id : null
    return { id, method: value.method, params: Array.isArray(value.params) ? value.params : [] }
  } catch {
    return undefined
  }
}

const isNumber = (value: unknown, least: number): value is number => typeof value === 'number' && Number.isInteger(value) && value >= least && value <= 0xffff_ffff

/** Answers the body of one question with that of its answer; never rejects. */
export const answerCacheQuestion = async (server: BlockServer, text: string): Promise<string> => {
  const question = parseQuestion(text)
  const refuse = (code: number, message: string): string => JSON.stringify({ jsonrpc: '2.0', id: question?.id ?? null, error: { code, message } })
  if (question === undefined) return refuse(-32600, 'not a JSON-RPC request')
  const { id, method, params } = question
  const [first, second] = params
  const accept = (result: string): string => JSON.stringify({ jsonrpc: '2.0', id, result })
  try {
    if (method === 'chain_getBlockHash' && first === 0) {
      const genesis = server.genesis()
      return genesis === undefined ? refuse(-32000, 'no node has answered yet') : accept(genesis)
    }
    if (method !== 'phalanx_getBlocks') return refuse(-32601, 'only chain_getBlockHash [0] and phalanx_getBlocks are served')
    if (params.length !== 2 || !isNumber(first, 1) || !isNumber(second, 1)) return refuse(-32602, 'phalanx_getBlocks takes the first number and a count, both from 1')
    return accept(toHex(await server.getBlocks(first, Math.min(second, FEED_BLOCKS_MAX))))
  } catch (error) {
    return refuse(-32000, isAppError(error) ? error.code : 'the blocks cannot be fetched')
  }
}
