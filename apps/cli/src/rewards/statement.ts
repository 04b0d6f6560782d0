/**
 * Owns making a statement of rewards: every event of a worker or pool in a range of finalised blocks, in order, with sums to the planck. A worker's
 * sum of payouts is compared with what the chain itself counted for its session.
 */
import { bytesEqual, parseHex, toHex } from '@phalanx/primitives/bytes'
import { u64 } from '@phalanx/primitives/codec'
import type { Crypto } from '@phalanx/primitives/crypto'
import { AppError, isAppError } from '@phalanx/primitives/errors'
import { phalaBasePoolStorage, phalaComputationStorage, phalaRegistryStorage } from '@phalanx/runtime/storage'
import { fetchEvents, type ChainClient, type ChainEvent } from '@phalanx/sdk'
import '../errors.ts'
import { addAmounts, NOTHING, poolLine, SETTLE_FAILED, workerLine, type Amounts, type Line, type WorkerInTime } from './rows.ts'

/** Blocks asked for at once. */
const AT_ONCE = 64

/** Whose statement. */
export type Subject = { readonly kind: 'worker'; readonly pubkey: Uint8Array } | { readonly kind: 'pool'; readonly pid: bigint }

/** One line with its block. `timeMs` is the block's time. */
export interface Row extends Line {
  readonly block: number
  readonly timeMs: bigint
}

/**
 * A statement. `counted`: what the chain's own count of the session's payouts grew by; undefined where the worker changed sessions, or for pools.
 * `uncounted`: payouts of settlements that the chain paid and did not count.
 */
export interface Statement {
  readonly from: number
  readonly to: number
  readonly rows: readonly Row[]
  readonly totals: Amounts
  readonly counted: bigint | undefined
  readonly uncounted: bigint
}

/** What a statement is about. */
export interface StatementRequest {
  readonly subject: Subject
  readonly from: number
  readonly to: number | undefined
  readonly onProgress: (done: number, of: number) => void
}

const range = (from: number, to: number, reason: string, cause?: unknown): AppError => new AppError('CLI_RANGE_INVALID', { from, to, reason }, { cause })

class Reader {
  private readonly chain: ChainClient
  private readonly crypto: Crypto

  constructor(chain: ChainClient, crypto: Crypto) {
    this.chain = chain
    this.crypto = crypto
  }

  async hash(block: number): Promise<Uint8Array> {
    const answer = await this.chain.rpc.request('chain_getBlockHash', [block])
    if (typeof answer !== 'string' || !/^0x[0-9a-f]{64}$/i.test(answer)) throw new AppError('SDK_RESPONSE_MALFORMED', { url: this.chain.url, what: 'chain_getBlockHash' })
    return parseHex(answer)
  }

  events(hash: Uint8Array): Promise<readonly ChainEvent[]> {
    return fetchEvents(this.chain, hash)
  }

  async timeMs(hash: Uint8Array): Promise<bigint> {
    const metadata = await this.chain.metadata()
    const raw = await this.chain.storage(metadata.storagePrefix('Timestamp', 'Now'), hash)
    return raw === undefined ? 0n : u64.decode(raw)
  }

  async sessionOf(pubkey: Uint8Array, hash: Uint8Array): Promise<Uint8Array | undefined> {
    return this.chain.storage(phalaComputationStorage.workerBindings.key(this.crypto, pubkey), hash)
  }

  async rewardOf(session: Uint8Array, hash: Uint8Array): Promise<bigint> {
    const { sessions } = phalaComputationStorage
    return sessions.decode(await this.chain.storage(sessions.key(this.crypto, session), hash))?.stats.totalReward ?? 0n
  }

  hasPool(pid: bigint, hash: Uint8Array): Promise<boolean> {
    return this.chain.storage(phalaBasePoolStorage.pools.key(this.crypto, pid), hash).then((raw) => raw !== undefined)
  }

  async isRegistered(pubkey: Uint8Array, hash: Uint8Array): Promise<boolean> {
    return (await this.chain.storage(phalaRegistryStorage.workers.key(this.crypto, pubkey), hash)) !== undefined
  }
}

/** What the node says of a state that it does not keep any more. */
const isPruned = (error: unknown): boolean => isAppError(error, 'SDK_RPC_REFUSED') && /not kept|pruned/i.test(String(error.context.reason))

const ensureKnown = async (reader: Reader, subject: Subject, at: Uint8Array, url: string): Promise<void> => {
  const isKnown = subject.kind === 'pool' ? await reader.hasPool(subject.pid, at) : await reader.isRegistered(subject.pubkey, at)
  if (!isKnown) throw new AppError('CLI_NOT_ON_CHAIN', { what: subject.kind, id: subject.kind === 'pool' ? subject.pid.toString() : toHex(subject.pubkey), url })
}

/** What the chain counted for one session over the whole range. */
const countedFor = async (reader: Reader, worker: WorkerInTime, first: Uint8Array | undefined, edges: { readonly before: Uint8Array; readonly last: Uint8Array }): Promise<bigint | undefined> => {
  const { session } = worker
  if (session === undefined || first === undefined || !bytesEqual(first, session)) return undefined
  const [before, after] = await Promise.all([reader.rewardOf(session, edges.before), reader.rewardOf(session, edges.last)])
  return after < before ? undefined : after - before
}

/** Completes settlements whose event names no payout: what the chain counted in the block and no other line of the block explains. */
const withMissingPayout = async (reader: Reader, session: Uint8Array | undefined, at: { readonly block: number; readonly hash: Uint8Array }, lines: readonly Line[]): Promise<readonly Line[]> => {
  const missing = lines.findIndex(({ event }) => event === SETTLE_FAILED)
  if (missing < 0 || session === undefined) return lines
  const [before, after] = await Promise.all([reader.hash(at.block - 1).then((hash) => reader.rewardOf(session, hash)), reader.rewardOf(session, at.hash)])
  const told = lines.reduce((sum, { amounts, isUncounted }) => (isUncounted === true ? sum : sum + (amounts.payout ?? 0n)), 0n)
  const payout = after - before - told
  return payout > 0n ? lines.map((line, i) => (i === missing ? { ...line, amounts: { payout } } : line)) : lines
}

/** Lines of a batch of blocks; blocks are read side by side and told in order. */
const readBatch = async (reader: Reader, blocks: readonly number[], teller: Teller): Promise<readonly Row[]> => {
  const read = await Promise.all(blocks.map(async (block) => {
    const hash = await reader.hash(block)
    return { block, hash, events: await reader.events(hash) }
  }))
  const rows: Row[] = []
  for (const { block, hash, events } of read) {
    const lines = events.map(teller.lineOf).filter((line) => line !== undefined)
    if (lines.length === 0) continue
    const timeMs = await reader.timeMs(hash)
    for (const line of await withMissingPayout(reader, teller.worker?.session, { block, hash }, lines)) rows.push({ block, timeMs, ...line })
  }
  return rows
}

/** Whose events count, and what they say. */
interface Teller {
  readonly worker: WorkerInTime | undefined
  readonly lineOf: (event: ChainEvent) => Line | undefined
}

const tellerOf = async (reader: Reader, subject: Subject, before: Uint8Array): Promise<Teller> => {
  if (subject.kind === 'pool') return { worker: undefined, lineOf: (event) => poolLine(event, subject.pid) }
  const worker: WorkerInTime = { pubkey: subject.pubkey, session: await reader.sessionOf(subject.pubkey, before) }
  return { worker, lineOf: (event) => workerLine(event, worker) }
}

/** Makes a statement. @throws CLI_RANGE_INVALID, CLI_NOT_ON_CHAIN and connection codes */
export const makeStatement = async (request: StatementRequest, dependencies: { readonly chain: ChainClient; readonly crypto: Crypto }): Promise<Statement> => {
  const { subject, from, onProgress } = request
  const { chain, crypto } = dependencies
  const reader = new Reader(chain, crypto)
  const head = await chain.finalizedHead()
  const to = request.to ?? head.number
  if (from > to) throw range(from, to, 'the first is after the last')
  if (to > head.number) throw range(from, to, `the last finalised block is ${head.number}`)
  await ensureKnown(reader, subject, head.hash, chain.url)
  try {
    const edges = { before: await reader.hash(Math.max(0, from - 1)), last: await reader.hash(to) }
    const teller = await tellerOf(reader, subject, edges.before)
    const first = teller.worker?.session
    const rows: Row[] = []
    for (let block = from; block <= to; block += AT_ONCE) {
      const blocks = Array.from({ length: Math.min(AT_ONCE, to - block + 1) }, (_, i) => block + i)
      rows.push(...(await readBatch(reader, blocks, teller)))
      onProgress(block - from + blocks.length, to - from + 1)
    }
    const totals = rows.reduce((sum, { amounts }) => addAmounts(sum, amounts), NOTHING)
    const uncounted = rows.reduce((sum, { amounts, isUncounted }) => (isUncounted === true ? sum + (amounts.payout ?? 0n) : sum), 0n)
    const counted = teller.worker === undefined ? undefined : await countedFor(reader, teller.worker, first, edges)
    return { from, to, rows, totals, counted, uncounted }
  } catch (error) {
    throw isPruned(error) ? range(from, to, 'the node does not keep the state of all of them', error) : error
  }
}
