/** Owns reading what contracts logged, once or following: pages of one worker's records, asked for after blocks, never by the clock. */
import type { LogRecord } from '@phalanx/primitives/contracts'
import { AppError, isAppError } from '@phalanx/primitives/errors'
import type { ChainState } from '../cluster/chain-state.ts'
import type { AbortSignalLike } from '../cluster/patience.ts'
import '../errors.ts'
import { askCluster } from './ask.ts'
import type { ContractEvent, ContractInterface } from './interface.ts'
import type { Session } from './session.ts'

/** Which records. Sequences are those of one worker: who follows goes on with the worker that answered. */
export interface LogOptions {
  /** Goes on with what comes. */
  readonly follow?: boolean
  /** So many of the newest first, all that the worker keeps where left out. */
  readonly last?: number
  /** Ends following. */
  readonly signal?: AbortSignalLike
}

/** A record, events read by the contract's interface. */
export interface ContractLog {
  readonly sequence: bigint
  readonly block: number
  readonly content: LogRecord['content']
  readonly event: ContractEvent | undefined
}

const PAGE = 256
/** How long the node may be away from who follows. */
const OUTAGE_MS_MAX = 600_000
/** How long following waits for a block before it looks whether it is to go on. */
const WAIT_MS = 60_000

/** Whose logs. `contract` undefined: all of the cluster that the account may read. */
export interface LogSource {
  readonly session: Session
  readonly cluster: Uint8Array
  readonly contract: Uint8Array | undefined
  readonly interface: ContractInterface | undefined
}

const readPage = async ({ session, cluster, contract }: LogSource, start: { readonly kind: 'From'; readonly value: bigint } | { readonly kind: 'FromEnd'; readonly value: number }) => {
  const { answer } = await askCluster(session, { cluster, entry: 'logs', query: { kind: 'Logs', value: { contract, start, count: PAGE } } })
  if (answer.kind !== 'Logs') throw new AppError('SDK_MESSAGE_REFUSED', { entry: 'logs', code: 'REPLY_MISMATCH', reason: 'the reply is to another question', receipt: undefined })
  return answer.value
}

const shown = (contracts: ContractInterface | undefined, { sequence, block, content }: LogRecord): ContractLog => ({
  sequence, block, content,
  event: content.kind === 'Event' && contracts !== undefined ? contracts.readEvent({ topics: content.value.topics, data: content.value.payload }) : undefined,
})

/** Asks again where the node goes away meanwhile, if the records are followed: who follows wants to go on when it is back. */
const patiently = <T>({ session: { network } }: LogSource, { follow, signal }: LogOptions, ask: () => Promise<T>): Promise<T> =>
  follow === true ? network.holdOut({ what: 'records of the contract', timeoutMs: OUTAGE_MS_MAX, from: 'outage', signal }, ask) : ask()

/** Waits for another block. */
const nextBlock = async (source: LogSource, options: LogOptions): Promise<void> => {
  const { network } = source.session
  const { number } = await patiently(source, options, async () => (await network.state()).block)
  const find = (state: ChainState): Promise<true | undefined> => Promise.resolve(state.block.number > number ? true : undefined)
  await network.waitFor({ what: 'further block', timeoutMs: WAIT_MS, signal: options.signal, find }).catch((error: unknown) => {
    if (!isAppError(error, 'SDK_WAIT_TIMEOUT')) throw error
  })
}

const isAborted = (error: unknown): boolean => isAppError(error, 'SDK_WAIT_ABORTED')

/**
 * Records that the session's account may read: of contracts that it deployed, all of a cluster that it owns, and outputs of its own commands.
 * @throws those of `askCluster`
 */
export async function* readLogs(source: LogSource, options: LogOptions = {}): AsyncGenerator<ContractLog, void, undefined> {
  try {
    yield* follow(source, options)
  } catch (error) {
    // Whoever ends following has not asked for an error.
    if (!isAborted(error)) throw error
  }
}

async function* follow(source: LogSource, options: LogOptions): AsyncGenerator<ContractLog, void, undefined> {
  const { last, signal } = options
  let start: Parameters<typeof readPage>[1] = last === undefined ? { kind: 'From', value: 0n } : { kind: 'FromEnd', value: last }
  while (signal?.aborted !== true) {
    const from = start
    const { next, records } = await patiently(source, options, () => readPage(source, from))
    for (const record of records) yield shown(source.interface, record)
    const isAll = start.kind === 'From' && next === start.value
    start = { kind: 'From', value: next }
    if (records.length > 0 && !isAll) continue
    if (options.follow !== true) return
    await nextBlock(source, options)
  }
}
