/** Owns reading what contracts logged, once or following: pages of one worker's records, asked for after blocks, never by the clock. */
import type { LogRecord } from '@phalanx/primitives/contracts'
import { AppError, isAppError } from '@phalanx/primitives/errors'
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
  readonly signal?: { readonly aborted: boolean; addEventListener(type: 'abort', listener: () => void): void }
}

/** A record, events read by the contract's interface. */
export interface ContractLog {
  readonly sequence: bigint
  readonly block: number
  readonly content: LogRecord['content']
  readonly event: ContractEvent | undefined
}

const PAGE = 256
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

/** Waits for another block, or until it is to end. */
const nextBlock = async ({ session: { network } }: LogSource, signal: LogOptions['signal']): Promise<void> => {
  const { number } = (await network.state()).block
  let isOver = false
  const aborted = new Promise<void>((resolve) => signal?.addEventListener('abort', () => {
    isOver = true
    resolve()
  }))
  const further = network.waitFor({ what: 'further block', timeoutMs: WAIT_MS, find: (state) => Promise.resolve(state.block.number > number || isOver ? true : undefined) })
  await Promise.race([aborted, further.then(() => {}, (error: unknown) => {
    if (!isAppError(error, 'SDK_WAIT_TIMEOUT')) throw error
  })])
}

/**
 * Records that the session's account may read: of contracts that it deployed, all of a cluster that it owns, and outputs of its own commands.
 * @throws those of `askCluster`
 */
export async function* readLogs(source: LogSource, { follow = false, last, signal }: LogOptions = {}): AsyncGenerator<ContractLog, void, undefined> {
  let start: Parameters<typeof readPage>[1] = last === undefined ? { kind: 'From', value: 0n } : { kind: 'FromEnd', value: last }
  while (signal?.aborted !== true) {
    const { next, records } = await readPage(source, start)
    for (const record of records) yield shown(source.interface, record)
    const isAll = start.kind === 'From' && next === start.value
    start = { kind: 'From', value: next }
    if (records.length > 0 && !isAll) continue
    if (!follow) return
    await nextBlock(source, signal)
  }
}
