/** Owns the options of a node and what they are when nobody says otherwise. */
import { availableParallelism } from 'node:os'
import { AppError } from '@phalanx/primitives/errors'
import type { ChainSpec } from '@phalanx/runtime/frame'
import type { Sealing } from './engine/embedded.ts'
import './errors.ts'
import type { RpcLimits } from './rpc/dispatcher.ts'
import type { PoolLimits } from './txpool/pool.ts'

/** How a node behaves. */
export interface NodeOptions {
  readonly chainSpec: ChainSpec
  readonly sealing: Sealing
  /** Where the database lies, for messages. */
  readonly folder?: string
  /** Keeps the state of every block. */
  readonly isArchive?: boolean
  /** Blocks whose state is kept otherwise; block data is always kept. */
  readonly keepStates?: number
  /** ed25519 seed (32 bytes) of the GRANDPA authority; without it the node authors nothing. */
  readonly authoritySeed?: Uint8Array | undefined
  /** Threads that check signatures; 0 checks on the main thread. Default: one per core, at most 8. */
  readonly threads?: number
  readonly isUnsafeRpcAllowed?: boolean
  readonly rpcLimits?: Partial<RpcLimits>
  readonly poolLimits?: Partial<PoolLimits>
  readonly name?: string
  readonly version?: string
  /** Collects metrics; default true. The simulator runs without. */
  readonly hasMetrics?: boolean
}

/** Blocks whose state is kept unless configured otherwise. */
export const KEEP_STATES = 256
/** Fewest blocks whose state may be kept: followers and mortal transactions need some. */
const KEEP_STATES_MIN = 16
const THREADS_MAX = 8
const SEED_BYTES = 32

/** Threads unless configured otherwise. */
export const defaultThreads = (): number => Math.min(THREADS_MAX, availableParallelism())

/** @throws OPTIONS_INVALID */
export const assertOptions = (options: NodeOptions): void => {
  const { keepStates, threads, authoritySeed, sealing } = options
  const refuse = (field: string, expected: string): never => {
    throw new AppError('OPTIONS_INVALID', { field, expected })
  }
  if (keepStates !== undefined && (!Number.isInteger(keepStates) || keepStates < KEEP_STATES_MIN)) refuse('keepStates', `a whole number of at least ${KEEP_STATES_MIN}`)
  if (threads !== undefined && (!Number.isInteger(threads) || threads < 0 || threads > 64)) refuse('threads', 'a whole number from 0 to 64')
  if (authoritySeed !== undefined && authoritySeed.length !== SEED_BYTES) refuse('authoritySeed', '32 bytes')
  if ('blockTimeMs' in sealing && (!Number.isInteger(sealing.blockTimeMs) || sealing.blockTimeMs < 25 || sealing.blockTimeMs > 3_600_000)) refuse('blockTimeMs', 'a whole number of milliseconds from 25 to 3,600,000')
}
